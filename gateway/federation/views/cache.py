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
from gateway.federation.views.build import RETRY_AFTER, Rights, View, append, limit_lookups

PERSONS_MAX = 8_000  # of the views kept, some 17 KB each with what is shown of them: a worker stays under 300 MB
PERSONS_MIN = 20  # what a view counts for at least, be it empty


@dataclass(frozen=True, slots=True)
class ViewKey:
    """What a view depends on: whom it is for and what it is told by, and the versions of that. Later ones replace it."""

    subject: Hashable
    versions: Hashable


class ViewCache:
    """Views already built, as long as they hold so many persons together, the least used forgotten first; of one subject, the
    last. The one just built is kept, whatever it holds."""

    def __init__(self) -> None:
        self._known: OrderedDict[Hashable, tuple[ViewKey, View]] = OrderedDict()
        self._builds: SingleFlight[ViewKey, View] = SingleFlight()

    async def view(self, key: ViewKey, build: Callable[[], Coroutine[Any, Any, View]]) -> View:
        """The view of that key, built once for all who wait; whoever leaves does not stop it."""
        de, known = self._known.get(key.subject, (None, None))
        if known and de == key and (known.stale is None or asyncio.get_running_loop().time() < known.stale):
            self._known.move_to_end(key.subject)
            return known
        return await self._builds.run(key, partial(self._build, key, build))

    async def _build(self, key: ViewKey, build: Callable[[], Coroutine[Any, Any, View]]) -> View:
        view = await build()
        self._known[key.subject] = key, view
        self._known.move_to_end(key.subject)
        while len(self._known) > 1 and sum(map(_weight, self._known.values())) > PERSONS_MAX:
            self._known.popitem(last=False)
        return view


def _weight(known: tuple[ViewKey, View]) -> int:
    return max(PERSONS_MIN, len(known[1].persons))


def view_key(readings: Readings, rights: Rights, directory: Directory, day: date) -> ViewKey:
    """The key of what these rights see in that harvest."""
    for_whom = (rights.profil, rights.finalite, rights.perimetre, day, directory)
    return ViewKey((for_whom, readings.suivi_heard, frozenset(readings.units)), readings.versions)


async def find_view(
    views: ViewCache, id_assigner: IdAssigner, readings: Readings, rights: Rights, directory: Directory, day: date
) -> View:
    """What these rights see of that harvest that day."""

    async def build() -> View:
        count = len(readings.sourced_records)  # a region takes seconds to merge
        selected_people = await offload(count, limit_lookups, readings, rights, directory, day)
        assigned_ids = await id_assigner.assign(selected_people.key_sets, selected_people.facts)
        view = await offload(count, append, selected_people, assigned_ids, rights, directory, readings)
        if assigned_ids.provisional:
            view.stale = asyncio.get_running_loop().time() + RETRY_AFTER
        return view

    return await views.view(view_key(readings, rights, directory, day), build)
