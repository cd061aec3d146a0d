"""A CFA asks, the Mission locale's adviser sees and answers, the CFA reads it: by GraphQL alone, over real HTTP with real tokens,
and beside an i-milo-like system that receives what is written."""

import json
from collections.abc import Iterator
from random import Random
from signal import SIGKILL
from threading import Timer
from typing import Any
from uuid import uuid4

import httpx
import pytest

from fixtures.gateway_process import LaunchedGateway
from fixtures.world import World
from tests.support.e2e.changes import small_world, wait
from tests.support.e2e.queries import until_complete
from tests.support.examples import Example, examples
from tests.support.figures import note

PEOPLE = """query Q($n: Int!) { ruptures(first: $n, tri: DATE_DESC) { nodes { joursDepuis contrat { id }
  jeune { id age statut { valeur } missionLocale { code } } } } }"""
READ = """query Lu($id: ID!) { jeune(id: $id) { suivi { situation ecriture }
  collaboration { motifs note reponse commentaireReponse ecriture } } }"""
ASK = """mutation Demander($saisie: SaisieAccompagnement!) { demanderAccompagnement(saisie: $saisie) {
  ecriture { id etat rejouee } erreurs { code champ message } } }"""
REPLY = """mutation Repondre($saisie: SaisieReponse!) { repondreAccompagnement(saisie: $saisie) {
  ecriture { etat } erreurs { code champ message } } }"""
NOTE = """mutation Noter($saisie: SaisieSuivi!) { noterSuivi(saisie: $saisie) {
  ecriture { id etat } jeune { suivi { situation } } erreurs { code champ message } } }"""
OF_WRITES = [one for one in examples() if "ecriture" in one.query]
KILLS = 10
STATES = "{ ecritures(first: 50) { nodes { id etat essais motif } } }"


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with small_world(tmp_path_factory.mktemp("ecritures")) as opened:
        opened.harvest()
        yield opened


@pytest.fixture(scope="module")
def alone(small: World) -> Iterator[LaunchedGateway]:
    with small.gateway() as launched:
        yield launched


def asked(gateway: LaunchedGateway, token: str, document: str, **saisie: Any) -> Any:
    """What a mutation answers, accepted."""
    response = gateway.graphql(token, document, {"saisie": {"cle": str(uuid4()), **saisie}})
    assert "errors" not in response, response
    (result,) = response["data"].values()
    assert result["erreurs"] == [], result
    return result


def eligible(gateway: LaunchedGateway, world: World) -> dict[str, Any]:
    """Somebody of the demo's CFA, for whom joint support may be asked."""
    response = until_complete(gateway, world.token("cfa"), PEOPLE, n=500)
    return next(
        node["jeune"]
        for node in response["data"]["ruptures"]["nodes"]
        if node["joursDepuis"] <= 180
        and node["jeune"]["missionLocale"]
        and 16 <= (node["jeune"]["age"] or 0) < 26
        and node["jeune"]["statut"]["valeur"] != "FIN_DE_FORMATION"
    )


def test_a_request_and_its_answer_go_both_ways_by_graphql_alone(small: World, alone: LaunchedGateway) -> None:
    jeune = eligible(alone, small)
    school, adviser = small.token("cfa"), small.token(f"ml-{jeune['missionLocale']['code']}")
    request = {
        "motifs": ["LOGEMENT"],
        "referent": "Référente",
        "telephoneVerifie": "06 39 98 12 34",
        "note": "le matin",
    }
    asked(alone, school, ASK, jeune=jeune["id"], **request)
    until_complete(alone, adviser, PEOPLE, n=1)
    seen = until_complete(alone, adviser, READ, id=jeune["id"])["data"]["jeune"]["collaboration"]
    assert (seen["motifs"], seen["note"], seen["reponse"]) == (["LOGEMENT"], "le matin", None)
    asked(alone, adviser, REPLY, jeune=jeune["id"], reponse="ACCEPTEE", commentaire="rendez-vous mardi")
    read = until_complete(alone, school, READ, id=jeune["id"])["data"]["jeune"]["collaboration"]
    assert (read["reponse"], read["commentaireReponse"]) == ("ACCEPTEE", "rendez-vous mardi")
    (example,) = (one for one in examples() if "ReponseDeLaMissionLocale" in one.query)
    (found,) = until_complete(alone, school, example.search or "")["data"].values()
    rows = [leaves_of(edge["node"]) for edge in found["edges"]]
    assert jeune["id"] in [row["id"] for row in rows if None not in row.values()]
    told = until_complete(alone, school, example.query, id=jeune["id"])["data"]["jeune"]["collaboration"]
    assert (told["reponse"], told["commentaireReponse"]) == ("ACCEPTEE", "rendez-vous mardi")


