"""What one operation may show: the schema's context over a view. Pages, masked copies and counts; reaches no source."""

from collections.abc import Callable, Hashable
from dataclasses import dataclass, field, replace
from datetime import date
from functools import cached_property, partial
from typing import Any, TypeVar

from gateway.auth.authentication.clients import Viewer
from gateway.auth.authorization.decide import Decision
from gateway.auth.policy.rules import OPENED_BY
from gateway.concurrency import Preparation, Work
from gateway.domain.official_numbers import numero_key
from gateway.domain.seal import OpaqueIds
from gateway.domain.search import Candidate
from gateway.domain.similarity import Level
from gateway.federation.collect.kept_readings import SourceReadings
from gateway.federation.collect.plan import shows_persons
from gateway.federation.criteria import AnsweredList, Tally, check_numero, identifying, mark_of, placed
from gateway.federation.join.evidence import identity_evidence, probability
from gateway.federation.lists import CONTRATS, JEUNES, RUPTURES, WAITING, ListQuery
from gateway.federation.organisation_directory import Directory
from gateway.federation.paging import CursorCodec, SortedList, binding, cut, window
from gateway.federation.views.event_resolver import EventResolver
from gateway.federation.views.figure_resolver import FigureResolver
from gateway.federation.views.menus import Menus
from gateway.federation.views.moi_resolver import SourceStates, present_moi
from gateway.federation.views.search import search
from gateway.federation.views.view import MaskedCopies, PageMade, Rights, Shown, View, ViewPerson, is_frozen
from gateway.federation.views.write_resolver import WriteResolver
from gateway.schema.connections import ContratConnection, JeuneConnection, RuptureConnection
from gateway.schema.coordinates import END_CURSORS, ROW_CURSORS, TOLD_BY_LIST
from gateway.schema.filters import FiltreContrats, FiltreJeunes, FiltreRuptures, FiltreSansContrat
from gateway.schema.moi import Moi
from gateway.schema.nouns import Contrat, Jeune, Rupture
from gateway.schema.orders import TriContrats, TriJeunes, TriRuptures, TriSansContrat
from gateway.schema.organisations import Cfa, Commune, MissionLocale, Node, Source
from gateway.schema.query import PageArgs
from gateway.schema.rapprochement import Rapprochement
from gateway.schema.reception_report import TransmissionConnection
from gateway.schema.statistics import Statistiques

T = TypeVar("T", Jeune, Contrat, Rupture)
C = TypeVar("C", JeuneConnection, ContratConnection, RuptureConnection)
N = TypeVar("N", bound="Node | list[Rapprochement] | None")
WALKED_FOR_A_ROW = 50  # persons that a filter looks at while a row of a page is masked
WALKED_FOR_AN_INDEX = 30  # elements worth as much as a person that is indexed to be looked for


