"""Long work beside the event loop, one at a time and shared fairly between clients. Knows neither what it does nor why.

**The problem.** Judging a text of 32 Kio, sorting a list of thousands of persons, masking a page of five hundred take tens of
milliseconds each: on the loop, everybody would wait for them; in threads without number, all of them would wait for the
interpreter. And whoever sends the most of it would have most of it.

**The steps.** A work that is already under way is shared (`SingleFlight`). Else it waits behind the earlier works of the same
client, then behind one work of each other client, at most. Once done, its client leaves the thread for REST times as long as the
work took: one client alone never has more than a part of it, whatever it sends and whatever its budget.
"""

import asyncio
import time
from collections import defaultdict
from collections.abc import Callable, Hashable
from dataclasses import dataclass, field
from functools import partial
from typing import Any, TypeVar

from gateway.concurrency import SingleFlight
from gateway.errors import QuotaReached

T = TypeVar("T")
REST = 2  # times what a work took: one client has a third of the thread
WAITING_MAX = 50  # works of one client: beyond, it is asked to come back
RETRY_AFTER = 1  # seconds


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
            del (
                outcome
            )  # an error leads to this frame, which must not lead to it: all that it holds would wait for the collector


def _outcome(work: Callable[[], T]) -> tuple[T | Exception, float]:
    """What it returns or raises, and the seconds of computing it took: not those that other threads had."""
    start = time.thread_time()
    try:
        return work(), time.thread_time() - start
    except Exception as error:
        return error, time.thread_time() - start
