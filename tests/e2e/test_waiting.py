"""Who waits for a first contract, over HTTP: each profile, and each Mission locale against the truth of the population."""

from collections import Counter
from datetime import date, timedelta
from typing import Any

import pytest

from fixtures.gateway_process import LaunchedGateway
from fixtures.world import World
from tests.support.e2e.queries import until_complete
from tests.support.figures import note

LIST = """{ inscritsSansContrat(first: 500) { totalCount complet nodes { id age statut { valeur }
 sansContrat { depuis jours echeance joursRestants depassee contratPrevu } } } }"""
WITH_PLANNED = LIST.replace("first: 500", "first: 500, filtre: {contratPrevu: true}")
FIELD = "{ jeunes(first: 500%s) { nodes { id age sansContrat { depassee contratPrevu } } pageInfo { hasNextPage endCursor } } }"
READERS = {"ml": True, "france-travail": True}
OTHERS = (
    "cfa",
    "reseau",
    "dreets",
    "ddets",
    "academie",
    "si-partenaire",
    "si-partenaire-cfa",
    "arml",
    "statistiques",
    "admin",
)
Wait = tuple[str, str | None]  # its first day, and the first day of a contract to come


@pytest.mark.parametrize("client", OTHERS)
def test_any_other_profile_is_refused(world: World, gateway: LaunchedGateway, client: str) -> None:
    response = gateway.graphql(world.token(client), "{ inscritsSansContrat { totalCount } }", {})
    assert response["data"] == {"inscritsSansContrat": None}
    assert [error["extensions"]["code"] for error in response["errors"]] == ["CHAMP_REFUSE"]
    assert response["extensions"]["sources"] == []  # and nobody was asked


@pytest.mark.parametrize("client", ["cfa", "dreets", "si-partenaire"])
def test_the_field_is_refused_to_who_reads_the_person(world: World, gateway: LaunchedGateway, client: str) -> None:
    response = until_complete(gateway, world.token(client), FIELD % "")
    nodes = response["data"]["jeunes"]["nodes"]
    assert nodes
    assert {node["sansContrat"] for node in nodes} == {None}
    assert {line["code"] for line in response["extensions"]["refus"]} == {"CHAMP_REFUSE"}


@pytest.mark.parametrize("client", READERS)
def test_the_list_its_count_and_the_field_agree(world: World, gateway: LaunchedGateway, client: str) -> None:
    page = until_complete(gateway, world.token(client), LIST)["data"]["inscritsSansContrat"]
    listed = [node["id"] for node in page["nodes"]]
    assert len(listed) == len(set(listed)) == page["totalCount"] > 0
    waits = [node["sansContrat"] for node in page["nodes"]]
    assert [(w["depassee"], w["echeance"]) for w in waits] == sorted((w["depassee"], w["echeance"]) for w in waits)
    told = [node for node in everybody(world, gateway, client) if node["sansContrat"]]
    assert {node["id"] for node in told if node["sansContrat"]["contratPrevu"] is None} == set(listed)
    more = until_complete(gateway, world.token(client), WITH_PLANNED)["data"]["inscritsSansContrat"]
    assert {node["id"] for node in more["nodes"]} == {node["id"] for node in told}


def everybody(world: World, gateway: LaunchedGateway, client: str) -> list[dict[str, Any]]:
    nodes: list[dict[str, Any]] = []
    after = ""
    while True:
        page = until_complete(gateway, world.token(client), FIELD % after)["data"]["jeunes"]
        nodes += page["nodes"]
        if not page["pageInfo"]["hasNextPage"]:
            return nodes
        after = f', after: "{page["pageInfo"]["endCursor"]}"'


