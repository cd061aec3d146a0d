"""One run shared by all who ask, work repeated for ever, work done together: whatever fails, leaves or is cancelled."""

import asyncio
import logging
from contextvars import ContextVar
from functools import partial

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.concurrency import SingleFlight, every, gather_or_fail

pytestmark = pytest.mark.anyio
ASKER: ContextVar[str] = ContextVar("ASKER", default="")


class Work:
    """Counts its runs; each ends when `release` is set, with its number or with `error`."""

    def __init__(self, error: Exception | None = None) -> None:
        self.runs, self.ended, self.release, self.error = 0, 0, asyncio.Event(), error
        self.asker = "unset"

    async def __call__(self) -> int:
        self.runs += 1
        number = self.runs
        self.asker = ASKER.get()
        await self.release.wait()
        self.ended += 1
        if self.error:
            raise self.error
        return number


async def test_those_who_ask_meanwhile_share_one_run_and_the_next_gets_another() -> None:
    flights, work = SingleFlight[str, int](), Work()
    asked = [asyncio.create_task(flights.run("a", work)) for _ in range(20)]
    await asyncio.sleep(0)
    assert ("a" in flights, "b" in flights, len(flights)) == (True, False, 1)
    work.release.set()
    assert await asyncio.gather(*asked) == [1] * 20
    assert ("a" in flights, len(flights)) == (False, 0)
    assert await flights.run("a", work) == 2


async def test_keys_do_not_wait_for_each_other() -> None:
    flights, slow, quick = SingleFlight[str, int](), Work(), Work()
    quick.release.set()
    waiting = asyncio.create_task(flights.run("slow", slow))
    assert await flights.run("quick", quick) == 1
    assert not waiting.done()
    slow.release.set()
    assert await waiting == 1


async def test_who_leaves_ends_nothing() -> None:
    flights, work = SingleFlight[str, int](), Work()
    asked = [asyncio.create_task(flights.run("a", work)) for _ in range(3)]
    await asyncio.sleep(0)
    asked[0].cancel()
    asked[1].cancel()
    await asyncio.wait(asked[:2])
    assert [one.cancelled() for one in asked[:2]] == [True, True]
    work.release.set()
    assert (await asked[2], work.runs) == (1, 1)


async def test_a_run_that_everybody_left_goes_to_its_end_and_tells_its_failure_without_a_value(
    caplog: pytest.LogCaptureFixture,
) -> None:
    flights, work = SingleFlight[str, int](), Work(ValueError("0639980017"))
    asked = asyncio.create_task(flights.run("a", work))
    await asyncio.sleep(0)
    asked.cancel()
    await asyncio.wait([asked])
    with caplog.at_level(logging.WARNING):
        work.release.set()
        for _ in range(3):
            await asyncio.sleep(0)
    assert work.ended == 1
    assert caplog.messages == ["travail en échec, sans personne pour l'attendre : ValueError"]


async def test_a_failure_goes_to_all_who_wait_and_is_not_kept() -> None:
    flights, work = SingleFlight[str, int](), Work(OSError("down"))
    asked = [asyncio.create_task(flights.run("a", work)) for _ in range(3)]
    await asyncio.sleep(0)
    work.release.set()
    told = await asyncio.gather(*asked, return_exceptions=True)
    assert told == [work.error] * 3
    work.error = None
    assert await flights.run("a", work) == 2


async def test_a_run_that_has_just_ended_is_not_given_to_whoever_it_wakes() -> None:
    """Whoever wakes in the same turn of the loop, before the run is forgotten, gets another: the first may be too old."""
    flights, work = SingleFlight[str, int](), Work()

    async def ask_again() -> tuple[bool, bool, asyncio.Task[int]]:
        await work.release.wait()
        work.release.clear()
        return first.done(), "a" in flights, flights.start("a", work)

    first = flights.start("a", work)
    await asyncio.sleep(0)  # it waits for the release before the other does
    asking = asyncio.create_task(ask_again())
    await asyncio.sleep(0)
    work.release.set()
    done, shared, second = await asking
    assert (done, shared, second is first) == (True, False, False)
    await asyncio.sleep(0)  # the first is forgotten, and not the second with it
    assert flights.start("a", work) is second
    work.release.set()
    assert (await first, await second) == (1, 2)


async def test_a_run_holds_nothing_of_who_asked_first() -> None:
    flights, work = SingleFlight[str, int](), Work()
    work.release.set()
    ASKER.set("first")
    await flights.run("a", work)
    assert work.asker == ""


