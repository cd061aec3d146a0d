"""Where the harvest of the registry is written: one writer elected among processes, one page a transaction, and forgetting.

SQL, and nothing of partners. A window is read once its last page is written; killed at any point, it goes on from its last page.
"""

import asyncio
import json
import logging
import secrets
import time
import zlib
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from datetime import UTC, date, datetime
from typing import Any

from sqlalchemy import and_, delete, exists, func, or_, select, update
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncConnection

from gateway.domain.official_numbers import identity_key
from gateway.stores.registry import ROWS, STATE, UNDER_WAY, USAGE, WINDOWS, RegistryStore, Window, link
from gateway.stores.registry_row import RegistryRow
from gateway.stores.sql import batches

LEASE = 60.0  # seconds that a harvester keeps its place without a word
BATCH = 200  # rows of one statement: some milliseconds of the event loop
FORGET_AFTER = 500  # contracts forgotten in one transaction
DURATION_MAX = 4  # years of a contract whose rows tell no end

logger = logging.getLogger("gateway.registre")


class HarvestUnderWay(Exception):
    """Another process harvests, or took our place."""


class WindowRefused(ValueError):
    """A window that overlaps one already written: its rows would be told twice."""


@dataclass(frozen=True, slots=True)
class WindowUnderWay:
    """A window under way, by its next page: `page` of `total` (0 before the first) of the view of rank `view`."""

    window: Window
    view: int = 0
    page: int = 1
    total: int = 0
    rows: int = 0

    def after(self, total: int, rows: int) -> "WindowUnderWay":
        """The same window, one page further."""
        if self.page < total:
            return replace(self, page=self.page + 1, total=total, rows=self.rows + rows)
        return WindowUnderWay(self.window, self.view + 1, rows=self.rows + rows)


