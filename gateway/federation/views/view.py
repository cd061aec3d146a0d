"""A view as a value, and what is shown of it: persons by id, and the masked copies made for one set of rights.

Knows neither how a view is built, nor lists and pages.
"""

import threading
from collections import defaultdict
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from typing import Any

from cachetools import LRUCache

from gateway.auth.authorization.decide import Decision
from gateway.auth.authorization.mask import mask
from gateway.auth.authorization.sentinel import excess
from gateway.auth.policy.policy import (
    AccessPolicy,
    Affiliation,
    Perimetre,
    is_age_admissible,
    is_request_open,
    relations,
)
from gateway.auth.policy.rules import CategorieDonnee, Finalite, Profil
from gateway.domain.official_numbers import Traits, numero_key
from gateway.domain.search import PersonIndex
from gateway.domain.statut import StatutApprenant
from gateway.errors import LeakStopped
from gateway.federation.collect.kept_readings import SourceReadings
from gateway.federation.join.evidence import attach_evidence
from gateway.federation.join.join_records import FollowUp
from gateway.federation.join.merge import MergedPerson
from gateway.federation.join.provenance import Received, attach
from gateway.federation.paging import SortedList
from gateway.schema.coordinates import EXPLANATIONS, PROVENANCES
from gateway.schema.nouns import Contrat, Jeune, Rupture
from gateway.schema.organisations import Cfa

RIGHTS_MAX = 16  # rights and selections whose masked copies are kept with a view
LISTS_MAX = 16  # lists of one view kept in order, by filter and order
TOLD_MAX = 4096  # lists told to accounts, of which a view remembers that their look-up is written
PAGES_MAX = 16  # pages of one view kept as they were shown to the same rights
OF_NOBODY = frozenset({CategorieDonnee.PUBLIQUE, CategorieDonnee.TECHNIQUE})  # what opens no person by itself
CATEGORIES_MAX = 1024  # sets of categories, each one object
COPIES_PER_PERSON, COPIES_MIN = 3, 100  # masked copies kept with a view: for each of its persons, and at least


_EXPLAINING = threading.Lock()


@dataclass(frozen=True, slots=True)
class Rights:
    """Who looks and for what: enough to say what may be read of each person."""

    policy: AccessPolicy
    profil: Profil
    finalite: Finalite | None
    perimetre: Perimetre

    @property
    def readable(self) -> frozenset[CategorieDonnee]:
        """The categories that the profile may read, for this purpose, of one person at least."""
        return self.policy.categories(self.profil, self.finalite, self.perimetre.profil)


@dataclass(frozen=True, slots=True)
class ViewPerson:
    """A person of a view, and the categories that may be read of that very person. `claimed`: what Missions locales tell of it,
    for a CFA whose request would open it."""

    merged: MergedPerson
    affiliation: Affiliation
    categories: frozenset[CategorieDonnee]
    claimed: tuple[FollowUp, ...] = ()

    @property
    def jeune(self) -> Jeune:
        return self.merged.jeune

    @property
    def sources(self) -> set[str]:
        """The partners that know this person, as far as whoever looks may know it."""
        records = (*self.merged.cluster.sourced_records, *(who for who, _ in self.merged.follow_ups))
        return {record.source for record in records}

    @property
    def traits(self) -> list[Traits]:
        """The identities that the records which joined tell."""
        return [record.traits for record in self.merged.cluster.sourced_records if record.traits]


@dataclass(frozen=True, slots=True)
class Shown:
    """A masked copy, or a page of them, and the categories read of each person in it, by id."""

    value: Any
    read: dict[str, frozenset[CategorieDonnee]]


@dataclass(slots=True)
class ShownCopies:
    """What was made to be shown to the same rights: masked copies by id, and pages of them."""

    copies: dict[str, Shown] = field(default_factory=dict)
    pages: LRUCache[Hashable, Shown] = field(default_factory=lambda: LRUCache(PAGES_MAX))


