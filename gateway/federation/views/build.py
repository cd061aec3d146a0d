"""Builds a view: join, merge, bound to the perimeter, then give ids (docs/decisions/0006). Reaches neither source nor store.

Views are kept, one a subject: found again as long as what they depend on holds, else built beside the loop.

`Preparation` holds the long work that an operation needs before it can be shown: found by a first execution, done apart,
shown by a second. Resolvers do not wait: one that needs a list which is not kept says so and shows nothing; once all that was
said is done, beside the loop, the operation is executed again and finds it. What is kept costs one look-up, and one
execution. `Tally` counts meanwhile what is told of persons.
"""

import asyncio
from collections import OrderedDict
from collections.abc import Callable, Coroutine, Hashable
from dataclasses import dataclass, field
from datetime import date, datetime
from functools import partial
from typing import Any, TypeVar

from cachetools import LRUCache

from gateway.auth.policy.policy import Perimetre, is_contrat_visible, is_waiting_age
from gateway.auth.policy.rules import CategorieDonnee, Profil
from gateway.concurrency import SingleFlight, offload
from gateway.domain.days import end_of_day
from gateway.federation.collect.kept_readings import Readings
from gateway.federation.criteria import ToldList
from gateway.federation.directory import Directory
from gateway.federation.ids.assign import AssignedIds, IdAssigner, date_report
from gateway.federation.ids.resolve import RecordKeys
from gateway.federation.join.link import SourcedRecord
from gateway.federation.join.merge import MergedPerson, etat_traitement, motifs_priorite
from gateway.federation.paging import SortedList
from gateway.federation.views.select import SelectedPersons, select_persons, untie_once_left
from gateway.federation.views.view import MaskedCopies, Rights, Shown, View, ViewPerson
from gateway.schema.nouns import Contrat, Jeune, Rupture
from gateway.schema.organisations import TypeSource

PERSONS_MAX = 8_000  # of the views kept, some 17 KB each with what is shown of them: a worker stays under 300 MB
PERIMETERS_MAX = 1000  # of which the last number of persons is kept
PERSONS_MIN = 20  # what a view counts for at least, be it empty
RETRY_AFTER = 30.0  # seconds a view built without the ledger of links is kept, before it is tried again

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Work:
    """`size`: how many elements it goes through; `shared`: what names it for whoever needs the same at the same time."""

    size: int
    shared: Hashable
    do: Callable[[], Any]


@dataclass(slots=True)
class Preparation:
    """Of one operation. `works`: what is to be done, by what the operation knows it by; `walks`: the lists, among them, of which
    every element is looked at; `lines`: of the referential, those looked at; `over`: whatever is missing is done at once."""

    works: dict[Hashable, Work] = field(default_factory=dict)
    done: dict[Hashable, Any] = field(default_factory=dict)
    walks: int = 0
    lines: int = 0
    over: bool = True

    def result(self, key: Hashable, work: Work, walk: bool = False, lines: int = 0) -> Any | None:
        """What the work returns; None when it is to be done first. Raises what it raises."""
        if key in self.done:
            return self.done[key]
        # The second execution, and commands that hold up nobody: whatever is missing is small, or may take its time.
        if self.over:
            return work.do()
        self.works[key] = work
        self.walks += walk
        self.lines += lines
        return None


@dataclass(frozen=True, slots=True)
class PageMade:
    """A page as it was made beside the loop, the list it is cut from, and the masked copies that it took."""

    ordered: SortedList[Any]
    shown: Shown
    copies: MaskedCopies


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

    def clear(self) -> None:
        """Forget what a first execution counted."""
        # Emptied in place: resolvers of the second execution hold this very tally.
        self.shown.clear()
        self.found.clear()
        self.told.clear()
        self.lookups = self.not_found = 0


def build_view(
    selected: SelectedPersons, assigned_ids: AssignedIds, rights: Rights, directory: Directory, readings: Readings
) -> View:
    """The view of these persons, each with its contracts and ruptures, under the ids assigned."""
    view = View(former_ids=dict(assigned_ids.former_ids))
    for person, key_sets in selected.persons:
        # Ids first: bounding drops contracts, and `key_sets` follows the order of all of them.
        _identify(person.merged, key_sets, assigned_ids, directory)
        view.records[person.jeune.id] = tuple(key.key for key in key_sets[0].keys)
        _place(view, person, rights, readings)
        person.jeune.modifie = _last_change(person.merged, rights.perimetre, directory)
    return view


