"""Builds a view: join, merge, bound to the perimeter, then give ids (docs/decisions/0006). Reaches neither source nor store.

Views are kept, one a subject: found again as long as what they depend on holds, else built beside the loop.

`Preparation` holds the long work that an operation needs before it can be shown: found by a first execution, done apart,
shown by a second. Resolvers do not wait: one that needs a list which is not kept says so and shows nothing; once all that was
said is done, beside the loop, the operation is executed again and finds it. What is kept costs one look-up, and one
execution. `Tally` counts meanwhile what is told of persons.
"""

import asyncio
import weakref
from collections import OrderedDict
from collections.abc import Callable, Coroutine, Hashable
from dataclasses import dataclass, field
from datetime import date
from functools import partial
from threading import Thread
from typing import Any, TypeVar

from cachetools import LRUCache

from gateway.auth.policy.rules import CategorieDonnee
from gateway.concurrency import SingleFlight, offload
from gateway.federation.collect.readings import Readings
from gateway.federation.criteria import ToldList
from gateway.federation.directory import Directory
from gateway.federation.ids.assign import AssignedIds, IdAssigner
from gateway.federation.join.ties import untie
from gateway.federation.paging import SortedList
from gateway.federation.views.place import build_view
from gateway.federation.views.select import NOBODY, SelectedPersons, renewed, select_persons
from gateway.federation.views.view import MaskedCopies, Rights, Shown, ShownCopies, View, ViewPerson

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

    def last(self, subject: Hashable) -> BuiltView | None:
        """The view that is kept of a subject, be it of other versions."""
        _, known = self._known.get(subject, (None, None))
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


def view_key(readings: Readings, rights: Rights, directory: Directory, day: date) -> ViewKey:
    """The key of what these rights see of these readings that day."""
    # The directory is in the key by identity: a new reference set places persons elsewhere.
    viewer = (rights.profil, rights.finalite, rights.perimetre, day, directory)
    return ViewKey((viewer, readings.suivi_heard, frozenset(readings.units)), readings.versions)


async def find_view(
    views: ViewCache, id_assigner: IdAssigner, readings: Readings, rights: Rights, directory: Directory, day: date
) -> tuple[View, int]:
    """What these rights see of these readings that day, kept or built; and how many persons they were known to see before."""
    key = view_key(readings, rights, directory, day)
    made = False

    async def build() -> View:
        nonlocal made
        made = True
        before = views.last(key.subject) or BuiltView()
        view = await _built(before, id_assigner, readings, rights, directory, day)
        view.people_before = views.note_people((rights.profil, rights.finalite, rights.perimetre), len(view.persons))
        return view

    view = await views.view(key, build)
    return view, view.people_before if made else len(view.persons)


async def _built(
    before: BuiltView, id_assigner: IdAssigner, readings: Readings, rights: Rights, directory: Directory, day: date
) -> BuiltView:
    """What these rights see, of what they saw before."""
    # Two trips to a thread around one wait for the ledger: a region takes seconds to merge, the loop must not.
    count = len(readings.sourced_records)
    selected = await offload(count, select_persons, readings, rights, directory, day, before.selected)
    assigned_ids = before.assigned_ids
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
    finalizer = weakref.finalize(view, _start, vars(view))
    # A process that ends gives everything back at once.
    finalizer.atexit = False


def _start(held: dict[str, Any]) -> None:
    Thread(target=_untie_all, args=(held,), name="vue-quittee", daemon=True).start()


def _untie_all(held: dict[str, Any]) -> None:
    # One at a time: freed together, they would hold the interpreter all the while.
    persons: dict[str, ViewPerson] = held["persons"]
    kept_copies: dict[object, ShownCopies] = held["kept_copies"]
    for shown_copies in kept_copies.values():
        shown_copies.pages.clear()
        while shown_copies.copies:
            untie(shown_copies.copies.popitem()[1].value)
    if selected := held.get("selected"):
        while selected.chosen:
            selected.chosen.popitem()
    # Lists and indexes lead to the persons, who are let go last; another view may hold them too.
    for name in held.keys() - {"persons"}:
        del held[name]
    while persons:
        persons.popitem()
