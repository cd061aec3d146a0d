"""A small world with a published snapshot: counts drawn lot by lot, protected as the product does, and read by its graph.

`redrawn` gives other true counts under the very same blocks: whoever may count nothing exactly must not see the difference.
"""

from collections import Counter
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from random import Random
from typing import Any

from gateway.auth.authentication.clients import Viewer
from gateway.statistiques.disclosure import offset, protect
from gateway.statistiques.grids import GRIDS, UNKNOWN, Grid, Place
from gateway.statistiques.published_figures import Published
from gateway.stores.blocks import BlockStore, Lot, LotState, Snapshot, lot_name
from gateway.stores.blocks_writer import BlockWriter, CellCount, LotCoverage
from tests.support.access.small_world import CFAS, REGIONS, SmallWorld

AS_OF = date(2026, 10, 15)
NIGHT = datetime(2026, 10, 15, 2, tzinfo=UTC)
KEY = bytes(range(32))
MONTHS = [f"{2024 + (7 + rank) // 12}-{(7 + rank) % 12 + 1:02}" for rank in range(27)]  # 2024-08 to 2026-10
QUARTERS = [month for month in MONTHS if month[5:] in ("02", "05", "08", "11")]
VALUES = {
    "NIVEAU": ("3", "4", UNKNOWN),
    "SEXE": ("F", "M"),
    "TRANCHE_AGE": ("MOINS_DE_18", "DE_18_A_20"),
    "SECTEUR": ("A", "G", UNKNOWN),
}
LOCALES = tuple(code for codes in REGIONS.values() for code in codes)
Cell = tuple[str, str, str, str, str]  # grid, place, keys, month, class
Counts = dict[str, Counter[Cell]]  # by lot
NOBODY: Mapping[str, datetime] = {}


def draw_counts(randomness: Random, most: int = 30) -> Counts:
    """What each CFA and each Mission locale gives."""
    lots: Counts = {}
    for uai, (region, departement, _, _, _) in CFAS.items():
        places = {Place.CFA: uai, Place.DEPARTEMENT: departement, Place.REGION: region}
        grids = [grid for grid in GRIDS.values() if grid.place is not Place.MISSION_LOCALE]
        lots[lot_name("CFA", uai)] = _draw(grids, places, randomness, most)
    for code in LOCALES:
        grids = [grid for grid in GRIDS.values() if grid.place is Place.MISSION_LOCALE]
        lots[lot_name("MISSION_LOCALE", code)] = _draw(grids, {Place.MISSION_LOCALE: code}, randomness, most)
    return lots


def _draw(grids: list[Grid], places: Mapping[Place, str], randomness: Random, most: int) -> Counter[Cell]:
    counts: Counter[Cell] = Counter()
    for grid in grids:
        for mois in MONTHS if grid.step.value == 1 else QUARTERS:
            for classe in grid.partition.classes:
                cles = "/".join(randomness.choice(VALUES[key]) for key in grid.keys)
                counts[grid.name, places[grid.place], cles, mois, classe] += randomness.randint(0, most)
    return counts


def sums(lots: Counts) -> Counter[Cell]:
    total: Counter[Cell] = Counter()
    for counts in lots.values():
        total.update(counts)
    return total


def offset_of(cell: Cell) -> int:
    maille, lieu, cles, mois, classe = cell
    month = () if maille.startswith("3") else (mois,)
    return offset(KEY, maille, lieu, cles, classe, *month)


def blocks(lots: Counts) -> dict[Cell, int]:
    return {cell: block for cell, count in sums(lots).items() if (block := protect(count, offset_of(cell)))}


def redrawn(lots: Counts, randomness: Random) -> Counts:
    """Other true counts, of which every block is the same: the first lot of each cell gives or takes the difference."""
    others = {name: Counter(counts) for name, counts in lots.items()}
    for cell, count in sums(lots).items():
        block, moved = protect(count, offset_of(cell)), offset_of(cell)
        least, most = max(0, block - moved), block - moved + 4
        difference = randomness.randint(least, most) - count
        for counts in others.values():
            if cell in counts and difference:
                change = max(-counts[cell], difference)
                counts[cell] += change
                difference -= change
    assert blocks(others) == blocks(lots)
    return others


async def publish(
    store: BlockStore, lots: Counts, protected: Mapping[Cell, int], silent_since: Mapping[str, datetime] = NOBODY
) -> None:
    """Write the lots and put their blocks in force. `silent_since`: the CFAs not heard that night, and when they were."""
    writer = BlockWriter(store)
    assert await writer.lease.elect()
    for name, counts in lots.items():
        source = "ypareo" if name.startswith("CFA") else "imilo"
        rows = [CellCount(*cell, count) for cell, count in counts.items() if count]
        since = silent_since.get(name.partition(":")[2])
        lot = Lot(name, source, since or NIGHT, LotState.ANCIEN if since else LotState.LU, AS_OF)
        await writer.write_lot(lot, rows, dict.fromkeys(GRIDS, "2000-01"))
    number = await writer.begin_snapshot()
    await writer.write_blocks(number, [CellCount(*cell, block) for cell, block in sorted(protected.items())])
    coverage = [LotCoverage("ERP_CFA", uai, "2026-10", int(uai not in silent_since), 1) for uai in CFAS]
    await writer.publish(Snapshot(number, AS_OF, NIGHT, 5, 5), coverage)
    await writer.lease.release()


@dataclass
class PublishedWorld:
    """The gateway over one snapshot, and nobody in the sources."""

    store: BlockStore
    published: Published
    world: SmallWorld

    async def ask(self, viewer: Viewer, text: str, **variables: Any) -> Any:
        return await self.world.request(viewer, text, **variables)


@asynccontextmanager
async def published_world(
    folder: Path, lots: Counts, protected: Mapping[Cell, int], people: Any = ()
) -> AsyncIterator[PublishedWorld]:
    store = BlockStore(f"sqlite+aiosqlite:///{folder / 'statistiques.sqlite'}")
    await store.open()
    try:
        await publish(store, lots, protected)
        published = Published(store)
        yield PublishedWorld(store, published, SmallWorld(list(people), published=published))
    finally:
        await store.close()
