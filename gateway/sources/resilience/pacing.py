"""The pace of one partner: its quotas counted by all processes together, or by each of them in its part.

Knows no HTTP and no Redis. A departure that leaves late has moved towards the next ones: it is asked for again.
"""

from collections import defaultdict

from gateway.sources.partners.file_format import LimitsTable
from gateway.sources.resilience.clock import Clock
from gateway.sources.resilience.quota_window import DELAY, Departure, QuotaWindow, WindowQuota, depart

SECOND, MINUTE = 1.0, 60.0
CAUTION = 2 * MINUTE  # after the common count failed: what left meanwhile is in no count but ours


class Pacer:
    """The departures to one partner from this process."""

    def __init__(self, source: str, limites: LimitsTable, clock: Clock) -> None:
        self._source, self._clock = source, clock
        self._quotas = _quotas(limites, 1)
        shared, own = _quotas(limites, clock.processus)
        self._whole = QuotaWindow(shared)
        self._own: defaultdict[str, QuotaWindow] = defaultdict(lambda: QuotaWindow(own))
        self._cautious_until = 0.0

    async def depart(self, key: str) -> float:
        """Wait until a request of a tenant may leave, which is now: 0. Else its own quota is spent: the seconds to wait
        for, without holding a place, before asking again."""
        while True:
            start = self._clock.seconds()
            departure = await self._count(key)
            if not departure.permit:
                return departure.waiting
            rest = start + departure.waiting - self._clock.seconds()
            if rest > 0:
                await self._clock.sleep(rest)
            if self._clock.seconds() - start - departure.waiting <= DELAY:
                return 0.0

    async def _count(self, key: str) -> Departure:
        shared = self._clock.shared
        departure = await shared.depart(self._source, key, self._quotas) if shared else None
        instant = self._clock.seconds()
        if departure is None:
            self._cautious_until = instant + CAUTION
            return self._as_share(key, instant)
        if departure.permit and instant < self._cautious_until:
            return _both(departure, self._as_share(key, instant))
        if departure.permit:
            self._whole.note(instant + departure.waiting)
            self._own[key].note(instant + departure.waiting)
        return departure

    def _as_share(self, key: str, instant: float) -> Departure:
        """Within what this process may count on alone."""
        return depart(self._whole, self._own[key], instant)


def _quotas(limites: LimitsTable, processus: int) -> tuple[WindowQuota, WindowQuota]:
    """The partner's, and each tenant's."""
    return (
        WindowQuota.de(limites.par_seconde / processus, SECOND),
        WindowQuota.de(limites.par_minute_locataire / processus, MINUTE),
    )


def _both(one: Departure, other: Departure) -> Departure:
    return Departure(one.permit and other.permit, max(one.waiting, other.waiting))