async def test_closing_ends_every_run_and_whoever_waits() -> None:
    flights, work = SingleFlight[str, int](), Work()
    asked = [asyncio.create_task(flights.run(key, work)) for key in "ab"]
    await asyncio.sleep(0)
    await flights.aclose()
    await asyncio.wait(asked)
    assert ([one.cancelled() for one in asked], work.ended, len(flights)) == ([True, True], 0, 0)


@settings(max_examples=100, deadline=None)
@given(st.lists(st.tuples(st.sampled_from("abc"), st.sampled_from(["ask", "leave", "end", "fail"])), max_size=30))
def test_never_two_runs_of_a_key_and_each_who_stays_is_answered(steps: list[tuple[str, str]]) -> None:
    """Against a model: runs under way by key, and what each asker must be told."""
    asyncio.run(_play(steps))


async def _play(steps: list[tuple[str, str]]) -> None:
    flights, ends = SingleFlight[str, int](), dict[str, asyncio.Future[int]]()
    asked: dict[str, list[asyncio.Task[int]]] = {key: [] for key in "abc"}
    under_way: set[str] = set()

    async def work(key: str) -> int:
        assert key not in under_way, "two runs of a key"
        under_way.add(key)
        ends[key] = asyncio.get_running_loop().create_future()
        try:
            return await ends[key]
        finally:
            under_way.discard(key)

    for rank, (key, step) in enumerate(steps):
        if step == "ask":
            asked[key].append(asyncio.create_task(flights.run(key, partial(work, key))))
        elif step == "leave" and asked[key]:
            left = asked[key].pop()
            left.cancel()
            await asyncio.wait([left])
            assert left.cancelled()
        elif key in under_way and step in {"end", "fail"}:
            await _end(ends[key], asked[key], rank, failing=step == "fail")
            asked[key].clear()
        await asyncio.sleep(0)
        await asyncio.sleep(0)
    await flights.aclose()
    await asyncio.gather(*(task for tasks in asked.values() for task in tasks), return_exceptions=True)
    assert not under_way


async def _end(end: asyncio.Future[int], waiting: list[asyncio.Task[int]], rank: int, failing: bool) -> None:
    error = OSError(rank)
    if failing:
        end.set_exception(error)
    else:
        end.set_result(rank)
    told = await asyncio.gather(*waiting, return_exceptions=True)
    assert told == [error if failing else rank] * len(waiting)


class Clock:
    """Virtual sleep: notes what is asked, and ends the loop after `turns` of them."""

    def __init__(self, turns: int) -> None:
        self.turns, self.slept = turns, list[float]()

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        if len(self.slept) == self.turns:
            raise asyncio.CancelledError


async def test_work_is_repeated_whatever_fails_at_the_pace_that_it_tells() -> None:
    clock, errors = Clock(4), list[Exception]()
    paces = iter([None, 5.0, 0.0])

    async def work() -> float | None:
        try:
            return next(paces)
        except StopIteration:
            raise OSError from None

    with pytest.raises(asyncio.CancelledError):
        await every(60.0, work, errors.append, clock.sleep)
    assert clock.slept == [60.0, 5.0, 0.0, 60.0]
    assert [type(error) for error in errors] == [OSError]


async def test_the_first_run_may_wait_and_cancellation_ends_the_loop() -> None:
    clock, runs, errors = Clock(0), list[int](), list[Exception]()

    async def work() -> None:
        runs.append(len(clock.slept))
        raise asyncio.CancelledError

    with pytest.raises(asyncio.CancelledError):
        await every(60.0, work, errors.append, clock.sleep, first=10.0)
    assert (clock.slept, runs, errors) == ([10.0], [1], [])


async def test_the_first_failure_ends_the_others_and_is_raised_alone() -> None:
    stopped: list[str] = []

    async def last() -> str:
        try:
            await asyncio.sleep(3600)
        finally:
            stopped.append("last")
        return "last"

    async def fail() -> str:
        raise OSError("down")

    with pytest.raises(OSError, match="down"):
        await gather_or_fail([last(), fail()])
    assert stopped == ["last"]


async def test_results_come_in_order() -> None:
    async def after(turns: int) -> int:
        for _ in range(turns):
            await asyncio.sleep(0)
        return turns

    assert await gather_or_fail(after(turns) for turns in (3, 1, 2)) == [3, 1, 2]
    assert await gather_or_fail([after(1)]) == [1]
    assert await gather_or_fail(list[asyncio.Task[int]]()) == []  # type: ignore[arg-type]
