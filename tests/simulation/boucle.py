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
PAS = 0.02  # seconds that what runs beside the loop takes, at most


class AttenteSansFin(Exception):
    """Everybody waits, and nothing is to come: somebody was forgotten."""


class _Horloger(selectors.SelectSelector):
    """Never waits: the clock goes to the next timer."""

    boucle: "BoucleVirtuelle"

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        if timeout is None:
            raise AttenteSansFin
        self.boucle.instant += timeout
        return []


class BoucleVirtuelle(asyncio.SelectorEventLoop):
    """`instant` is the time, in seconds since the start."""

    def __init__(self, hasard: random.Random) -> None:
        self.instant = 0.0
        horloger = _Horloger()
        horloger.boucle = self
        super().__init__(horloger)
        self._hasard = hasard

    def time(self) -> float:
        return self.instant

    def run_in_executor(  # type: ignore[override]
        self, executor: Executor | None, func: Callable[..., T], *args: Any
    ) -> asyncio.Future[T]:
        futur: asyncio.Future[T] = self.create_future()
        try:
            self.call_later(self._hasard.random() * PAS, _poser, futur, func(*args))
        except Exception as erreur:
            self.call_later(self._hasard.random() * PAS, _echouer, futur, erreur)
        return futur


def _poser(futur: "asyncio.Future[T]", valeur: T) -> None:
    if not futur.done():
        futur.set_result(valeur)


def _echouer(futur: "asyncio.Future[Any]", erreur: Exception) -> None:
    if not futur.done():
        futur.set_exception(erreur)


def derouler(hasard: random.Random, faire: Callable[[BoucleVirtuelle], Coroutine[Any, Any, T]]) -> T:
    """Run to the end under virtual time. Raises AttenteSansFin when nothing can end it, and whatever a callback raised."""
    boucle, tombees = BoucleVirtuelle(hasard), []

    def noter(_: asyncio.AbstractEventLoop, contexte: dict[str, Any]) -> None:
        tombees.append(contexte.get("exception") or RuntimeError(contexte["message"]))

    boucle.set_exception_handler(noter)
    try:
        resultat = boucle.run_until_complete(faire(boucle))
        if tombees:
            raise tombees[0]
        return resultat
    finally:
        _vider(boucle)
        boucle.close()


def _vider(boucle: BoucleVirtuelle) -> None:
    """End what a broken run left, or it would end in the middle of the next one."""
    restes = asyncio.all_tasks(boucle)
    for tache in restes:
        tache.cancel()
    if restes:
        boucle.run_until_complete(asyncio.wait(restes))
