"""Pages, forwards and backwards: judged by the algorithm of the Relay specification ("Cursor Connections"), written here again;
and every order of every list, judged by what its description in the graph promises."""

from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime, timedelta
from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.domain.official_numbers import normalise_nom
from gateway.domain.statut import StatutApprenant
from gateway.errors import InvalidCursor
from gateway.federation.paging import CursorCodec, cut, sort
from gateway.federation.views.operation_context import OperationContext
from gateway.schema.filters import FiltreRuptures
from gateway.schema.nouns import Adresse, Contrat, Jeune, Rupture
from gateway.schema.orders import TriContrats, TriJeunes, TriRuptures
from gateway.schema.query import PageArgs
from gateway.schema.scalars import CodePostal
from tests.support.unit.federation import DAY, IDS, context, contrat, session, told

CODEC = CursorCodec(IDS, lambda: "liste")
EVERYTHING = FiltreRuptures(depuis=date(2020, 1, 1), statut=list(StatutApprenant))
HERE = Adresse(code_postal=CodePostal("60000"))


def cursor(value: int) -> str:
    return IDS.seal_cursor([value], "liste")


# https://relay.dev/graphql/connections.htm#sec-Pagination-algorithm, on the values themselves: a cursor is that of a value.
def apply_cursors(values: list[int], before: int | None, after: int | None) -> list[int]:
    return [v for v in values if (after is None or v > after) and (before is None or v < before)]


def edges_to_return(values: list[int], page: Mapping[str, int | None]) -> list[int]:
    edges = apply_cursors(values, page["before"], page["after"])
    if page["last"] is None:
        return edges[: page["first"]]
    return edges[-page["last"] :] if page["last"] else []


def has_previous(values: list[int], page: Mapping[str, int | None]) -> bool:
    if page["last"] is not None:
        return len(apply_cursors(values, page["before"], page["after"])) > page["last"]
    return page["after"] is not None and any(v <= page["after"] for v in values)


def has_next(values: list[int], page: Mapping[str, int | None]) -> bool:
    if page["last"] is None:
        assert page["first"] is not None
        return len(apply_cursors(values, page["before"], page["after"])) > page["first"]
    return page["before"] is not None and any(v >= page["before"] for v in values)


@settings(max_examples=1000, deadline=None)
@given(
    st.sets(st.integers(0, 15)),
    st.integers(0, 6),
    st.none() | st.integers(0, 6),
    st.none() | st.integers(0, 15),  # a cursor may outlive its row
    st.none() | st.integers(0, 15),
)
def test_b10_a_page_is_that_of_the_relay_specification(
    values: set[int], first: int, last: int | None, after: int | None, before: int | None
) -> None:
    page = {"first": first, "last": last, "after": after, "before": before}
    cursors = [None if value is None else cursor(value) for value in (after, before)]
    found = cut(sort(list(values), lambda value: [value]), PageArgs(first, cursors[0], last, cursors[1]), CODEC)
    expected = edges_to_return(sorted(values), page)
    assert [value for _, value in found.elements] == expected
    assert (found.info.has_previous_page, found.info.has_next_page) == (
        has_previous(sorted(values), page),
        has_next(sorted(values), page),
    )
    ends = (cursor(expected[0]), cursor(expected[-1])) if expected else (None, None)
    assert (found.info.start_cursor, found.info.end_cursor) == ends
    assert found.total == len(values)


def people(randomness: Random) -> list[Any]:
    """Persons of a Mission locale, some alike in what an order compares, some without it."""
    records = []
    for rank in range(24):
        debut = date(2024, 9, 1) + timedelta(days=randomness.randrange(40))
        broken = randomness.choice([None, DAY - timedelta(days=randomness.randrange(400))])
        records.append(
            told(
                "ypareo",
                str(rank),
                "A",
                randomness.choice([None, datetime(2026, 10, 1 + randomness.randrange(12), 9, tzinfo=UTC)]),
                nom=randomness.choice(["Durand", "du Rand", "Éloi", "Zola"]) + "abcdefghijklmnopqrstuvwx"[rank],
                prenom=randomness.choice(["Anne", "Zoé"]),
                date_naissance=date(randomness.randrange(2002, 2010), 5, 1 + rank),
                adresse=HERE,
                formations=[session(date(2024, 9, 1), date(2027, 8, 31))],
                contrats=[
                    contrat(debut, randomness.choice([date(2027, 6, 30), date(2027, 8, 31)]), broken, numero=str(rank))
                ],
            )
        )
    return records


