"""Days and instants: contract dates are days, in Paris; instants carry an offset. The clock is the system's, or one
instant that the gateway was told.
"""

from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta
from functools import partial
from zoneinfo import ZoneInfo

PARIS = ZoneInfo("Europe/Paris")
EVENING_BEFORE = 22  # many systems send local midnight in UTC: 22:00Z or 23:00Z the day before (docs/domaine.md)


def paris_day(instant: datetime) -> date:
    """The day it is in Paris at an instant; an instant without offset is already local."""
    return (instant.astimezone(PARIS) if instant.tzinfo else instant).date()


def birth_day(instant: datetime) -> date:
    """The day meant by a birth date sent as an instant: an hour of 22 or 23 is the evening before."""
    return instant.date() + timedelta(days=instant.hour >= EVENING_BEFORE)


def clock(fixed: datetime | None) -> Callable[[], datetime]:
    """What tells the time: always `fixed`, or the system's clock in UTC when there is none."""
    return partial(datetime.now, UTC) if fixed is None else lambda: fixed


def write_instant(instant: datetime) -> str:
    """RFC 3339 in UTC, to the second: every instant that a caller reads is written so."""
    return instant.astimezone(UTC).isoformat(timespec="seconds")[: -len("+00:00")] + "Z"


def parse_instant(text: str) -> datetime:
    """An instant of RFC 3339, in UTC when it has no offset; a day alone is its noon, UTC. Raises ValueError."""
    if len(text) == len("2026-10-15"):
        return datetime.combine(date.fromisoformat(text), time(12), UTC)
    instant = datetime.fromisoformat(text)
    return instant if instant.tzinfo else instant.replace(tzinfo=UTC)