def test_france_travail_reads_adults_before_their_deadline(world: World, gateway: LaunchedGateway) -> None:
    nodes = until_complete(gateway, world.token("france-travail"), WITH_PLANNED)["data"]["inscritsSansContrat"]["nodes"]
    assert nodes
    assert {node["statut"]["valeur"] for node in nodes} == {"INSCRIT"}
    assert all(node["age"] >= 18 and not node["sansContrat"]["depassee"] for node in nodes)
    minors = [node for node in everybody(world, gateway, "france-travail") if node["age"] < 18]
    assert minors
    assert all(node["sansContrat"] is None for node in minors)


def test_the_countdown_is_that_of_the_status(world: World, gateway: LaunchedGateway) -> None:
    today = world.population.today
    nodes = until_complete(gateway, world.token("ml"), WITH_PLANNED)["data"]["inscritsSansContrat"]["nodes"]
    for node in nodes:
        wait = node["sansContrat"]
        depuis, days = date.fromisoformat(wait["depuis"]), wait["jours"]
        assert (days, wait["joursRestants"]) == ((today - depuis).days, 90 - days)
        assert wait["echeance"] == (depuis + timedelta(days=90)).isoformat()
        assert wait["depassee"] == (node["statut"]["valeur"] == "ABANDON") == (days >= 90)


def test_each_mission_locale_reads_who_waits_in_truth(world: World, gateway: LaunchedGateway) -> None:
    today = world.population.today
    expected = expected_by_mission(list(world.check.truth()), today)
    missions = sorted(world.population.geographie.missions_locales)
    total = 0
    for mission in missions:
        page = until_complete(gateway, world.token(f"ml-{mission}"), WITH_PLANNED)["data"]["inscritsSansContrat"]
        waits = [node["sansContrat"] for node in page["nodes"]]
        assert Counter((w["depuis"], w["contratPrevu"]) for w in waits) == expected[mission], mission
        total += len(waits)
    note(f"sans contrat : {total} attentes pour {len(missions)} Missions locales, toutes celles que les sources disent")
    assert total > 20


def expected_by_mission(truth: list[dict[str, Any]], today: date) -> dict[str, Counter[Wait]]:
    """docs/domaine.md, Sans contrat, applied to what the systems together tell."""
    by_mission: dict[str, Counter[Wait]] = {}
    for person in truth:
        wait, naissance = wait_of(person, today), date.fromisoformat(person["date_naissance"])
        age = today.year - naissance.year - ((today.month, today.day) < (naissance.month, naissance.day))
        if wait and age >= 16 and (age < 26 or person["rqth_dite"]):
            followed = {record.partition("/")[0] for record in person["enregistrements"].get("imilo", [])}
            for mission in followed | ({person["mission_locale"]} if person["mission_locale"] else set()):
                by_mission.setdefault(mission, Counter())[wait] += 1
    return {mission: by_mission.get(mission, Counter()) for mission in {*by_mission, *missions_of(truth)}}


def missions_of(truth: list[dict[str, Any]]) -> set[str]:
    return {person["mission_locale_reelle"] for person in truth}


def wait_of(person: dict[str, Any], today: date) -> Wait | None:
    """Of the session whose statuses hold today: its first day, when it is still under way and nobody was an apprentice in it."""
    begun = [etape for etape in person["parcours_dit"] if date.fromisoformat(etape["depuis"]) <= today]
    if not begun:
        return None
    debut, fin = begun[-1]["session"]
    own = [etape for etape in begun if etape["session"] == [debut, fin]]
    # A session of a training, and not the bounds of a contract that crosses none.
    sessions = [one for one in person["sessions"] if (one["debut"], one["fin"]) == (debut, fin)]
    if not sessions or fin < today.isoformat() or {etape["statut"] for etape in own} - {"INSCRIT", "ABANDON"}:
        return None
    if any(one["exclusion"] and one["exclusion"] <= today.isoformat() for one in sessions):
        return None
    if (today - date.fromisoformat(own[0]["depuis"])).days >= 180:
        return None
    to_come = [contrat["date_debut"] for contrat in person["contrats"] if contrat["date_debut"] > today.isoformat()]
    return own[0]["depuis"], min(to_come, default=None)
