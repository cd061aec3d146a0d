"""Counters and lists: one predicate of the product, a second one written here, on generated views and filters."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from random import Random
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.domain.statut import StatutApprenant
from gateway.federation.contexte import ContexteOperation
from gateway.federation.temoignages import Temoignage
from gateway.schema.contexte import Page
from gateway.schema.filtres import FiltreRuptures, TriRuptures
from gateway.schema.nouns import Adresse, EtatTraitement, Rupture, SituationSuivi, Suivi
from gateway.schema.scalaires import CodePostal
from tests.unit.federation_outils import JOUR, contexte, contrat, dit, session

FENETRE = timedelta(days=180)
LONGUE = session(date(2025, 3, 1), date(2027, 8, 31))
CHEZ_LA_MISSION = [
    Adresse(code_postal=CodePostal("60000")),
    Adresse(code_postal=CodePostal("60100"), ville="Nogent"),
]
SITUATIONS = [None, SituationSuivi.RDV_PRIS, SituationSuivi.CONTACTE_SANS_RETOUR]


def foule(hasard: Random) -> list[Temoignage]:
    """Up to nine people of one Mission locale, one or two ruptures each, some followed, some back in a contract."""
    dites = []
    for rang in range(hasard.randrange(1, 10)):
        qui: Any = {"nom": "LMNOPQRST"[rang] * 5, "date_naissance": date(2026 - hasard.randrange(15, 28), 5, 1 + rang)}
        rompu = JOUR - timedelta(days=hasard.randrange(230))
        contrats = [contrat(date(2025, 3, 1), rompu=rompu, numero=f"{rang}")]
        if hasard.random() < 0.4:
            encore = JOUR - timedelta(days=hasard.randrange(20)) if hasard.random() < 0.4 else None
            contrats.append(contrat(rompu + timedelta(days=hasard.randrange(1, 60)), rompu=encore))
        chez: Any = {"adresse": hasard.choice(CHEZ_LA_MISSION), "rqth": hasard.random() < 0.2}
        dites.append(dit("ypareo", str(rang), "A", formations=[LONGUE], contrats=contrats, **qui, **chez))
        if hasard.random() < 0.8:
            note = datetime(2026, 10, 14, tzinfo=UTC) - timedelta(days=hasard.randrange(120))
            suivi = Suivi(situation=hasard.choice(SITUATIONS), date=note, souhaite_rdv=hasard.random() < 0.2)
            dites.append(dit("imilo", str(rang), "60001", suivi=suivi, **qui))
    return dites


# Wide enough to list somebody, most of the time.
filtres = st.builds(
    FiltreRuptures,
    depuis=st.sampled_from([None, date(2026, 1, 1), date(2026, 8, 1)]),
    jusqua=st.sampled_from([None, None, date(2026, 9, 1)]),
    statut=st.none() | st.none() | st.sets(st.sampled_from(StatutApprenant)).map(list),
    mineur=st.sampled_from([None, None, None, True, False]),
    age_max=st.none() | st.none() | st.integers(17, 26),
    communes=st.none() | st.none() | st.sets(st.sampled_from(["60057", "60176"])).map(list),
)


def conviennent(ruptures: Iterable[Rupture], f: FiltreRuptures) -> set[str]:
    """The ids of the ruptures that a filter names, by the letter of ANSWERS 10."""
    ids = set()
    for rupture in ruptures:
        jeune = rupture.jeune
        assert rupture.date
        assert jeune
        assert jeune.statut
        assert jeune.age is not None
        refus = [
            rupture.date < (f.depuis or JOUR - FENETRE),
            rupture.date > (f.jusqua or JOUR),
            jeune.statut.valeur not in ([StatutApprenant.RUPTURANT] if f.statut is None else f.statut),
            f.mineur is not None and jeune.mineur != f.mineur,
            f.age_max is not None and jeune.age > f.age_max,
            f.communes is not None and (jeune.commune is None or jeune.commune.code not in f.communes),
            f.etat is not None and rupture.etat is not f.etat,
            f.prioritaire is not None and rupture.prioritaire != f.prioritaire,
        ]
        if not any(refus):
            ids.add(str(rupture.id))
    return ids


def test_counters_pages_and_a_plain_count_agree_and_partitions_add_up() -> None:
    vus = Counter[str]()

    @settings(max_examples=200, deadline=None)
    @given(st.integers(0, 2**32).map(Random).map(foule), filtres, st.integers(1, 4), st.sampled_from(TriRuptures))
    def verifier_une_liste(dites: list[Temoignage], filtre: FiltreRuptures, taille: int, tri: TriRuptures) -> None:
        ecoute = contexte(dites)
        toutes = [rupture for _, rupture in ecoute.vue.ruptures.values()]

        def compter(**criteres: Any) -> int:
            f = replace(filtre, **criteres)
            ids, total = parcourir(ecoute, f, tri, taille)
            assert set(ids) == conviennent(toutes, f)
            assert len(ids) == len(set(ids)) == total
            return total

        total = compter()
        par_etat = {etat.value: compter(etat=etat) for etat in EtatTraitement}
        par_priorite = {str(oui): compter(prioritaire=oui) for oui in (True, False)}
        par_statut = {statut.value: compter(statut=[statut]) for statut in StatutApprenant}
        assert sum(par_etat.values()) == sum(par_priorite.values()) == total
        assert sum(par_statut.values()) == compter(statut=list(StatutApprenant))
        vus.update({"listées": total, **par_etat, **par_priorite, **par_statut})

    verifier_une_liste()
    attendus = {"listées", "True", "False", *(e.value for e in EtatTraitement)} | {"RUPTURANT", "APPRENTI", "ABANDON"}
    assert all(vus[genre] > 0 for genre in attendus), vus


def parcourir(ecoute: ContexteOperation, f: FiltreRuptures, tri: TriRuptures, taille: int) -> tuple[list[str], int]:
    """The ids of every page, and the count that they all tell."""
    ids, apres = list[str](), None
    while True:
        page = ecoute.ruptures(f, tri, Page(taille, apres))
        assert page is not None
        ids += [arete.node.id for arete in page.edges]
        apres = page.page_info.end_cursor
        if not page.page_info.has_next_page:
            return ids, page.total_count
