"""The three lists of the graph: what each takes from a view, its filters, its orders, its pages. Pure; reaches no source."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any, Generic, TypeVar

from gateway.auth.policy.rules import CategorieDonnee
from gateway.domain.identity import normalise_nom
from gateway.domain.statut import StatutApprenant
from gateway.errors import InvalidRequest
from gateway.federation.join.merge import uais_of
from gateway.federation.views.paging import Key, PageSlice, SortedList, sort
from gateway.federation.views.view import MaskedCopies, Shown, View, ViewPerson
from gateway.schema.connections import (
    ContratConnection,
    ContratEdge,
    JeuneConnection,
    JeuneEdge,
    PageInfo,
    RuptureConnection,
    RuptureEdge,
)
from gateway.schema.filters import FiltreContrats, FiltreJeunes, FiltreRuptures, TriJeunes, TriRuptures
from gateway.schema.nouns import Contrat, Jeune, MotifPriorite, Rupture

T = TypeVar("T", Jeune, Contrat, Rupture)
C = TypeVar("C", JeuneConnection, ContratConnection, RuptureConnection)
WINDOW_DAYS = 180  # days of ruptures listed when no window is asked
NAME_MIN = 3


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
        """The elements kept, in order; sorted once as long as the view holds. Raises InvalidRequest."""
        if self.key not in view.lists:
            definition = self.definition
            kept = definition.keep(definition.elements(view), self.filtre, self.day)
            view.lists[self.key] = sort(kept, definition.orders[self.tri])
        ordered: SortedList[T] = view.lists[self.key]
        return ordered

    def show(self, view: View, page_slice: PageSlice[T], copies: MaskedCopies, complet: bool) -> Shown:
        """The page as it is answered, of masked copies. Raises LeakStopped."""
        definition, edges = self.definition, []
        read: dict[str, frozenset[CategorieDonnee]] = {}
        for cursor, element in page_slice.elements:
            shown = copies.show(definition.person(view, element.id), element)
            read |= shown.read
            edges.append(definition.edge(cursor=cursor, node=shown.value))
        page = definition.connection(
            edges=edges, page_info=_position(page_slice), total_count=page_slice.total, complet=complet
        )
        page.kept_bytes = {}
        return Shown(page, read)


def _position(page_slice: PageSlice[Any]) -> PageInfo:
    cursors = [cursor for cursor, _ in page_slice.elements]
    return PageInfo(
        has_next_page=page_slice.after,
        has_previous_page=page_slice.before,
        start_cursor=cursors[0] if cursors else None,
        end_cursor=cursors[-1] if cursors else None,
    )


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


def filter_ruptures(ruptures: Sequence[Rupture], filtre: FiltreRuptures | None, day: date) -> list[Rupture]:
    """The ruptures that are listed. What is counted is what is shown: one predicate decides both."""
    wanted = filtre or FiltreRuptures()
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
        and (wanted.departements is None or (commune is not None and commune.departement.code in wanted.departements))
        and (wanted.age_max is None or (jeune.age is not None and jeune.age <= wanted.age_max))
        and (wanted.mineur is None or jeune.mineur is wanted.mineur)
    )


def filter_jeunes(jeunes: Sequence[Jeune], filtre: FiltreJeunes | None) -> list[Jeune]:
    """The persons that pass a filter. Raises InvalidRequest for a name shorter than NAME_MIN letters."""
    wanted = filtre or FiltreJeunes()
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