def _identify(
    merged: MergedPerson, key_sets: tuple[RecordKeys, ...], assigned_ids: AssignedIds, directory: Directory
) -> None:
    """Write the ids of a person, its contracts and its ruptures, and the days on which the latter were first seen."""
    merged.jeune.id = directory.seal("Jeune", assigned_ids.id_of(key_sets[0]))
    for contrat, folded, record_keys in zip(merged.contrats, merged.folded_contrats, key_sets[1:], strict=True):
        object_id = assigned_ids.id_of(record_keys)
        contrat.id = directory.seal("Contrat", object_id)
        if contrat.rupture:
            # A contract is broken once: its rupture lives under the same object, and cannot change contracts.
            contrat.rupture.id = directory.seal("Rupture", object_id)
            date_report(contrat.rupture, folded, assigned_ids.first_seen, directory.pseudonym)


def _place(view: View, person: ViewPerson, rights: Rights, readings: Readings) -> None:
    """Put a person in the view, under its id, with what may be seen of its contracts."""
    jeune = person.jeune
    _bound(jeune, rights.perimetre)
    view.persons[jeune.id] = person
    suivi_known = _is_suivi_known(jeune, rights, readings)
    _bound_wait(jeune, rights.perimetre, suivi_known)
    for contrat in jeune.contrats or []:
        view.contrats[contrat.id] = (person, contrat)
        if contrat.rupture:
            if suivi_known:
                _set_traitement(contrat.rupture, person)
            view.ruptures[contrat.rupture.id] = (person, contrat.rupture)


def _bound(jeune: Jeune, perimetre: Perimetre) -> None:
    """Take off a person the rows that the viewer may not see: contracts and trainings of other CFAs than its own."""
    jeune.contrats = [c for c in jeune.contrats or [] if is_contrat_visible(perimetre, c.cfa.uai if c.cfa else None)]
    # By identity: of two contracts that say the same, one may be out of sight.
    jeune.ruptures = [r for r in jeune.ruptures or [] if any(r.contrat is contrat for contrat in jeune.contrats)]
    jeune.formations = [
        f for f in jeune.formations or [] if is_contrat_visible(perimetre, f.cfa.uai if f.cfa else None)
    ]
    for contrat in jeune.contrats:
        # A contract seen must not lead to a training that is not.
        if not any(contrat.formation is formation for formation in jeune.formations):
            contrat.formation = None


def _bound_wait(jeune: Jeune, perimetre: Perimetre, suivi_known: bool) -> None:
    """Take off a person the wait for a contract that the viewer may not see, and write how far the one that it sees is dealt
    with."""
    # Here, and not where people are listed: the field, the list and its count cannot differ.
    if jeune.sans_contrat and not is_waiting_age(perimetre, jeune.age):
        jeune.sans_contrat = None
    if jeune.sans_contrat and suivi_known:
        jeune.etat_sans_contrat = etat_traitement(jeune.suivi, jeune.sans_contrat.depuis)


def _last_change(merged: MergedPerson, perimetre: Perimetre, directory: Directory) -> datetime | None:
    """The last instant at which what may be seen of a person may have changed; None where somebody does not say
    (docs/domaine.md, Modifications)."""
    records = (*merged.cluster.sourced_records, *(who for who, _ in merged.follow_ups))
    # Doubt is change: a dossier that is read again for nothing is better than a rupture that is not.
    changes = [change for record in records for change in _changes(record, perimetre, directory)]
    return max((change for change in changes if change), default=None) if None not in changes else None


def _changes(record: SourcedRecord, perimetre: Perimetre, directory: Directory) -> list[datetime | None]:
    """What a record tells of changes: nothing when it is another CFA's, of which nothing is to be learnt."""
    if record.type is TypeSource.REGISTRE_CONTRATS:
        # One record of the registry tells the contracts of every CFA: each has its own day.
        own = [c for c in record.jeune.contrats or [] if is_contrat_visible(perimetre, _uai(c, directory))]
        return [end_of_day(contrat.traite_le) if contrat.traite_le else None for contrat in own]
    if record.type is TypeSource.ERP_CFA and not is_contrat_visible(perimetre, record.tenant):
        return []
    return [record.modified_at]


def _uai(contrat: Contrat, directory: Directory) -> str | None:
    cfa = directory.complete_cfa(contrat.cfa)
    return cfa.uai if cfa else None


