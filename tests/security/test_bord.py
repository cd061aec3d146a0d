"""The edge as a browser, a proxy or a stranger meets it: names, headers, other origins, methods, sizes (SECURITY G)."""

import asyncio

import pytest
from graphql import get_introspection_query
from pydantic import ValidationError
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Route
from starlette.types import Message

from fixtures.monde import Monde
from gateway.config import Http
from gateway.entree import OCTETS_MAX
from gateway.garde import ENTETES, Garde, intermediaires
from gateway.sante import Sante
from tests.security.bord import ADRESSE, Bord, Recue, echanger, ouverte

MOI = "{ moi { profil } }"
GRAPHQL = "application/graphql-response+json"
JETON = "Jeton d'accès absent, invalide ou expiré."


PAR_UN_FRAGMENT = 'fragment F on Query { __type(name: "Jeune") { name } }'


async def _vide(scope: object, receive: object, send: object) -> None:
    raise AssertionError("the guard let it pass")


def test_g03_five_hundred_times_one_field_is_refused_by_its_shape(bord: Bord) -> None:
    reponse = bord.demander("{" + "moi { profil } " * 450 + "}")
    assert reponse.codes == ["REQUETE_TROP_COUTEUSE"]


def test_g04_two_thousand_directives_make_one_error(bord: Bord) -> None:
    for directive in ("@skip(if: true)", "@x"):
        assert len(bord.demander("{ moi { profil " + directive * 300 + " } }").codes) == 1


def test_g05_a_batch_is_refused(bord: Bord) -> None:
    for n in (2, 1000):
        reponse = bord.graphql([{"query": MOI}] * n, accept=GRAPHQL)
        assert (reponse.statut, reponse.codes) == (400, ["REQUETE_INVALIDE"])


def test_g09_introspection_is_for_callers_and_bounded(bord: Bord) -> None:
    normale = get_introspection_query(input_value_deprecation=True, specified_by_url=True, directive_is_repeatable=True)
    assert bord.demander(normale).json["data"]["__schema"]["queryType"]["name"] == "Query"
    for requete in (
        normale,
        "{ a: __schema { types { name } } }",
        "{ moi { profil } __typename ...F } " + PAR_UN_FRAGMENT,
    ):
        refus = bord.demander(requete, authorization="")
        assert (refus.statut, refus.json["errors"][0]["message"]) == (401, JETON)
    circulaire = (
        "{ __schema { types { fields { type { fields { type { fields { type { fields { name } } } } } } } } } }"
    )
    assert bord.demander(circulaire).codes == ["REQUETE_TROP_COUTEUSE"]


@pytest.mark.parametrize("methode", ["GET", "PUT", "DELETE", "PATCH", "TRACE", "HEAD", "OPTIONS"])
def test_g13_only_post_reaches_the_graph(bord: Bord, methode: str) -> None:
    reponse = bord.appeler(methode=methode, accept="application/json")
    assert reponse.statut == 405
    assert "POST" in reponse.entetes["allow"]


def test_g13_a_url_carries_nothing(bord: Bord, caplog: pytest.LogCaptureFixture) -> None:
    reponse = bord.appeler(b'{"query": "{ moi { profil } }"}', chemin="/graphql?cle=pa_secret")
    assert (reponse.statut, reponse.codes) == (400, ["REQUETE_INVALIDE"])
    assert "paramètres dans l'URL" in caplog.text
    assert "pa_secret" not in caplog.text + reponse.corps.decode()


