"""How late the event loop is: what holds it holds every caller. Knows nothing of what runs on it."""

import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Self

from prometheus_client import CollectorRegistry, Histogram

PAS = 0.02  # seconds between two beats
SEUILS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5)


@dataclass(frozen=True, slots=True)
class Pouls:
    """`retards`: how late each beat came. `calculs`: what the loop's own thread computed between two beats; less than the
    delay, the machine or another thread had the rest."""

    retards: Histogram
    calculs: Histogram

    @classmethod
    def de(cls, registre: CollectorRegistry) -> Self:
        retard, calcul = (
            Histogram(f"passerelle_boucle_{nom}_secondes", texte, registry=registre, buckets=SEUILS)
            for nom, texte in (
                ("retard", "Retard de la boucle d'événements sur un réveil."),
                ("calcul", "Temps de calcul de la boucle d'événements entre deux réveils."),
            )
        )
        return cls(retard, calcul)

    async def battre(
        self,
        dormir: Callable[[float], Awaitable[None]],
        secondes: Callable[[], float] = time.monotonic,
        calcul: Callable[[], float] = time.thread_time,
    ) -> None:
        """Until cancelled."""
        while True:
            debut, calcule = secondes(), calcul()
            await dormir(PAS)
            self.retards.observe(max(0.0, secondes() - debut - PAS))
            self.calculs.observe(calcul() - calcule)
