"""Needs of the field where the real answer matters (the others: `tests/unit/test_needs.py`)."""

from fixtures.gateway_process import LaunchedGateway
from fixtures.world import World
from tests.support.e2e.queries import until_complete

COUNTS = """{ tous: ruptures(first: 500) { totalCount edges { node { id } } }
 aTraiter: ruptures(filtre: {etat: A_TRAITER}) { totalCount } injoignables: ruptures(filtre: {etat: INJOIGNABLE}) { totalCount }
 traitees: ruptures(filtre: {etat: TRAITE}) { totalCount } prioritaires: ruptures(filtre: {prioritaire: true}) { totalCount }
 autres: ruptures(filtre: {prioritaire: false}) { totalCount } }"""


def test_need_14_the_counters_of_a_mission_locale_make_up_its_list(world: World, gateway: LaunchedGateway) -> None:
    lists = until_complete(gateway, world.token("ml"), COUNTS)["data"]
    counts = {name: list_query["totalCount"] for name, list_query in lists.items()}
    everything = {edge["node"]["id"] for edge in lists["tous"]["edges"]}
    assert counts["tous"] == len(everything) > 5
    assert counts["aTraiter"] + counts["injoignables"] + counts["traitees"] == counts["tous"]
    assert counts["prioritaires"] + counts["autres"] == counts["tous"]
