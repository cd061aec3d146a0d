"""Each way partners write a value, and what is read."""

from collections.abc import Callable
from datetime import date, datetime
from typing import Any

import pytest

from gateway.connectors import values
from gateway.domain.days import PARIS
from gateway.schema.nouns import Sexe

MARS = date(2006, 3, 7)


@pytest.mark.parametrize(
    ("read", "written", "parsed"),
    [
        (values.french_date, "07/03/2006", MARS),
        (values.french_date, " 7/3/2006 ", MARS),
        (values.french_date, "", None),
        (values.french_date, "00/00/0000", None),
        (values.compact_date, "20060307", MARS),
        (values.compact_date, 20060307, MARS),
        (values.compact_date, "00000000", None),
        (values.compact_date, None, None),
        (values.iso_date, "2006-03-07", MARS),
        (values.iso_date, "2006-03-06T22:00:00Z", MARS),
        (values.iso_date, "", None),
        (values.iso_date, "2006-03-07T00:00:00+01:00", MARS),
        (values.iso_date, "2006-07-03T00:00:00+02:00", date(2006, 7, 3)),
        (values.iso_date, "2006-03-06T23:00:00Z", MARS),
        (values.iso_date, "2006-03-07T00:00:00", MARS),
        (values.iso_date, None, None),
        (values.iso_date, "1994-09-01T00:00:00+02:00", date(1994, 9, 1)),
        (values.iso_date, "1994-08-31T22:00:00Z", date(1994, 9, 1)),
        (values.iso_date, "2006-03-06T23:00:00.000Z", MARS),
        (values.iso_date, "2006-03-07T00:00:00.000Z", MARS),
        (values.iso_date, "2006-03-06T22:00:00", MARS),
        (values.instant_paris, "2026-03-07 14:05:00", datetime(2026, 3, 7, 14, 5, tzinfo=PARIS)),
        (values.instant_paris, "2026-03-07T13:05:00Z", datetime(2026, 3, 7, 14, 5, tzinfo=PARIS)),
        (values.instant_paris, "", None),
        (values.instant_compact, "202603071405", datetime(2026, 3, 7, 14, 5, tzinfo=PARIS)),
        (values.instant_compact, "000000000000", None),
        (values.instant_compact, "", None),
        (values.boolean, True, True),
        (values.boolean, "false", False),
        (values.boolean, 1, True),
        (values.boolean, "0", False),
        (values.boolean, "O", True),
        (values.boolean, "N", False),
        (values.boolean, "", None),
        (values.boolean, None, None),
        (values.sexe, "H", Sexe.M),
        (values.sexe, "M", Sexe.M),
        (values.sexe, 1, Sexe.M),
        (values.sexe, "f", Sexe.F),
        (values.sexe, "2", Sexe.F),
        (values.sexe, "", None),
        (values.niveau, 4, 4),
        (values.niveau, "8", 8),
        (values.niveau, None, None),
        (values.next_day, date(2026, 2, 28), date(2026, 3, 1)),
        (values.next_day, None, None),
        (values.text, 75001.0, "75001"),
    ],
)
def test_what_a_partner_wrote_is_read(read: Callable[[Any], Any], written: Any, parsed: Any) -> None:
    assert read(written) == parsed


@pytest.mark.parametrize(
    ("read", "written"),
    [
        (values.french_date, "2006-03-07"),
        (values.french_date, "31/02/2006"),
        (values.french_date, "07/03/0206"),
        (values.french_date, "٠٧/٠٣/٢٠٠٦"),
        (values.compact_date, "2006037"),
        (values.compact_date, True),
        (values.iso_date, "07/03/2006"),
        (values.iso_date, "0001-01-01T00:00:00+02:00"),
        (values.iso_date, "hier"),
        (values.iso_date, "9999-12-31T23:00:00Z"),
        (values.iso_date, ["2006-03-07"]),
        (values.instant_paris, "7 mars"),
        (values.instant_compact, "20260307"),
        (values.instant_compact, "202603072460"),
        (values.boolean, "peut-être"),
        (values.boolean, 2),
        (values.sexe, "X"),
        (values.sexe, 3),
        (values.niveau, 9),
        (values.niveau, "bac"),
        (values.text, 1.5),
        (values.text, {}),
    ],
)
def test_what_is_filled_and_unreadable_is_a_fault_not_an_absence(read: Callable[[Any], Any], written: Any) -> None:
    with pytest.raises(ValueError, match=r"."):
        read(written)
