"""The gateway's now: the system's clock, or one instant that it was told."""

from collections.abc import Callable
from datetime import UTC, date, datetime, time
from functools import partial


def clock(fixed: datetime | None) -> Callable[[], datetime]:
    """What tells the time: always `fixed`, or the system's clock in UTC when there is none."""
    return partial(datetime.now, UTC) if fixed is None else lambda: fixed


def parse_instant(text: str) -> datetime:
    """An instant of RFC 3339, in UTC when it has no offset; a day alone is its noon, UTC. Raises ValueError."""
    if len(text) == len("2026-10-15"):
        return datetime.combine(date.fromisoformat(text), time(12), UTC)
    instant = datetime.fromisoformat(text)
    return instant if instant.tzinfo else instant.replace(tzinfo=UTC)
