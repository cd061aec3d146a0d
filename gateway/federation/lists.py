"""The three lists of the graph: what each takes from a view, its filters, its orders, its pages. Pure; reaches no source.

A position in a list is a sort key, so rows that come or go shift nothing.
"""

import hashlib
import json
from bisect import bisect_right
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import date, timedelta
from enum import Enum
from typing import Any, Generic, TypeVar

from gateway.auth.policy.rules import CategorieDonnee
from gateway.domain.identifiers import normalise_nom
from gateway.domain.seal import OpaqueIds
from gateway.domain.statut import StatutApprenant
from gateway.errors import InvalidCursor, InvalidRequest
from gateway.federation.join.merge import uais_of
from gateway.federation.views.view import MaskedCopies, Shown, View, ViewPerson
from gateway.schema.connections import (
    PAGE_MAX,
    ContratConnection,
    ContratEdge,
    JeuneConnection,
    JeuneEdge,
    PageInfo,
    RuptureConnection,
    RuptureEdge,
)
from gateway.schema.context import PageArgs
from gateway.schema.filters import NAME_MIN, FiltreContrats, FiltreJeunes, FiltreRuptures, TriJeunes, TriRuptures
from gateway.schema.nouns import Contrat, Jeune, MotifPriorite, Rupture

T = TypeVar("T", Jeune, Contrat, Rupture)
C = TypeVar("C", JeuneConnection, ContratConnection, RuptureConnection)
E = TypeVar("E")
Key = Callable[[E], list[Any]]
WINDOW_DAYS = 180  # days of ruptures listed when no window is asked


@dataclass(frozen=True, slots=True)
class PageSlice(Generic[E]):
    """One page of a list, with the cursor of each element."""

    elements: list[tuple[str, E]]
    total: int
    info: PageInfo


@dataclass(frozen=True, slots=True)
class SortedList(Generic[E]):
    """A list in order, with the key of each element."""

    keys: list[list[Any]]
    elements: list[E]


@dataclass(frozen=True, slots=True)
class CursorCodec:
    """How the cursors of a page are written, and which: those of each element, of the first and last (`bounds`), or none.

    `bound_to` says what they are bound to; called only when one is written or read.
    """

    opaque_ids: OpaqueIds
    bound_to: Callable[[], str]
    each: bool = True
    bounds: bool = True


def sort(elements: Sequence[E], key: Key[E]) -> SortedList[E]:
    """Sort by a total order."""
    # Elements have no order of their own: without `key`, two equal positions would compare them.
    pairs = sorted(((key(element), element) for element in elements), key=lambda pair: pair[0])
    return SortedList([position for position, _ in pairs], [element for _, element in pairs])


def cut(ordered: SortedList[E], page: PageArgs, cursors: CursorCodec) -> PageSlice[E]:
    """Cut a page; a cursor that is not selected is empty. Raises InvalidCursor, InvalidRequest."""
    if not 0 <= page.first <= PAGE_MAX:
        raise InvalidRequest(f"L'argument first va de 0 à {PAGE_MAX}.")
    total = len(ordered.keys)
    start = start_of(ordered, page.after, cursors)
    end = min(start + page.first, total)
    texts = _texts(ordered.keys[start:end], cursors)
    first, last = (texts[0], texts[-1]) if texts else (None, None)
    info = PageInfo(has_next_page=end < total, has_previous_page=start > 0, start_cursor=first, end_cursor=last)
    return PageSlice(list(zip(texts, ordered.elements[start:end], strict=True)), total, info)


def start_of(ordered: SortedList[E], after: str | None, cursors: CursorCodec) -> int:
    """The rank of the first element behind a cursor. Raises InvalidCursor."""
    if after is None:
        return 0
    position = cursors.opaque_ids.open_cursor(after, cursors.bound_to())
    if position is None:
        raise InvalidCursor("Curseur inconnu ici : reprendre la liste depuis le début, sans changer filtre ni ordre.")
    return bisect_right(ordered.keys, position)  # be its row still there or not: the page goes on where it stopped


def _texts(positions: list[list[Any]], cursors: CursorCodec) -> list[str]:
    """The cursors of a page, in its order."""
    if not positions or not (cursors.each or cursors.bounds):
        return [""] * len(positions)
    bound_to, seal = cursors.bound_to(), cursors.opaque_ids.seal_cursor
    if cursors.each:
        return [seal(position, bound_to) for position in positions]
    texts = [""] * len(positions)
    texts[0], texts[-1] = seal(positions[0], bound_to), seal(positions[-1], bound_to)
    return texts


