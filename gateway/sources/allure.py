"""The pace of one partner: its quotas counted by all processes together, or by each of them in its part.

Knows no HTTP and no Redis. A departure that leaves late has moved towards the next ones: it is asked for again.
"""

from collections import defaultdict

from gateway.sources.fichier import LimitesFichier
from gateway.sources.resilience.cadence import RETARD, Cadence, Depart, Quota, partir
from gateway.sources.resilience.rythme import Rythme

SECONDE, MINUTE = 1.0, 60.0
PRUDENCE = 2 * MINUTE  # after the common count failed: what left meanwhile is in no count but ours


class Allure:
    """The departures to one partner from this process."""

    def __init__(self, source: str, limites: LimitesFichier, rythme: Rythme) -> None:
        self._source, self._rythme = source, rythme
        self._quotas = _quotas(limites, 1)
        commun, propre = _quotas(limites, rythme.processus)
        self._commune = Cadence(commun)
        self._propres: defaultdict[str, Cadence] = defaultdict(lambda: Cadence(propre))
        self._prudente_jusqua = 0.0

    async def partir(self, cle: str) -> float:
        """Wait until a request of a tenant may leave, which is now: 0. Else its own quota is spent: the seconds to wait
        for, without holding a place, before asking again."""
        while True:
            debut = self._rythme.secondes()
            depart = await self._compter(cle)
            if not depart.permis:
                return depart.attente
            reste = debut + depart.attente - self._rythme.secondes()
            if reste > 0:
                await self._rythme.dormir(reste)
            if self._rythme.secondes() - debut - depart.attente <= RETARD:
                return 0.0

    async def _compter(self, cle: str) -> Depart:
        commun = self._rythme.commun
        depart = await commun.partir(self._source, cle, self._quotas) if commun else None
        instant = self._rythme.secondes()
        if depart is None:
            self._prudente_jusqua = instant + PRUDENCE
            return self._en_part(cle, instant)
        if depart.permis and instant < self._prudente_jusqua:
            return _les_deux(depart, self._en_part(cle, instant))
        if depart.permis:
            self._commune.noter(instant + depart.attente)
            self._propres[cle].noter(instant + depart.attente)
        return depart

    def _en_part(self, cle: str, instant: float) -> Depart:
        """Within what this process may count on alone."""
        return partir(self._commune, self._propres[cle], instant)


def _quotas(limites: LimitesFichier, processus: int) -> tuple[Quota, Quota]:
    """The partner's, and each tenant's."""
    return (
        Quota.de(limites.par_seconde / processus, SECONDE),
        Quota.de(limites.par_minute_locataire / processus, MINUTE),
    )


def _les_deux(un: Depart, autre: Depart) -> Depart:
    return Depart(un.permis and autre.permis, max(un.attente, autre.attente))