def _is_suivi_known(jeune: Jeune, rights: Rights, readings: Readings) -> bool:
    """Whether the absence of a follow-up means something: the system that would hold it was heard."""
    code = jeune.mission_locale.code if jeune.mission_locale else None
    if rights.perimetre.profil is Profil.MISSION_LOCALE:
        code = rights.perimetre.organisation
    return jeune.suivi is not None or code in readings.suivi_heard


def _set_traitement(rupture: Rupture, person: ViewPerson) -> None:
    """Write the state and the priority of a rupture (docs/graphe.md, Droits)."""
    motifs = motifs_priorite(person.jeune, rupture)
    rupture.etat = etat_traitement(person.jeune.suivi, rupture.date)
    # A reason tells the fact it stands on: one that would tell a category not granted is left out, priority included.
    rupture.motifs_priorite = [motif for motif in motifs if motif.tells in person.categories]
    rupture.prioritaire = bool(rupture.motifs_priorite)


@dataclass(frozen=True, slots=True)
class ViewKey:
    """What a view depends on: whom it is for and the units it is told by (`subject`), and the versions of those."""

    subject: Hashable
    versions: Hashable


class ViewCache:
    """Views already built, the last of each subject, the least used forgotten first.

    Bounded by the persons they hold together; the view just built is kept, whatever it holds.
    """

    def __init__(self) -> None:
        self._known: OrderedDict[Hashable, tuple[ViewKey, View]] = OrderedDict()
        self._builds: SingleFlight[ViewKey, View] = SingleFlight()
        self._people: LRUCache[Hashable, int] = LRUCache(PERIMETERS_MAX)

    def note_people(self, viewer: Hashable, people: int) -> int:
        """Note how many persons these rights see; returns how many they saw before, 0 when that is not known."""
        before = self._people.get(viewer, 0)
        self._people[viewer] = people
        return before

    async def view(self, key: ViewKey, build: Callable[[], Coroutine[Any, Any, View]]) -> View:
        """The view of that key, built once for all who wait; whoever leaves does not stop it."""
        known_key, known = self._known.get(key.subject, (None, None))
        if known and known_key == key and (known.stale is None or asyncio.get_running_loop().time() < known.stale):
            self._known.move_to_end(key.subject)
            return known
        return await self._builds.run(key, partial(self._build, key, build))

    async def _build(self, key: ViewKey, build: Callable[[], Coroutine[Any, Any, View]]) -> View:
        view = await build()
        untie_once_left(view)
        # By subject, not by key: the view of older versions will never be asked for again, and goes at once.
        self._known[key.subject] = key, view
        self._known.move_to_end(key.subject)
        # Counted anew each time: a handful of views, and a build took far longer than their sum.
        while len(self._known) > 1 and sum(map(_weight, self._known.values())) > PERSONS_MAX:
            self._known.popitem(last=False)
        return view


def _weight(known: tuple[ViewKey, View]) -> int:
    return max(PERSONS_MIN, len(known[1].persons))


def view_key(readings: Readings, rights: Rights, directory: Directory, day: date) -> ViewKey:
    """The key of what these rights see of these readings that day."""
    # The directory is in the key by identity: a new reference set places persons elsewhere.
    viewer = (rights.profil, rights.finalite, rights.perimetre, day, directory)
    return ViewKey((viewer, readings.suivi_heard, frozenset(readings.units)), readings.versions)


async def find_view(
    views: ViewCache, id_assigner: IdAssigner, readings: Readings, rights: Rights, directory: Directory, day: date
) -> tuple[View, int]:
    """What these rights see of these readings that day, kept or built; and how many persons they were known to see before."""
    made = False

    async def build() -> View:
        nonlocal made
        made = True
        # Two trips to a thread around one wait for the ledger: a region takes seconds to merge, the loop must not.
        count = len(readings.sourced_records)
        selected = await offload(count, select_persons, readings, rights, directory, day)
        assigned_ids = await id_assigner.assign(selected.key_sets, selected.facts, selected.base)
        view = await offload(count, build_view, selected, assigned_ids, rights, directory, readings)
        if assigned_ids.provisional:
            view.stale = asyncio.get_running_loop().time() + RETRY_AFTER
        view.people_before = views.note_people((rights.profil, rights.finalite, rights.perimetre), len(view.persons))
        return view

    view = await views.view(view_key(readings, rights, directory, day), build)
    return view, view.people_before if made else len(view.persons)
