"""Partner requests are those of the plan: they depend on the perimeter, never on the rows, and stop when warm."""

from collections.abc import Iterator

import pytest

from fixtures import gateway_process
from fixtures.gateway_process import LaunchedGateway
from fixtures.world import World
from tests.support.e2e.queries import ALL, until_complete
from tests.support.figures import note


@pytest.fixture
def cold(counted: World) -> Iterator[LaunchedGateway]:
    """A gateway whose cache is empty, and counters at zero."""
    with counted.gateway() as launched:
        counted.check.reset_all()
        yield launched


def requests(counted: World) -> set[str]:
    """The partners that were asked anything."""
    return {name for name, operations in counted.check.counters().items() if sum(operations.values())}


def total(counters: dict[str, dict[str, int]]) -> int:
    return sum(number for operations in counters.values() for number in operations.values())


def test_fifty_ruptures_with_everything_nested_cold_then_warm(counted: World, cold: LaunchedGateway) -> None:
    token = counted.token("ml")
    response = until_complete(cold, token, ALL, n=50)
    assert "errors" not in response
    assert response["data"]["ruptures"]["complet"] is True
    when_cold = counted.check.counters()
    counted.check.reset_all()
    warm = until_complete(cold, token, ALL, n=50)
    note(f"appels : ruptures(first: 50), tout imbriqué, à froid {total(when_cold)}")
    note(
        "         " + ", ".join(f"{name} {sum(operations.values())}" for name, operations in sorted(when_cold.items()))
    )
    note(f"         à chaud {counted.check.total()}")
    assert counted.check.total() == 0
    assert "errors" not in warm
    assert {source["cache"] for source in warm["extensions"]["sources"]} == {"touche", "moisson"}
    assert warm["data"] == response["data"]


def test_calls_do_not_grow_with_the_page(counted: World, long_waiting: str) -> None:
    counts = []
    for n in (10, 100):
        with counted.gateway(GATEWAY_CONFIG=long_waiting) as launched:
            counted.check.reset_all()
            assert "errors" not in until_complete(launched, counted.token("ml"), ALL, n=n)
            counts.append({p: o for p, o in counted.check.counters().items() if p != "referentiel"})
    assert counts[0] == counts[1]


def test_the_cfas_of_a_mission_locale_are_explained_and_asked(counted: World, long_waiting: str) -> None:
    """The command line names them; those, and no other, are asked by its queries."""
    query = "{ ruptures(first: 1) { totalCount complet } }"
    env = counted.environment | {"GATEWAY_CONFIG": long_waiting}
    counted.check.reset_all()
    finished = gateway_process.run(("expliquer", query, "--client", "ml"), env)
    finished.check_returncode()
    assert requests(counted) <= {"referentiel"}
    rows = [line for line in finished.stdout.splitlines() if line.startswith("  0")]
    assert f"CFA concernés : {len(rows)}\n" in finished.stdout
    for line in rows:
        assert "d'une région que touche son territoire" in line or "contrat(s) de résidents au registre" in line
    assert any("contrat(s) de résidents" in line for line in rows)
    with counted.gateway(GATEWAY_CONFIG=long_waiting) as launched:
        counted.check.reset_all()
        until_complete(launched, counted.token("ml"), query)
        periods = counted.check.counters()["ypareo"]["periodes"]
    assert periods == sum("(ypareo, 200 au plus par requête)" in line for line in rows)
    note(f"expliquer : {len(rows)} CFA concernent la Mission locale de la démonstration, chacun avec ses raisons")


def test_the_registry_is_never_asked_by_a_query(counted: World, cold: LaunchedGateway) -> None:
    cold.graphql(counted.token("ml"), ALL, {"n": 10})
    assert "registre" not in requests(counted)


def test_a_selection_that_no_follow_up_needs_asks_no_follow_up(counted: World, cold: LaunchedGateway) -> None:
    partner_request = "{ ruptures(first: 5) { totalCount edges { node { date contrat { dateDebut } } } } }"
    assert "errors" not in until_complete(cold, counted.token("cfa"), partner_request)
    assert "imilo" not in requests(counted)
    with_contrat = (
        "{ ruptures(first: 5) { totalCount edges { node { date jeune { collaboration { demandeeLe } } } } } }"
    )
    assert "errors" not in until_complete(cold, counted.token("cfa"), with_contrat)
    assert "imilo" in requests(counted)


def test_public_data_ask_no_partner(counted: World, cold: LaunchedGateway) -> None:
    code = counted.clients["ml"].organisation
    uai = counted.clients["cfa"].organisation
    partner_request = f'{{ moi {{ profil }} missionLocale(code: "{code}") {{ nom }} cfa(uai: "{uai}") {{ nom }} }}'
    response = cold.graphql(counted.token("ml"), partner_request)
    assert response["data"]["missionLocale"]["nom"].startswith("Mission locale de ")
    assert response["data"]["cfa"]["nom"].startswith("CFA ")
    assert counted.check.total() == 0


def test_the_first_query_joins_three_systems(world: World, gateway: LaunchedGateway) -> None:
    response = until_complete(gateway, world.token("ml"), ALL, n=100)
    nodes = [edge["node"] for edge in response["data"]["ruptures"]["edges"]]
    sources = {line["source"] for node in nodes for line in node["jeune"]["provenance"] if line["retenue"]}
    assert {"registre", "imilo"} <= sources
    assert sources & {"ypareo", "gestibase", "aimaira"}
    complete = [
        node
        for node in nodes
        if node["contrat"]["employeur"]["denomination"] and node["contrat"]["cfa"]["nom"] and node["jeune"]["suivi"]
    ]
    assert complete
