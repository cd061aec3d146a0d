"""Whether this process should be sent requests, and what it lacks. Knows no store: how each part is tried is passed in."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass

VALIDITE = 1.0  # seconds that what was found is believed: whoever asks, the parts are not tried more often

Essai = Callable[[], Awaitable[bool]]


@dataclass(frozen=True, slots=True)
class Etat:
    """The parts that fail: nothing can be answered without `manque`, answers go on without `degrade`."""

    manque: Sequence[str] = ()
    degrade: Sequence[str] = ()


class Sante:
    """Not ready before it has opened, nor once it is told to stop, nor while a part that every answer needs fails.

    `necessaires` and `utiles` tell whether a part works now; `secondes` is a clock.
    """

    def __init__(
        self, necessaires: Mapping[str, Essai], utiles: Mapping[str, Essai], secondes: Callable[[], float]
    ) -> None:
        self._necessaires, self._utiles = necessaires, utiles
        self._secondes = secondes
        self._a_ouvrir: Sequence[str] = ("ouverture",)
        self._sonde: asyncio.Task[Etat] | None = None
        self._sonde_a = 0.0
        self.arret = False

    @property
    def ouverte(self) -> bool:
        """Everything was opened once: requests may be served."""
        return not self._a_ouvrir

    def ouvrir(self, reste: Sequence[str]) -> None:
        """Tell what is still to be opened."""
        self._a_ouvrir = tuple(reste)

    async def etat(self) -> Etat:
        """What is lacking now. A process told to stop says so at once, and nothing else."""
        if not self.arret and self.ouverte:
            trouve = await asyncio.shield(self._sonder())
        else:
            trouve = Etat(self._a_ouvrir)
        return Etat(("arret",)) if self.arret else trouve

    def _sonder(self) -> asyncio.Task[Etat]:
        """One trial at a time, shared by all who ask."""
        perimee = self._secondes() - self._sonde_a > VALIDITE
        if self._sonde is None or (self._sonde.done() and perimee):
            self._sonde, self._sonde_a = asyncio.create_task(self._essayer()), self._secondes()
        return self._sonde

    async def _essayer(self) -> Etat:
        return Etat(*await asyncio.gather(_echecs(self._necessaires), _echecs(self._utiles)))


async def _echecs(essais: Mapping[str, Essai]) -> list[str]:
    issues = await asyncio.gather(*(essai() for essai in essais.values()), return_exceptions=True)
    return [nom for nom, issue in zip(essais, issues, strict=True) if issue is not True]
