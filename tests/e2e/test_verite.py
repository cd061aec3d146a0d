"""The truth is the judge: for each Mission locale, the ruptures returned are those that the sources together reveal."""

from collections import Counter, defaultdict
from datetime import date, timedelta
from typing import Any

from fixtures.monde import Monde
from fixtures.passerelle import PasserelleLancee
from tests.chiffres import noter
from tests.e2e.requetes import toutes_les_ruptures

Cle = tuple[str, str, str | None]  # no birth date: the source that is believed may be wrong about it
LEGERE = """query L($n: Int!, $apres: String) { ruptures(first: $n, after: $apres) { totalCount
 pageInfo { hasNextPage endCursor } edges { node { date contrat { dateDebut cfa { uai } } } } } }"""


def attendues(verite: list[dict[str, Any]], jour: date) -> dict[str, Counter[Cle]]:
    """The definition of ANSWERS 10, applied to the truth: by Mission locale."""
    par_mission: dict[str, Counter[Cle]] = defaultdict(Counter)
    for personne in verite:
        naissance = date.fromisoformat(personne["date_naissance"])
        age = jour.year - naissance.year - ((jour.month, jour.day) < (naissance.month, naissance.day))
        if personne["statut"] != "RUPTURANT":
            continue
        if age < 16 or (age >= 26 and not personne["rqth"]):
            continue
        for contrat in personne["contrats"]:
            if contrat["rupture"] and contrat["revele_par"]:
                rompu = date.fromisoformat(contrat["rupture"]["date"])
                if jour - timedelta(days=180) <= rompu <= jour and rompu < date.fromisoformat(contrat["date_fin"]):
                    for mission in missions_de(personne):
                        par_mission[mission][cle(contrat)] += 1
    return par_mission


def missions_de(personne: dict[str, Any]) -> set[str]:
    """The one of the home, as far as it is told, and those that have a dossier on the person (ANSWERS 4)."""
    suivis = {enregistrement.partition("/")[0] for enregistrement in personne["enregistrements"].get("imilo", [])}
    return suivis | ({personne["mission_locale"]} if personne["mission_locale"] else set())


def cle(contrat: dict[str, Any]) -> Cle:
    return contrat["date_debut"], contrat["rupture"]["date"], contrat["uai"]


def obtenues(passerelle: PasserelleLancee, jeton: str) -> Counter[Cle]:
    ruptures = toutes_les_ruptures(passerelle, jeton, LEGERE)
    return Counter((r["contrat"]["dateDebut"], r["date"], (r["contrat"]["cfa"] or {}).get("uai")) for r in ruptures)


def test_each_mission_locale_reads_what_the_sources_reveal_no_more_and_no_less(
    monde: Monde, passerelle: PasserelleLancee
) -> None:
    verite = list(monde.controle.verite())
    attendu = attendues(verite, monde.population.aujourdhui)
    missions = sorted(monde.population.geographie.missions_locales)
    obtenu = {mission: obtenues(passerelle, monde.jeton(f"ml-{mission}")) for mission in missions}
    for mission in missions:
        assert obtenu[mission] == attendu[mission], mission
    total, floues = sum(une.total() for une in obtenu.values()), sum(not p["rapprochable"] for p in verite)
    noter(f"vérité : {total} ruptures pour {len(missions)} Missions locales, toutes celles que les sources révèlent")
    noter(f"         ({floues} personnes sur {len(verite)} dont les écritures ne se rejoignent que par ressemblance)")
    assert total > 50
