"""Builds a view: join, merge, bound to the perimeter, then give ids (docs/decisions/0006). Reaches neither source nor store.

Views are kept, one a subject: found again as long as what they depend on holds, else built beside the loop.
The next view of a subject begins at the last one: whoever did not change is in both, and not written to once in one.
"""

import asyncio
import weakref
from collections import OrderedDict
from collections.abc import Callable, Coroutine, Hashable
from dataclasses import dataclass
from datetime import date, datetime
from functools import partial
from threading import Thread
from typing import Any

from cachetools import LRUCache

from gateway.auth.policy.policy import Perimetre, is_contrat_visible, is_waiting_age
from gateway.auth.policy.rules import Profil
from gateway.concurrency import SingleFlight, offload
from gateway.domain.days import end_of_day
from gateway.federation.collect.kept_readings import SourceReadings
from gateway.federation.ids.id_assigner import AssignedIds, IdAssigner, date_report
from gateway.federation.ids.keep_or_create import RecordKeys
from gateway.federation.join.join_records import SourcedRecord
from gateway.federation.join.merge import MergedPerson, Ties, etat_traitement, motifs_priorite, untie
from gateway.federation.organisation_directory import Directory
from gateway.federation.views.select import NOBODY, SelectedPersons, renewed, select_persons
from gateway.federation.views.view import Rights, View, ViewPerson
from gateway.schema.nouns import Contrat, Jeune, Rupture
from gateway.schema.organisations import TypeSource

PERSONS_MAX = 6_000  # of the views kept, some 25 KB each with what is shown of them and what they were joined of
PERIMETERS_MAX = 1000  # of which the last number of persons is kept
PERSONS_MIN = 20  # what a view counts for at least, be it empty
RETRY_AFTER = 30.0  # seconds a view built without the ledger of links is kept, before it is tried again


def build_view(
    selected: SelectedPersons, assigned_ids: AssignedIds, rights: Rights, directory: Directory, readings: SourceReadings
) -> View:
    """The view of these persons, each with its contracts and ruptures, under the ids assigned."""
    view = View(former_ids=dict(assigned_ids.former_ids), received=readings.received)
    for chosen in selected.persons:
        # Who is in the last view is not written to again: it may still be read.
        if chosen.placed_as is None and chosen.person is not None:
            chosen.placed_as = assigned_ids.of(chosen.key_sets, chosen.facts)
            # Ids first: bounding drops contracts, and `key_sets` follows the order of all of them.
            _identify(chosen.person.merged, chosen.key_sets, assigned_ids, directory)
            _bound_person(chosen.person, rights, readings)
            chosen.person.jeune.modifie = _last_change(chosen.person.merged, rights.perimetre, directory)
        if chosen.person is not None:
            place_bound(view, chosen.person)
            view.records[chosen.person.jeune.id] = tuple(key.key for key in chosen.key_sets[0].keys)
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


def place_person(view: View, person: ViewPerson, rights: Rights, readings: SourceReadings) -> None:
    """Put a person that is in no other view in this one, under its id, with what may be seen of its contracts."""
    _bound_person(person, rights, readings)
    place_bound(view, person)


def _bound_person(person: ViewPerson, rights: Rights, readings: SourceReadings) -> None:
    """Leave of a person what may be seen, and write what the viewer is to know of it."""
    jeune = person.jeune
    _bound(jeune, rights.perimetre)
    suivi_known = _is_suivi_known(jeune, rights, readings)
    _bound_wait(jeune, rights.perimetre, suivi_known)
    for contrat in jeune.contrats or []:
        if contrat.rupture and suivi_known:
            _set_traitement(contrat.rupture, person)


def place_bound(view: View, person: ViewPerson) -> None:
    """Put a person of which only what may be seen is left in the view, with its contracts and ruptures."""
    jeune = person.jeune
    view.persons[jeune.id] = person
    for contrat in jeune.contrats or []:
        view.contrats[contrat.id] = (person, contrat)
        if contrat.rupture:
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


def _is_suivi_known(jeune: Jeune, rights: Rights, readings: SourceReadings) -> bool:
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


@dataclass
class BuiltView(View):
    """A view, and what it was made of: whoever builds the next of its subject begins there."""

    selected: SelectedPersons = NOBODY
    assigned_ids: AssignedIds | None = None


@dataclass(frozen=True, slots=True)
class ViewKey:
    """What a view depends on: whom it is for and the units it is told by (`subject`), and the versions of those."""

    subject: Hashable
    versions: Hashable


