"""How long an asker waits for flights. Knows no unit, no cache and no partner but by its name.

A partner that hangs would otherwise fill the gateway with those who wait for it, and turn away the readers of others.
"""

import asyncio
from collections import Counter, defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

from gateway.admission import HALF

INSTANT = 0.05  # seconds (SECURITY §5) that a source left alone may cost an asker
ASSIS = HALF  # askers that wait for one partner at a time


@dataclass(frozen=True, slots=True)
class Attendu:
    """A flight of a partner. `sur`: an answer is to be expected; no breaker is between us."""

    vol: asyncio.Task[Any]
    source: str
    sur: bool


class Attente:
    """Who waits for which partner, in this process."""

    def __init__(self) -> None:
        self._assis: Counter[str] = Counter()

    async def attendre(self, attendus: Sequence[Attendu], delai: float) -> None:
        """Until all have landed, or `delai` seconds; a moment only for what is not sure, or too many wait for."""
        if not attendus:
            return
        await asyncio.wait([un.vol for un in attendus], timeout=max(0.0, min(INSTANT, delai)))
        restants: defaultdict[str, list[asyncio.Task[Any]]] = defaultdict(list)
        for un in attendus:
            if un.sur and not un.vol.done():
                restants[un.source].append(un.vol)
        await asyncio.gather(*(self._s_asseoir(*paire, delai - INSTANT) for paire in restants.items()))

    async def _s_asseoir(self, source: str, vols: Collection[asyncio.Task[Any]], delai: float) -> None:
        if self._assis[source] >= ASSIS:
            return
        self._assis[source] += 1
        try:
            await asyncio.wait(vols, timeout=max(0.0, delai))
        finally:
            self._assis[source] -= 1