@dataclass(frozen=True)
class OperationContext:
    """Implements `gateway.schema.query.Context` for one viewer and one operation.

    Made once the readings and the view are there: no resolver waits. `people`: how many the perimeter had when last known."""

    viewer: Viewer
    rights: Rights
    decision: Decision
    directory: Directory
    opaque_ids: OpaqueIds
    day: date
    states: Callable[[], list[Source]]
    source_of_cfa: Callable[[str], str | None]
    readings: SourceReadings = field(default_factory=SourceReadings)
    view: View = field(default_factory=View)
    people: int = 0
    pushing: Callable[[str], Source | None] = lambda _: None
    transmissions: Callable[[int, str | None], TransmissionConnection | None] = lambda _first, _after: None
    tally: Tally = field(default_factory=Tally)
    preparation: Preparation = field(default_factory=Preparation)
    figures: FigureResolver = field(default_factory=FigureResolver)
    written: WriteResolver = field(default_factory=WriteResolver)
    events: EventResolver = field(default_factory=EventResolver)

    @property
    def frozen(self) -> bool:
        """Whether what is shown of an object is the same as long as the object is."""
        return is_frozen(self.decision)

    def is_open(self, key: object) -> bool:
        return key in self.decision.roots

    def moi(self) -> Moi:
        return present_moi(self.viewer, self.rights, self.decision, self.directory)

    def sources(self) -> list[Source] | None:
        return self.source_states.all

    def statistiques(self, key: object) -> Statistiques | None:
        return self.figures.show(key)

    def cfa(self, uai: str | None, siret: str | None) -> Cfa | None:
        found = self.directory.cfa(uai, siret) if uai or siret else None
        return self._with_source(found) if found and (not siret or found.siret == siret) else None

    def mission_locale(self, code: str) -> MissionLocale | None:
        return self.directory.mission_locale(code)

    def cfas(self, recherche: str | None, first: int) -> list[Cfa]:
        return [self._with_source(cfa) for cfa in self._menus.cfas(recherche, first)]

    def communes(self, recherche: str | None, first: int) -> list[Commune]:
        return self._menus.communes(recherche, first)

    def missions_locales(self, recherche: str | None, first: int) -> list[MissionLocale]:
        return self._menus.missions_locales(recherche, first)

    @property
    def _menus(self) -> Menus:
        return Menus(self.rights.perimetre, self.directory, self.preparation)

    def node(self, identifier: str) -> Node | None:
        return self._count(self._node(identifier))

    def jeune(self, identifier: str) -> Jeune | None:
        return self._count(self._jeune(identifier))

    def contrat(self, identifier: str | None, numero: str | None) -> Contrat | None:
        found = self._count(self._contrat(identifier, numero))
        if found is None:
            check_numero(numero)
        return found

    def rupture(self, identifier: str) -> Rupture | None:
        return self._count(self._rupture(identifier))

    def _count(self, found: N) -> N:
        """The same object, once the look-up is counted against guessing (docs/security.md A02)."""
        self.tally.lookups += 1
        # What a source that is down hides is not a guess: only complete readings prove that nothing is there.
        self.tally.not_found += not found and self.readings.complete
        return found

    def _node(self, identifier: str) -> Node | None:
        node = self.directory.node(identifier) or self.written.one(identifier)
        if node is not None:
            return self._with_source(node) if isinstance(node, Cfa) else node
        by_type = {Jeune: self._jeune, Contrat: lambda key: self._contrat(key, None), Rupture: self._rupture}
        # A type whose category is not granted is not looked up: finding it would tell that it exists.
        granted = [find for type_, find in by_type.items() if getattr(type_, OPENED_BY) in self.decision.categories]
        return next((found for find in granted if (found := find(identifier)) is not None), None)

    def _jeune(self, identifier: str) -> Jeune | None:
        person = self.view.persons.get(self.current(identifier))
        return self.show(person, person.jeune) if person else None

    def _contrat(self, identifier: str | None, numero: str | None) -> Contrat | None:
        sought = numero_key(numero) if numero is not None else None
        if identifier is not None:
            known = self.view.contrats.get(self.current(identifier))
            return self.show(*known) if known and sought in (None, numero_key(known[1].numero or "")) else None
        # A number is keyed by hand in each system: two contracts may bear the same, and then none is designated.
        same = self.view.contrats_by_numero.get(sought, []) if sought else []
        return self.show(*same[0]) if len(same) == 1 else None

    def _rupture(self, identifier: str) -> Rupture | None:
        found = self.view.ruptures.get(self.current(identifier))
        return self.show(*found) if found else None

    def current(self, identifier: str) -> str:
        """The id that a former one has become; the same for any other."""
        # Opening an id costs a decryption: spared as long as no person of the view changed ids.
        opened = self.opaque_ids.open(identifier) if self.view.former_ids else None
        if opened is None or opened[1] not in self.view.former_ids:
            return identifier
        return self.opaque_ids.seal(opened[0], self.view.former_ids[opened[1]])

    def recherche_jeune(self, nom: str, prenom: str, naissance: date) -> list[Rapprochement] | None:
        if self.readings.silent:
            return None
        # Not shared, and known by the operation alone: what names it is an identity.
        work = Work(
            WALKED_FOR_AN_INDEX * len(self.view.persons), object(), partial(search, self.view, nom, prenom, naissance)
        )
        found = self.preparation.result((nom, prenom, naissance), work)
        if found is None:
            return None
        return self._count([self._match(candidate, niveau) for candidate, niveau in found])

    def _match(self, candidate: Candidate, niveau: Level) -> Rapprochement:
        person, similarity = self.view.persons[candidate.person], candidate.similarity
        return Rapprochement(
            jeune=self.show(person, person.jeune),
            score=probability(similarity.score),
            niveau=niveau,
            sources=sorted(person.sources),
            indices=identity_evidence(similarity, niveau),
        )

    def jeunes(self, filtre: FiltreJeunes | None, tri: TriJeunes, page: PageArgs) -> JeuneConnection | None:
        return self._page(ListQuery(JEUNES, filtre, tri, self.day), page)

    def waiting(self, filtre: FiltreSansContrat | None, tri: TriSansContrat, page: PageArgs) -> JeuneConnection | None:
        return self._page(ListQuery(WAITING, filtre, tri, self.day), page)

    def contrats(self, filtre: FiltreContrats | None, tri: TriContrats, page: PageArgs) -> ContratConnection | None:
        return self._page(ListQuery(CONTRATS, filtre, tri, self.day), page)

    def ruptures(self, filtre: FiltreRuptures | None, tri: TriRuptures, page: PageArgs) -> RuptureConnection | None:
        return self._page(ListQuery(RUPTURES, filtre, tri, self.day), page)

    def _page(self, query: ListQuery[Any, C], page: PageArgs) -> C | None:
        """A page of a list, kept for the same rights as long as the view holds; None when no source answered."""
        query = placed(query, self.directory.referentiel.geographie) if query.filtre else query
        if self.readings.silent:
            return None
        complet, pages, cursors = self.readings.complete, self._masked_copies.pages, self._cursors(query)
        # What else the page shows: whether it is complete, and which of its cursors are written.
        list_key = query.key
        key = (list_key, page, complet, cursors.each, cursors.bounds)
        shown = pages.get(key) if self.frozen else None
        if shown is None:
            ordered = self.view.lists.get(list_key)
            do = partial(self._make_page, query, page, cursors, ordered)
            size = (0 if ordered else len(self.view.persons)) + WALKED_FOR_A_ROW * page.size
            shared = "page", id(self._masked_copies.shown_copies), key
            made = self.preparation.result(key, Work(size, shared, do), walk=ordered is None)
            if made is None:
                return None
            shown = self._keep_page(query, key, made)
        self.tally.shown |= shown.read
        criteria = identifying(query) if query.filtre else ()
        if criteria or page.cursors != (None, None):
            mark = mark_of((self.viewer.client, self.viewer.account), list_key, page)
            self._tell(AnsweredList(query, criteria, page, frozenset(), mark), shown)
        connection: C = shown.value
        return connection

    def _tell(self, told: AnsweredList, shown: Shown) -> None:
        """Note that a list under criteria that identify tells a total, an edge or a position (docs/security.md A18)."""
        coordinates = self.decision.coordinates
        if coordinates.isdisjoint(TOLD_BY_LIST[told.query.definition.name]):
            return
        if told.is_by_name:
            self.tally.lookups += 1
            self.tally.not_found += not shown.value.total_count and self.readings.complete
        if told.mark not in self.view.told:
            rows = frozenset(shown.read) if shows_persons(coordinates) else frozenset[str]()
            self.tally.told.append(replace(told, shown=rows, ordered=self.view.lists.get(told.query.key)))

    def between(self, told: AnsweredList) -> list[Any]:
        """The elements that the cursors of a list told leave; all of them without a cursor. May run in any thread."""
        ordered = told.in_order(self.view)
        return ordered.elements[slice(*window(ordered, told.page, self._cursors(told.query)))]

    def _make_page(
        self, query: ListQuery[Any, C], page: PageArgs, cursors: CursorCodec, known: SortedList[Any] | None
    ) -> PageMade:
        """May run in any thread: writes nothing that others read. Raises InvalidRequest, InvalidCursor, LeakStopped."""
        copies = MaskedCopies(self.view, self.rights, self.decision)
        ordered = known or query.sort(self.view)
        shown = query.show(self.view, cut(ordered, page, cursors), copies, self.readings.complete)
        return PageMade(ordered, shown, copies)

    def _keep_page(self, query: ListQuery[Any, C], key: Hashable, made: PageMade) -> Shown:
        """Keep with the view what was made of it."""
        self.view.lists[query.key] = made.ordered
        made.copies.keep()
        if self.frozen:
            self._masked_copies.pages[key] = made.shown
        else:
            self.source_states.tell(made.shown.value.nodes)
        return made.shown

    def _cursors(self, query: ListQuery[Any, Any]) -> CursorCodec:
        """How cursors of that list are written, and which of them are selected."""
        coordinates, perimetre = self.decision.coordinates, self.rights.perimetre
        # A cursor holds for who it was given to, that day: replayed elsewhere it would tell the sort keys of others.
        viewer = f"{self.rights.profil.value}/{perimetre.profil.value}/{perimetre.organisation}/{self.day}"
        return CursorCodec(
            self.opaque_ids,
            lambda: binding(query.definition.name, query.filtre, query.tri, viewer),
            # Sealing a cursor costs more than showing its row: only those that are selected are.
            each=not coordinates.isdisjoint(ROW_CURSORS),
            bounds=not coordinates.isdisjoint(END_CURSORS),
        )

    def show(self, person: ViewPerson, object_: T) -> T:
        """The masked copy that leaves: only what this viewer may read of this person."""
        shown = self._masked_copies.show(person, object_)
        self._masked_copies.keep()
        if not self.frozen:
            self.source_states.tell([shown.value])
        self.tally.shown |= shown.read
        self.tally.found |= shown.read
        copy: T = shown.value
        return copy

    # Once an operation: it fetches what was already made for these rights by hashing them.
    @cached_property
    def _masked_copies(self) -> MaskedCopies:
        return MaskedCopies(self.view, self.rights, self.decision)

    def _with_source(self, cfa: Cfa) -> Cfa:
        """The CFA with the state of its system, where that is selected and granted."""
        return cfa if self.frozen else replace(cfa, source=self.source_states.of_cfa(cfa))

    @cached_property
    def source_states(self) -> SourceStates:
        return SourceStates(self.states(), self.source_of_cfa, self.rights, self.pushing)
