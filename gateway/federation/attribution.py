"""Gives their ids to what a view shows: reads the ledger of links, decides, writes what is new. Knows no SQL, no noun.

The write is awaited: an id is shown once its links are kept. A ledger that does not answer in time stops nobody: ids are
then made from the best record of each group, as they were the first time, and the view is built again later.
"""

import asyncio
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol, TypeVar

from gateway.domain.liens import Connus, Ecritures
from gateway.errors import LiensIndisponibles
from gateway.federation.ecart import a_l_ecart
from gateway.federation.liens import Decision, Deriver, Grappe, decider, inconnues
from gateway.federation.signalements import Fait, Vues

T = TypeVar("T")

DELAI = 5.0  # seconds for each call of the ledger: a region reads or writes some 30,000 links in one
TOURS = 3  # after a write, what another process wrote first is read again, and decided again


class Magasin(Protocol):
    """Where links and first sightings are kept. Each call may raise LiensIndisponibles."""

    async def lire(self, cles: Collection[str]) -> Connus: ...
    async def lire_cousins(self, identites: Collection[str]) -> Connus: ...
    async def ecrire(self, ecritures: Ecritures) -> None: ...
    async def premieres_vues(self, faits: Sequence[Fait], instant: datetime) -> Vues: ...


@dataclass(frozen=True, slots=True)
class Attribution:
    """The ids of a view, by first key of each group; `provisoire` when the ledger did not answer."""

    objets: Mapping[str, str]
    anciens: Mapping[str, str]
    vues: Vues
    provisoire: bool

    def objet(self, grappe: Grappe) -> str:
        return self.objets[grappe.premiere]


@dataclass(frozen=True, slots=True)
class Attributeur:
    """The ledger, and what an id is made with."""

    magasin: Magasin
    deriver: Deriver
    maintenant: Callable[[], datetime]
    echec: Callable[[], None]  # counts the views built without the ledger
    delai: float = DELAI

    async def attribuer(self, grappes: Sequence[Grappe], faits: Sequence[Fait]) -> Attribution:
        """The ids of these groups and the first sightings of these facts. Never raises for the ledger's sake."""
        instant = self.maintenant()
        decision: Decision | None = None
        vues: Vues = {}
        provisoire = True
        try:
            for _ in range(TOURS):
                decision = await self._decider(grappes, await self._connus(grappes), instant)
                if not decision.ecritures:
                    break
                await self._attendre(self.magasin.ecrire(decision.ecritures))
            vues = await self._attendre(self.magasin.premieres_vues(faits, instant)) if faits else {}
            provisoire = False
        except (LiensIndisponibles, TimeoutError):
            self.echec()
        decision = decision or await self._decider(grappes, Connus(), instant)
        return Attribution(decision.objets, decision.anciens, vues, provisoire)

    async def _connus(self, grappes: Sequence[Grappe]) -> Connus:
        """Everything known of the records; of their identities too, for groups that no record designates."""
        connus = await self._attendre(self.magasin.lire([cle.cle for grappe in grappes for cle in grappe.cles]))
        semblables = {identite for grappe in inconnues(grappes, connus) for identite in grappe.semblables}
        if not semblables:
            return connus
        proches = await self._attendre(self.magasin.lire_cousins(semblables))
        return Connus(connus.liens, proches.cousins, {**connus.alias, **proches.alias})

    async def _attendre(self, appel: Awaitable[T]) -> T:
        async with asyncio.timeout(self.delai):
            return await appel

    async def _decider(self, grappes: Sequence[Grappe], connus: Connus, instant: datetime) -> Decision:
        """A region has tens of thousands of groups."""
        return await a_l_ecart(len(grappes), decider, grappes, connus, self.deriver, instant)