def binding(name: str, filtre: Any, tri: Enum | None, viewer: str) -> str:
    """The digest of what a cursor is bound to: the list, its filter, its order and who looks."""
    # Under another filter or order the same key would be another place: such a cursor is refused, not misread.
    content = [name, asdict(filtre) if filtre else None, tri.value if tri else None, viewer]
    return hashlib.sha256(json.dumps(content, default=str, sort_keys=True).encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class ListDefinition(Generic[T, C]):
    """One list of the graph. `person` gives the person of an element, by id; `orders` the sort key of each order."""

    name: str
    elements: Callable[[View], list[T]]
    person: Callable[[View, str], ViewPerson]
    keep: Callable[[list[T], Any, date], list[T]]
    orders: Mapping[Any, Key[T]]
    edge: Callable[..., Any]
    connection: Callable[..., C]


@dataclass(frozen=True, slots=True)
class ListQuery(Generic[T, C]):
    """A list as it is asked for, on a day."""

    definition: ListDefinition[T, C]
    filtre: Any
    tri: Any
    day: date

    @property
    def key(self) -> tuple[str, ...]:
        """Identifies the elements and their order within one view."""
        return self.definition.name, repr(self.filtre), self.tri.value if self.tri else ""

    def sort(self, view: View) -> SortedList[T]:
        """The elements kept, in order: a pass over all. Raises InvalidRequest. May run in any thread."""
        definition, order = self.definition, (self.definition.name, self.tri)
        # Sorted once, whatever the filter, and keys are shared: made for each list, they would weigh more than the persons.
        if order not in view.orders:
            view.orders[order] = sort(definition.elements(view), definition.orders[self.tri])
        whole: SortedList[T] = view.orders[order]
        kept = set(map(id, definition.keep(whole.elements, self.filtre, self.day)))
        rows = [(key, row) for key, row in zip(whole.keys, whole.elements, strict=True) if id(row) in kept]
        return SortedList([key for key, _ in rows], [row for _, row in rows])

    def show(self, view: View, page_slice: PageSlice[T], copies: MaskedCopies, complet: bool) -> Shown:
        """The page as it is answered, of masked copies. Raises LeakStopped."""
        definition, edges = self.definition, []
        read: dict[str, frozenset[CategorieDonnee]] = {}
        for cursor, element in page_slice.elements:
            shown = copies.show(definition.person(view, element.id), element)
            read |= shown.read
            edges.append(definition.edge(cursor=cursor, node=shown.value))
        total, info = page_slice.total, page_slice.info
        page = definition.connection(edges=edges, page_info=info, total_count=total, complet=complet)
        page.kept_bytes = {}
        return Shown(page, read)


def _day(day: date | None) -> int:
    return day.toordinal() if day else 0


RUPTURE_ORDERS: dict[TriRuptures, Key[Rupture]] = {
    TriRuptures.DATE_DESC: lambda rupture: [-_day(rupture.date), rupture.id],
    TriRuptures.DATE_ASC: lambda rupture: [_day(rupture.date), rupture.id],
    TriRuptures.PRIORITE: lambda rupture: [_urgency(rupture), -_day(rupture.date), rupture.id],
}
_URGENCIES = list(MotifPriorite)


def _urgency(rupture: Rupture) -> int:
    return min((_URGENCIES.index(reason) for reason in rupture.motifs_priorite or []), default=len(_URGENCIES))


JEUNE_ORDERS: dict[TriJeunes, Key[Jeune]] = {
    TriJeunes.STATUT_RECENT: lambda jeune: [-_day(jeune.statut.depuis if jeune.statut else None), jeune.id],
    TriJeunes.NOM_ASC: lambda jeune: [*_names(jeune), jeune.id],
    TriJeunes.NOM_DESC: lambda jeune: [*([-ord(letter) for letter in nom] for nom in _names(jeune)), jeune.id],
}


def _names(jeune: Jeune) -> list[str]:
    """Name and first name, closed by a character below letters so that the reverse order is a total one too."""
    return [normalise_nom(jeune.nom or "") + " ", normalise_nom(jeune.prenom or "") + " "]


CONTRAT_ORDERS: dict[None, Key[Contrat]] = {None: lambda contrat: [-_day(contrat.date_debut), contrat.id]}


def _with_sets(filtre: Any) -> Any:
    """The same filter, its lists as sets: two thousand communes are looked through once, not once a person."""
    return replace(filtre, **{name: frozenset(told) for name, told in vars(filtre).items() if isinstance(told, list)})


def filter_ruptures(ruptures: Sequence[Rupture], filtre: FiltreRuptures | None, day: date) -> list[Rupture]:
    """The ruptures that are listed. What is counted is what is shown: one predicate decides both."""
    wanted = _with_sets(filtre or FiltreRuptures())
    return [rupture for rupture in ruptures if is_listed(rupture, wanted, day)]


def is_listed(rupture: Rupture, wanted: FiltreRuptures, day: date) -> bool:
    """Without filter, a rupture of the last WINDOW_DAYS whose young person is RUPTURANT today (docs/domaine.md, Rupture)."""
    jeune = rupture.jeune
    if rupture.date is None or jeune is None or jeune.statut is None:
        return False
    in_window = (wanted.depuis or day - timedelta(days=WINDOW_DAYS)) <= rupture.date <= (wanted.jusqua or day)
    statuts = [StatutApprenant.RUPTURANT] if wanted.statut is None else wanted.statut
    return in_window and jeune.statut.valeur in statuts and _suits(rupture, wanted) and _place_and_age(jeune, wanted)


def _suits(rupture: Rupture, wanted: FiltreRuptures) -> bool:
    cfa = rupture.contrat.cfa if rupture.contrat else None
    return (
        (wanted.etat is None or rupture.etat is wanted.etat)
        and (wanted.prioritaire is None or rupture.prioritaire is wanted.prioritaire)
        and (wanted.cfa is None or (cfa is not None and cfa.uai == wanted.cfa))
    )


def _place_and_age(jeune: Jeune, wanted: FiltreRuptures) -> bool:
    commune = jeune.commune
    return (
        (wanted.communes is None or (commune is not None and commune.code in wanted.communes))
        and (wanted.departements is None or jeune.departement in wanted.departements)
        and (wanted.age_max is None or (jeune.age is not None and jeune.age <= wanted.age_max))
        and (wanted.mineur is None or jeune.mineur is wanted.mineur)
    )


def filter_jeunes(jeunes: Sequence[Jeune], filtre: FiltreJeunes | None) -> list[Jeune]:
    """The persons that pass a filter. Raises InvalidRequest for a name shorter than NAME_MIN letters."""
    wanted = _with_sets(filtre or FiltreJeunes())
    prefix = normalise_nom(wanted.nom) if wanted.nom is not None else None
    if prefix is not None and len(prefix) < NAME_MIN:
        raise InvalidRequest(f"Le filtre nom demande {NAME_MIN} lettres au moins.")
    return [
        jeune
        for jeune in jeunes
        if wanted.statut is None or (jeune.statut is not None and jeune.statut.valeur in wanted.statut)
        if wanted.cfa is None or wanted.cfa in uais_of(jeune)
        if wanted.communes is None or (jeune.commune is not None and jeune.commune.code in wanted.communes)
        if prefix is None or normalise_nom(jeune.nom or "").startswith(prefix)
    ]


def filter_contrats(contrats: Sequence[Contrat], filtre: FiltreContrats | None) -> list[Contrat]:
    """The contracts that pass a filter."""
    wanted = filtre or FiltreContrats()
    return [
        contrat
        for contrat in contrats
        if wanted.debut_depuis is None or (contrat.date_debut is not None and contrat.date_debut >= wanted.debut_depuis)
        if wanted.debut_jusqua is None or (contrat.date_debut is not None and contrat.date_debut <= wanted.debut_jusqua)
        if wanted.cfa is None or (contrat.cfa is not None and contrat.cfa.uai == wanted.cfa)
        if wanted.rompus is None or (contrat.rupture is not None) is wanted.rompus
    ]


JEUNES = ListDefinition(
    name="jeunes",
    elements=lambda view: [person.jeune for person in view.persons.values()],
    person=lambda view, key: view.persons[key],
    keep=lambda jeunes, filtre, _: filter_jeunes(jeunes, filtre),
    orders=JEUNE_ORDERS,
    edge=JeuneEdge,
    connection=JeuneConnection,
)
CONTRATS = ListDefinition(
    name="contrats",
    elements=lambda view: [contrat for _, contrat in view.contrats.values()],
    person=lambda view, key: view.contrats[key][0],
    keep=lambda contrats, filtre, _: filter_contrats(contrats, filtre),
    orders=CONTRAT_ORDERS,
    edge=ContratEdge,
    connection=ContratConnection,
)
RUPTURES = ListDefinition(
    name="ruptures",
    elements=lambda view: [rupture for _, rupture in view.ruptures.values()],
    person=lambda view, key: view.ruptures[key][0],
    keep=filter_ruptures,
    orders=RUPTURE_ORDERS,
    edge=RuptureEdge,
    connection=RuptureConnection,
)
