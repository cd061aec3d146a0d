"""What holds of joining and merging whatever the sources say: on generated testimonies, through the public functions.

What is merged is the question here, not who is joined: an INE makes one person of the records of each, whatever else they
contradict; twins without one are never joined.
"""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from random import Random
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.connectors import gestibase
from gateway.federation.merge import Fusion, fusionner
from gateway.federation.precedence import CONTRAT, JEUNE, RUPTURE
from gateway.federation.provenance import attacher
from gateway.federation.rapprochement import rapprocher
from gateway.federation.temoignages import Temoignage
from gateway.schema.nouns import (
    Adresse,
    Contrat,
    Employeur,
    Rupture,
    Sexe,
    SituationSuivi,
    Suivi,
)
from gateway.schema.scalaires import CodePostal
from tests.contract.connecteurs_outils import CFA, mener
from tests.contract.connecteurs_outils import JOUR as JOUR_ERP
from tests.contract.test_connecteur_gestibase import LIGNE, SANS_CONTRAT, entiere
from tests.unit.federation_outils import ANNUAIRE, AUTRE, JOUR, UN, dit, session

PEU = settings(max_examples=60, deadline=None)
PERSONNES: list[dict[str, Any]] = [
    {"nom": "Le Goff", "prenom": "Anaïs", "date_naissance": date(2006, 3, 7), "sexe": Sexe.F},
    {"nom": "Le Goff", "prenom": "Maëlle", "date_naissance": date(2006, 3, 7), "sexe": Sexe.F},
    {"nom": "N'Diaye", "prenom": "Aminata", "date_naissance": date(2004, 11, 21), "sexe": Sexe.F},
]
INSTALLATIONS = [("ypareo", "A"), ("gestibase", "B"), ("registre", ""), ("imilo", "60001"), ("imilo", "60002")]
ADRESSES = [Adresse(code_postal=CodePostal("60100"), ville=ville) for ville in ("Creil", "Nogent", None)]
ROMPU = date(2026, 9, 10)
FORMATIONS = [session(date(2025, 9, 1), date(2027, 8, 31)), session(date(2024, 9, 1), date(2025, 8, 31))]

instants = st.none() | st.integers(0, 40).map(lambda jours: datetime(2026, 9, 1, tzinfo=UTC) + timedelta(days=jours))
contacts = st.fixed_dictionaries(
    {
        "telephone": st.sampled_from([None, "0639980001", "0639980002", "0639980003"]),
        "courriel": st.sampled_from([None, "a@jeune.invalid", "b@jeune.invalid"]),
    }
)
suivis = st.none() | st.builds(
    Suivi,
    situation=st.none() | st.sampled_from(SituationSuivi),
    date=instants,
    souhaite_rdv=st.booleans(),
)


@st.composite
def contrats(draw: st.DrawFn, qui: int) -> list[Contrat]:
    """Some of three contracts, as one source tells them: a number of their own, days and employers that vary."""
    dits = []
    for rang in sorted(draw(st.sets(st.integers(0, 2)))):
        debut = date(2024 + rang, 9, 1) + timedelta(days=draw(st.integers(0, 3)))
        rompu = draw(st.none() | st.sampled_from([ROMPU, ROMPU + timedelta(days=1)])) if debut < ROMPU else None
        rupture = Rupture(date=rompu, signalee_le=draw(st.none() | st.just(JOUR))) if rompu else None
        employeur = draw(
            st.sampled_from([None, Employeur(siret=UN), Employeur(siret=AUTRE), Employeur(denomination="X")])
        )
        fin = draw(st.sampled_from([date(2027, 8, 31), date(2027, 7, 31)]))
        dits.append(
            Contrat(numero=f"0602026{qui}{rang}", date_debut=debut, date_fin=fin, rupture=rupture, employeur=employeur)
        )
    return dits


