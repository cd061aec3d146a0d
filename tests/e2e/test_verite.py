"""The truth is the judge: for each Mission locale, the ruptures returned are those that the sources together reveal."""

from collections import Counter, defaultdict
from datetime import date, timedelta
from typing import Any

from fixtures.monde import Monde
from fixtures.passerelle import PasserelleLancee
from tests.chiffres import noter
from tests.e2e.requetes import toutes_les_ruptures

Cle = tuple[str, str, str, str | None]
LEGERE = """query L($n: Int!, $apres: String) { ruptures(first: $n, after: $apres) { totalCount
 pageInfo { hasNextPage endCursor } edges { node { date contrat { dateDebut cfa { uai } } jeune { dateNaissance } } } } }"""


def attendues(verite: list[dict[str, Any]], jour: date) -> dict[str, Counter[Cle]]:
    """The definition of ANSWERS 10, applied to the truth: by Mission locale."""
    par_mission: dict[str, Counter[Cle]] = defaultdict(Counter)
    for personne in verite:
        naissance = date.fromisoformat(personne["date_naissance"])
        age = jour.year - naissance.year - ((jour.month, jour.day) < (naissance.month, naissance.day))
        if personne["statut"] != "RUPTURANT" or not personne["rapprochable"]:
            continue
        if age < 16 or (age >= 26 and not personne["rqth"]):
            continue
        for contrat in personne["contrats"]:
            if contrat["rupture"] and contrat["revele_par"]:
                rompu = date.fromisoformat(contrat["rupture"]["date"])
                if jour - timedelta(days=180) <= rompu <= jour and rompu < date.fromisoformat(contrat["date_fin"]):
                    for mission in missions_de(personne):
                        par_mission[mission][cle(personne["date_naissance"], contrat)] += 1
    return par_mission


def missions_de(personne: dict[str, Any]) -> set[str]:
    """The one of the home, as far as it is told, and those that have a dossier on the person (ANSWERS 4)."""
    suivis = {enregistrement.partition("/")[0] for enregistrement in personne["enregistrements"].get("imilo", [])}
    return suivis | ({personne["mission_locale"]} if personne["mission_locale"] else set())


def cle(naissance: str, contrat: dict[str, Any]) -> Cle:
    return naissance, contrat["date_debut"], contrat["rupture"]["date"], contrat["uai"]


def obtenues(passerelle: PasserelleLancee, jeton: str) -> Counter[Cle]:
    return Counter(
        (r["jeune"]["dateNaissance"], r["contrat"]["dateDebut"], r["date"], (r["contrat"]["cfa"] or {}).get("uai"))
        for r in toutes_les_ruptures(passerelle, jeton, LEGERE)
    )


def test_each_mission_locale_reads_what_the_sources_reveal_no_more_and_no_less(
    monde: Monde, passerelle: PasserelleLancee
) -> None:
    verite = list(monde.controle.verite())
    attendu = attendues(verite, monde.population.aujourdhui)
    flous = {
        cle(p["date_naissance"], c)[1:] for p in verite if not p["rapprochable"] for c in p["contrats"] if c["rupture"]
    }
    total, hors = 0, 0
    for mission in sorted(monde.population.geographie.missions_locales):
        obtenu = obtenues(passerelle, monde.jeton(f"ml-{mission}"))
        assert not attendu[mission] - obtenu, f"{mission}: missing"
        surplus = obtenu - attendu[mission]
        assert all(un[1:] in flous for un in surplus), f"{mission}: {surplus}"
        total, hors = total + obtenu.total(), hors + surplus.total()
    floues = sum(not p["rapprochable"] for p in verite)
    missions = len(monde.population.geographie.missions_locales)
    noter(
        f"vérité : {total} ruptures pour {missions} Missions locales, {total - hors} exactes, {hors} de personnes que"
    )
    noter(f"         seule une ressemblance relierait ({floues} personnes sur {len(verite)} dans la population)")
    assert total > 50