def test_a_note_is_received_by_i_milo_and_read_from_it(small: World, alone: LaunchedGateway) -> None:
    adviser, code = small.token("ml"), small.clients["ml"].organisation
    own = {account.person.nom for account in small.population.accounts["imilo"][code] if account.person.suivi}
    listing = "query L($n: Int!) { jeunes(first: $n) { nodes { id nom suivi { situation } } } }"
    people = until_complete(alone, adviser, listing, n=500)["data"]["jeunes"]["nodes"]
    jeune = next(one["id"] for one in people if one["nom"] in own and one["suivi"])
    written = asked(alone, adviser, NOTE, jeune=jeune, situation="NOUVEAU_PROJET")
    assert written["jeune"]["suivi"]["situation"] == "NOUVEAU_PROJET"
    identifier = written["ecriture"]["id"]
    assert written["ecriture"]["etat"] == "EN_ATTENTE"

    def sent() -> bool:
        nodes = alone.graphql(adviser, STATES)["data"]["ecritures"]["nodes"]
        return bool(next(one["etat"] for one in nodes if one["id"] == identifier) == "TRANSMISE")

    note(f"écriture → reçue par i-milo : {wait(sent):.1f} s")
    suivi = until_complete(alone, adviser, READ, id=jeune)["data"]["jeune"]["suivi"]
    assert suivi["situation"] == "NOUVEAU_PROJET"


def test_a_partner_that_is_down_receives_it_when_it_comes_back(small: World, alone: LaunchedGateway) -> None:
    adviser = small.token("ml")
    listing = "query L($n: Int!) { jeunes(first: $n) { nodes { id suivi { situation } } } }"
    people = until_complete(alone, adviser, listing, n=500)["data"]["jeunes"]["nodes"]
    jeune = next(one["id"] for one in people if one["suivi"])
    small.check.fault("imilo", "error", 503)
    try:
        written = asked(alone, adviser, NOTE, jeune=jeune, situation="RDV_PRIS")
        identifier = written["ecriture"]["id"]

        def state() -> dict[str, Any]:
            nodes = alone.graphql(adviser, STATES)["data"]["ecritures"]["nodes"]
            return next(one for one in nodes if one["id"] == identifier)

        wait(lambda: state()["essais"] >= 1)
        assert state()["etat"] == "EN_ATTENTE"
    finally:
        small.check.lift_faults()
    wait(lambda: state()["etat"] == "TRANSMISE")