@st.composite
def temoins(draw: st.DrawFn, personnes: Sequence[int] = (0, 1, 2), ine: bool = True) -> list[Temoignage]:
    """What some installations say of some people, one record each."""
    dites = []
    for qui in personnes:
        for source, locataire in INSTALLATIONS:
            if draw(st.booleans()):
                valeurs = {
                    **PERSONNES[qui],
                    "ine": f"12345678{qui}AB" if ine else None,
                    **draw(contacts),
                    "rqth": draw(st.sampled_from([None, True, False])),
                    "adresse": draw(st.none() | st.sampled_from(ADRESSES)),
                }
                if source == "imilo":
                    valeurs["suivi"] = draw(suivis)
                else:
                    valeurs["contrats"] = draw(contrats(qui))
                    valeurs["formations"] = draw(st.lists(st.sampled_from(FORMATIONS), max_size=2))
                dites.append(dit(source, str(qui), locataire, draw(instants), **valeurs))
    return dites


def fusions(temoignages: Iterable[Temoignage]) -> list[Fusion]:
    return [fusionner(groupe, ANNUAIRE, JOUR) for groupe in rapprocher(temoignages)]


def resume(une: Fusion) -> dict[str, Any]:
    """All that the graph would show of a person, but for ids and times of receipt."""
    attacher(une)
    jeune = une.jeune
    champs = {
        champ: getattr(jeune, champ) for champ in (*JEUNE, "mission_locale", "missions_locales_possibles", "statut")
    }
    champs |= {"etapes": jeune.etapes, "formations": jeune.formations, "provenance": lignes(jeune)}
    champs["contrats"] = [
        {**{champ: getattr(contrat, champ) for champ in CONTRAT if champ != "rupture"}, "provenance": lignes(contrat)}
        for contrat in jeune.contrats or []
    ]
    champs["ruptures"] = [
        {**{champ: getattr(r, champ) for champ in (*RUPTURE, "sources", "nouveau_contrat")}, "provenance": lignes(r)}
        for r in jeune.ruptures or []
    ]
    return champs


def lignes(porteur: Any) -> list[tuple[str, str, bool, bool]]:
    return [(ligne.champ, ligne.source, ligne.retenue, ligne.divergente) for ligne in porteur.lignes or []]


def resumes(temoignages: Iterable[Temoignage]) -> list[dict[str, Any]]:
    return sorted((resume(une) for une in fusions(temoignages)), key=lambda vu: (str(vu["nom"]), str(vu["prenom"])))


@PEU
@given(temoins(), st.randoms(use_true_random=False))
def test_merging_is_independent_of_the_order_of_answers(dites: list[Temoignage], hasard: Random) -> None:
    attendus = resumes(dites)
    assert len(attendus) == len({temoin.dossier.cle for temoin in dites})  # everybody once
    hasard.shuffle(dites)
    for temoin in dites:
        hasard.shuffle(temoin.jeune.contrats or [])
    assert resumes(dites) == attendus


@PEU
@given(temoins(), st.randoms(use_true_random=False))
def test_a_source_that_answers_twice_says_nothing_more(dites: list[Temoignage], hasard: Random) -> None:
    repetes = [
        replace(temoin, recu_le=temoin.recu_le + timedelta(minutes=5)) for temoin in dites if hasard.random() < 0.5
    ]
    melange = dites + repetes
    hasard.shuffle(melange)
    assert resumes(melange) == resumes(dites)


@settings(max_examples=40, deadline=None)
@given(st.lists(st.integers(0, 5), min_size=1, max_size=12), st.sets(st.integers(0, 12)))
def test_reading_is_independent_of_paging(eleves: list[int], coupes: set[int]) -> None:
    """The same rows, cut into pages elsewhere, even in the middle of one young person."""
    vus, lignes_csv = dict[int, int](), list[dict[str, str]]()
    for eleve in eleves:
        rang = vus[eleve] = vus.get(eleve, -1) + 1
        ligne = {**LIGNE, "Contrat numéro": f"{rang}", "Contrat date début": f"2024{9 + rang % 4:02}01"}
        lignes_csv.append({**(ligne if rang else {**LIGNE, **SANS_CONTRAT}), "Elève ID": f"E{eleve}"})
    bornes = [0, *sorted(coupe for coupe in coupes if coupe < len(lignes_csv)), len(lignes_csv)]
    pages = [entiere(lignes_csv[debut:fin]) for debut, fin in pairwise(bornes)]
    _, d_une = mener(gestibase.dossiers(CFA, JOUR_ERP), lambda requete: [entiere(lignes_csv)])
    _, coupee = mener(gestibase.dossiers(CFA, JOUR_ERP), lambda requete: pages)
    assert coupee.dossiers == d_une.dossiers


