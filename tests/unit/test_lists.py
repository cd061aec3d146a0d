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
from gateway.federation.join.join_records import SourcedRecord
from gateway.federation.views.operation_context import OperationContext
from gateway.schema.filters import FiltreRuptures
from gateway.schema.nouns import Adresse, EtatTraitement, Rupture, SituationSuivi, Suivi
from gateway.schema.orders import TriRuptures
from gateway.schema.query import PageArgs
from gateway.schema.scalars import CodePostal
from tests.support.unit.federation import DAY, context, contrat, session, told

WINDOW = timedelta(days=180)
LONG_ONE = session(date(2025, 3, 1), date(2027, 8, 31))
AT_THE_MISSION = [
    Adresse(code_postal=CodePostal("60000")),
    Adresse(code_postal=CodePostal("60100"), ville="Nogent"),
]
SITUATIONS = [None, SituationSuivi.RDV_PRIS, SituationSuivi.CONTACTE_SANS_RETOUR]
# Not one letter over and over: that names nobody (docs/domaine.md, Identité).
NOMS = ["Lambert", "Morvan", "Nicolas", "Olivier", "Perrin", "Quentel", "Rousseau", "Sabatier", "Thomas"]


def crowd(randomness: Random) -> list[SourcedRecord]:
    """Up to nine people of one Mission locale, one or two ruptures each, some followed, some back in a contract."""
    records = []
    for rank in range(randomness.randrange(1, 10)):
        who: Any = {
            "nom": NOMS[rank],
            "date_naissance": date(2026 - randomness.randrange(15, 28), 5, 1 + rank),
        }
        broken = DAY - timedelta(days=randomness.randrange(230))
        contrats = [contrat(date(2025, 3, 1), broken=broken, numero=f"{rank}")]
        if randomness.random() < 0.4:
            again = DAY - timedelta(days=randomness.randrange(20)) if randomness.random() < 0.4 else None
            contrats.append(contrat(broken + timedelta(days=randomness.randrange(1, 60)), broken=again))
        at: Any = {"adresse": randomness.choice(AT_THE_MISSION), "rqth": randomness.random() < 0.2}
        records.append(told("ypareo", str(rank), "A", formations=[LONG_ONE], contrats=contrats, **who, **at))
        if randomness.random() < 0.8:
            note = datetime(2026, 10, 14, tzinfo=UTC) - timedelta(days=randomness.randrange(120))
            suivi = Suivi(situation=randomness.choice(SITUATIONS), date=note, souhaite_rdv=randomness.random() < 0.2)
            records.append(told("imilo", str(rank), "60001", suivi=suivi, **who))
    return records


# Wide enough to list somebody, most of the time.
filters = st.builds(
    FiltreRuptures,
    depuis=st.sampled_from([None, date(2026, 1, 1), date(2026, 8, 1)]),
    jusqua=st.sampled_from([None, None, date(2026, 9, 1)]),
    statut=st.none() | st.none() | st.sets(st.sampled_from(StatutApprenant)).map(list),
    mineur=st.sampled_from([None, None, None, True, False]),
    age_max=st.none() | st.none() | st.integers(17, 26),
    communes=st.none() | st.none() | st.sets(st.sampled_from(["60057", "60176"])).map(list),
)


def suits_all(ruptures: Iterable[Rupture], f: FiltreRuptures) -> set[str]:
    """The ids of the ruptures that a filter names, by the letter of docs/domaine.md."""
    ids = set()
    for rupture in ruptures:
        jeune = rupture.jeune
        assert rupture.date
        assert jeune
        assert jeune.statut
        assert jeune.age is not None
        refusal = [
            rupture.date < (f.depuis or DAY - WINDOW),
            rupture.date > (f.jusqua or DAY),
            jeune.statut.valeur not in ([StatutApprenant.RUPTURANT] if f.statut is None else f.statut),
            f.mineur is not None and jeune.mineur != f.mineur,
            f.age_max is not None and jeune.age > f.age_max,
            f.communes is not None and (jeune.commune is None or jeune.commune.code not in f.communes),
            f.etat is not None and rupture.etat is not f.etat,
            f.prioritaire is not None and rupture.prioritaire != f.prioritaire,
        ]
        if not any(refusal):
            ids.add(str(rupture.id))
    return ids


def test_counters_pages_and_a_plain_count_agree_and_partitions_add_up() -> None:
    seen = Counter[str]()

    @settings(max_examples=200, deadline=None)
    @given(st.integers(0, 2**32).map(Random).map(crowd), filters, st.integers(1, 4), st.sampled_from(TriRuptures))
    def check_list(told: list[SourcedRecord], filtre: FiltreRuptures, size: int, tri: TriRuptures) -> None:
        subscription = context(told)
        everything = [rupture for _, rupture in subscription.view.ruptures.values()]

        def count(**criteria: Any) -> int:
            f = replace(filtre, **criteria)
            ids, total = traverse(subscription, f, tri, size)
            assert set(ids) == suits_all(everything, f)
            assert len(ids) == len(set(ids)) == total
            return total

        total = count()
        by_etat = {state.value: count(etat=state) for state in EtatTraitement}
        by_priorite = {str(yes): count(prioritaire=yes) for yes in (True, False)}
        by_statut = {statut.value: count(statut=[statut]) for statut in StatutApprenant}
        assert sum(by_etat.values()) == sum(by_priorite.values()) == total
        assert sum(by_statut.values()) == count(statut=list(StatutApprenant))
        seen.update({"listées": total, **by_etat, **by_priorite, **by_statut})

    check_list()
    awaited = {"listées", "True", "False", *(e.value for e in EtatTraitement)} | {"RUPTURANT", "APPRENTI", "ABANDON"}
    assert all(seen[kind] > 0 for kind in awaited), seen


def traverse(subscription: OperationContext, f: FiltreRuptures, tri: TriRuptures, size: int) -> tuple[list[str], int]:
    """The ids of every page, and the count that they all tell."""
    ids, after = list[str](), None
    while True:
        page = subscription.ruptures(f, tri, PageArgs(size, after))
        assert page is not None
        ids += [edge.node.id for edge in page.edges]
        after = page.page_info.end_cursor
        if not page.page_info.has_next_page:
            return ids, page.total_count
