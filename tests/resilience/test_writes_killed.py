"""I1, I2, I3 under deaths: acknowledged is recorded; recorded is delivered once, in the order of each person, or told as failed.

A client asks again with the same key until it is answered; processes die at labelled points, their stores are opened again.
`GRAINE=n make chaos` goes on from a seed, `GRAINES=m` with so many.
"""

import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.databases import empty_all
from tests.support.figures import note
from tests.support.writes.life import Lives, Tally

pytestmark = pytest.mark.anyio
SEEDS, SHARED_SEEDS = 200, 30
LONG_SEEDS, LONG_SHARED_SEEDS = 10_000, 2_000
SLICE = 250  # seeds between two lines of a long run: from there it goes on
MEMORY = Path("/dev/shm")  # noqa: S108 - a folder of one's own in it


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    """In memory where the machine has it: who dies here leaves the disk whole, and a disk takes its time."""
    if not os.access(MEMORY, os.W_OK):
        yield tmp_path
        return
    own = Path(tempfile.mkdtemp(prefix="passerelle-", dir=MEMORY))
    try:
        yield own
    finally:
        shutil.rmtree(own)


async def play(url: str, folder: Path, seeds: range, processes: int) -> None:
    """Live them all, tell how it went, and where each slice ends."""
    tally, start = Tally(), time.process_time()
    async with Lives(url, folder, processes) as lives:
        for rank, seed in enumerate(seeds, 1):
            tally += await lives.play(seed)
            if rank % SLICE == 0 and len(seeds) > SLICE:
                print(f"{processes} processus, graine {seed} passée : {tally.told}", flush=True)
    assert set(tally.died) == set(tally.met), "each point was died at"
    told = f"{processes} processus, {len(seeds)} graines depuis {seeds.start}, {tally.told}"
    note(f"I1, I2, I3 : {told}, {time.process_time() - start:.0f} s de processeur")


def sqlite(folder: Path) -> str:
    return f"sqlite+aiosqlite:///{folder / 'ecritures.sqlite'}"


def long(number: int) -> range:
    """The seeds of a long run, from where the environment says."""
    start = int(os.environ.get("GRAINE", "1000"))
    return range(start, start + int(os.environ.get("GRAINES", number)))


async def test_i1_i2_i3_hold_through_the_deaths_of_a_process(folder: Path) -> None:
    await play(sqlite(folder), folder, range(SEEDS), 1)


async def test_i1_i2_i3_hold_through_the_deaths_of_two_processes_of_one_database(postgresql: str, folder: Path) -> None:
    await empty_all(postgresql)
    await play(postgresql, folder, range(SHARED_SEEDS), 2)


@pytest.mark.chaos
async def test_i1_i2_i3_hold_through_ten_thousand_lives(folder: Path) -> None:
    await play(sqlite(folder), folder, long(LONG_SEEDS), 1)


@pytest.mark.chaos
async def test_i1_i2_i3_hold_through_two_thousand_shared_lives(postgresql: str, folder: Path) -> None:
    await empty_all(postgresql)
    await play(postgresql, folder, long(LONG_SHARED_SEEDS), 2)