@pytest.mark.parametrize("nature", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data", ""])
def test_g13_what_a_form_of_another_site_may_send_is_refused(bord: Bord, nature: str) -> None:
    assert bord.appeler(b'{"query": "{ moi { profil } }"}', content_type=nature).statut == 415


def test_g13_a_cookie_is_no_credential(bord: Bord) -> None:
    assert bord.demander(MOI, authorization="", cookie=f"authorization=Bearer {bord.jeton}").statut == 401


def test_g15_size_and_encoding_are_bounded(bord: Bord) -> None:
    assert bord.appeler(b" " * (OCTETS_MAX + 1)).statut == 413
    for codage in ("gzip", "br", "deflate", "zstd", "identity, gzip"):
        assert bord.appeler(b"\x1f\x8b", content_encoding=codage).statut == 415


def test_g15_reading_stops_at_the_cap_whatever_the_length_says(bord: Bord) -> None:
    lus = 0

    async def recevoir() -> Message:
        nonlocal lus
        lus += 1
        return {"type": "http.request", "body": b" " * 65_536, "more_body": True}

    entetes = [
        (b"host", ADRESSE.encode()),
        (b"authorization", f"Bearer {bord.jeton}".encode()),
        (b"content-type", b"application/json"),
        (b"content-length", b"10"),
    ]
    assert bord.boucle.run(echanger(bord.app, "POST", "/graphql", entetes, recevoir)).statut == 413
    assert lus == OCTETS_MAX // 65_536 + 1


CANARIS = (
    "https://partenaire.invalid/api?cle=s3cret",
    "199055555555564",
    "SELECT nom FROM jeunes",
    "canari@exemple.invalid",
)


def _lever(*_: object) -> None:
    raise RuntimeError(" ".join(CANARIS))


@pytest.mark.parametrize("fonction", ["gateway.app.repondre", "gateway.composition._etats", "gateway.app.lire_demande"])
def test_g11_what_fails_here_says_nothing_of_what_it_was_doing(
    bord: Bord, monde: Monde, fonction: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(fonction, _lever)
    reponse = bord.demander("{ sources { nom } }", authorization=f"Bearer {monde.jeton('admin')}")
    assert reponse.codes == ["ERREUR_INTERNE"]
    assert reponse.json["errors"][0]["extensions"]["requestId"] == reponse.entetes["x-request-id"]
    assert "RuntimeError" in caplog.text
    assert not [canari for canari in CANARIS if canari in caplog.text + reponse.corps.decode()]


@pytest.mark.parametrize(
    "hote", ["", "ailleurs.invalid", "127.0.0.1.ailleurs.invalid", "127.0.0.1/graphql", "x@127.0.0.1"]
)
def test_g17_another_host_is_refused(bord: Bord, hote: str) -> None:
    assert bord.demander(MOI, host=hote).statut == 400


@pytest.mark.parametrize("hote", ["127.0.0.1", "127.0.0.1:8000", "LOCALHOST", "[::1]:8000", "[::1]"])
def test_g17_its_own_names_are_answered(bord: Bord, hote: str) -> None:
    assert bord.demander(MOI, host=hote).statut == 200


@pytest.mark.parametrize("nom", ["host", "authorization", "content-type", "x-finalite", "x-cle-api", "content-length"])
def test_g17_a_header_given_twice_is_refused(bord: Bord, nom: str) -> None:
    entetes = [(b"host", ADRESSE.encode()), (nom.encode(), b"a"), (nom.encode(), b"b")]
    assert bord.boucle.run(echanger(bord.app, "POST", "/graphql", entetes, b"{}")).statut == 400


def test_g17_health_is_asked_by_address(bord: Bord) -> None:
    assert bord.appeler(methode="GET", chemin="/health/live", host="10.1.2.3").statut == 200
    assert bord.appeler(methode="GET", chemin="/metrics", host="10.1.2.3").statut == 400


@pytest.mark.parametrize(
    "document",
    [
        {"query": "query A { moi { profil } } query B { moi { profil } }"},
        {"query": "{ moi { profil } } { moi { profil } }"},
        {"query": "query A { moi { profil } }", "operationName": "B"},
        {"query": "subscription { moi { profil } }"},
        {"query": "mutation { moi { profil } }"},
        {"query": "{ moi { ... @defer { profil } } }"},
        {"query": "{ moi { categories @stream } }"},
        {"query": "fragment F on Moi { profil }"},
        {"query": "type X { a: Int }"},
    ],
)
def test_g18_one_query_is_chosen_and_nothing_else_runs(bord: Bord, document: object) -> None:
    reponse = bord.graphql(document, accept=GRAPHQL)
    assert (reponse.statut, reponse.codes) == (400, ["REQUETE_INVALIDE"])
    assert "data" not in reponse.json


def test_g19_a_websocket_is_closed() -> None:
    recus: list[Message] = []

    async def envoyer(message: Message) -> None:
        recus.append(message)

    async def recevoir() -> Message:
        return {"type": "websocket.connect"}

    asyncio.run(
        Garde(_vide, Http(), ADRESSE, ouverte())(
            {"type": "websocket", "path": "/graphql", "headers": []}, recevoir, envoyer
        )
    )
    assert recus == [{"type": "websocket.close", "code": 1008}]


@pytest.mark.parametrize(
    "chemin", ["/", "/inconnu", "/graphql/", "/graphql/assets/x.js", "/favicon.ico", "//ailleurs.invalid"]
)
def test_an_unknown_path_is_told_so_in_json(bord: Bord, chemin: str) -> None:
    reponse = bord.appeler(methode="GET", chemin=chemin)
    assert (reponse.statut, reponse.codes) == (404, ["REQUETE_INVALIDE"])


@pytest.mark.parametrize(
    ("methode", "chemin"),
    [("POST", "/graphql"), ("GET", "/graphql"), ("GET", "/health/live"), ("GET", "/metrics"), ("GET", "/inconnu")],
)
def test_every_answer_has_the_security_headers(bord: Bord, methode: str, chemin: str) -> None:
    entetes = bord.appeler(methode=methode, chemin=chemin).entetes
    assert ENTETES.items() <= entetes.items()
    assert {"server", "x-powered-by", "strict-transport-security", "access-control-allow-origin"}.isdisjoint(entetes)


def _ouverte(http: Http, methode: str, *entetes: tuple[bytes, bytes]) -> Recue:
    """The answer of one small route behind the guard, configured so."""
    routes = [Route("/graphql", lambda _: PlainTextResponse("ici"), methods=["POST"])]
    app = Garde(Starlette(routes=routes, middleware=intermediaires(http)), http, ADRESSE, ouverte())
    return asyncio.run(echanger(app, methode, "/graphql", [(b"host", ADRESSE.encode()), *entetes], b""))


def test_pages_of_the_named_origins_only_may_call_without_credentials() -> None:
    http = Http(origines=("https://front.invalid",))
    demande = (
        (b"access-control-request-method", b"POST"),
        (b"access-control-request-headers", b"authorization,x-finalite"),
    )
    accordee = _ouverte(http, "OPTIONS", (b"origin", b"https://front.invalid"), *demande)
    assert (accordee.statut, accordee.entetes["access-control-allow-origin"]) == (200, "https://front.invalid")
    assert "access-control-allow-credentials" not in accordee.entetes
    for origine in (
        b"https://front.invalid.ailleurs.invalid",
        b"http://front.invalid",
        b"null",
        b"https://front.invalid:8443",
    ):
        assert "access-control-allow-origin" not in _ouverte(http, "OPTIONS", (b"origin", origine), *demande).entetes
        assert "access-control-allow-origin" not in _ouverte(http, "POST", (b"origin", origine)).entetes
    assert _ouverte(http, "POST", (b"origin", b"https://front.invalid")).corps == b"ici"


def test_without_named_origins_there_is_no_cors(bord: Bord) -> None:
    reponse = bord.demander(MOI, origin="https://front.invalid")
    assert not [nom for nom in reponse.entetes if nom.startswith("access-control")]


@pytest.mark.parametrize(
    "origine", ["*", "https://*", "https://a.invalid/page", "a.invalid", "null", "https://x@a.invalid"]
)
def test_an_origin_that_is_not_exact_stops_the_start(origine: str) -> None:
    with pytest.raises(ValidationError):
        Http(origines=(origine,))
    with pytest.raises(ValidationError):
        Http(hotes=frozenset({origine + "/*"}))


def test_hsts_is_told_as_configured() -> None:
    assert _ouverte(Http(hsts_secondes=3600), "POST").entetes["strict-transport-security"] == "max-age=3600"


def test_what_is_cut_at_the_end_of_the_process_is_told_so() -> None:
    async def coupee(scope: object, receive: object, send: object) -> None:
        raise asyncio.CancelledError

    sante = ouverte()
    sante.arret = True
    app = Garde(coupee, Http(), ADRESSE, sante)
    recue = asyncio.run(echanger(app, "POST", "/graphql", [(b"host", ADRESSE.encode())]))
    assert (recue.statut, recue.entetes["retry-after"], recue.entetes["connection"]) == (503, "1", "close")


def test_before_it_is_open_only_health_is_answered() -> None:
    routes = [Route("/health/live", lambda _: PlainTextResponse("vivante"))]
    app = Garde(Starlette(routes=routes), Http(), ADRESSE, Sante({}, {}, lambda: 0.0))
    statuts = [asyncio.run(echanger(app, "GET", ou, [(b"host", b"x")])).statut for ou in ("/health/live", "/graphql")]
    assert statuts == [200, 503]
