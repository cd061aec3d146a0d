"""How busy one partner is, and whether what nobody waits for may be asked of it now. Pure; reads no clock.

Half of every quota is left to who may come; nothing that nobody waits for begins while anybody's request is under way.
"""

from collections import defaultdict, deque
from collections.abc import Iterator
from contextlib import contextmanager

PART = 0.5  # of a quota
SECONDES, MINUTE = 10.0, 60.0  # over which each quota is looked at


class Affluence:
    """The requests to one partner, in all and for each tenant, within what this process may count on alone."""

    def __init__(self, par_seconde: float, par_minute_locataire: float) -> None:
        self._en_cours = 0
        self._toutes = _Passees(SECONDES, PART * par_seconde * SECONDES)
        self._propres = defaultdict[str, _Passees](lambda: _Passees(MINUTE, PART * par_minute_locataire))

    @contextmanager
    def demande(self, cle: str, instant: float) -> Iterator[None]:
        """Around one request for a tenant, from when it is wanted to when it is answered."""
        self._en_cours += 1
        self._toutes.noter(instant)
        self._propres[cle].noter(instant)
        try:
            yield
        finally:
            self._en_cours -= 1

    def permet(self, cle: str, instant: float) -> bool:
        """Whether a reading that nobody waits for may begin, for a tenant."""
        return not self._en_cours and self._toutes.permet(instant) and self._propres[cle].permet(instant)


class _Passees:
    """The instants of the last requests, and how many leave room for more."""

    def __init__(self, duree: float, assez: float) -> None:
        self._duree, self._assez = duree, assez
        self._instants: deque[float] = deque()

    def noter(self, instant: float) -> None:
        self._oublier(instant)
        self._instants.append(instant)

    def permet(self, instant: float) -> bool:
        self._oublier(instant)
        return len(self._instants) < self._assez

    def _oublier(self, instant: float) -> None:
        while self._instants and self._instants[0] <= instant - self._duree:
            self._instants.popleft()
