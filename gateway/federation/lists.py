"""The three lists of the graph: what each holds of a view, filters, sorts, and is shown as. Pure; reaches no source."""

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
    """What tells a list from the others. `person`: whose the element of that id is; `orders`: sort keys, by order asked."""

    name: str
    elements: Callable[[View], list[T]]
    person: Callable[[View, str], ViewPerson]
    keep: Callable[[list[T], Any, date], list[T]]
    orders: Mapping[Any, Key[T]]
    edge: Callable[..., Any]
    connection: Callable[..., C]


@dataclass(frozen=True, slots=True)
class ListQuery(Generic[T, C]):
    """A list as it is asked of a view, on a day."""

    definition: ListDefinition[T, C]
    filtre: Any
    tri: Any
    day: date

    @property
    def key(self) -> tuple[str, ...]:
        """What tells its elements and their order, in one view."""
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
        """The page as it leaves, over masked copies. Raises LeakStopped."""
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


ORDRES_CONTRATS: dict[None, Key[Contrat]] = {None: lambda contrat: [-_day(contrat.date_debut), contrat.id]}


def filter_ruptures(ruptures: Sequence[Rupture], filtre: FiltreRuptures | None, day: date) -> list[Rupture]:
    """Those that are listed: what is counted is what is shown, for one predicate decides of both."""
    f = filtre or FiltreRuptures()
    return [rupture for rupture in ruptures if is_listed(rupture, f, day)]


def is_listed(rupture: Rupture, f: FiltreRuptures, day: date) -> bool:
    """docs/domaine.md, Rupture: without filter, a rupture of the last 180 days whose young person is RUPTURANT today."""
    jeune = rupture.jeune
    if rupture.date is None or jeune is None or jeune.statut is None:
        return False
    in_window = (f.depuis or day - timedelta(days=WINDOW_DAYS)) <= rupture.date <= (f.jusqua or day)
    statuts = [StatutApprenant.RUPTURANT] if f.statut is None else f.statut
    return in_window and jeune.statut.valeur in statuts and _suits(rupture, f) and _place_and_age(jeune, f)


def _suits(rupture: Rupture, f: FiltreRuptures) -> bool:
    cfa = rupture.contrat.cfa if rupture.contrat else None
    return (
        (f.etat is None or rupture.etat is f.etat)
        and (f.prioritaire is None or rupture.prioritaire is f.prioritaire)
        and (f.cfa is None or (cfa is not None and cfa.uai == f.cfa))
    )


def _place_and_age(jeune: Jeune, f: FiltreRuptures) -> bool:
    commune = jeune.commune
    return (
        (f.communes is None or (commune is not None and commune.code in f.communes))
        and (f.departements is None or (commune is not None and commune.departement.code in f.departements))
        and (f.age_max is None or (jeune.age is not None and jeune.age <= f.age_max))
        and (f.mineur is None or jeune.mineur is f.mineur)
    )


def filter_jeunes(jeunes: Sequence[Jeune], filtre: FiltreJeunes | None) -> list[Jeune]:
    """Raises InvalidRequest for a name shorter than three letters."""
    f = filtre or FiltreJeunes()
    debut = normalise_nom(f.nom) if f.nom is not None else None
    if debut is not None and len(debut) < NAME_MIN:
        raise InvalidRequest(f"Le filtre nom demande {NAME_MIN} lettres au moins.")
    return [
        jeune
        for jeune in jeunes
        if f.statut is None or (jeune.statut is not None and jeune.statut.valeur in f.statut)
        if f.cfa is None or f.cfa in uais_of(jeune)
        if f.communes is None or (jeune.commune is not None and jeune.commune.code in f.communes)
        if debut is None or normalise_nom(jeune.nom or "").startswith(debut)
    ]


def filter_contrats(contrats: Sequence[Contrat], filtre: FiltreContrats | None) -> list[Contrat]:
    """Those that a filter names."""
    f = filtre or FiltreContrats()
    return [
        contrat
        for contrat in contrats
        if f.debut_depuis is None or (contrat.date_debut is not None and contrat.date_debut >= f.debut_depuis)
        if f.debut_jusqua is None or (contrat.date_debut is not None and contrat.date_debut <= f.debut_jusqua)
        if f.cfa is None or (contrat.cfa is not None and contrat.cfa.uai == f.cfa)
        if f.rompus is None or (contrat.rupture is not None) is f.rompus
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
    orders=ORDRES_CONTRATS,
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