@pytest.fixture(scope="module")
def crowd() -> OperationContext:
    return context(people(Random(20261130)))


def noms(jeune: Jeune) -> list[str]:
    return [normalise_nom(jeune.nom or ""), normalise_nom(jeune.prenom or "")]


def of(name: str) -> Callable[[Any], Any]:
    return lambda one: getattr(one, name)


def last_rupture(jeune: Jeune) -> date | None:
    return max((rupture.date for rupture in jeune.ruptures or [] if rupture.date), default=None)


def urgency(rupture: Rupture) -> Any:
    """docs/domaine.md, Rupture: the first reason of the list; then the most recent."""
    order = ["ACCOMPAGNEMENT_CONJOINT", "SOUHAITE_RDV", "RQTH", "MINEUR"]
    assert rupture.date
    return min((order.index(m.value) for m in rupture.motifs_priorite or []), default=9), -rupture.date.toordinal()


def changed(jeune: Jeune) -> Any:
    """What is not known counts as changed at this moment."""
    return jeune.modifie or datetime.max.replace(tzinfo=UTC)


# What each order compares, and whether the largest comes first: from the descriptions of the graph.
RUPTURES: dict[TriRuptures, tuple[Callable[[Rupture], Any], bool]] = {
    TriRuptures.DATE_DESC: (of("date"), True),
    TriRuptures.DATE_ASC: (of("date"), False),
    TriRuptures.PRIORITE: (urgency, False),
    TriRuptures.SIGNALEE_DESC: (of("signalee_le"), True),
    TriRuptures.SIGNALEE_ASC: (of("signalee_le"), False),
    TriRuptures.NOM_ASC: (lambda one: noms(one.jeune or Jeune()), False),
    TriRuptures.NOM_DESC: (lambda one: noms(one.jeune or Jeune()), True),
    TriRuptures.AGE_ASC: (lambda one: (one.jeune or Jeune()).age, False),
    TriRuptures.AGE_DESC: (lambda one: (one.jeune or Jeune()).age, True),
    TriRuptures.MODIFIE_DESC: (lambda one: changed(one.jeune or Jeune()), True),
    TriRuptures.MODIFIE_ASC: (lambda one: changed(one.jeune or Jeune()), False),
}
JEUNES: dict[TriJeunes, tuple[Callable[[Jeune], Any], bool]] = {
    TriJeunes.STATUT_RECENT: (lambda one: one.statut and one.statut.depuis, True),
    TriJeunes.STATUT_ANCIEN: (lambda one: one.statut and one.statut.depuis, False),
    TriJeunes.NOM_ASC: (noms, False),
    TriJeunes.NOM_DESC: (noms, True),
    TriJeunes.AGE_ASC: (of("age"), False),
    TriJeunes.AGE_DESC: (of("age"), True),
    TriJeunes.RUPTURE_DESC: (last_rupture, True),
    TriJeunes.RUPTURE_ASC: (last_rupture, False),
    TriJeunes.MODIFIE_DESC: (changed, True),
    TriJeunes.MODIFIE_ASC: (changed, False),
}
CONTRATS: dict[TriContrats, tuple[Callable[[Contrat], Any], bool]] = {
    TriContrats.DEBUT_DESC: (of("date_debut"), True),
    TriContrats.DEBUT_ASC: (of("date_debut"), False),
    TriContrats.FIN_DESC: (of("date_fin"), True),
    TriContrats.FIN_ASC: (of("date_fin"), False),
    TriContrats.RUPTURE_DESC: (lambda one: one.rupture and one.rupture.date, True),
    TriContrats.RUPTURE_ASC: (lambda one: one.rupture and one.rupture.date, False),
    TriContrats.NOM_ASC: (lambda one: noms(one.jeune or Jeune()), False),
    TriContrats.NOM_DESC: (lambda one: noms(one.jeune or Jeune()), True),
    TriContrats.MODIFIE_DESC: (lambda one: changed(one.jeune or Jeune()), True),
    TriContrats.MODIFIE_ASC: (lambda one: changed(one.jeune or Jeune()), False),
}
ORDERS = [*RUPTURES, *JEUNES, *CONTRATS]