@dataclass
class View:
    """The persons of a perimeter by id, and those of their contracts and ruptures that it may see.

    `lists`, `sets`, `counted`, `told` and `kept_copies` are what answers made of it, and end with it. `former_ids`: ids given
    before, and what they have become. `records`: the keys of the records that told of each person. `received`: when the last
    answer of each installation came. `stale`: loop time after
    which a view built without the ledger of links is built again.
    """

    persons: dict[str, ViewPerson] = field(default_factory=dict)
    contrats: dict[str, tuple[ViewPerson, Contrat]] = field(default_factory=dict)
    ruptures: dict[str, tuple[ViewPerson, Rupture]] = field(default_factory=dict)
    former_ids: dict[str, str] = field(default_factory=dict)
    records: dict[str, tuple[str, ...]] = field(default_factory=dict)
    received: Received = field(default_factory=dict)
    stale: float | None = None
    readings: SourceReadings | None = field(default=None, compare=False)  # the last in which it was found true
    overlay: Any = None  # itself with the writes that the gateway keeps (`overlay.Overlay`)
    people_before: int = 0  # how many the last view of the same rights held, when this one was built
    lists: LRUCache[tuple[str, ...], Any] = field(default_factory=lambda: LRUCache(LISTS_MAX))
    sets: LRUCache[Hashable, int] = field(default_factory=lambda: LRUCache(LISTS_MAX))
    counted: LRUCache[Hashable, Any] = field(default_factory=lambda: LRUCache(LISTS_MAX))
    told: LRUCache[int, None] = field(default_factory=lambda: LRUCache(TOLD_MAX))
    orders: dict[tuple[str, Any], Any] = field(default_factory=dict)  # all the elements of each list, in each order
    kept_copies: dict[object, ShownCopies] = field(default_factory=dict)

    def shown_copies(
        self, rights: Rights, categories: frozenset[CategorieDonnee], rows: tuple[bool, ...]
    ) -> ShownCopies:
        """What was already made for these rights, these categories and these kinds of explanatory lines."""
        # The policy is not in the key: a gateway has one as long as it runs.
        key = (rights.profil, rights.finalite, rights.perimetre, categories, rows)
        known = self.kept_copies.get(key)
        if known is not None:
            return known
        # Emptied at once: so many different rights over one view are rare, and all of it can be made again.
        if len(self.kept_copies) >= RIGHTS_MAX:
            self.kept_copies.clear()
        return self.kept_copies.setdefault(key, ShownCopies())  # another thread may have been quicker

    def keep(self, shown_copies: ShownCopies, made: Mapping[str, Shown]) -> None:
        """Keep masked copies by id, those that are already there excepted; all are forgotten when they are too many."""
        if sum(len(each.copies) for each in self.kept_copies.values()) + len(made) > self._copies_max:
            for each in self.kept_copies.values():
                each.copies.clear()
                each.pages.clear()
        # Another answer may have made the same one meanwhile: whoever holds that one keeps seeing it.
        for identifier, shown in made.items():
            shown_copies.copies.setdefault(identifier, shown)

    @property
    def _copies_max(self) -> int:
        return max(COPIES_MIN, COPIES_PER_PERSON * len(self.persons))

    @cached_property
    def contrats_by_numero(self) -> Mapping[str, list[tuple[ViewPerson, Contrat]]]:
        """Its contracts by number, as the graph compares them."""
        by_numero: dict[str, list[tuple[ViewPerson, Contrat]]] = defaultdict(list)
        for pair in self.contrats.values():
            by_numero[numero_key(pair[1].numero or "")].append(pair)
        return by_numero

    @cached_property
    def person_index(self) -> PersonIndex:
        """The index of its persons by identity."""
        # Made at the first search: most views are never searched.
        return PersonIndex((key, person.traits) for key, person in self.persons.items())


def listed_statut(jeune: Jeune) -> StatutApprenant | None:
    """A status as lists and rights take it: none for whoever is INSCRIT by a session that its CFA no longer tells."""
    told = jeune.statut.valeur if jeune.statut else None
    return None if told is StatutApprenant.INSCRIT and not jeune.is_attested else told


def readable(jeune: Jeune, affiliation: Affiliation, rights: Rights) -> frozenset[CategorieDonnee]:
    """The categories that may be read of this person; none when out of perimeter."""
    links = relations(rights.perimetre, affiliation)
    if not links:
        return frozenset()
    asked = _is_asked(jeune, affiliation, rights)
    granted = rights.policy.granted(rights.profil, rights.finalite, links, listed_statut(jeune), asked)
    # Showing somebody for a disability tells it: only to those who may read it of that person.
    rqth = jeune.rqth if CategorieDonnee.SENSIBLE in granted else None
    if not is_age_admissible(rights.perimetre, jeune.age, rqth):
        return frozenset()
    # Public data or the state of systems alone is a person about whom nothing may be known: not even that they are here.
    return shared(granted) if granted - OF_NOBODY else frozenset()


