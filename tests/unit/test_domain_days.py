"""Days of instants: Paris, its summer time, and days sent as instants by systems of the whole country."""

from datetime import UTC, date, datetime, time, timedelta, timezone
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.connectors import values
from gateway.domain.days import PARIS, age_au, day_meant, paris_day

EAST = ("Europe/Paris", "Indian/Reunion", "Indian/Mayotte")
WEST = ("America/Martinique", "America/Guadeloupe", "America/Cayenne", "America/Miquelon")


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
    ("written", "day"),
    [
        ("2007-03-06T23:00:00Z", "2007-03-07"),  # winter midnight of Paris
        ("2007-07-06T22:00:00.000Z", "2007-07-07"),  # summer midnight
        ("2007-01-06T22:00:00.000Z", "2007-01-07"),  # the same hour in winter: a midnight with the offset of summer
        ("2006-12-31T23:00:00Z", "2007-01-01"),
        ("2007-03-07T00:00:00Z", "2007-03-07"),
        ("2007-03-07T21:59:00Z", "2007-03-07"),
        ("2007-03-07T12:00:00Z", "2007-03-07"),
        ("2007-03-07T22:30:00Z", "2007-03-07"),  # a real hour, in winter
        ("2007-07-07T22:30:00Z", "2007-07-08"),  # in summer
        ("2005-11-20T00:00:00+04:00", "2005-11-20"),  # La Réunion, in its own hour
        ("2005-11-19T20:00:00.000Z", "2005-11-20"),  # and in UTC
        ("2005-11-19T21:00:00Z", "2005-11-20"),  # Mayotte
        ("2005-11-20T00:00:00-03:00", "2005-11-20"),  # Guyane
        ("2005-11-20T04:00:00Z", "2005-11-20"),  # Martinique
        ("2026-09-01T00:00:00+11:00", "2026-09-01"),  # Nouméa
        ("2026-03-29T00:00:00+01:00", "2026-03-29"),  # the day summer begins
        ("2026-03-28T23:00:00Z", "2026-03-29"),
        ("2026-03-29T00:00:00+02:00", "2026-03-29"),  # with the offset that the evening has
        ("2026-03-29T22:00:00Z", "2026-03-30"),
        ("2026-10-25T00:00:00+02:00", "2026-10-25"),  # the day it ends
        ("2026-10-24T22:00:00Z", "2026-10-25"),
        ("2026-10-25T00:00:00+01:00", "2026-10-25"),
        ("2026-10-25T23:00:00Z", "2026-10-26"),
        ("2008-02-28T23:00:00Z", "2008-02-29"),
        ("2008-02-29T00:00:00+01:00", "2008-02-29"),
        ("2007-02-28T23:00:00Z", "2007-03-01"),
        ("2006-03-06T22:00:00", "2006-03-07"),  # written without its offset
        ("2006-03-07T00:00:00", "2006-03-07"),
        ("2006-03-07", "2006-03-07"),
    ],
)
def test_a_day_sent_as_an_instant_is_the_day_meant_whatever_the_field(written: str, day: str) -> None:
    assert values.iso_date(written) == date.fromisoformat(day)


@given(st.dates(date(1990, 1, 1), date(2035, 12, 31)), st.sampled_from(EAST + WEST), st.booleans())
def test_local_midnight_of_any_department_is_its_day(day: date, place: str, in_utc: bool) -> None:
    midnight = datetime.combine(day, time(0), ZoneInfo(place))
    assert day_meant(midnight.astimezone(UTC) if in_utc else midnight) == day


@pytest.mark.parametrize("written", ["29/02/2007", "2007-02-29", "20070229", "2007-02-29T00:00:00+01:00"])
def test_a_29_february_that_does_not_exist_is_no_day(written: str) -> None:
    read = {"/": values.french_date, "2007-": values.iso_date}.get(written[2] if written[2] == "/" else written[:5])
    with pytest.raises(ValueError, match=r"."):
        (read or values.compact_date)(written)


def test_midnight_behind_a_french_day_is_that_day() -> None:
    assert values.french_date("29/02/2008 00:00:00") == date(2008, 2, 29)


@pytest.mark.parametrize(("day", "age"), [(date(2026, 2, 28), 17), (date(2026, 3, 1), 18), (date(2028, 2, 29), 20)])
def test_who_was_born_on_29_february_is_of_age_on_1_march(day: date, age: int) -> None:
    assert age_au(date(2008, 2, 29), day) == age