class ViewCache:
    """Views already built, the last of each subject, the least used forgotten first.

    Bounded by the persons they hold together; the view just built is kept, whatever it holds."""

    def __init__(self) -> None:
        self._known: OrderedDict[Hashable, tuple[ViewKey, View]] = OrderedDict()
        self._builds: SingleFlight[ViewKey, View] = SingleFlight()
        self._people: LRUCache[Hashable, int] = LRUCache(PERIMETERS_MAX)

    def note_people(self, viewer: Hashable, people: int) -> int:
        """Note how many persons these rights see; returns how many they saw before, 0 when that is not known."""
        before = self._people.get(viewer, 0)
        self._people[viewer] = people
        return before

    def last(self, subject: Hashable) -> BuiltView | None:
        """The view that is kept of a subject, be it of other versions."""
        known = self._known.get(subject, (None, None))[1]
        return known if isinstance(known, BuiltView) else None

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


def view_key(readings: SourceReadings, rights: Rights, directory: Directory, day: date) -> ViewKey:
    """The key of what these rights see of these readings that day."""
    # The directory is in the key by identity: a new reference set places persons elsewhere.
    viewer = (rights.profil, rights.finalite, rights.perimetre, day, directory)
    return ViewKey((viewer, readings.suivi_heard, frozenset(readings.units)), readings.versions)


async def find_view(
    views: ViewCache, id_assigner: IdAssigner, readings: SourceReadings, rights: Rights, directory: Directory, day: date
) -> tuple[View, int]:
    """What these rights see of these readings that day, kept or built; and how many persons they were known to see before."""
    key = view_key(readings, rights, directory, day)
    made = False

    async def build() -> View:
        nonlocal made
        made = True
        view = await _built(views.last(key.subject) or BuiltView(), id_assigner, readings, rights, directory, day)
        view.people_before = views.note_people((rights.profil, rights.finalite, rights.perimetre), len(view.persons))
        return view

    view = await views.view(key, build)
    view.readings = readings
    return view, view.people_before if made else len(view.persons)


async def _built(
    before: BuiltView,
    id_assigner: IdAssigner,
    readings: SourceReadings,
    rights: Rights,
    directory: Directory,
    day: date,
) -> BuiltView:
    """What these rights see, of what they saw before."""
    # Two trips to a thread around one wait for the ledger: a region takes seconds to merge, the loop must not.
    count = len(readings.sourced_records)
    selected = await offload(count, select_persons, readings, rights, directory, day, before.selected)
    assigned_ids = before.assigned_ids
    # As for a view that is kept, what the ledger said of these very keys stands; a new day is another subject, and asks again.
    if assigned_ids is None or assigned_ids.provisional or selected.asked != before.selected.asked:
        assigned_ids = await id_assigner.assign(selected.key_sets, selected.facts, selected.base_key_sets)
        selected = renewed(selected, assigned_ids)
    placed = await offload(count, build_view, selected, assigned_ids, rights, directory, readings)
    view = BuiltView(**vars(placed), selected=selected, assigned_ids=assigned_ids)
    if assigned_ids.provisional:
        view.stale = asyncio.get_running_loop().time() + RETRY_AFTER
    return view


def untie_once_left(view: View) -> None:
    """Have it done, beside the loop, when the last who reads the view is gone: nothing of it is shown any more."""
    for chosen in view.selected.persons if isinstance(view, BuiltView) else ():
        if chosen.person and not chosen.ties:
            chosen.ties = Ties(chosen.person.merged.contrats)
    start = partial(Thread, target=_untie_all, args=(vars(view),), name="vue-quittee", daemon=True)
    finalizer = weakref.finalize(view, lambda: start().start())
    # A process that ends gives everything back at once.
    finalizer.atexit = False


def _untie_all(held: dict[str, Any]) -> None:
    # One at a time: freed together, they would hold the interpreter all the while.
    for shown_copies in held["kept_copies"].values():
        shown_copies.pages.clear()
        while shown_copies.copies:
            untie(shown_copies.copies.popitem()[1].value)
    while "selected" in held and held["selected"].chosen:
        held["selected"].chosen.popitem()
    # Lists and indexes lead to the persons, who are let go last; another view may hold them too.
    for name in held.keys() - {"persons"}:
        del held[name]
    while held["persons"]:
        held["persons"].popitem()
