"""The views kept, one a subject: found again as long as what they depend on holds, else built beside the loop."""

import asyncio
from collections import OrderedDict
from collections.abc import Callable, Coroutine, Hashable
from dataclasses import dataclass
from datetime import date
from functools import partial
from typing import Any

from gateway.concurrency import SingleFlight
from gateway.federation.collect.readings import Readings
from gateway.federation.directory import Directory
from gateway.federation.ids.assign import IdAssigner
from gateway.federation.offload import offload
from gateway.federation.views.build import build_view, select_persons
from gateway.federation.views.view import Rights, View

PERSONS_MAX = 8_000  # of the views kept, some 17 KB each with what is shown of them: a worker stays under 300 MB
PERSONS_MIN = 20  # what a view counts for at least, be it empty
RETRY_AFTER = 30.0  # seconds a view built without the ledger of links is kept, before it is tried again


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

    async def view(self, key: ViewKey, build: Callable[[], Coroutine[Any, Any, View]]) -> View:
        """The view of that key, built once for all who wait; whoever leaves does not stop it."""
        known_key, known = self._known.get(key.subject, (None, None))
        if known and known_key == key and (known.stale is None or asyncio.get_running_loop().time() < known.stale):
            self._known.move_to_end(key.subject)
            return known
        return await self._builds.run(key, partial(self._build, key, build))

    async def _build(self, key: ViewKey, build: Callable[[], Coroutine[Any, Any, View]]) -> View:
        view = await build()
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
) -> View:
    """What these rights see of these readings that day, kept or built."""

    async def build() -> View:
        # Two trips to a thread around one wait for the ledger: a region takes seconds to merge, the loop must not.
        count = len(readings.sourced_records)
        selected = await offload(count, select_persons, readings, rights, directory, day)
        assigned_ids = await id_assigner.assign(selected.key_sets, selected.facts)
        view = await offload(count, build_view, selected, assigned_ids, rights, directory, readings)
        if assigned_ids.provisional:
            view.stale = asyncio.get_running_loop().time() + RETRY_AFTER
        return view

    return await views.view(view_key(readings, rights, directory, day), build)