def page_of(crowd: OperationContext, tri: Any, page: PageArgs) -> Any:
    if isinstance(tri, TriRuptures):
        return crowd.ruptures(EVERYTHING, tri, page)
    return crowd.jeunes(None, tri, page) if isinstance(tri, TriJeunes) else crowd.contrats(None, tri, page)


def elements(crowd: OperationContext, tri: Any) -> list[Any]:
    view = crowd.view
    if isinstance(tri, TriJeunes):
        return [person.jeune for person in view.persons.values()]
    return [one for _, one in (view.ruptures if isinstance(tri, TriRuptures) else view.contrats).values()]


def rule(tri: Any) -> tuple[Callable[[Any], Any], bool]:
    if isinstance(tri, TriRuptures):
        return RUPTURES[tri]
    return JEUNES[tri] if isinstance(tri, TriJeunes) else CONTRATS[tri]


def test_every_order_of_the_graph_is_judged() -> None:
    assert {*ORDERS} == {*TriRuptures, *TriJeunes, *TriContrats}


@pytest.mark.parametrize("tri", ORDERS, ids=str)
def test_b10_forward_and_backward_pages_give_one_list_in_the_order_asked(crowd: OperationContext, tri: Any) -> None:
    value, largest_first = rule(tri)
    by_id = {one.id: one for one in elements(crowd, tri)}
    whole = forwards(crowd, tri, 100)
    assert len(whole) > 10
    assert sorted(whole) == sorted(by_id)
    for size in (1, 5, 7):
        assert forwards(crowd, tri, size) == whole
        assert backwards(crowd, tri, size) == whole
    values = [value(by_id[identifier]) for identifier in whole]
    known = [one for one in values if one is not None]
    assert values == known + [None] * (len(values) - len(known)), "whatever has no value comes last"
    assert known == sorted(known, reverse=largest_first)


def forwards(crowd: OperationContext, tri: Any, size: int) -> list[str]:
    found, after = list[str](), None
    while True:
        page = page_of(crowd, tri, PageArgs(size, after))
        assert [edge.node for edge in page.edges] == page.nodes
        found += [node.id for node in page.nodes]
        after = page.page_info.end_cursor
        if not page.page_info.has_next_page:
            return found


def backwards(crowd: OperationContext, tri: Any, size: int) -> list[str]:
    found, before = list[str](), None
    while True:
        page = page_of(crowd, tri, PageArgs(20, None, size, before))
        found = [node.id for node in page.nodes] + found
        before = page.page_info.start_cursor
        if not page.page_info.has_previous_page:
            return found


@pytest.mark.parametrize("side", ["after", "before"])
def test_b10_a_cursor_is_of_one_order(crowd: OperationContext, side: str) -> None:
    given_by = page_of(crowd, TriJeunes.NOM_ASC, PageArgs(3, None)).page_info.end_cursor
    asked = PageArgs(3, None, **{side: given_by}) if side == "before" else PageArgs(3, given_by)
    assert len(page_of(crowd, TriJeunes.NOM_ASC, asked).nodes) == (3 if side == "after" else 2)
    for other in (TriJeunes.NOM_DESC, TriJeunes.AGE_ASC, TriContrats.NOM_ASC):
        with pytest.raises(InvalidCursor):
            page_of(crowd, other, asked)


def test_orders_that_many_ask_do_not_pile_up_with_a_view(crowd: OperationContext) -> None:
    for tri in ORDERS:
        page_of(crowd, tri, PageArgs(1, None))
    assert len(crowd.view.orders) <= 8
