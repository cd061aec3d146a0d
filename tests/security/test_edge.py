"""The edge as a browser, a proxy or a stranger meets it: names, headers, other origins, methods, sizes (docs/security.md G)."""

import asyncio
import hashlib
import re

import pytest
from graphql import get_introspection_query
from pydantic import ValidationError
from starlette.applications import Starlette
from starlette.responses import JSONResponse, PlainTextResponse
from starlette.routing import Route
from starlette.types import Message

from fixtures.gateway_process import ROOT
from fixtures.world import World
from gateway.config import HttpSettings
from gateway.edge.cross_origin import middleware
from gateway.edge.graphql_http import BYTES_MAX
from gateway.edge.guard import HEADERS, Guard, Health
from gateway.server.version import version
from tests.support.security.edge import ADRESSE, Edge, RawResponse, exchange, is_open

ME = "{ moi { profil } }"
GRAPHQL = "application/graphql-response+json"
TOKEN = "Jeton d'accès absent, invalide ou expiré."


PAR_UN_FRAGMENT = 'fragment F on Query { __type(name: "Jeune") { name } }'


async def _answer_empty(scope: object, receive: object, send: object) -> None:
    raise AssertionError("the guard let it pass")


def test_g03_five_hundred_times_one_field_is_refused_by_its_shape(edge: Edge) -> None:
    response = edge.request("{" + "moi { profil } " * 450 + "}")
    assert response.codes == ["REQUETE_TROP_COUTEUSE"]


def test_g04_two_thousand_directives_make_one_error(edge: Edge) -> None:
    for directive in ("@skip(if: true)", "@x"):
        assert len(edge.request("{ moi { profil " + directive * 300 + " } }").codes) == 1


def test_g05_a_batch_is_refused(edge: Edge) -> None:
    for n in (2, 1000):
        response = edge.graphql([{"query": ME}] * n, accept=GRAPHQL)
        assert (response.statut, response.codes) == (400, ["REQUETE_INVALIDE"])


def test_g09_introspection_is_for_callers_and_bounded(edge: Edge) -> None:
    normal = get_introspection_query(input_value_deprecation=True, specified_by_url=True, directive_is_repeatable=True)
    assert edge.request(normal).json["data"]["__schema"]["queryType"]["name"] == "Query"
    for partner_request in (
        normal,
        "{ a: __schema { types { name } } }",
        "{ moi { profil } __typename ...F } " + PAR_UN_FRAGMENT,
    ):
        refusal = edge.request(partner_request, authorization="")
        assert (refusal.statut, refusal.json["errors"][0]["message"]) == (401, TOKEN)
    circular = "{ __schema { types { fields { type { fields { type { fields { type { fields { name } } } } } } } } } }"
    assert edge.request(circular).codes == ["REQUETE_TROP_COUTEUSE"]


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "PATCH", "TRACE", "HEAD", "OPTIONS"])
def test_g13_only_post_reaches_the_graph(edge: Edge, method: str) -> None:
    response = edge.call_edge(method=method, accept="application/json")
    assert response.statut == 405
    assert "POST" in response.headers["allow"]


def test_g13_a_url_carries_nothing(edge: Edge, caplog: pytest.LogCaptureFixture) -> None:
    response = edge.call_edge(b'{"query": "{ moi { profil } }"}', path="/graphql?cle=pa_secret")
    assert (response.statut, response.codes) == (400, ["REQUETE_INVALIDE"])
    assert "paramètres dans l'URL" in caplog.text
    assert "pa_secret" not in caplog.text + response.body.decode()


