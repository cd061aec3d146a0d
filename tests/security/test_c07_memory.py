"""A million distinct keys leave a bounded memory and no timer (docs/security.md C07). Minutes: run by `make chaos`."""

import asyncio
import gc
from pathlib import Path

import pytest

from gateway.cache.interface import ENTRIES_MAX, CacheKey, Entry, LocalCache, MemoryBackend, canonical_key
from tests.support.figures import note

pytestmark = [pytest.mark.anyio, pytest.mark.chaos]
KEYS, BYTES = 1_000_000, 64 * 1024 * 1024
VALUE = 4_096


def mo_residents() -> float:
    line = next(x for x in Path("/proc/self/status").read_text(encoding="ascii").splitlines() if x.startswith("VmRSS"))
    return int(line.split()[1]) / 1024


async def test_c07_a_million_keys_stay_bounded() -> None:
    """Values of four kilobytes: four gigabytes in all, of which sixty-four megabytes may stay."""
    second = [0.0]
    memory = MemoryBackend(ENTRIES_MAX, BYTES, lambda: second[0])
    cache = LocalCache(memory, lambda: second[0])
    gc.collect()
    before, peak = mo_residents(), 0.0
    for rank in range(KEYS):
        key = CacheKey(canonical_key("erp", str(rank)), "erp")
        await cache.keep(key, Entry(bytes(VALUE), str(rank), second[0], second[0] + 3600, "g", VALUE))
        await cache.invalidate(key)
        if rank % 50_000 == 0:
            second[0] += 1.0
            peak = max(peak, mo_residents())
    loop = asyncio.get_running_loop()
    selected_people, tasks = len(memory._entries), len(asyncio.all_tasks())
    note(f"C07 : {KEYS} clés, {selected_people} gardées (≤ {ENTRIES_MAX}), +{peak - before:.0f} Mo au sommet")
    assert selected_people <= ENTRIES_MAX
    assert memory._entries.currsize <= BYTES + ENTRIES_MAX  # an entry weighs a whole number of bytes at least
    assert len(cache._marks) <= ENTRIES_MAX
    assert tasks <= 2
    assert len(getattr(loop, "_scheduled", ())) <= 1
    assert peak - before <= 2 * BYTES / 1024 / 1024
