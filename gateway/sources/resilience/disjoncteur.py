"""The circuit breaker: a partner that fails is left alone, then tried by one reading at a time. Pure; reads no clock.

The numbers are those of SECURITY §5, but the longest wait between two probes: ten seconds, so that a partner that comes
back is used again within ten seconds.
"""

from collections import deque

from gateway.sources.resilience.issues import Issue

FENETRE = 10.0  # seconds looked at
LECTURES_MIN = 20  # in the window, before a share means something
PART_OUVRE = 0.5  # of failures
DELAIS_OUVRENT = 5  # time-outs in a row
ESSAI_MIN, ESSAI_MAX = 5.0, 10.0  # seconds before a probe, doubled at each that fails
REUSSITES_FERMENT = 3  # probes in a row


class Disjoncteur:
    """Closed, open, or half-open when `attente` is over. Instants are seconds of one clock, whichever."""

    def __init__(self) -> None:
        self._lectures: deque[tuple[float, bool]] = deque()  # of the window: when, and whether it succeeded
        self._echecs = 0  # among them
        self._essai: float | None = None  # instant of the next probe, while not closed
        self._sonde = False  # whether a probe is on its way
        self._delais = self._reussites = 0  # in a row
        self._recul = ESSAI_MIN

    @property
    def ferme(self) -> bool:
        return self._essai is None

    def attente(self, instant: float) -> float:
        """Seconds before a reading may go, 0 when it may now."""
        if self._essai is None:
            return 0.0
        return ESSAI_MIN if self._sonde else max(0.0, self._essai - instant)

    def partir(self) -> bool:
        """A reading goes, where `attente` is over; true when it is the probe."""
        self._sonde = self._essai is not None
        return self._sonde

    def noter(self, issue: Issue | None, instant: float, sonde: bool) -> None:
        """A reading has ended; None when it was given up, and says nothing. What left before we opened says nothing."""
        if sonde:
            self._noter_sonde(issue, instant)
        elif issue is not None and self.ferme:
            self._noter_fermee(issue, instant)

    def _noter_fermee(self, issue: Issue, instant: float) -> None:
        self._lectures.append((instant, issue is Issue.REUSSITE))
        self._echecs += issue is not Issue.REUSSITE
        while self._lectures[0][0] <= instant - FENETRE:
            _, reussie = self._lectures.popleft()
            self._echecs -= not reussie
        self._delais = self._delais + 1 if issue is Issue.DELAI else 0
        trop = len(self._lectures) >= LECTURES_MIN and self._echecs >= PART_OUVRE * len(self._lectures)
        if trop or self._delais >= DELAIS_OUVRENT:
            self._essai = instant + self._recul

    def _noter_sonde(self, issue: Issue | None, instant: float) -> None:
        self._sonde = False
        if issue is Issue.REUSSITE:
            self._reussites += 1
            if self._reussites >= REUSSITES_FERMENT:
                self._fermer()
        elif issue is not None:
            self._reussites = 0
            self._recul = min(2 * self._recul, ESSAI_MAX)
            self._essai = instant + self._recul

    def _fermer(self) -> None:
        self._lectures.clear()
        self._echecs = 0
        self._essai, self._recul = None, ESSAI_MIN
        self._delais = self._reussites = 0