def test_what_changed_at_i_milo_since_it_was_read_is_not_written_over(small: World, alone: LaunchedGateway) -> None:
    """`version` is If-Match there: the gateway, which was not told of the change, could not see the conflict."""
    adviser = small.token("ml")
    account, jeune = _followed(small, alone, adviser)
    reading = "query V($id: ID!) { jeune(id: $id) { suivi { version situation ecriture } } }"
    version = until_complete(alone, adviser, reading, id=jeune)["data"]["jeune"]["suivi"]["version"]
    small.check.change("imilo", account.key, "situation", "REORIENTATION", times=0)
    history = list(account.person.suivi.historique)
    stale = asked(alone, adviser, NOTE, jeune=jeune, situation="RDV_PRIS", version=version)
    told = _ended(alone, adviser, stale["ecriture"]["id"])
    assert (told["etat"], "a changé depuis" in (told["motif"] or "")) == ("REFUSEE", True), told
    assert account.person.suivi.historique == history

    def read() -> Any:
        return until_complete(alone, adviser, reading, id=jeune)["data"]["jeune"]["suivi"]

    # What is refused so is asked again: the adviser sees what changed.
    wait(lambda: bool(read()["situation"] == "REORIENTATION" and read()["ecriture"] is None))
    version = read()["version"]
    fresh = asked(alone, adviser, NOTE, jeune=jeune, situation="RDV_PRIS", version=version)
    assert _ended(alone, adviser, fresh["ecriture"]["id"])["etat"] == "TRANSMISE"


def test_i2_a_partner_that_applies_and_whose_answer_is_lost_does_it_once(small: World, alone: LaunchedGateway) -> None:
    adviser = small.token("ml")
    account, jeune = _followed(small, alone, adviser)
    before = len(account.person.suivi.historique)
    small.check.fault("imilo", "reset", "head", operation="suivi-apprentissage")
    try:
        identifier = asked(alone, adviser, NOTE, jeune=jeune, situation="AUTRE", situationAutre="x")["ecriture"]["id"]
        wait(lambda: _state(alone, adviser, identifier)["essais"] >= 2)
        assert len(account.person.suivi.historique) == before + 1
    finally:
        small.check.lift_faults()
    assert _ended(alone, adviser, identifier)["etat"] == "TRANSMISE"
    assert len(account.person.suivi.historique) == before + 1


def _followed(world: World, gateway: LaunchedGateway, token: str) -> tuple[Any, str]:
    """Somebody of whom i-milo holds a follow-up that nobody wrote of through the gateway: her account there, and her id."""
    listing = "query L($n: Int!) { jeunes(first: $n) { nodes { id nom dateNaissance suivi { situation ecriture } } } }"
    people = until_complete(gateway, token, listing, n=500)["data"]["jeunes"]["nodes"]
    own = world.population.accounts["imilo"][world.clients["ml"].organisation]
    accounts = {(one.person.nom, one.person.date_naissance.isoformat()): one for one in own if one.person.suivi}
    known = [(accounts.get((one["nom"], one["dateNaissance"])), one) for one in people if one["suivi"]]
    account, found = next((account, one) for account, one in known if account and one["suivi"]["ecriture"] is None)
    return account, found["id"]


def _state(gateway: LaunchedGateway, token: str, identifier: str) -> dict[str, Any]:
    nodes = gateway.graphql(token, STATES)["data"]["ecritures"]["nodes"]
    return next(one for one in nodes if one["id"] == identifier)


def _ended(gateway: LaunchedGateway, token: str, identifier: str) -> dict[str, Any]:
    """A write, once it waits no more."""
    wait(lambda: _state(gateway, token, identifier)["etat"] != "EN_ATTENTE")
    return _state(gateway, token, identifier)


@pytest.mark.parametrize("example", OF_WRITES, ids=lambda example: example.title)
def test_an_example_that_writes_is_accepted_or_told_what_to_correct(
    example: Example, small: World, alone: LaunchedGateway
) -> None:
    for profile in example.profiles:
        token = small.token({"MISSION_LOCALE": "ml", "CFA": "cfa", "SI_PARTENAIRE": "si-partenaire"}[profile])
        variables = {}
        if example.search:
            (found,) = until_complete(alone, token, example.search)["data"].values()
            rows = [leaves_of(edge["node"]) for edge in found["edges"]]
            leaves = next((row for row in rows if None not in row.values()), rows[0])
            variables = {name: leaves[name] for name in example.variables}
        response = until_complete(alone, token, example.query, **variables)
        assert "errors" not in response, response
        (result,) = response["data"].values()
        refused = {error["code"] for error in result.get("erreurs", [])}
        assert refused <= {"NON_ELIGIBLE", "INVALIDE"}, refused


