"""The lists of the graph: what each takes from a view, and its filters. Pure; reaches no source, cuts no page."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Any, Generic, TypeVar

from gateway.auth.policy.rules import CategorieDonnee
from gateway.domain.official_numbers import normalise_nom, words
from gateway.domain.statut import StatutApprenant
from gateway.errors import InvalidRequest
from gateway.federation.paging import (
    CONTRAT_ORDERS,
    JEUNE_ORDERS,
    RUPTURE_ORDERS,
    WAITING_ORDERS,
    Key,
    PageSlice,
    SortedList,
    sort,
)
from gateway.federation.views.select import uais_of
from gateway.federation.views.view import MaskedCopies, Shown, View, ViewPerson, listed_statut
from gateway.schema.connections import (
    ContratConnection,
    ContratEdge,
    JeuneConnection,
    JeuneEdge,
    RuptureConnection,
    RuptureEdge,
)
from gateway.schema.filters import NAME_MIN, FiltreContrats, FiltreJeunes, FiltreRuptures, FiltreSansContrat
from gateway.schema.nouns import Contrat, Jeune, Rupture

T = TypeVar("T", Jeune, Contrat, Rupture)
C = TypeVar("C", JeuneConnection, ContratConnection, RuptureConnection)
Filtre = FiltreRuptures | FiltreJeunes | FiltreContrats | FiltreSansContrat
WINDOW_DAYS = 180  # days of ruptures listed when no window is asked
ORDERS_MAX = 8  # whole lists kept in order with a view


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
        return self.definition.name, repr(self.filtre), self.tri.value

    def sort(self, view: View) -> SortedList[T]:
        """The elements kept, in order: a pass over all. Raises InvalidRequest. May run in any thread."""
        whole = self._whole(view)
        kept = set(map(id, self.definition.keep(whole.elements, self.filtre, self.day)))
        rows = [(key, row) for key, row in zip(whole.keys, whole.elements, strict=True) if id(row) in kept]
        return SortedList([key for key, _ in rows], [row for _, row in rows])

    def _whole(self, view: View) -> SortedList[T]:
        """All the elements, in order: sorted once, whatever the filter."""
        order = self.definition.name, self.tri
        # Keys are shared: made for each list, they would weigh more than the persons. Two threads may be here at once.
        whole: SortedList[T] | None = view.orders.get(order)
        if whole is None:
            if len(view.orders) >= ORDERS_MAX:
                view.orders.clear()
            whole = view.orders[order] = sort(self.definition.elements(view), self.definition.orders[self.tri])
        return whole

    def show(self, view: View, page_slice: PageSlice[T], copies: MaskedCopies, complet: bool) -> Shown:
        """The page as it is answered, of masked copies. Raises LeakStopped."""
        definition, edges = self.definition, []
        read: dict[str, frozenset[CategorieDonnee]] = {}
        for cursor, element in page_slice.elements:
            shown = copies.show(definition.person(view, element.id), element)
            read |= shown.read
            edges.append(definition.edge(cursor=cursor, node=shown.value))
        total, info = page_slice.total, page_slice.info
        nodes = [edge.node for edge in edges]
        page = definition.connection(edges=edges, nodes=nodes, page_info=info, total_count=total, complet=complet)
        page.kept_bytes = {}
        return Shown(page, read)


def _with_sets(filtre: Any) -> Any:
    """The same filter, its lists as sets: two thousand communes are looked through once, not once a person."""
    return replace(filtre, **{name: frozenset(told) for name, told in vars(filtre).items() if isinstance(told, list)})


def _of_person(wanted: Filtre) -> Callable[[Jeune | None], bool]:
    """What all filters ask alike of a person: parts of the name, and something changed since an instant."""
    parts, since = words(wanted.recherche or ""), wanted.modifie_depuis
    if wanted.recherche is not None:
        _check_letters("recherche", wanted.recherche)

    def suits(jeune: Jeune | None) -> bool:
        who = jeune or Jeune()
        names = [normalise_nom(nom or "") for nom in (who.nom, who.prenom)] if parts else []
        return all(any(part in nom for nom in names) for part in parts) and (
            since is None or who.modifie is None or who.modifie >= since
        )

    return suits


def _check_letters(name: str, told: str) -> None:
    if len(normalise_nom(told)) < NAME_MIN:
        raise InvalidRequest(f"Le filtre {name} demande {NAME_MIN} lettres au moins.")


def filter_ruptures(ruptures: Sequence[Rupture], filtre: FiltreRuptures | None, day: date) -> list[Rupture]:
    """The ruptures that are listed. What is counted is what is shown: one predicate decides both. Raises InvalidRequest as
    `filter_jeunes`."""
    wanted = _with_sets(filtre or FiltreRuptures())
    suits = _of_person(wanted)
    return [one for one in ruptures if is_listed(one, wanted, day) and suits(one.jeune)]


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


def _place_and_age(jeune: Jeune, wanted: FiltreRuptures | FiltreSansContrat) -> bool:
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
    prefix, suits = normalise_nom(wanted.nom or ""), _of_person(wanted)
    if wanted.nom is not None:
        _check_letters("nom", wanted.nom)
    return [
        jeune
        for jeune in jeunes
        if wanted.statut is None or listed_statut(jeune) in wanted.statut
        if wanted.cfa is None or wanted.cfa in uais_of(jeune)
        if wanted.communes is None or (jeune.commune is not None and jeune.commune.code in wanted.communes)
        if not prefix or normalise_nom(jeune.nom or "").startswith(prefix)
        if suits(jeune)
    ]


def filter_waiting(jeunes: Sequence[Jeune], filtre: FiltreSansContrat | None) -> list[Jeune]:
    """The persons who wait for a first contract that are listed: one predicate decides of the list, and of its count. Raises
    InvalidRequest as `filter_jeunes`."""
    wanted = _with_sets(filtre or FiltreSansContrat())
    suits = _of_person(wanted)
    return [one for one in jeunes if is_waiting_listed(one, wanted) and suits(one)]


def is_waiting_listed(jeune: Jeune, wanted: FiltreSansContrat) -> bool:
    """Without filter, who waits and has no contract to come (docs/domaine.md, Sans contrat)."""
    wait = jeune.sans_contrat
    return (
        wait is not None
        and (wanted.contrat_prevu is True or wait.contrat_prevu is None)
        and (wanted.depassee is None or wait.depassee is wanted.depassee)
        and (wanted.etat is None or jeune.etat_sans_contrat is wanted.etat)
        and (wanted.cfa is None or wanted.cfa in uais_of(jeune))
        and _place_and_age(jeune, wanted)
    )


def filter_contrats(contrats: Sequence[Contrat], filtre: FiltreContrats | None) -> list[Contrat]:
    """The contracts that pass a filter. Raises InvalidRequest as `filter_jeunes`."""
    wanted = filtre or FiltreContrats()
    suits = _of_person(wanted)
    return [
        contrat
        for contrat in contrats
        if wanted.debut_depuis is None or (contrat.date_debut is not None and contrat.date_debut >= wanted.debut_depuis)
        if wanted.debut_jusqua is None or (contrat.date_debut is not None and contrat.date_debut <= wanted.debut_jusqua)
        if wanted.cfa is None or (contrat.cfa is not None and contrat.cfa.uai == wanted.cfa)
        if wanted.rompus is None or (contrat.rupture is not None) is wanted.rompus
        if suits(contrat.jeune)
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
WAITING = ListDefinition(
    name="inscritsSansContrat",
    elements=lambda view: [person.jeune for person in view.persons.values() if person.jeune.sans_contrat],
    person=lambda view, key: view.persons[key],
    keep=lambda jeunes, filtre, _: filter_waiting(jeunes, filtre),
    orders=WAITING_ORDERS,
    edge=JeuneEdge,
    connection=JeuneConnection,
)
