"""Days of instants: Paris, its summer time, and birth dates sent as the evening before."""

from datetime import UTC, date, datetime, timedelta, timezone

import pytest

from gateway.domain.days import PARIS, day_meant, paris_day


@pytest.mark.parametrize(
    ("instant", "expected"),
    [
        (datetime(2026, 1, 31, 22, 59, tzinfo=UTC), date(2026, 1, 31)),
        (datetime(2026, 1, 31, 23, 0, tzinfo=UTC), date(2026, 2, 1)),
        (datetime(2026, 7, 31, 21, 59, tzinfo=UTC), date(2026, 7, 31)),
        (datetime(2026, 7, 31, 22, 0, tzinfo=UTC), date(2026, 8, 1)),
        (datetime(2026, 7, 31, 0, 30, tzinfo=PARIS), date(2026, 7, 31)),
        (datetime(2026, 8, 1, 5, 0, tzinfo=timezone(timedelta(hours=11))), date(2026, 7, 31)),  # Nouméa
        (datetime(2026, 7, 31, 23, 59), date(2026, 7, 31)),  # noqa: DTZ001 - already local
    ],
)
def test_the_day_it_is_in_paris(instant: datetime, expected: date) -> None:
    assert paris_day(instant) == expected


@pytest.mark.parametrize(
    ("instant", "expected"),
    [
        (datetime(2007, 3, 6, 23, tzinfo=UTC), date(2007, 3, 7)),  # winter midnight
        (datetime(2007, 7, 6, 22, tzinfo=UTC), date(2007, 7, 7)),  # summer midnight
        (datetime(2006, 12, 31, 23, tzinfo=UTC), date(2007, 1, 1)),
        (datetime(2007, 3, 7, 0, tzinfo=UTC), date(2007, 3, 7)),
        (datetime(2007, 3, 7, 21, 59, tzinfo=UTC), date(2007, 3, 7)),
        (datetime(1994, 9, 1, 0, tzinfo=timezone(timedelta(hours=2))), date(1994, 9, 1)),
    ],
)
def test_the_day_meant_by_a_birth_date(instant: datetime, expected: date) -> None:
    assert day_meant(instant) == expected
