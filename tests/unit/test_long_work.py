"""Long work is shared fairly: a client leaves the thread to others for a time, which the tests of other things are spared."""

import asyncio
import threading
from functools import partial

import pytest

from gateway import concurrency
from gateway.concurrency import WAITING_MAX, LongWork
from gateway.errors import QuotaReached

pytestmark = pytest.mark.anyio


async def test_a_client_leaves_the_thread_twice_as_long_as_it_had_it(monkeypatch: pytest.MonkeyPatch) -> None:
    waits: list[float] = []

    async def sleep(seconds: float) -> None:
        waits.append(seconds)

    monkeypatch.setattr(concurrency, "REST", 2)
    monkeypatch.setattr(concurrency, "_outcome", lambda work: (work(), 10.0))  # the seconds it took
    monkeypatch.setattr(asyncio.get_running_loop(), "time", lambda: 100.0)
    monkeypatch.setattr(asyncio, "sleep", sleep)
    works = LongWork()
    told = [await works.run(client, rank, partial(int, rank)) for rank, client in enumerate("aaba")]
    assert told == [0, 1, 2, 3]
    assert waits == [0.0, 20.0, 0.0, 20.0]


async def test_works_of_one_client_beyond_those_that_may_wait_are_turned_away() -> None:
    works, held = LongWork(), threading.Event()
    waiting = [asyncio.create_task(works.run("a", rank, held.wait)) for rank in range(WAITING_MAX)]
    for _ in range(5):  # turns of the loop until each of them is under way
        await asyncio.sleep(0)
    assert works._queues["a"].works == WAITING_MAX
    with pytest.raises(QuotaReached):
        await works.run("a", "one more", held.wait)
    other = asyncio.create_task(works.run("b", "of another", lambda: 2))
    held.set()
    assert await other == 2
    assert await asyncio.gather(*waiting) == [True] * WAITING_MAX


async def test_the_same_work_is_done_once_for_all_who_wait() -> None:
    works, done = LongWork(), list[int]()

    def work() -> int:
        done.append(1)
        return 7

    assert await asyncio.gather(*(works.run(client, "the same", work) for client in "abc")) == [7, 7, 7]
    assert done == [1]