class RegistryWriter:
    """The writing half of a RegistryStore. `seconds` is a clock that the processes share, within less than LEASE."""

    def __init__(self, registry: RegistryStore, seconds: Callable[[], float] = time.time) -> None:
        self.registry = registry
        self._engine, self._sealer = registry.engine, registry.sealer
        self._seconds = seconds
        self._me = secrets.token_hex(16)

    async def elect(self) -> bool:
        """Become the one that harvests; False while another one is alive."""
        # A lease that ends beyond any that a living one may hold was taken before the clock was set back.
        ended = (STATE.c.bail < self._seconds()) | (STATE.c.bail > self._seconds() + 2 * LEASE)
        is_free = or_(STATE.c.moissonneur.is_(None), STATE.c.moissonneur == self._me, ended)
        async with self._engine.begin() as connection:
            place = update(STATE).where(is_free).values(moissonneur=self._me, bail=self._term())
            return (await connection.execute(place)).rowcount == 1

    async def extend_lease(self) -> None:
        """Say that we are alive. Raises nothing: a database that fails will fail the harvest too."""
        with suppress(SQLAlchemyError, OSError, HarvestUnderWay):
            async with self._engine.begin() as connection:
                await self._require(connection)

    async def release(self) -> None:
        """Leave the place. Raises nothing: where the database fails, the lease runs out."""
        with suppress(SQLAlchemyError, OSError):
            async with self._engine.begin() as connection:
                await connection.execute(update(STATE).where(STATE.c.moissonneur == self._me).values(moissonneur=None))

    async def windows(self) -> list[Window]:
        """The windows written whole, in order of day."""
        async with self._engine.connect() as connection:
            rows = await connection.execute(select(WINDOWS.c.debut, WINDOWS.c.fin).order_by(WINDOWS.c.debut))
            return [Window(row.debut, row.fin) for row in rows]

    async def under_way(self) -> WindowUnderWay | None:
        """The window that a harvest left unfinished."""
        async with self._engine.connect() as connection:
            row = (await connection.execute(select(UNDER_WAY))).first()
        return WindowUnderWay(Window(row.debut, row.fin), row.vue, row.page, row.total, row.lignes) if row else None

    async def write_page(
        self,
        under_way: WindowUnderWay,
        rows: Sequence[RegistryRow],
        following: WindowUnderWay,
        completed_at: datetime | None,
    ) -> None:
        """Write a page and what comes next, together or not at all; `completed_at` when it was the last of its window.

        Raises HarvestUnderWay, or WindowRefused for a window that overlaps another one.
        """
        sealed = await asyncio.to_thread(self._seal_all, under_way, rows)
        async with self._engine.begin() as connection:
            await self._require(connection)
            await _put(connection, under_way, following)
            for batch in batches(sealed, BATCH):
                await connection.execute(ROWS.insert(), list(batch))
            if completed_at is not None:
                await _complete(connection, following, completed_at)

    async def abandon(self, under_way: WindowUnderWay) -> None:
        """Forget what was written of a window under way."""
        async with self._engine.begin() as connection:
            await self._require(connection)
            await connection.execute(delete(UNDER_WAY))
            await connection.execute(delete(ROWS).where(ROWS.c.fenetre == under_way.window.fin))

    async def forget(self, before: date) -> int:
        """Forget the contracts that ended in a month before a day; return how many."""
        total = 0
        while forgotten := await self._forget(before):
            total += forgotten
        if total:
            logger.info("registre : %d contrat(s) échu(s) oublié(s)", total)
        return total

    async def _forget(self, before: date) -> int:
        other = ROWS.alias()
        # An amendment moves the end: as long as one row tells a later one, all the rows of the contract stay.
        holds = exists().where(other.c.contrat == ROWS.c.contrat, other.c.fin >= before)
        expired = select(ROWS.c.contrat).distinct().where(ROWS.c.fin < before, ~holds).limit(FORGET_AFTER)
        async with self._engine.begin() as connection:
            await self._require(connection)
            contrats = list(await connection.scalars(expired))
            if contrats:
                await connection.execute(delete(ROWS).where(ROWS.c.contrat.in_(contrats)))
                await connection.execute(update(STATE).values(imports=STATE.c.imports + 1))
        return len(contrats)

    async def _require(self, connection: AsyncConnection) -> None:
        """Hold the place until the transaction ends. Raises HarvestUnderWay for one that was taken for dead and replaced."""
        mine = update(STATE).where(STATE.c.moissonneur == self._me).values(bail=self._term())
        if (await connection.execute(mine)).rowcount != 1:
            raise HarvestUnderWay

    def _term(self) -> float:
        return self._seconds() + LEASE

    def _seal_all(self, under_way: WindowUnderWay, rows: Sequence[RegistryRow]) -> list[dict[str, Any]]:
        return [self._seal(row, under_way.window.fin, rank) for rank, row in enumerate(rows, under_way.rows)]

    def _seal(self, row: RegistryRow, window: date, rank: int) -> dict[str, Any]:
        key = f"{row.no_contrat.casefold()}|{row.date_naissance.isoformat()}"
        contrat = self._sealer.pseudonym("registre/contrat", key)
        plain = zlib.compress(json.dumps(row.payload, ensure_ascii=False).encode(), 1)
        return {
            "contrat": contrat,
            "vue": row.view,
            "fenetre": window,
            "rang": rank,
            "personne": self.registry.pseudonym(identity_key(row.nom, row.prenom, row.date_naissance)),
            "code_postal": row.code_postal,
            "cfa": row.uai or row.siret_formation,
            "fin": _end_month(row),
            "scelle": self._sealer.seal(USAGE, plain, link(contrat, row.view, window, rank)),
        }


def _end_month(row: RegistryRow) -> date:
    return row.fin.replace(day=1) if row.fin else row.day.replace(year=row.day.year + DURATION_MAX, day=1)


async def _put(connection: AsyncConnection, under_way: WindowUnderWay, following: WindowUnderWay) -> None:
    """Move the window under way one page further; begin it with its first page."""
    if under_way != WindowUnderWay(under_way.window):
        here = and_(*(UNDER_WAY.c[name] == value for name, value in _columns(under_way).items()))
        if (await connection.execute(update(UNDER_WAY).where(here).values(_columns(following)))).rowcount != 1:
            raise HarvestUnderWay
        return
    overlapping = (WINDOWS.c.debut <= under_way.window.fin) & (WINDOWS.c.fin >= under_way.window.debut)
    if await connection.scalar(select(func.count()).where(overlapping)):
        raise WindowRefused(f"{under_way.window.debut} → {under_way.window.fin}")
    await connection.execute(UNDER_WAY.insert().values(_columns(following)))


def _columns(under_way: WindowUnderWay) -> dict[str, Any]:
    place = {"vue": under_way.view, "page": under_way.page, "total": under_way.total, "lignes": under_way.rows}
    return {**asdict(under_way.window), **place}


async def _complete(connection: AsyncConnection, following: WindowUnderWay, instant: datetime) -> None:
    """From here on the rows of the window are read, and it is not asked for again."""
    await connection.execute(delete(UNDER_WAY))
    written = {**asdict(following.window), "lignes": following.rows, "importee_le": instant.astimezone(UTC).isoformat()}
    await connection.execute(WINDOWS.insert().values(written))
    await connection.execute(update(STATE).values(imports=STATE.c.imports + 1))
