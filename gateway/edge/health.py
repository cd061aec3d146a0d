"""Tells whether this process should be sent requests, and what it lacks. Knows no store: probes are passed in."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass

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
        self._seconds = seconds
        self._to_open: Sequence[str] = ("ouverture",)
        self._probe: asyncio.Task[Readiness] | None = None
        self._probe_at = 0.0
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
        found = await asyncio.shield(self._run_probe()) if may_serve else Readiness(self._to_open)
        return Readiness(("arret",)) if self.stopping else found

    def _run_probe(self) -> asyncio.Task[Readiness]:
        """One trial at a time, shared by all who ask."""
        stale = self._seconds() - self._probe_at > VALIDITY
        if self._probe is None or (self._probe.done() and stale):
            self._probe, self._probe_at = asyncio.create_task(self._try()), self._seconds()
        return self._probe

    async def _try(self) -> Readiness:
        return Readiness(*await asyncio.gather(_failures(self._necessary), _failures(self._useful)))


async def _failures(attempts: Mapping[str, Probe]) -> list[str]:
    outcomes = await asyncio.gather(*(attempt() for attempt in attempts.values()), return_exceptions=True)
    return [name for name, outcome in zip(attempts, outcomes, strict=True) if outcome is not True]
