"""When to ask again at once, and after how long. Pure; reads no clock and draws no chance.

At most one more request a call, and never more than a fifth of the calls of the last ten seconds: an outage is not made
worse. A partner that says when to come back is obeyed: shortly, or not by us.
"""

from collections import deque

from gateway.connectors.base import PartnerRequest
from gateway.errors import SourceError, SourceUnavailable
from gateway.sources.resilience.circuit_breaker import is_transient

WINDOW = 10.0  # seconds
SHARE = 0.2  # of the calls
JITTER = 0.25  # seconds; the wait is drawn between 0 and this
PATIENCE = 2.0  # seconds; told to wait longer, we do not insist


class RetryBudget:
    """The retries that the calls of the last seconds allow."""

    def __init__(self) -> None:
        self._calls: deque[float] = deque()
        self._retries: deque[float] = deque()

    def call(self, instant: float) -> None:
        """A call leaves, for the first time."""
        self._calls.append(instant)
        for following in (self._calls, self._retries):
            while following and following[0] <= instant - WINDOW:
                following.popleft()

    def waiting(
        self, partner_request: PartnerRequest, error: SourceError, instant: float, randomness: float
    ) -> float | None:
        """Seconds to wait before asking again, counted in the budget; None: do not. `randomness` is drawn in [0, 1)."""
        told = error.retry_after if isinstance(error, SourceUnavailable) else None
        if partner_request.method != "GET" or not is_transient(error) or (told or 0.0) > PATIENCE:
            return None
        if len(self._retries) + 1 > SHARE * len(self._calls):
            return None
        self._retries.append(instant)
        return (told or 0.0) + JITTER * randomness
