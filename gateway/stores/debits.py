"""Counters that forget, in memory or in Redis: what a client spent this minute, what an account guessed. Knows no rule."""

import logging
import math
import time
from dataclasses import dataclass
from typing import Any

from limits import RateLimitItemPerMinute
from limits.aio.storage import MemoryStorage, RedisStorage
from limits.aio.strategies import FixedWindowRateLimiter
from limits.errors import StorageError
from redis.asyncio import ConnectionPool

journal = logging.getLogger("gateway.stores.debits")

ATTENTE_REDIS = 0.5  # seconds: beyond, the request goes on uncounted


@dataclass(frozen=True, slots=True)
class Debit:
    """An allowance: `limite` units by `minutes`."""

    nom: str
    limite: int
    minutes: int = 1


@dataclass(frozen=True, slots=True)
class Solde:
    """What is left of an allowance, and in how many seconds it is whole again."""

    limite: int
    reste: int
    secondes: int


class Debits:
    """Fixed windows, of one process or, by a Redis URL, of all of them. A Redis that fails lets requests go, and says so:
    quotas of persons are counted elsewhere, and exactly."""

    def __init__(self, url: str) -> None:
        self._prises = _prises(url) if url.startswith(("redis://", "rediss://")) else None
        magasin = _redis(url, self._prises) if self._prises else MemoryStorage()
        self._fenetres = FixedWindowRateLimiter(magasin)

    async def fermer(self) -> None:
        if self._prises is not None:
            await self._prises.aclose()

    async def depenser(self, debit: Debit, qui: str, unites: int) -> Solde | None:
        """Spend, even beyond the limit. None when it was not exceeded, else when to come back."""
        try:
            permis = await self._fenetres.hit(_fenetre(debit), debit.nom, qui, cost=unites)
            return None if permis else await self.solde(debit, qui)
        except StorageError:
            journal.warning("débits : Redis ne répond pas, la requête n'est pas comptée")
            return None

    async def solde(self, debit: Debit, qui: str) -> Solde:
        """What is left. A storage that fails answers as if nothing was spent."""
        try:
            etat = await self._fenetres.get_window_stats(_fenetre(debit), debit.nom, qui)
        except StorageError:
            return Solde(debit.limite, debit.limite, 0)
        return Solde(debit.limite, max(0, etat.remaining), max(0, math.ceil(etat.reset_time - time.time())))


def _prises(url: str) -> ConnectionPool:
    return ConnectionPool.from_url(url, socket_timeout=ATTENTE_REDIS, socket_connect_timeout=ATTENTE_REDIS)


def _redis(url: str, prises: ConnectionPool) -> RedisStorage:
    """Over connections of our own, that we close; what Redis says wrong is a StorageError."""
    options: dict[str, Any] = {"connection_pool": prises}
    return RedisStorage(url, wrap_exceptions=True, implementation="redispy", **options)


def _fenetre(debit: Debit) -> RateLimitItemPerMinute:
    return RateLimitItemPerMinute(debit.limite, debit.minutes)
