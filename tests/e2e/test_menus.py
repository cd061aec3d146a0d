"""What fills a menu, over a real world: each profile has what its perimeter holds, told by the referential alone."""

from collections.abc import Callable
from typing import Any

import pytest

from fixtures.gateway_process import LaunchedGateway
from fixtures.world import World

MENUS = "{ cfas { uai nom } communes { code nom } missionsLocales { code nom } }"
Codes = tuple[set[str], set[str], set[str]]


def asked(world: World, gateway: LaunchedGateway, client: str, query: str = MENUS) -> dict[str, list[dict[str, str]]]:
    response = gateway.graphql(world.token(client), query, {})
    assert "errors" not in response
    assert response["extensions"]["sources"] == [], "no source is asked"
    menus: dict[str, list[dict[str, str]]] = response["data"]
    return menus


def within(world: World, of_commune: Callable[[Any], bool], of_cfa: Callable[[Any], bool]) -> Codes:
    """What of the truth stands in a territory."""
    communes = [one for one in world.population.geographie.communes.values() if of_commune(one)]
    missions = {one.mission_locale for one in communes if one.mission_locale}
    return {c.uai for c in world.population.cfas.values() if of_cfa(c)}, {c.insee for c in communes}, missions


@pytest.mark.parametrize(
    "client", ["ml", "si-partenaire", "cfa", "dreets", "ddets", "academie", "france-travail", "arml"]
)
def test_b10_menus_are_those_of_the_perimeter(world: World, gateway: LaunchedGateway, client: str) -> None:
    places, organisation = world.population.geographie.communes, world.clients[client].organisation
    own = world.population.cfas.get(organisation)
    region_of = {cfa.uai: places[cfa.commune].region for cfa in world.population.cfas.values()}
    touched = {one.region for one in places.values() if one.mission_locale == organisation}
    by_client: dict[str, tuple[Callable[[Any], bool], Callable[[Any], bool]]] = {
        "ml": (lambda c: c.mission_locale == organisation, lambda c: region_of[c.uai] in touched),
        "cfa": (lambda c: own is not None and c.region == region_of[own.uai], lambda c: c.uai == organisation),
        "dreets": (lambda c: c.region == organisation, lambda c: region_of[c.uai] == organisation),
        "ddets": (lambda c: c.departement == organisation, lambda c: places[c.commune].departement == organisation),
        "academie": (lambda c: c.academie == organisation, lambda c: places[c.commune].academie == organisation),
    }
    rule = {"si-partenaire": "ml", "france-travail": "dreets", "arml": "dreets"}.get(client, client)
    cfas, communes, missions = within(world, *by_client[rule])
    menus = asked(world, gateway, client)
    told = {cfa["uai"] for cfa in menus["cfas"]}
    # A CFA has its places of training too.
    assert cfas <= told if client == "cfa" else told == cfas
    assert menus["communes"]
    found = {commune["code"] for commune in menus["communes"]}
    assert found == communes if len(communes) <= 500 else (found < communes and len(found) == 500)
    assert {mission["code"] for mission in menus["missionsLocales"]} == missions


def test_b10_who_reads_nobody_s_territory_has_no_menu(world: World, gateway: LaunchedGateway) -> None:
    assert asked(world, gateway, "admin") == {"cfas": [], "communes": [], "missionsLocales": []}


def test_b10_a_menu_is_looked_through_by_part_of_a_name_or_by_a_code(world: World, gateway: LaunchedGateway) -> None:
    whole = asked(world, gateway, "ml")["communes"]
    one = max(whole, key=lambda commune: len(commune["nom"]))
    for sought in (one["nom"][1:].lower(), one["code"]):
        query = f'{{ communes(recherche: "{sought}") {{ code }} }}'
        assert {"code": one["code"]} in asked(world, gateway, "ml", query)["communes"]
    assert asked(world, gateway, "ml", '{ communes(recherche: "zzzz") { code } }') == {"communes": []}
    assert asked(world, gateway, "ml", "{ communes(first: 2) { code nom } }")["communes"] == whole[:2]


def test_r3_a_menu_costs_its_size_and_what_it_looks_through(world: World, gateway: LaunchedGateway) -> None:
    lines = len(asked(world, gateway, "ml")["communes"])
    prices = {
        "{ communes(first: 10) { code nom } }": 1 + 10 * 2,
        '{ communes(first: 10, recherche: "saint") { code nom } }': 1 + 10 * 2 + lines // 100,
        "{ missionsLocales { code } }": 1 + 500,
    }
    told = {query: gateway.graphql(world.token("ml"), query, {})["extensions"]["cout"] for query in prices}
    assert told == prices
