"""When to ask again at once, and after how long. Pure; reads no clock and draws no chance.

At most one more request a call, and never more than a fifth of the calls of the last ten seconds: an outage is not made
worse. A partner that says when to come back is obeyed: shortly, or not by us.
"""

from collections import deque

from gateway.connectors.base import Requete
from gateway.errors import ErreurSource, SourceIndisponible
from gateway.sources.resilience.issues import passagere

FENETRE = 10.0  # seconds
PART = 0.2  # of the calls
GIGUE = 0.25  # seconds; the wait is drawn between 0 and this
PATIENCE = 2.0  # seconds; told to wait longer, we do not insist


class Budget:
    """The retries that the calls of the last seconds allow."""

    def __init__(self) -> None:
        self._appels: deque[float] = deque()
        self._reprises: deque[float] = deque()

    def appel(self, instant: float) -> None:
        """A call leaves, for the first time."""
        self._appels.append(instant)
        for suite in (self._appels, self._reprises):
            while suite and suite[0] <= instant - FENETRE:
                suite.popleft()

    def attente(self, requete: Requete, erreur: ErreurSource, instant: float, hasard: float) -> float | None:
        """Seconds to wait before asking again, counted in the budget; None: do not. `hasard` is drawn in [0, 1)."""
        dite = erreur.reessayer_dans if isinstance(erreur, SourceIndisponible) else None
        if requete.methode != "GET" or not passagere(erreur) or (dite or 0.0) > PATIENCE:
            return None
        if len(self._reprises) + 1 > PART * len(self._appels):
            return None
        self._reprises.append(instant)
        return (dite or 0.0) + GIGUE * hasard