@lru_cache(CATEGORIES_MAX)
def shared(categories: frozenset[CategorieDonnee]) -> frozenset[CategorieDonnee]:
    """The same set, one object for all persons: each of its own would weigh as much as a name."""
    return categories


def _is_asked(jeune: Jeune, affiliation: Affiliation, rights: Rights) -> bool:
    """Whether joint support was asked for this person, by this CFA where a CFA looks."""
    request = jeune.collaboration
    if request is None or request.demandee_le is None:
        return False
    return is_request_open(rights.perimetre, request.uai, affiliation)


def is_frozen(decision: Decision) -> bool:
    """Whether what an answer shows of an object never changes."""
    # The state of a source is the one thing that changes while the CFA it serves is kept.
    return "Cfa.source" not in decision.coordinates


class MaskedCopies:
    """The masked copies of a view for one caller's rights and one decision.

    `pages`: pages already made for the same rights; `made`: the copies made here, that `keep` is to keep: a page of hundreds
    is masked beside the loop, and only the loop may write in a view.
    """

    def __init__(self, view: View, rights: Rights, decision: Decision) -> None:
        self._view = view
        self._rights = rights
        self._decision = decision
        self._provenances = not PROVENANCES.isdisjoint(decision.coordinates)
        self._evidence = not (EXPLANATIONS - PROVENANCES).isdisjoint(decision.coordinates)
        # Known once a page: most operations select none of these lines.
        self._explains = self._provenances or self._evidence
        rows = self._provenances, self._evidence
        self.shown_copies = view.shown_copies(rights, decision.categories, rows)
        self._copies, self.pages = self.shown_copies.copies, self.shown_copies.pages
        self.made: dict[str, Shown] = {}

    def show(self, person: ViewPerson, object_: Jeune | Contrat | Rupture) -> Shown:
        """The copy that leaves, and what may be read of this person. Raises LeakStopped."""
        return self._copies.get(object_.id) or self.made.get(object_.id) or self._prepare(person, object_)

    def keep(self) -> None:
        """Keep with the view the copies made since."""
        # Taken first: what is made meanwhile is for the next time.
        made, self.made = self.made, {}
        self._view.keep(self.shown_copies, made)

    def _prepare(self, person: ViewPerson, object_: Any) -> Shown:
        # Judged again for these rights and this row, whoever the view was built for: a wrong key must not be a leak.
        granted = readable(person.jeune, person.affiliation, self._rights)
        if not granted:
            raise LeakStopped(f"{type(object_).__name__} hors périmètre")
        categories = shared(granted & self._decision.categories)
        copy = self._explained(person, object_, categories) if self._explains else mask(object_, categories)
        # The mask writes and the sentinel reads, from two readings of the rules: one fault in either is stopped here.
        if rest := excess(copy, categories):
            raise LeakStopped(rest)
        # What gives an object the right to have its bytes kept (execution.compiled_operation.encode_once).
        copy.kept_bytes = {}
        shown = self.made[object_.id] = Shown(copy, {person.jeune.id: categories})
        return shown

    def _explained(self, person: ViewPerson, object_: Any, categories: frozenset[CategorieDonnee]) -> Any:
        """The copy with which source says what, and what joined its records, where the query selects it."""
        # On demand: few queries select these lines, and they take a pass over every record of hers.
        # Written anew for each copy: another view that holds her may have been told later, and when is this view's.
        # Copied under the same lock: two threads must not see each other's lines.
        with _EXPLAINING:
            if self._provenances:
                attach(person.merged, self._view.received)
            if self._evidence:
                attach_evidence(person.merged)
            return mask(object_, categories)


def cfas_of(object_: Jeune | Contrat | Rupture) -> list[Cfa]:
    """The CFAs reachable from a masked copy."""
    if isinstance(object_, Jeune):
        jeune, contrats = object_, object_.contrats or []
    else:
        contrat = object_ if isinstance(object_, Contrat) else object_.contrat
        jeune = object_.jeune or Jeune()
        contrats = [*(jeune.contrats or []), *([contrat] if contrat else [])]
    formations: Sequence[Any] = [*(jeune.formations or []), *(contrat.formation for contrat in contrats)]
    return [holder.cfa for holder in (*contrats, *formations) if holder and holder.cfa]


@dataclass(frozen=True, slots=True)
class PageMade:
    """A page as it was made beside the loop, the list it is cut from, and the masked copies that it took."""

    ordered: SortedList[Any]
    shown: Shown
    copies: MaskedCopies
