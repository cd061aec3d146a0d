"""Makes a snapshot of what lots gave: sums, protects, audits, and swaps the number by which it is read.

A snapshot that its audit refuses is not published: the one in force stays, and the refusal is kept for the alert. Knows the
store and its tables' words; no person, no source.
"""

import asyncio
import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from gateway.schema.organisations import TypeSource
from gateway.statistiques.coverage import RECENT_DAYS
from gateway.statistiques.disclosure import offset, protect
from gateway.statistiques.disclosure_audit import VALUES_MIN, AuditedCell, audited, fewest_values
from gateway.statistiques.grids import GRIDS, Grid, Population
from gateway.statistiques.nightly_lots import LotSubject
from gateway.statistiques.periods import add_months, month_of
from gateway.statistiques.places import Places
from gateway.stores.blocks import Lot, Snapshot, lot_name
from gateway.stores.blocks_writer import BlockWriter, CellCount, LotCoverage

MONTHS_KEPT = 60  # of true counts: after them, blocks stay

logger = logging.getLogger("gateway.statistiques")


@dataclass(frozen=True, slots=True)
class Protection:
    """By what counts are protected: the secret (GATEWAY_CLE_STATISTIQUES), and the step."""

    key: bytes
    step: int

    def block(self, count: CellCount) -> int:
        grid = GRIDS[count.maille]
        place = (count.lieu, count.cles, count.classe)
        block = place if grid.is_stock else (*place, count.mois)
        return protect(count.nombre, offset(self.key, grid.name, *block, step=self.step), self.step)


@dataclass(frozen=True, slots=True)
class PublicationTools:
    """What a publication reads and writes by. `registry_as_of`: what the copy of the registry may claim."""

    writer: BlockWriter
    places: Places
    protection: Protection
    now: Callable[[], datetime]
    registry_as_of: datetime | None


async def publish(tools: PublicationTools, subjects: Sequence[LotSubject], registry: str) -> Snapshot | int | None:
    """The snapshot published, as the mandate's holder; what its audit left at least, when it refused; None where nothing was
    ever counted. Raises CountingUnderWay.

    It is told to the day to which all its lots are.
    """
    lots = await tools.writer.store.lots()
    own = [lots[name] for subject in subjects if (name := lot_name(subject.place.value, subject.code)) in lots]
    days = [lot.counted_on for lot in own if lot.counted_on]
    if not days:
        return None
    as_of = min(days)
    await tools.writer.forget(month_of(_oldest(as_of)))
    blocks, minimum = await _protected(tools, month_of(as_of))
    if minimum is not None and minimum < VALUES_MIN:
        await tools.writer.refuse(minimum, tools.now())
        logger.error("relevé refusé : une case ne laisse que %d valeurs possibles", minimum)
        return minimum
    number = await tools.writer.begin_snapshot()
    await tools.writer.carry_blocks(number, month_of(_oldest(as_of)))
    await tools.writer.write_blocks(number, blocks)
    snapshot = Snapshot(number, as_of, tools.now(), tools.protection.step, minimum)
    await tools.writer.publish(snapshot, coverage_of(tools, subjects, lots, registry, as_of))
    return snapshot


def _oldest(as_of: date) -> date:
    return add_months(as_of.replace(day=1), -MONTHS_KEPT)


async def _protected(tools: PublicationTools, last: str) -> tuple[list[CellCount], int | None]:
    """The blocks above 0 of all the grids, up to a month, and the fewest counts that a cell leaves possible."""
    blocks: list[CellCount] = []
    fewest: list[int] = []
    # A population at a time: grids of different ones have no sum in common, and a country has millions of cells.
    for population in Population:
        told: dict[str, list[AuditedCell]] = {}
        for grid in (grid for grid in GRIDS.values() if grid.population is population):
            counts = [count for count in await tools.writer.sums(grid.name) if count.mois <= last]
            own, told[grid.name] = await asyncio.to_thread(_protect_grid, grid, counts, tools.protection)
            blocks += own
        least = await asyncio.to_thread(fewest_values, told, tools.places, tools.protection.step)
        fewest += [] if least is None else [least]
    return blocks, min(fewest, default=None)


def _protect_grid(
    grid: Grid, counts: Iterable[CellCount], protection: Protection
) -> tuple[list[CellCount], list[AuditedCell]]:
    blocks, told = [], []
    for count in counts:
        block = protection.block(count)
        cell = (count.lieu, count.cles, count.mois, count.classe)
        told.append(audited(cell, count.nombre, block, protection.step))
        if block:
            blocks.append(count._replace(nombre=block))
    return blocks, told


def coverage_of(
    tools: PublicationTools, subjects: Iterable[LotSubject], lots: Mapping[str, Lot], registry: str, as_of: date
) -> list[LotCoverage]:
    """Of each lot, whether its own source and the registry were heard of late."""
    recent = tools.now() - timedelta(days=RECENT_DAYS)
    is_harvested = tools.registry_as_of is not None and tools.registry_as_of >= recent
    month, rows = month_of(as_of), []
    for subject in subjects:
        lot = lots.get(lot_name(subject.place.value, subject.code))
        is_heard = lot is not None and lot.source != registry and lot.seen_at is not None and lot.seen_at >= recent
        source = TypeSource.MISSION_LOCALE if subject.is_of_homes else TypeSource.ERP_CFA
        rows.append(LotCoverage(source.value, subject.code, month, int(is_heard), 1))
        rows.append(LotCoverage(TypeSource.REGISTRE_CONTRATS.value, subject.code, month, int(is_harvested), 1))
    return rows