@pytest.mark.parametrize("nature", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data", ""])
def test_g13_what_a_form_of_another_site_may_send_is_refused(edge: Edge, nature: str) -> None:
    assert edge.call_edge(b'{"query": "{ moi { profil } }"}', content_type=nature).statut == 415


def test_g13_a_cookie_is_no_credential(edge: Edge) -> None:
    assert edge.request(ME, authorization="", cookie=f"authorization=Bearer {edge.token}").statut == 401


def test_g15_size_and_encoding_are_bounded(edge: Edge) -> None:
    assert edge.call_edge(b" " * (BYTES_MAX + 1)).statut == 413
    for coding in ("gzip", "br", "deflate", "zstd", "identity, gzip"):
        assert edge.call_edge(b"\x1f\x8b", content_encoding=coding).statut == 415


def test_g15_reading_stops_at_the_cap_whatever_the_length_says(edge: Edge) -> None:
    results = 0

    async def receive() -> Message:
        nonlocal results
        results += 1
        return {"type": "http.request", "body": b" " * 65_536, "more_body": True}

    headers = [
        (b"host", ADRESSE.encode()),
        (b"authorization", f"Bearer {edge.token}".encode()),
        (b"content-type", b"application/json"),
        (b"content-length", b"10"),
    ]
    assert edge.loop.run(exchange(edge.app, "POST", "/graphql", headers, receive)).statut == 413
    assert results == BYTES_MAX // 65_536 + 1


CANARIES = (
    "https://partenaire.invalid/api?cle=s3cret",
    "199055555555564",
    "SELECT nom FROM jeunes",
    "canari@exemple.invalid",
)


def _lever(*_: object) -> None:
    raise RuntimeError(" ".join(CANARIES))


@pytest.mark.parametrize(
    "function", ["gateway.app.answer", "gateway.sources.fetch.Sources._state", "gateway.app.read_request"]
)
def test_g11_what_fails_here_says_nothing_of_what_it_was_doing(
    edge: Edge, world: World, function: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(function, _lever)
    response = edge.request("{ sources { nom } }", authorization=f"Bearer {world.token('admin')}")
    assert response.codes == ["ERREUR_INTERNE"]
    assert response.json["errors"][0]["extensions"]["requestId"] == response.headers["x-request-id"]
    assert "RuntimeError" in caplog.text
    assert not [canary for canary in CANARIES if canary in caplog.text + response.body.decode()]


@pytest.mark.parametrize(
    "hote", ["", "ailleurs.invalid", "127.0.0.1.ailleurs.invalid", "127.0.0.1/graphql", "x@127.0.0.1"]
)
def test_g17_another_host_is_refused(edge: Edge, hote: str) -> None:
    assert edge.request(ME, host=hote).statut == 400


@pytest.mark.parametrize(
    "hote", ["127.0.0.1", "127.0.0.1:8000", "LOCALHOST", "localhost.", "localhost.:8000", "[::1]:8000", "[::1]"]
)
def test_g17_its_own_names_are_answered(edge: Edge, hote: str) -> None:
    assert edge.request(ME, host=hote).statut == 200


@pytest.mark.parametrize("nom", ["host", "authorization", "content-type", "x-finalite", "x-cle-api", "content-length"])
def test_g17_a_header_given_twice_is_refused(edge: Edge, nom: str) -> None:
    headers = [(b"host", ADRESSE.encode()), (nom.encode(), b"a"), (nom.encode(), b"b")]
    assert edge.loop.run(exchange(edge.app, "POST", "/graphql", headers, b"{}")).statut == 400


WATCHERS = ("10.1.2.3", "10.1.2.3:8000", "[fd00::2]:8000", "passerelles", "")


@pytest.mark.parametrize("hote", WATCHERS)
@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_g17_who_watches_asks_by_any_name(edge: Edge, method: str, hote: str) -> None:
    """Prometheus, kubelet and proxies ask by the address that they have; figures are not there, and it is told so."""
    statuses = {path: edge.call_edge(method=method, path=path, host=hote).statut for path in PUBLIC}
    assert statuses == PUBLIC


PUBLIC = {"/health/live": 200, "/health/ready": 200, "/metrics": 404}


@pytest.mark.parametrize("hote", WATCHERS)
def test_g17_figures_are_given_to_whom_asks_their_door_by_any_name(edge: Edge, hote: str) -> None:
    headers = [(b"host", hote.encode())] if hote else []
    answered = edge.loop.run(exchange(edge.admin, "GET", "/metrics", headers))
    assert (answered.statut, b"passerelle_requetes_en_cours" in answered.body) == (200, True)


def test_who_watches_learns_which_code_answers_and_callers_do_not(edge: Edge) -> None:
    told = edge.loop.run(exchange(edge.admin, "GET", "/version", [(b"host", b"10.0.0.7")]))
    assert told.json == version()
    assert told.json["schema"] == hashlib.sha256((ROOT / "schema.graphql").read_bytes()).hexdigest()[:12]
    assert edge.call_edge(method="GET", path="/version").statut == 404


def test_every_request_is_timed_under_its_route_and_never_under_what_was_asked(edge: Edge) -> None:
    for method, path in (
        ("GET", "/health/live"),
        ("GET", "/nom/d.une.personne"),
        ("POST", "/graphql"),
        ("GET", "/graphql"),
    ):
        edge.call_edge(method=method, path=path)
    edge.call_edge(method="GET", path="/", host="ailleurs.invalid")
    text = edge.loop.run(exchange(edge.admin, "GET", "/metrics", [(b"host", b"10.0.0.7")])).body.decode()
    labels = r'_count\{http_response_status_code="(\d+)",http_route="(.*)"\}'
    found = re.findall(f"^http_server_request_duration_seconds{labels}", text, re.MULTILINE)
    assert {("200", "/health/live"), ("404", ""), ("400", "/graphql"), ("405", "/graphql"), ("400", "")} <= set(found)
    assert "d.une.personne" not in text


@pytest.mark.parametrize(
    ("listened", "asked"), [("fd00::2", "[fd00::2]:8000"), ("[fd00::2]", "[fd00::2]"), ("Machine", "machine:8000")]
)
def test_g17_the_address_listened_on_is_a_name_of_its_own(listened: str, asked: str) -> None:
    guard = Guard(JSONResponse({}), HttpSettings(), listened, is_open())
    assert asyncio.run(exchange(guard, "GET", "/graphql", [(b"host", asked.encode())])).statut == 200
    assert asyncio.run(exchange(guard, "GET", "/graphql", [(b"host", b"fd00::2")])).statut == 400


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
def test_g18_one_query_is_chosen_and_nothing_else_runs(edge: Edge, document: object) -> None:
    response = edge.graphql(document, accept=GRAPHQL)
    assert (response.statut, response.codes) == (400, ["REQUETE_INVALIDE"])
    assert "data" not in response.json


@pytest.mark.parametrize(
    ("headers", "stopping", "status"),
    [
        ([(b"host", b"ailleurs.invalid")], False, 400),
        ([(b"host", b"127.0.0.1"), (b"origin", b"https://ailleurs.invalid")], False, 403),
        ([(b"host", b"127.0.0.1"), (b"origin", b"http://127.0.0.1")], True, 503),
        ([(b"host", b"127.0.0.1"), (b"origin", b"http://127.0.0.1")], False, None),
    ],
)
def test_f13_a_websocket_is_refused_as_a_request_is_and_by_its_origin(
    headers: list[tuple[bytes, bytes]], stopping: bool, status: int | None
) -> None:
    received: list[Message] = []

    async def send(message: Message) -> None:
        received.append(message)

    async def receive() -> Message:
        return {"type": "websocket.connect"}

    async def accept(*_: object) -> None:
        received.append({"type": "seen by the application"})

    health = is_open()
    health.stopping = stopping
    scope = {"type": "websocket", "path": "/graphql", "headers": headers}
    asyncio.run(Guard(accept, HttpSettings(), ADRESSE, health)(scope, receive, send))
    told = (
        {"type": "websocket.http.response.start", "status": status} if status else {"type": "seen by the application"}
    )
    assert told.items() <= received[0].items()


@pytest.mark.parametrize(
    "path", ["/inconnu", "/graphql/", "/graphql/assets/x.js", "/favicon.ico", "//ailleurs.invalid"]
)
def test_an_unknown_path_is_told_so_in_json(edge: Edge, path: str) -> None:
    response = edge.call_edge(method="GET", path=path)
    assert (response.statut, response.codes) == (404, ["REQUETE_INVALIDE"])


@pytest.mark.parametrize(
    ("method", "path"),
    [("POST", "/graphql"), ("GET", "/graphql"), ("GET", "/health/live"), ("GET", "/metrics"), ("GET", "/inconnu")],
)
def test_every_answer_has_the_security_headers(edge: Edge, method: str, path: str) -> None:
    headers = edge.call_edge(method=method, path=path).headers
    assert HEADERS.items() <= headers.items()
    assert {"server", "x-powered-by", "strict-transport-security", "access-control-allow-origin"}.isdisjoint(headers)


def _is_open(http: HttpSettings, method: str, *headers: tuple[bytes, bytes]) -> RawResponse:
    """The answer of one small route behind the guard, configured so."""
    routes = [Route("/graphql", lambda _: PlainTextResponse("ici"), methods=["POST"])]
    app = Guard(Starlette(routes=routes, middleware=middleware(http)), http, ADRESSE, is_open())
    return asyncio.run(exchange(app, method, "/graphql", [(b"host", ADRESSE.encode()), *headers], b""))


def test_pages_of_the_named_origins_only_may_call_without_credentials() -> None:
    http = HttpSettings(origines=("https://front.invalid",))
    request = (
        (b"access-control-request-method", b"POST"),
        (b"access-control-request-headers", b"authorization,x-finalite"),
    )
    granted = _is_open(http, "OPTIONS", (b"origin", b"https://front.invalid"), *request)
    assert (granted.statut, granted.headers["access-control-allow-origin"]) == (200, "https://front.invalid")
    assert "access-control-allow-credentials" not in granted.headers
    for origin in (
        b"https://front.invalid.ailleurs.invalid",
        b"http://front.invalid",
        b"null",
        b"https://front.invalid:8443",
    ):
        assert "access-control-allow-origin" not in _is_open(http, "OPTIONS", (b"origin", origin), *request).headers
        assert "access-control-allow-origin" not in _is_open(http, "POST", (b"origin", origin)).headers
    assert _is_open(http, "POST", (b"origin", b"https://front.invalid")).body == b"ici"


@pytest.mark.parametrize(
    "header",
    [
        *("apollographql-client-name", "apollographql-client-version", "apollo-require-preflight"),
        *("traceparent", "tracestate", "baggage", "sentry-trace", "x-request-id", "graphql-require-preflight"),
    ],
)
def test_b6_what_libraries_of_a_page_add_to_each_request_passes_preflight(header: str) -> None:
    origin = (b"origin", b"https://front.invalid")
    asked = b"authorization,content-type," + header.encode()
    request = ((b"access-control-request-method", b"POST"), (b"access-control-request-headers", asked))
    granted = _is_open(HttpSettings(origines=("https://front.invalid",)), "OPTIONS", origin, *request)
    assert granted.statut == 200
    assert header in granted.headers["access-control-allow-headers"].lower().split(", ")


def test_b6_an_unknown_header_does_not_pass_preflight() -> None:
    origin = (b"origin", b"https://front.invalid")
    request = ((b"access-control-request-method", b"POST"), (b"access-control-request-headers", b"x-forwarded-for"))
    assert _is_open(HttpSettings(origines=("https://front.invalid",)), "OPTIONS", origin, *request).statut == 400


def test_b6_a_page_may_read_how_much_is_left_and_what_to_tell_the_operator() -> None:
    http = HttpSettings(origines=("https://front.invalid",))
    answered = _is_open(http, "POST", (b"origin", b"https://front.invalid"))
    shown = set(answered.headers["access-control-expose-headers"].split(", "))
    assert shown == {
        *("ratelimit-limit", "ratelimit-remaining", "ratelimit-reset"),
        *("retry-after", "www-authenticate", "x-request-id"),
    }


def test_b8_an_answer_of_the_graph_is_never_compressed(edge: Edge) -> None:
    """Its length would tell how much of what the asker chose is like what is somebody's (BREACH; docs/decisions/0068)."""
    response = edge.request(ME, **{"accept-encoding": "gzip, br, zstd, deflate"})
    assert response.statut == 200
    assert "content-encoding" not in response.headers


def test_without_named_origins_there_is_no_cors(edge: Edge) -> None:
    response = edge.request(ME, origin="https://front.invalid")
    assert "content-type" in response.headers
    assert not [name for name in response.headers if name.startswith("access-control")]


@pytest.mark.parametrize(
    "origin", ["*", "https://*", "https://a.invalid/page", "a.invalid", "null", "https://x@a.invalid"]
)
def test_an_origin_that_is_not_exact_stops_the_start(origin: str) -> None:
    with pytest.raises(ValidationError):
        HttpSettings(origines=(origin,))
    with pytest.raises(ValidationError):
        HttpSettings(hotes=frozenset({origin + "/*"}))


def test_hsts_is_told_as_configured() -> None:
    assert _is_open(HttpSettings(hsts_secondes=3600), "POST").headers["strict-transport-security"] == "max-age=3600"


def test_what_is_cut_at_the_end_of_the_process_is_told_so() -> None:
    async def cut_off(scope: object, receive: object, send: object) -> None:
        raise asyncio.CancelledError

    health = is_open()
    health.stopping = True
    app = Guard(cut_off, HttpSettings(), ADRESSE, health)
    received = asyncio.run(exchange(app, "POST", "/graphql", [(b"host", ADRESSE.encode())]))
    assert (received.statut, received.headers["retry-after"], received.headers["connection"]) == (503, "1", "close")


def test_before_it_is_open_only_health_is_answered() -> None:
    routes = [Route("/health/live", lambda _: PlainTextResponse("vivante"))]
    app = Guard(Starlette(routes=routes), HttpSettings(), ADRESSE, Health({}, {}, lambda: 0.0))
    statuts = [
        asyncio.run(exchange(app, "GET", where, [(b"host", b"x")])).statut for where in ("/health/live", "/graphql")
    ]
    assert statuts == [200, 503]