def leaves_of(value: dict[str, Any]) -> dict[str, Any]:
    """Its values by their names, however deep."""
    found: dict[str, Any] = {}
    for name, inner in value.items():
        found |= leaves_of(inner) if isinstance(inner, dict) else {name: inner}
    return found


def test_what_is_refused_is_told_as_an_answer_with_null(small: World, alone: LaunchedGateway) -> None:
    response = alone.graphql(
        small.token("dreets"), NOTE, {"saisie": {"cle": str(uuid4()), "jeune": "x", "situation": "RDV_PRIS"}}
    )
    assert (response["data"], response["errors"][0]["extensions"]["code"]) == (None, "ACTE_REFUSE")


def test_i1_ten_real_sigkills_lose_and_double_nothing(small: World) -> None:
    """A client that is not answered asks again with the same key; each gateway dies while it writes."""
    adviser = small.token("ml")
    randomness, written = Random(18), dict[str, str]()
    for _ in range(KILLS):
        with small.gateway() as gateway:
            jeune = _somebody(gateway, adviser)
            killer = Timer(randomness.uniform(0.05, 1.5), gateway.processus.send_signal, [SIGKILL])
            killer.start()
            keys = [str(uuid4()) for _ in range(20)]
            for own in keys:
                try:
                    written[own] = _noted(gateway, adviser, jeune, own)
                except (httpx.TransportError, KeyError, TypeError):
                    written.setdefault(own, "")
            killer.join()
    with small.gateway() as gateway:
        jeune = _somebody(gateway, adviser)
        again = {own: _noted(gateway, adviser, jeune, own) for own in written}
        listed = gateway.graphql(adviser, "{ ecritures(first: 500) { totalCount nodes { id etat } } }")["data"][
            "ecritures"
        ]
    told = {own: identifier for own, identifier in written.items() if identifier}
    assert {own: again[own] for own in told} == told
    assert len(set(again.values())) == len(again)
    known = {one["id"] for one in listed["nodes"]}
    assert set(again.values()) <= known
    note(f"I1 : {len(again)} écritures à travers {KILLS} SIGKILL, {len(told)} acquittées avant : 0 perdue, 0 doublée")


def _somebody(gateway: LaunchedGateway, token: str) -> str:
    listing = "query L($n: Int!) { jeunes(first: $n) { nodes { id suivi { situation } } } }"
    people = until_complete(gateway, token, listing, n=500)["data"]["jeunes"]["nodes"]
    return str(next(one["id"] for one in people if one["suivi"]))


def _noted(gateway: LaunchedGateway, token: str, jeune: str, own: str) -> str:
    saisie = {"cle": own, "jeune": jeune, "situation": "RDV_PRIS"}
    answer = gateway.graphql(token, NOTE, {"saisie": saisie})
    return str(answer["data"]["noterSuivi"]["ecriture"]["id"])


def test_i5_a_get_or_a_stream_writes_nothing(small: World, alone: LaunchedGateway) -> None:
    adviser = small.token("ml")
    saisie = {"cle": str(uuid4()), "jeune": _somebody(alone, adviser), "situation": "RDV_PRIS"}
    body = {"query": NOTE, "variables": {"saisie": saisie}}
    headers = {"authorization": f"Bearer {adviser}", "accept": "text/event-stream"}
    totals = "{ ecritures { totalCount } }"
    before = alone.graphql(adviser, totals)["data"]["ecritures"]
    with httpx.Client(base_url=alone.url) as http:
        assert http.post("/graphql", json=body, headers=headers).status_code == 406
        told = http.get("/graphql", params={"query": NOTE, "variables": json.dumps(body["variables"])}, headers=headers)
        assert told.status_code in (404, 405, 406)
    assert alone.graphql(adviser, totals)["data"]["ecritures"] == before
