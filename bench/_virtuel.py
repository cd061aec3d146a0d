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

COUP_D_OEIL = 0.05  # real seconds between two looks, when there is nothing to wait for but what is not declared


class BoucleVirtuelle(asyncio.SelectorEventLoop):
    """Its `time` begins at 0."""

    def __init__(self) -> None:
        self._instant, self._ailleurs = 0.0, 0
        super().__init__(_Selecteur(self))
        self._clock_resolution = 1e-6

    def time(self) -> float:
        return self._instant

    def run_in_executor(self, executor: Any, func: Callable[..., T], *args: Any) -> asyncio.Future[T]:  # type: ignore[override]
        futur = super().run_in_executor(executor, func, *args)
        self._ailleurs += 1
        futur.add_done_callback(self._revenu)
        return futur

    def _revenu(self, _: object) -> None:
        self._ailleurs -= 1

    def attendre(self, selecteur: selectors.BaseSelector, duree: float | None) -> Any:
        """What is ready: at once, else when it comes while something is under way elsewhere, else nothing and later."""
        pret = selecteur.select(0)
        if pret or duree == 0:
            return pret
        if self._ailleurs or duree is None:
            return selecteur.select(None if self._ailleurs else COUP_D_OEIL)
        self._instant += duree
        return pret


class _Selecteur(selectors.DefaultSelector):
    """The system's selector, but for how it waits."""

    def __init__(self, boucle: BoucleVirtuelle) -> None:
        super().__init__()
        self._boucle = boucle

    def select(self, timeout: float | None = None) -> Any:
        return self._boucle.attendre(super(), timeout)  # type: ignore[arg-type]


def jouer(vie: Callable[[BoucleVirtuelle], Coroutine[Any, Any, T]]) -> T:
    """Live `vie` to its end in virtual time."""
    sur_place = patch.multiple(aiosqlite.Connection, _execute=_executer, _connect=_ouvrir)
    with asyncio.Runner(loop_factory=BoucleVirtuelle) as courant, sur_place:
        boucle = courant.get_loop()
        assert isinstance(boucle, BoucleVirtuelle)  # noqa: S101
        return courant.run(vie(boucle))


async def _executer(connexion: aiosqlite.Connection, faire: Callable[..., T], *args: Any, **options: Any) -> T:
    return faire(*args, **options)


async def _ouvrir(connexion: aiosqlite.Connection) -> aiosqlite.Connection:
    connexion._connection = connexion._connection or connexion._connector()
    return connexion
