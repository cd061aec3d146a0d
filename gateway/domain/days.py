"""Days and instants: contract dates are days, in Paris; instants carry an offset. Pure; reads no clock."""

from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

PARIS = ZoneInfo("Europe/Paris")
EVENING_BEFORE = 22  # many systems send local midnight in UTC: 22:00Z or 23:00Z the day before (docs/domaine.md)


def paris_day(instant: datetime) -> date:
    """The day it is in Paris at an instant; an instant without offset is already local."""
    return (instant.astimezone(PARIS) if instant.tzinfo else instant).date()


def birth_day(instant: datetime) -> date:
    """The day meant by a birth date sent as an instant: an hour of 22 or 23 is the evening before."""
    return instant.date() + timedelta(days=instant.hour >= EVENING_BEFORE)
