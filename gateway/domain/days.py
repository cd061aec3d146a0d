"""Days and instants: contract dates are days, in Paris; instants carry an offset. The clock is the system's, or one
instant that the gateway was told.
"""

from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta
from functools import partial
from zoneinfo import ZoneInfo

PARIS = ZoneInfo("Europe/Paris")
# The hours of UTC that are midnight somewhere in France east of it: Paris in both seasons, Mayotte, La Réunion.
MIDNIGHTS_EAST = range(20, 24)


def paris_day(instant: datetime) -> date:
    """The day it is in Paris at an instant; an instant without offset is already local."""
    return (instant.astimezone(PARIS) if instant.tzinfo else instant).date()


def day_meant(instant: datetime) -> date:
    """The day meant by a day sent as an instant, the same rule for every field and source (docs/domaine.md, Jours et instants).

    Midnight is that day, with whatever offset it is written. In UTC, or without offset, a whole hour of the evening is the
    midnight that follows, of whoever wrote it. Anything else is an hour of a day in Paris.
    """
    if instant.utcoffset():
        return instant.date() if instant.timetz().replace(tzinfo=None) == time(0) else paris_day(instant)
    if instant.hour in MIDNIGHTS_EAST and (instant.minute, instant.second) == (0, 0):
        return instant.date() + timedelta(days=1)
    return instant.date() if instant.hour < MIDNIGHTS_EAST.start else paris_day(instant)


def is_midnight(instant: datetime) -> bool:
    """Whether an instant is the first of a day in Paris: all that is known of what is dated by day."""
    return instant.astimezone(PARIS).time() == time(0)


def end_of_day(day: date) -> datetime:
    """The last instant of a day in Paris."""
    return datetime.combine(day + timedelta(days=1), time(), PARIS) - timedelta(microseconds=1)


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


def age_au(naissance: date, day: date) -> int:
    """Completed years."""
    return day.year - naissance.year - ((day.month, day.day) < (naissance.month, naissance.day))
