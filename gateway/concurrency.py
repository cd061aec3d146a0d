"""Concurrent work: one run shared by all who ask, work repeated for ever, work done together, long work done apart and in turn;
how many requests may be under way. Knows no caller, no domain.

**Long work: the problem.** Judging a text of 32 Kio, sorting a list of thousands of persons, masking a page of five hundred take
tens of milliseconds each: on the loop, everybody would wait for them; in threads without number, all of them would wait for the
interpreter. And whoever sends the most of it would have most of it.

**The steps.** A work that is already under way is shared (`SingleFlight`). Else it waits behind the earlier works of the same
client, then behind one work of each other client, at most. Once done, its client leaves the thread for REST times as long as the
work took: one client alone never has more than a part of it, whatever it sends and whatever its budget.
"""

import asyncio
import logging
import time
from collections import defaultdict
from collections.abc import Awaitable, Callable, Coroutine, Hashable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Generic, ParamSpec, TypeVar

from gateway.correlation import detached
from gateway.errors import Overloaded, QuotaReached

REST = 2  # times what a work took: one client has a third of the thread
WAITING_MAX = 50  # works of one client: beyond, it is asked to come back
RETRY_AFTER = 1  # seconds after which who is turned away may come back
SLOTS = 200  # requests of one process at a time
# What one plan may hold: those who ask the same list of a partner that hangs would hold every slot until its deadline.
HALF = SLOTS // 2
SHORT = 1000  # elements gone through: some two milliseconds, for which no thread is worth its while

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")

logger = logging.getLogger("gateway.concurrency")

Sleep = Callable[[float], Awaitable[object]]
P = ParamSpec("P")
T = TypeVar("T")
FEW = 50  # records: some ten milliseconds to join, merge and bound, less than a thread takes to be woken


class StillUnderWay(Exception):
    """What is waited for takes longer than whoever asks may wait: it goes on without them."""


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

    async def run(self, key: K, work: Callable[[], Coroutine[Any, Any, V]], timeout: float | None = None) -> V:
        """The result of that run. Raises what it raises, to each who waits, and StillUnderWay after `timeout` seconds; of one
        that nobody awaits, the log tells the kind."""
        flight = self.start(key, work)
        try:
            await asyncio.wait([flight], timeout=None if timeout is None else max(0.0, timeout))
        except asyncio.CancelledError:
            flight.add_done_callback(_tell_failure)
            raise
        if not flight.done():
            flight.add_done_callback(_tell_failure)
            raise StillUnderWay
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


class RecentValue(Generic[V]):
    """What `work` returned at most `validity` seconds ago: one run at a time, shared by all who ask. `seconds` is a clock."""

    def __init__(
        self, work: Callable[[], Coroutine[Any, Any, V]], validity: float, seconds: Callable[[], float]
    ) -> None:
        self._work, self._validity, self._seconds = work, validity, seconds
        self._run: asyncio.Task[V] | None = None
        self._started_at = 0.0

    async def get(self) -> V:
        """Raises what the run raises, to each who asks meanwhile."""
        stale = self._seconds() - self._started_at > self._validity
        if self._run is None or (self._run.done() and stale):
            self._run, self._started_at = asyncio.create_task(self._work()), self._seconds()
        return await asyncio.shield(self._run)


def loop_seconds() -> float:
    """The clock of the loop that runs, in seconds: what deadlines and ages are told in."""
    return asyncio.get_running_loop().time()


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


@dataclass(slots=True)
class _Queue:
    """The works of one client: how many wait or run, whose turn it is, and when the next may start (loop time)."""

    works: int = 0
    turn: asyncio.Lock = field(default_factory=asyncio.Lock)
    free_at: float = 0.0


class LongWork:
    """Runs works by a thread, one at a time."""

    def __init__(self) -> None:
        self._flights: SingleFlight[Hashable, Any] = SingleFlight()
        self._queues: defaultdict[str, _Queue] = defaultdict(_Queue)  # as many as the register has clients
        self._turn = asyncio.Lock()

    async def run(self, client: str, key: Hashable, work: Callable[[], T]) -> T:
        """What `work` returns, done once for all who wait for `key`. Raises what it raises, and QuotaReached."""
        if key not in self._flights and self._queues[client].works >= WAITING_MAX:
            raise QuotaReached("Trop de requêtes longues en attente pour ce client.", RETRY_AFTER)
        result: T = await self._flights.run(key, partial(self._run, self._queues[client], work))
        return result

    async def _run(self, queue: _Queue, work: Callable[[], T]) -> T:
        loop = asyncio.get_running_loop()
        queue.works += 1
        try:
            async with queue.turn:
                await asyncio.sleep(max(0.0, queue.free_at - loop.time()))
                async with self._turn:
                    outcome, spent = await asyncio.to_thread(_outcome, work)
                queue.free_at = loop.time() + REST * spent
        finally:
            queue.works -= 1
        try:
            if isinstance(outcome, Exception):
                raise outcome
            return outcome
        finally:
            # An error leads to this frame, which must not lead to it: all that it holds would wait for the collector.
            del outcome


def _outcome(work: Callable[[], T]) -> tuple[T | Exception, float]:
    """What it returns or raises, and the seconds of computing it took: not those that other threads had."""
    start = time.thread_time()
    try:
        return work(), time.thread_time() - start
    except Exception as error:
        return error, time.thread_time() - start


class PlanSlots:
    """Bounds how many requests of this process wait for the same plan: its reading, then the view made of it."""

    def __init__(self) -> None:
        self._held: dict[Hashable, list[None]] = {}  # as many as are held: a plan takes long to hash, and is once

    @contextmanager
    def hold(self, plan: Hashable) -> Iterator[None]:
        """Hold a slot of a plan. Raises Overloaded at once when none is free."""
        held = self._held.setdefault(plan, [])
        if len(held) >= HALF:
            raise Overloaded("Trop de requêtes attendent la même lecture.")
        held.append(None)
        try:
            yield
        finally:
            held.pop()
            if not held:
                del self._held[plan]


@dataclass(frozen=True, slots=True)
class Work:
    """`size`: how many elements it goes through; `shared`: what names it for whoever needs the same at the same time."""

    size: int
    shared: Hashable
    do: Callable[[], Any]


@dataclass(slots=True)
class Preparation:
    """The long work that one operation needs before it can be shown: found by a first execution, done apart, shown by a second.

    Resolvers do not wait: one that needs a list which is not kept says so and shows nothing; once all that was said is done,
    beside the loop, the operation is executed again and finds it. What is kept costs one look-up, and one execution.

    `works`: what is to be done, by what the operation knows it by; `walks`: the lists, among them, of which
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
