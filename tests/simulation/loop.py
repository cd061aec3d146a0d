"""An event loop over virtual time: waiting costs nothing, and the same draws give the same interleaving. Knows no gateway.

What would run in a thread runs at once and is told later, after a time drawn from the seed: other tasks go in between.
"""

import asyncio
import random
import selectors
from collections.abc import Callable, Coroutine
from concurrent.futures import Executor
from typing import Any, TypeVar

T = TypeVar("T")
STEP = 0.02  # seconds that what runs beside the loop takes, at most


class EndlessWait(Exception):
    """Everybody waits, and nothing is to come: somebody was forgotten."""


class _Clockmaker(selectors.SelectSelector):
    """Never waits: the clock goes to the next timer."""

    loop: "VirtualLoop"

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        if timeout is None:
            raise EndlessWait
        self.loop.instant += timeout
        return []


class VirtualLoop(asyncio.SelectorEventLoop):
    """`instant` is the time, in seconds since the start."""

    def __init__(self, randomness: random.Random) -> None:
        self.instant = 0.0
        clockmaker = _Clockmaker()
        clockmaker.loop = self
        super().__init__(clockmaker)
        self._random = randomness

    def time(self) -> float:
        return self.instant

    def run_in_executor(  # type: ignore[override]
        self, executor: Executor | None, func: Callable[..., T], *args: Any
    ) -> asyncio.Future[T]:
        future: asyncio.Future[T] = self.create_future()
        try:
            self.call_later(self._random.random() * STEP, _put, future, func(*args))
        except Exception as error:
            self.call_later(self._random.random() * STEP, _fail, future, error)
        return future


def _put(future: "asyncio.Future[T]", valeur: T) -> None:
    if not future.done():
        future.set_result(valeur)


def _fail(future: "asyncio.Future[Any]", error: Exception) -> None:
    if not future.done():
        future.set_exception(error)


def run(randomness: random.Random, make: Callable[[VirtualLoop], Coroutine[Any, Any, T]]) -> T:
    """Run to the end under virtual time. Raises EndlessWait when nothing can end it, and whatever a callback raised."""
    loop, fallen = VirtualLoop(randomness), []

    def note(_: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        fallen.append(context.get("exception") or RuntimeError(context["message"]))

    loop.set_exception_handler(note)
    try:
        result = loop.run_until_complete(make(loop))
        if fallen:
            raise fallen[0]
        return result
    finally:
        _drain(loop)
        loop.close()


def _drain(loop: VirtualLoop) -> None:
    """End what a broken run left, or it would end in the middle of the next one."""
    remainders = asyncio.all_tasks(loop)
    for task in remainders:
        task.cancel()
    if remainders:
        loop.run_until_complete(asyncio.wait(remainders))
