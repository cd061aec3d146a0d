"""An event loop whose time is virtual: it goes to the next timer when everything waits. Knows nothing of what it runs.

Work done in threads stands outside that time: it lasts none, and time does not pass while it is under way. CPU lasts none
either: what a run says of durations is what the model of latencies put there; the cost in CPU is measured apart. SQLite is
asked without its threads: they only cost switches, of which a day makes a million.
"""

import asyncio
import selectors
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar
from unittest.mock import patch

import aiosqlite

T = TypeVar("T")

GLANCE = 0.05  # real seconds between two looks, when there is nothing to wait for but what is not declared


class VirtualLoop(asyncio.SelectorEventLoop):
    """Its `time` begins at 0."""

    def __init__(self) -> None:
        self._instant, self._elsewhere = 0.0, 0
        super().__init__(_Selector(self))
        self._clock_resolution = 1e-6

    def time(self) -> float:
        return self._instant

    def run_in_executor(self, executor: Any, func: Callable[..., T], *args: Any) -> asyncio.Future[T]:  # type: ignore[override]
        future = super().run_in_executor(executor, func, *args)
        self._elsewhere += 1
        future.add_done_callback(self._came_back)
        return future

    def _came_back(self, _: object) -> None:
        self._elsewhere -= 1

    def wait(self, selector: selectors.BaseSelector, duration: float | None) -> Any:
        """What is ready: at once, else when it comes while something is under way elsewhere, else nothing and later."""
        ready = selector.select(0)
        if ready or duration == 0:
            return ready
        if self._elsewhere or duration is None:
            return selector.select(None if self._elsewhere else GLANCE)
        self._instant += duration
        return ready


class _Selector(selectors.DefaultSelector):
    """The system's selector, but for how it waits."""

    def __init__(self, loop: VirtualLoop) -> None:
        super().__init__()
        self._loop = loop

    def select(self, timeout: float | None = None) -> Any:
        return self._loop.wait(super(), timeout)  # type: ignore[arg-type]


def play(life: Callable[[VirtualLoop], Coroutine[Any, Any, T]]) -> T:
    """Live `life` to its end in virtual time."""
    in_place = patch.multiple(aiosqlite.Connection, _execute=_execute, _connect=_open)
    with asyncio.Runner(loop_factory=VirtualLoop) as current, in_place:
        loop = current.get_loop()
        assert isinstance(loop, VirtualLoop)  # noqa: S101
        return current.run(life(loop))


async def _execute(connection: aiosqlite.Connection, make: Callable[..., T], *args: Any, **options: Any) -> T:
    return make(*args, **options)


async def _open(connection: aiosqlite.Connection) -> aiosqlite.Connection:
    connection._connection = connection._connection or connection._connector()
    return connection
