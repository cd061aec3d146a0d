"""The truth is the judge: for each Mission locale, the ruptures returned are those that the sources together reveal."""

from collections import Counter, defaultdict
from datetime import date, timedelta
from typing import Any

from fixtures.gateway_process import LaunchedGateway
from fixtures.world import World
from tests.support.e2e.queries import all_the_ruptures
from tests.support.figures import note

Key = tuple[str, str, str | None]  # no birth date: the source that is believed may be wrong about it
LIGHT = """query L($n: Int!, $apres: String) { ruptures(first: $n, after: $apres) { totalCount
 pageInfo { hasNextPage endCursor } edges { node { date contrat { dateDebut cfa { uai } } } } } }"""


def expected_by_mission(truth: list[dict[str, Any]], day: date) -> dict[str, Counter[Key]]:
    """The definition of docs/domaine.md, applied to the truth: by Mission locale."""
    by_mission: dict[str, Counter[Key]] = defaultdict(Counter)
    for person in truth:
        naissance = date.fromisoformat(person["date_naissance"])
        age = day.year - naissance.year - ((day.month, day.day) < (naissance.month, naissance.day))
        if person["statut"] != "RUPTURANT":
            continue
        if age < 16 or (age >= 26 and not person["rqth"]):
            continue
        for contrat in person["contrats"]:
            if contrat["rupture"] and contrat["revele_par"]:
                broken = date.fromisoformat(contrat["rupture"]["date"])
                if day - timedelta(days=180) <= broken <= day and broken < date.fromisoformat(contrat["date_fin"]):
                    for mission in missions_of(person):
                        by_mission[mission][key(contrat)] += 1
    return by_mission


def missions_of(person: dict[str, Any]) -> set[str]:
    """The one of the home, as far as it is told, and those that have a dossier on the person (docs/domaine.md, Résidence)."""
    followed = {record.partition("/")[0] for record in person["enregistrements"].get("imilo", [])}
    return followed | ({person["mission_locale"]} if person["mission_locale"] else set())


def key(contrat: dict[str, Any]) -> Key:
    return contrat["date_debut"], contrat["rupture"]["date"], contrat["uai"]


def obtained_rows(gateway: LaunchedGateway, token: str) -> Counter[Key]:
    ruptures = all_the_ruptures(gateway, token, LIGHT)
    return Counter((r["contrat"]["dateDebut"], r["date"], (r["contrat"]["cfa"] or {}).get("uai")) for r in ruptures)


def test_each_mission_locale_reads_what_the_sources_reveal_no_more_and_no_less(
    default_world: World, default_gateway: LaunchedGateway
) -> None:
    truth = list(default_world.check.truth())
    expected = expected_by_mission(truth, default_world.population.today)
    missions = sorted(default_world.population.geographie.missions_locales)
    obtained = {mission: obtained_rows(default_gateway, default_world.token(f"ml-{mission}")) for mission in missions}
    for mission in missions:
        assert obtained[mission] == expected[mission], mission
    total, fuzzy = sum(one.total() for one in obtained.values()), sum(not p["rapprochable"] for p in truth)
    note(f"vérité : {total} ruptures pour {len(missions)} Missions locales, toutes celles que les sources révèlent")
    note(f"         ({fuzzy} personnes sur {len(truth)} dont les écritures ne se rejoignent que par ressemblance)")
    assert total > 50
