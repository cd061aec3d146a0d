"""The oracle heard over real HTTP: drawn operations of every demo client, refused where it says, null where refused."""

from random import Random
from typing import Any

import pytest
from graphql import build_client_schema, get_introspection_query

from fixtures.gateway_process import LaunchedGateway
from fixtures.world import World
from tests.support.access.law import Asker, requester
from tests.support.access.operations import draw_operation, wait, write
from tests.support.e2e.queries import until_complete
from tests.support.figures import note

# profile, purpose and whom the demo's clients act for; what they may see of whom is judged elsewhere
CLIENTS: dict[str, tuple[str, str, str | None]] = {
    "ml": ("MISSION_LOCALE", "ACCOMPAGNEMENT", None),
    "cfa": ("CFA", "GESTION_CFA", None),
    "reseau": ("TETE_DE_RESEAU", "PILOTAGE", None),
    "dreets": ("DREETS", "CONTROLE_OBLIGATION", None),
    "ddets": ("DDETS", "CONTROLE_OBLIGATION", None),
    "academie": ("ACADEMIE", "CONTROLE_OBLIGATION", None),
    "france-travail": ("FRANCE_TRAVAIL", "ACCOMPAGNEMENT", None),
    "si-partenaire": ("SI_PARTENAIRE", "ACCOMPAGNEMENT", "MISSION_LOCALE"),
    "si-partenaire-cfa": ("SI_PARTENAIRE", "ACCOMPAGNEMENT", "CFA"),
    "arml": ("ARML", "PILOTAGE", None),
    "region": ("REGION", "PILOTAGE", None),
    "opco": ("OPCO", "PILOTAGE", None),
    "statistiques": ("STATISTIQUES", "PILOTAGE", None),
    "admin": ("ADMINISTRATEUR", "EXPLOITATION", None),
}
OPERATIONS = 20
ELSEWHERE = (
    ', "75001", "75002"'  # communes of the small world, which this one does not have: named, they would be refused
)
UNKNOWN: dict[str, list[str]] = {"Jeune": [], "Contrat": [], "Rupture": []}


def _values(data: Any, path: tuple[str, ...]) -> list[Any]:
    """What stands at a path, in every row."""
    if isinstance(data, list):
        return [value for element in data for value in _values(element, path)]
    if not path or data is None:
        return [data]
    return _values(data.get(path[0]), path[1:])


@pytest.mark.parametrize("client", sorted(CLIENTS))
def test_a11_drawn_operations_are_refused_where_the_oracle_says(
    world: World, gateway: LaunchedGateway, client: str
) -> None:
    profil, finalite, comme = CLIENTS[client]
    viewer = Asker(requester(profil, "", finalite, comme), (finalite,))
    randomness, token, answered = Random(client), world.token(client), 0
    for _ in range(OPERATIONS):
        operation = draw_operation(randomness)
        text = write(operation, randomness, UNKNOWN).replace("first: 50", "first: 2").replace(ELSEWHERE, "")
        waiting = wait(viewer, operation, [], UNKNOWN)
        received = until_complete(gateway, token, text)
        lines = received.get("extensions", {}).get("refus", [])
        refusal = [(tuple(line["chemin"]), line["code"]) for line in lines]
        if waiting.data is None:
            assert received["data"] is None, text
            assert [e["extensions"]["code"] for e in received["errors"]] == ["ARGUMENT_REFUSE"], text
            continue
        answered += 1
        assert sorted(refusal) == sorted(set(waiting.refusal)), text
        assert {key: seen is None for key, seen in received["data"].items()} == {
            key: seen is None for key, seen in waiting.data.items()
        }, text
        assert not any(value is not None for path, _ in refusal for value in _values(received["data"], path)), text
    assert answered > OPERATIONS // 4
    if client == "ml":
        note(f"oracle  : {len(CLIENTS) * OPERATIONS} opérations par HTTP, 0 désaccord")


@pytest.mark.parametrize("client", sorted(CLIENTS))
def test_g09_each_client_is_shown_its_own_graph(world: World, gateway: LaunchedGateway, client: str) -> None:
    response = gateway.graphql(world.token(client), get_introspection_query())
    assert "errors" not in response
    seen = build_client_schema(response["data"])
    assert (seen.get_type("Jeune") is None) is (client in {"arml", "statistiques", "admin"})
    assert (seen.get_type("Suivi") is None) is (client not in {"ml", "cfa", "si-partenaire", "si-partenaire-cfa"})
