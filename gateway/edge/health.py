"""Tells whether this process should be sent requests, and what it lacks. Knows no store: probes are passed in."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass

from gateway.concurrency import RecentValue

VALIDITY = 1.0  # seconds that what was found is believed: whoever asks, the parts are not tried more often

Probe = Callable[[], Awaitable[bool]]


@dataclass(frozen=True, slots=True)
class Readiness:
    """The parts that fail: nothing can be answered without `missing`, answers go on without `degraded`."""

    missing: Sequence[str] = ()
    degraded: Sequence[str] = ()


class Health:
    """Not ready before it has opened, nor once it is told to stop, nor while a part that every answer needs fails.

    `necessary` and `useful` tell whether a part works now; `seconds` is a clock.
    """

    def __init__(
        self, necessary: Mapping[str, Probe], useful: Mapping[str, Probe], seconds: Callable[[], float]
    ) -> None:
        self._necessary, self._useful = necessary, useful
        self._probe = RecentValue(self._try, VALIDITY, seconds)
        self._to_open: Sequence[str] = ("ouverture",)
        self.stopping = False

    @property
    def is_open(self) -> bool:
        """True once everything was opened: requests may be served."""
        return not self._to_open

    def open(self, rest: Sequence[str]) -> None:
        """Tell what is still to be opened."""
        self._to_open = tuple(rest)

    async def readiness(self) -> Readiness:
        """What is lacking now. A process told to stop says so at once, and nothing else."""
        may_serve = self.is_open and not self.stopping
        found = await self._probe.get() if may_serve else Readiness(self._to_open)
        return Readiness(("arret",)) if self.stopping else found

    async def _try(self) -> Readiness:
        return Readiness(*await asyncio.gather(_failures(self._necessary), _failures(self._useful)))


async def _failures(attempts: Mapping[str, Probe]) -> list[str]:
    outcomes = await asyncio.gather(*(attempt() for attempt in attempts.values()), return_exceptions=True)
    return [name for name, outcome in zip(attempts, outcomes, strict=True) if outcome is not True]
