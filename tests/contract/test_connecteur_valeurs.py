"""Each way partners write a value, and what is read."""

from collections.abc import Callable
from datetime import date, datetime
from typing import Any

import pytest

from gateway.connectors import valeurs
from gateway.domain.temps import PARIS
from gateway.schema.nouns import Sexe

MARS = date(2006, 3, 7)


@pytest.mark.parametrize(
    ("lire", "ecrit", "lu"),
    [
        (valeurs.jour_francais, "07/03/2006", MARS),
        (valeurs.jour_francais, " 7/3/2006 ", MARS),
        (valeurs.jour_francais, "", None),
        (valeurs.jour_francais, "00/00/0000", None),
        (valeurs.jour_compact, "20060307", MARS),
        (valeurs.jour_compact, 20060307, MARS),
        (valeurs.jour_compact, "00000000", None),
        (valeurs.jour_compact, None, None),
        (valeurs.jour_iso, "2006-03-07", MARS),
        (valeurs.jour_iso, "2006-03-07T22:00:00Z", MARS),
        (valeurs.jour_iso, "", None),
        (valeurs.jour_local, "2006-03-07T00:00:00+01:00", MARS),
        (valeurs.jour_local, "2006-07-03T00:00:00+02:00", date(2006, 7, 3)),
        (valeurs.jour_local, "2006-03-06T23:00:00Z", MARS),
        (valeurs.jour_local, "2006-03-07T00:00:00", MARS),
        (valeurs.jour_local, None, None),
        (valeurs.naissance, "2006-03-07", MARS),
        (valeurs.naissance, "1994-09-01T00:00:00+02:00", date(1994, 9, 1)),
        (valeurs.naissance, "1994-08-31T22:00:00Z", date(1994, 9, 1)),
        (valeurs.naissance, "2006-03-06T23:00:00.000Z", MARS),
        (valeurs.naissance, "2006-03-07T00:00:00.000Z", MARS),
        (valeurs.naissance, "2006-03-06T22:00:00", MARS),
        (valeurs.instant_paris, "2026-03-07 14:05:00", datetime(2026, 3, 7, 14, 5, tzinfo=PARIS)),
        (valeurs.instant_paris, "2026-03-07T13:05:00Z", datetime(2026, 3, 7, 14, 5, tzinfo=PARIS)),
        (valeurs.instant_paris, "", None),
        (valeurs.instant_compact, "202603071405", datetime(2026, 3, 7, 14, 5, tzinfo=PARIS)),
        (valeurs.instant_compact, "000000000000", None),
        (valeurs.instant_compact, "", None),
        (valeurs.booleen, True, True),
        (valeurs.booleen, "false", False),
        (valeurs.booleen, 1, True),
        (valeurs.booleen, "0", False),
        (valeurs.booleen, "O", True),
        (valeurs.booleen, "N", False),
        (valeurs.booleen, "", None),
        (valeurs.booleen, None, None),
        (valeurs.sexe, "H", Sexe.M),
        (valeurs.sexe, "M", Sexe.M),
        (valeurs.sexe, 1, Sexe.M),
        (valeurs.sexe, "f", Sexe.F),
        (valeurs.sexe, "2", Sexe.F),
        (valeurs.sexe, "", None),
        (valeurs.niveau, 4, 4),
        (valeurs.niveau, "8", 8),
        (valeurs.niveau, None, None),
        (valeurs.lendemain, date(2026, 2, 28), date(2026, 3, 1)),
        (valeurs.lendemain, None, None),
        (valeurs.texte, 75001.0, "75001"),
    ],
)
def test_what_a_partner_wrote_is_read(lire: Callable[[Any], Any], ecrit: Any, lu: Any) -> None:
    assert lire(ecrit) == lu


@pytest.mark.parametrize(
    ("lire", "ecrit"),
    [
        (valeurs.jour_francais, "2006-03-07"),
        (valeurs.jour_francais, "31/02/2006"),
        (valeurs.jour_francais, "07/03/0206"),
        (valeurs.jour_francais, "٠٧/٠٣/٢٠٠٦"),
        (valeurs.jour_compact, "2006037"),
        (valeurs.jour_compact, True),
        (valeurs.jour_iso, "07/03/2006"),
        (valeurs.jour_local, "0001-01-01T00:00:00+02:00"),
        (valeurs.jour_local, "hier"),
        (valeurs.naissance, "9999-12-31T23:00:00Z"),
        (valeurs.naissance, ["2006-03-07"]),
        (valeurs.instant_paris, "7 mars"),
        (valeurs.instant_compact, "20260307"),
        (valeurs.instant_compact, "202603072460"),
        (valeurs.booleen, "peut-être"),
        (valeurs.booleen, 2),
        (valeurs.sexe, "X"),
        (valeurs.sexe, 3),
        (valeurs.niveau, 9),
        (valeurs.niveau, "bac"),
        (valeurs.texte, 1.5),
        (valeurs.texte, {}),
    ],
)
def test_what_is_filled_and_unreadable_is_a_fault_not_an_absence(lire: Callable[[Any], Any], ecrit: Any) -> None:
    with pytest.raises(ValueError, match=r"."):
        lire(ecrit)
