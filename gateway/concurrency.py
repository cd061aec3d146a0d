"""Concurrent work: one run shared by all who ask, work repeated for ever, work done together. Knows no caller, no domain."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Coroutine, Hashable, Iterable
from functools import partial
from typing import Any, Generic, ParamSpec, TypeVar

from gateway.correlation import detached

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")

logger = logging.getLogger("gateway.concurrency")

Sleep = Callable[[float], Awaitable[object]]
P = ParamSpec("P")
T = TypeVar("T")
FEW = 50  # records: some ten milliseconds to join, merge and bound, less than a thread takes to be woken


class SingleFlight(Generic[K, V]):
    """At most one run under way for a key, shared by all who ask for it meanwhile.

    A run belongs to nobody: whoever stops waiting does not end it, and its context holds nothing of who asked first but
    the ids of its request.
    """

    def __init__(self) -> None:
        self._flights: dict[K, asyncio.Task[V]] = {}  # asyncio itself keeps weak references only

    def __len__(self) -> int:
        return len(self._flights)

    def __contains__(self, key: K) -> bool:
        """True while a run is under way. One that has ended is not, even before those it wakes have run: they may ask anew."""
        return key in self._flights and not self._flights[key].done()

    def start(self, key: K, work: Callable[[], Coroutine[Any, Any, V]]) -> asyncio.Task[V]:
        """The run under way for `key`, else a new run of `work`."""
        if key not in self:
            flight = asyncio.create_task(work(), context=detached())
            flight.add_done_callback(partial(self._forget, key))
            self._flights[key] = flight
        return self._flights[key]

    async def run(self, key: K, work: Callable[[], Coroutine[Any, Any, V]]) -> V:
        """The result of that run. Raises what it raises, to each who waits; of one that nobody awaits, the log tells the kind."""
        flight = self.start(key, work)
        try:
            await asyncio.wait([flight])
        except asyncio.CancelledError:
            flight.add_done_callback(_tell_failure)
            raise
        return flight.result()

    async def aclose(self) -> None:
        """Cancel every run, and wait until they have ended."""
        flights = list(self._flights.values())
        for flight in flights:
            flight.cancel()
        await asyncio.gather(*flights, return_exceptions=True)

    def _forget(self, key: K, flight: asyncio.Task[V]) -> None:
        if self._flights.get(key) is flight:
            del self._flights[key]


def _tell_failure(flight: asyncio.Task[Any]) -> None:
    """Log the kind of an error. Its text could hold a value, and asyncio would print it where nobody reads the result."""
    if not flight.cancelled() and (error := flight.exception()):
        logger.warning("travail en échec, sans personne pour l'attendre : %s", type(error).__name__)


async def every(
    period: float,
    work: Callable[[], Awaitable[float | None]],
    on_error: Callable[[Exception], None],
    sleep: Sleep = asyncio.sleep,
    first: float | None = None,
) -> None:
    """Run `work` until cancelled, `period` seconds after each end, or the seconds that it returns.

    `first`: seconds before the first run, None: at once. An exception ends a run, never the loop: `on_error` is told.
    """
    if first is not None:
        await sleep(first)
    while True:
        pause = None
        try:
            pause = await work()
        except Exception as error:
            on_error(error)
        await sleep(period if pause is None else pause)


async def gather_or_fail(calls: Iterable[Coroutine[Any, Any, V]]) -> list[V]:
    """The results of all, in order. The first failure cancels the others and is raised alone."""
    calls = list(calls)
    if len(calls) == 1:
        return [await calls[0]]
    try:
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(call) for call in calls]
    except BaseExceptionGroup as failures:
        raise failures.exceptions[0] from None
    return [task.result() for task in tasks]


async def offload(records: int, work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """What `work` returns; in a thread when it is for more than FEW records."""
    if records <= FEW:
        return work(*args, **kwargs)
    return await asyncio.to_thread(work, *args, **kwargs)
