"""S5: the state of a partner's system is told to who may read it, by whatever field leads to it."""

from typing import Any

import pytest

from fixtures.gateway_process import LaunchedGateway
from fixtures.world import World
from tests.support.figures import note

STATE = "source { nom type mode etat derniereReponse fraicheurSecondes latenceMs tauxErreur }"
# docs/droits.md, Tableau: who reads TECHNIQUE, and who does not
READERS = ("ml", "cfa", "admin")
OTHERS = ("dreets", "ddets", "academie", "france-travail", "reseau", "si-partenaire", "arml", "statistiques")
EDGES = {
    "uai": '{{ cfa(uai: "{uai}") {{ uai {state} }} }}',
    "alone": '{{ cfa(uai: "{uai}") {{ {state} }} }}',
    "siret": '{{ cfa(siret: "{siret}") {{ nom {state} }} }}',
    "alias": '{{ a: cfa(uai: "{uai}") {{ nom b: {state} ...F }} }} fragment F on Cfa {{ c: {state} }}',
    "node": '{{ node(id: "{id}") {{ ... on Cfa {{ nom {state} }} }} }}',
    "formation": "{{ jeunes(first: 50) {{ edges {{ node {{ formations {{ cfa {{ uai {state} }} }} }} }} }} }}",
    "contrat": "{{ jeunes(first: 50) {{ edges {{ node {{ contrats {{ cfa {{ uai {state} }} }} }} }} }} }}",
    "sources": "{{ sources {{ nom etat latenceMs }} }}",
}


def _ask(asked: tuple[World, LaunchedGateway], client: str, edge: str) -> dict[str, Any]:
    world, gateway = asked
    token, uai = world.token(client), world.clients["cfa"].organisation
    known = gateway.graphql(token, f'{{ cfa(uai: "{uai}") {{ id siret }} }}')["data"]["cfa"]
    answer: dict[str, Any] = gateway.graphql(token, EDGES[edge].format(uai=uai, state=STATE, **known))
    return answer


def _states(data: Any) -> list[Any]:
    """The states that an answer tells, wherever they stand."""
    if isinstance(data, list):
        return [state for one in data for state in _states(one)]
    if not isinstance(data, dict):
        return []
    own = [data["etat"]] if data.get("etat") else []
    return own + [state for value in data.values() for state in _states(value)]


@pytest.mark.parametrize("client", OTHERS)
def test_s5_the_state_of_a_system_is_refused_by_every_edge(asked: tuple[World, LaunchedGateway], client: str) -> None:
    told = {edge: _states(_ask(asked, client, edge)["data"]) for edge in EDGES}
    note(f"S5 : {client} lit {sum(map(len, told.values()))} états de systèmes")
    assert {edge: states for edge, states in told.items() if states} == {}


@pytest.mark.parametrize("client", READERS)
def test_s5_who_reads_the_sources_reads_them_by_the_cfa_too(asked: tuple[World, LaunchedGateway], client: str) -> None:
    for edge in ("uai", "alone", "siret", "alias", "node", "sources"):
        answer = _ask(asked, client, edge)
        assert "errors" not in answer, edge
        assert _states(answer["data"]), edge


def test_s5_the_rest_of_the_cfa_stays_public_and_the_refusal_is_told(asked: tuple[World, LaunchedGateway]) -> None:
    uai = asked[0].clients["cfa"].organisation
    for edge, seen in (("uai", {"uai": uai, "source": None}), ("alone", {"source": None})):
        answer = _ask(asked, "dreets", edge)
        assert answer["data"] == {"cfa": seen}
        assert [(e["path"], e["extensions"]["code"]) for e in answer["errors"]] == [(["cfa", "source"], "CHAMP_REFUSE")]