def gardes(porteur: Any) -> dict[str, str]:
    """field -> the source kept."""
    return {ligne.champ: ligne.source for ligne in porteur.lignes or [] if ligne.retenue}


def en_champ(attribut: str) -> str:
    tete, *suite = attribut.split("_")
    return tete + "".join(mot.capitalize() for mot in suite)


def verifier(avant: Any, apres: Any, table: Iterable[str], retiree: str) -> None:
    """What another source said is still there; what only the removed one said is not."""
    qui, reste = gardes(avant), {ligne.champ for ligne in avant.lignes if ligne.source != retiree}
    for attribut in table:
        champ = en_champ(attribut)
        if champ in qui and qui[champ] != retiree:
            assert valeur_de(avant, attribut) == valeur_de(apres, attribut), champ
        assert (champ in gardes(apres)) == (champ in reste), champ


def valeur_de(porteur: Any, attribut: str) -> Any:
    """A rupture and an employer are completed from several sources: theirs are verified apart."""
    valeur = getattr(porteur, attribut)
    return valeur is not None if isinstance(valeur, Rupture | Employeur) else valeur


def sirets_dits(dites: Iterable[Temoignage], numero: str | None) -> set[str]:
    tous = [contrat for temoin in dites for contrat in temoin.jeune.contrats or [] if contrat.numero == numero]
    return {contrat.employeur.siret for contrat in tous if contrat.employeur and contrat.employeur.siret}


@settings(max_examples=250, deadline=None)
@given(temoins([0]), st.sampled_from(["ypareo", "gestibase", "registre", "imilo"]))
def test_removing_a_source_removes_only_what_it_alone_said(dites: list[Temoignage], retiree: str) -> None:
    restes = [temoin for temoin in dites if temoin.source != retiree]
    if not restes:
        return
    (avant,), (apres,) = fusions(dites), fusions(restes)
    attacher(avant)
    attacher(apres)
    verifier(avant.jeune, apres.jeune, JEUNE, retiree)
    restants = {contrat.numero: contrat for contrat in apres.contrats}
    assert set(restants) == {c.numero for temoin in restes for c in temoin.jeune.contrats or []}
    for contrat in avant.contrats:
        if contrat.numero in restants:
            suivant = restants[contrat.numero]
            verifier(contrat, suivant, CONTRAT, retiree)
            du_retire = sirets_dits((temoin for temoin in dites if temoin.source == retiree), contrat.numero)
            if contrat.employeur and contrat.employeur.siret and contrat.employeur.siret not in du_retire:
                assert suivant.employeur
                assert suivant.employeur.siret == contrat.employeur.siret
            if contrat.rupture and suivant.rupture:
                verifier(contrat.rupture, suivant.rupture, RUPTURE, retiree)


@PEU
@given(
    temoins([0, 1], ine=False),
    st.sets(st.integers(0, 4)),
    st.sets(st.sampled_from(["telephone", "courriel", "adresse"]), min_size=1),
)
def test_swapping_contact_details_of_two_people_never_joins_them(
    dites: list[Temoignage], ou: set[int], champs: set[str]
) -> None:
    """Twins, who live together: in some systems, each has what the other should have."""
    echanges = [INSTALLATIONS[rang] for rang in ou]
    for origine in echanges:
        paire = [temoin.jeune for temoin in dites if temoin.origine == origine]
        if len(paire) == 2:
            for champ in champs:
                un, autre = (getattr(jeune, champ) for jeune in paire)
                setattr(paire[0], champ, autre)
                setattr(paire[1], champ, un)
    for groupe in rapprocher(dites):
        assert len({temoin.dossier.cle for temoin in groupe.temoignages}) == 1
