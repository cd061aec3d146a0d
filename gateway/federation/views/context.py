"""What one operation may show: the schema's context over a view. Pages, masks and counts; reaches no source."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import date
from functools import cached_property
from typing import Any, TypeVar

from gateway.auth.authentication.viewer import Viewer
from gateway.auth.authorization.decide import Decision
from gateway.auth.policy.rules import OPENED_BY, CategorieDonnee
from gateway.domain.search import Candidate
from gateway.domain.similarity import Level
from gateway.federation.collect.readings import Readings
from gateway.federation.directory import Directory
from gateway.federation.join.evidence import identity_evidence, probability
from gateway.federation.lists import CONTRATS, JEUNES, RUPTURES, ListQuery
from gateway.federation.opaque_ids import OpaqueIds
from gateway.federation.views.build import Rights, View, ViewPerson
from gateway.federation.views.masked import MaskedCopies, is_frozen
from gateway.federation.views.moi import present_moi
from gateway.federation.views.paging import CursorCodec, binding, cut
from gateway.federation.views.search import search
from gateway.schema.connections import ContratConnection, JeuneConnection, RuptureConnection
from gateway.schema.context import Moi, PageArgs
from gateway.schema.filters import FiltreContrats, FiltreJeunes, FiltreRuptures, TriJeunes, TriRuptures
from gateway.schema.nouns import Contrat, Jeune, Rapprochement, Rupture
from gateway.schema.organisations import Cfa, MissionLocale, Node, Source
from gateway.schema.tables import END_CURSORS, ROW_CURSORS

T = TypeVar("T", Jeune, Contrat, Rupture)
C = TypeVar("C", JeuneConnection, ContratConnection, RuptureConnection)
N = TypeVar("N", bound="Node | list[Rapprochement] | None")


@dataclass(slots=True)
class Tally:
    """What is counted while an operation executes. `lookups`: searches of one object that the caller names."""

    shown: dict[str, frozenset[CategorieDonnee]] = field(default_factory=dict)  # what is read of each person, by her id
    lookups: int = 0
    not_found: int = 0


@dataclass(frozen=True)
class OperationContext:
    """Implements `gateway.schema.context.Context` for one viewer and one operation, once all that it may show is there."""

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
        """Who guesses finds little (docs/security.md A02). What a source that is down hides is not a guess."""
        self.tally.lookups += 1
        self.tally.not_found += not found and self.readings.complete
        return found

    def _node(self, identifier: str) -> Node | None:
        node = self.directory.node(identifier)
        if node is not None:
            return node
        by_type = {Jeune: self._jeune, Contrat: lambda key: self._contrat(key, None), Rupture: self._rupture}
        open_ones = [show for type_, show in by_type.items() if getattr(type_, OPENED_BY) in self.decision.categories]
        return next((found for show in open_ones if (found := show(identifier)) is not None), None)

    def _jeune(self, identifier: str) -> Jeune | None:
        person = self.view.persons.get(self._current(identifier))
        return self._show(person, person.jeune) if person else None

    def _contrat(self, identifier: str | None, numero: str | None) -> Contrat | None:
        if identifier is not None:
            found = self.view.contrats.get(self._current(identifier))
            return self._show(*found) if found and numero in (None, found[1].numero) else None
        sought = (numero or "").casefold()
        same = [pair for pair in self.view.contrats.values() if sought and _numero(pair[1]) == sought]
        return self._show(*same[0]) if len(same) == 1 else None

    def _rupture(self, identifier: str) -> Rupture | None:
        found = self.view.ruptures.get(self._current(identifier))
        return self._show(*found) if found else None

    def _current(self, identifier: str) -> str:
        """The id that one of before has become; the same for any other."""
        lu = self.opaque_ids.open(identifier) if self.view.former_ids else None
        if lu is None or lu[1] not in self.view.former_ids:
            return identifier
        return self.opaque_ids.seal(lu[0], self.view.former_ids[lu[1]])

    def recherche_jeune(self, nom: str, prenom: str, naissance: date) -> list[Rapprochement] | None:
        if self.readings.silent:
            return None
        found_ones = search(self.view, nom, prenom, naissance)
        return self._count([self._match(candidate, niveau) for candidate, niveau in found_ones])

    def _match(self, candidate: Candidate, niveau: Level) -> Rapprochement:
        person, found = self.view.persons[candidate.person], candidate.similarity
        return Rapprochement(
            jeune=self._show(person, person.jeune),
            score=probability(found.score),
            niveau=niveau,
            sources=sorted({sourced_record.source for sourced_record in person.merged.cluster.sourced_records}),
            indices=identity_evidence(found, niveau),
        )

    def jeunes(self, filtre: FiltreJeunes | None, tri: TriJeunes, page: PageArgs) -> JeuneConnection | None:
        return self._page(ListQuery(JEUNES, filtre, tri, self.day), page)

    def contrats(self, filtre: FiltreContrats | None, page: PageArgs) -> ContratConnection | None:
        return self._page(ListQuery(CONTRATS, filtre, None, self.day), page)

    def ruptures(self, filtre: FiltreRuptures | None, tri: TriRuptures, page: PageArgs) -> RuptureConnection | None:
        return self._page(ListQuery(RUPTURES, filtre, tri, self.day), page)

    def _page(self, query: ListQuery[Any, C], page: PageArgs) -> C | None:
        """A page of a list; as it was made, for the same rights, as long as the view holds. None: nobody answered."""
        if self.readings.silent:
            return None
        complet, pages, cursors = self.readings.complete, self._masked_copies.pages, self._cursors(query)
        key = (query.key, page, complet, cursors.all_, cursors.bounds)
        shown = pages.get(key) if self.frozen else None
        if shown is None:
            page_slice = cut(query.sort(self.view), page, cursors)
            shown = query.show(self.view, page_slice, self._masked_copies, complet)
            if self.frozen:
                pages[key] = shown
        self.tally.shown |= shown.read
        connection: C = shown.value
        return connection

    def _cursors(self, query: ListQuery[Any, Any]) -> CursorCodec:
        """Sealing a cursor costs more than showing its row: only those that are asked."""
        values_read, perimetre = self.decision.coordinates, self.rights.perimetre
        viewer = f"{self.rights.profil.value}/{perimetre.profil.value}/{perimetre.organisation}/{self.day}"
        return CursorCodec(
            self.opaque_ids,
            lambda: binding(query.definition.name, query.filtre, query.tri, viewer),
            all_=not values_read.isdisjoint(ROW_CURSORS),
            bounds=not values_read.isdisjoint(END_CURSORS),
        )

    def _show(self, person: ViewPerson, object_: T) -> T:
        """The masked copy that leaves: only what this viewer may read of this person."""
        shown = self._masked_copies.show(person, object_)
        self.tally.shown |= shown.read
        copy: T = shown.value
        return copy

    @cached_property
    def _masked_copies(self) -> MaskedCopies:
        return MaskedCopies(self.view, self.rights, self.decision, self._source)

    def _source(self, cfa: Cfa) -> Source | None:
        name = self.source_of_cfa(cfa.uai) if cfa.uai else None
        return next((source for source in self.states() if source.nom == name), None)


def _numero(contrat: Contrat) -> str:
    return (contrat.numero or "").casefold()
