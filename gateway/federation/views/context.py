"""What one operation may show: the schema's context over a view. Pages, masked copies and counts; reaches no source."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import date
from functools import cached_property
from typing import Any, TypeVar

from gateway.auth.authentication.clients import Viewer
from gateway.auth.authorization.decide import Decision
from gateway.auth.policy.rules import OPENED_BY, CategorieDonnee
from gateway.domain.seal import OpaqueIds
from gateway.domain.search import Candidate
from gateway.domain.similarity import Level
from gateway.federation.collect.plan import shows_persons
from gateway.federation.collect.readings import Readings
from gateway.federation.criteria import NOM, ToldList, identifying, mark_of
from gateway.federation.directory import Directory
from gateway.federation.join.evidence import identity_evidence, probability
from gateway.federation.lists import CONTRATS, JEUNES, RUPTURES, CursorCodec, ListQuery, binding, cut, start_of
from gateway.federation.views.moi import present_moi
from gateway.federation.views.search import search
from gateway.federation.views.view import MaskedCopies, Rights, Shown, View, ViewPerson, is_frozen
from gateway.schema.connections import ContratConnection, JeuneConnection, RuptureConnection
from gateway.schema.context import Moi, PageArgs
from gateway.schema.filters import FiltreContrats, FiltreJeunes, FiltreRuptures, TriJeunes, TriRuptures
from gateway.schema.nouns import Contrat, Jeune, Rapprochement, Rupture
from gateway.schema.organisations import Cfa, MissionLocale, Node, Source
from gateway.schema.tables import END_CURSORS, ROW_CURSORS, TOLD_BY_LIST

T = TypeVar("T", Jeune, Contrat, Rupture)
C = TypeVar("C", JeuneConnection, ContratConnection, RuptureConnection)
N = TypeVar("N", bound="Node | list[Rapprochement] | None")


@dataclass(slots=True)
class Tally:
    """What is counted while an operation executes, for the quotas and the journal.

    `shown`: the categories read of each person, by id; `found`: of those, the persons of an object that the caller names:
    that it exists is told, be nothing of it selected. `lookups`: searches of what the caller names. `told`: lists that tell
    something of persons beside their rows.
    """

    shown: dict[str, frozenset[CategorieDonnee]] = field(default_factory=dict)
    told: list[ToldList] = field(default_factory=list)
    found: dict[str, frozenset[CategorieDonnee]] = field(default_factory=dict)
    lookups: int = 0
    not_found: int = 0


@dataclass(frozen=True)
class OperationContext:
    """Implements `gateway.schema.context.Context` for one viewer and one operation.

    Made once the readings and the view are there: no resolver waits.
    """

    viewer: Viewer
    rights: Rights
    decision: Decision
    directory: Directory
    opaque_ids: OpaqueIds
    day: date
    states: Callable[[], list[Source]]
    source_of_cfa: Callable[[str], str | None]
    readings: Readings = field(default_factory=Readings)
    view: View = field(default_factory=View)
    tally: Tally = field(default_factory=Tally)

    @property
    def frozen(self) -> bool:
        """Whether what is shown of an object is the same as long as the object is."""
        return is_frozen(self.decision)

    def is_open(self, key: object) -> bool:
        return key in self.decision.roots

    def moi(self) -> Moi:
        return present_moi(self.viewer, self.rights, self.decision, self.directory)

    def sources(self) -> list[Source] | None:
        return self.states()

    def cfa(self, uai: str | None, siret: str | None) -> Cfa | None:
        found = self.directory.cfa(uai, siret) if uai or siret else None
        if found is None or (siret and found.siret != siret):
            return None
        return replace(found, source=self._source(found)) if "Cfa.source" in self.decision.coordinates else found

    def mission_locale(self, code: str) -> MissionLocale | None:
        return self.directory.mission_locale(code)

    def node(self, identifier: str) -> Node | None:
        return self._count(self._node(identifier))

    def jeune(self, identifier: str) -> Jeune | None:
        return self._count(self._jeune(identifier))

    def contrat(self, identifier: str | None, numero: str | None) -> Contrat | None:
        return self._count(self._contrat(identifier, numero))

    def rupture(self, identifier: str) -> Rupture | None:
        return self._count(self._rupture(identifier))

    def _count(self, found: N) -> N:
        """The same object, once the look-up is counted against guessing (docs/security.md A02)."""
        self.tally.lookups += 1
        # What a source that is down hides is not a guess: only complete readings prove that nothing is there.
        self.tally.not_found += not found and self.readings.complete
        return found

    def _node(self, identifier: str) -> Node | None:
        node = self.directory.node(identifier)
        if node is not None:
            return node
        by_type = {Jeune: self._jeune, Contrat: lambda key: self._contrat(key, None), Rupture: self._rupture}
        # A type whose category is not granted is not looked up: finding it would tell that it exists.
        granted = [find for type_, find in by_type.items() if getattr(type_, OPENED_BY) in self.decision.categories]
        return next((found for find in granted if (found := find(identifier)) is not None), None)

    def _jeune(self, identifier: str) -> Jeune | None:
        person = self.view.persons.get(self._current(identifier))
        return self._show(person, person.jeune) if person else None

    def _contrat(self, identifier: str | None, numero: str | None) -> Contrat | None:
        if identifier is not None:
            found = self.view.contrats.get(self._current(identifier))
            return self._show(*found) if found and numero in (None, found[1].numero) else None
        # A number is keyed by hand in each system: two contracts may bear the same, and then none is designated.
        sought = (numero or "").casefold()
        same = [pair for pair in self.view.contrats.values() if sought and (pair[1].numero or "").casefold() == sought]
        return self._show(*same[0]) if len(same) == 1 else None

    def _rupture(self, identifier: str) -> Rupture | None:
        found = self.view.ruptures.get(self._current(identifier))
        return self._show(*found) if found else None

    def _current(self, identifier: str) -> str:
        """The id that a former one has become; the same for any other."""
        # Opening an id costs a decryption: spared as long as no person of the view changed ids.
        opened = self.opaque_ids.open(identifier) if self.view.former_ids else None
        if opened is None or opened[1] not in self.view.former_ids:
            return identifier
        type_name, former = opened
        return self.opaque_ids.seal(type_name, self.view.former_ids[former])

    def recherche_jeune(self, nom: str, prenom: str, naissance: date) -> list[Rapprochement] | None:
        if self.readings.silent:
            return None
        found = search(self.view, nom, prenom, naissance)
        return self._count([self._match(candidate, niveau) for candidate, niveau in found])

    def _match(self, candidate: Candidate, niveau: Level) -> Rapprochement:
        person, similarity = self.view.persons[candidate.person], candidate.similarity
        return Rapprochement(
            jeune=self._show(person, person.jeune),
            score=probability(similarity.score),
            niveau=niveau,
            sources=sorted({record.source for record in person.merged.cluster.sourced_records}),
            indices=identity_evidence(similarity, niveau),
        )

    def jeunes(self, filtre: FiltreJeunes | None, tri: TriJeunes, page: PageArgs) -> JeuneConnection | None:
        return self._page(ListQuery(JEUNES, filtre, tri, self.day), page)

    def contrats(self, filtre: FiltreContrats | None, page: PageArgs) -> ContratConnection | None:
        return self._page(ListQuery(CONTRATS, filtre, None, self.day), page)

    def ruptures(self, filtre: FiltreRuptures | None, tri: TriRuptures, page: PageArgs) -> RuptureConnection | None:
        return self._page(ListQuery(RUPTURES, filtre, tri, self.day), page)

    def _page(self, query: ListQuery[Any, C], page: PageArgs) -> C | None:
        """A page of a list, kept for the same rights as long as the view holds; None when no source answered."""
        if self.readings.silent:
            return None
        complet, pages, cursors = self.readings.complete, self._masked_copies.pages, self._cursors(query)
        # What else the page shows: whether it is complete, and which of its cursors are written.
        list_key = query.key
        key = (list_key, page, complet, cursors.each, cursors.bounds)
        shown = pages.get(key) if self.frozen else None
        if shown is None:
            page_slice = cut(query.sort(self.view), page, cursors)
            shown = query.show(self.view, page_slice, self._masked_copies, complet)
            if self.frozen:
                pages[key] = shown
        self.tally.shown |= shown.read
        criteria = identifying(query)
        if criteria or page.after is not None:
            mark = mark_of(self.viewer.account, list_key, page.after)
            self._tell(ToldList(query, criteria, page.after, frozenset(), mark), shown)
        connection: C = shown.value
        return connection

    def _tell(self, told: ToldList, shown: Shown) -> None:
        """Note that a list under criteria that identify tells a total, an edge or a position (docs/security.md A17)."""
        coordinates = self.decision.coordinates
        if coordinates.isdisjoint(TOLD_BY_LIST[told.query.definition.name]):
            return
        if NOM in told.criteria:
            self.tally.lookups += 1
            self.tally.not_found += not shown.value.total_count and self.readings.complete
        if told.mark not in self.view.told:
            rows = frozenset(shown.read) if shows_persons(coordinates) else frozenset[str]()
            self.tally.told.append(replace(told, shown=rows))

    def behind(self, told: ToldList) -> list[Any]:
        """The elements behind the cursor of a list told; all of them without a cursor."""
        ordered = told.query.sort(self.view)
        return ordered.elements[start_of(ordered, told.after, self._cursors(told.query)) :]

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

    def _show(self, person: ViewPerson, object_: T) -> T:
        """The masked copy that leaves: only what this viewer may read of this person."""
        shown = self._masked_copies.show(person, object_)
        self.tally.shown |= shown.read
        self.tally.found |= shown.read
        copy: T = shown.value
        return copy

    # Once an operation: it fetches what was already made for these rights by hashing them.
    @cached_property
    def _masked_copies(self) -> MaskedCopies:
        return MaskedCopies(self.view, self.rights, self.decision, self._source)

    def _source(self, cfa: Cfa) -> Source | None:
        name = self.source_of_cfa(cfa.uai) if cfa.uai else None
        return next((source for source in self.states() if source.nom == name), None)
