"""Values as partners write them: what stands at a path of a document, then dates, booleans, sexes, read into ours. Nothing here
knows a partner or a noun's field.

Empty is absent (None). What is filled and cannot be read raises ValueError, so that the payload model sets it aside and
counts it.
"""

import re
from collections import Counter
from collections.abc import Callable, Mapping
from datetime import date, datetime, timedelta, tzinfo
from functools import lru_cache
from typing import Annotated, Any, TypeVar

from pydantic import BeforeValidator, ValidationInfo

from gateway.connectors.page_description import DocumentPath
from gateway.connectors.quality import NEITHER_TEXT_NOR_INTEGER, UNKNOWN_CODE
from gateway.domain.days import PARIS, day_meant
from gateway.domain.official_numbers import (
    normalise_cfd,
    normalise_code_insee,
    normalise_courriel,
    normalise_ine,
    normalise_naf,
    normalise_numero_contrat,
    normalise_rncp,
    normalise_siren,
    normalise_siret,
    normalise_telephone,
    normalise_uai,
    told_code_postal,
)
from gateway.domain.referentiel import CODE_POSTAL_LENGTH
from gateway.schema.nouns import Sexe
from gateway.schema.scalars import SIRET, UAI, CodePostal

T = TypeVar("T")
YEAR_MIN, YEAR_MAX = 1900, 2100
KNOWN = 4096  # identifiers remembered, of each kind
_SIGNS = re.compile(r"[\W_]+")  # all but letters and digits
_FRENCH = re.compile(r"(?P<j>\d{1,2})/(?P<m>\d{1,2})/(?P<a>\d{4})(?: 0{1,2}:00(?::00)?)?", re.ASCII)
_COMPACT = re.compile(r"(?P<a>\d{4})(?P<m>\d\d)(?P<j>\d\d)", re.ASCII)
_ISO = re.compile(r"(?P<a>\d{4})-(?P<m>\d\d)-(?P<j>\d\d)", re.ASCII)
_TIME = re.compile(r"\d{4}", re.ASCII)
_EMPTY = "0/-"  # "00000000", "00/00/0000"
_BOOLEANS = {"true": True, "1": True, "o": True, "oui": True, "false": False, "0": False, "n": False, "non": False}
_LEVELS = {str(rank): rank for rank in range(3, 9)}
_SEXES = {"M": Sexe.M, "H": Sexe.M, "1": Sexe.M, "F": Sexe.F, "2": Sexe.F}


def at(document: Any, path: DocumentPath) -> Any:
    """What stands at a path, None where there is nothing."""
    for name in path:
        document = document.get(name) if isinstance(document, Mapping) else None
    return document


def rows_at(document: Any, path: DocumentPath, is_xml: bool = False) -> list[Any] | None:
    """The list at a path; None where there is none. In XML, one row is no list, and no row may be an absent or empty element
    of what stands above it."""
    above, rows = at(document, path[:-1]), at(document, path)
    if isinstance(rows, list):
        return rows
    if not is_xml or above is None or isinstance(above, list):
        return None
    return [] if rows is None or rows == "" else [rows]


def text(value: Any) -> str:
    """A text or a number as a text, stripped; "" for null."""
    if isinstance(value, str):
        return value.strip()
    if value is None:
        return ""
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    raise ValueError(NEITHER_TEXT_NOR_INTEGER)


def _plausible(day: date) -> date:
    if not YEAR_MIN <= day.year <= YEAR_MAX:
        raise ValueError("implausible year")
    return day


def _day(written: str, shape: re.Pattern[str]) -> date | None:
    if not written.strip(_EMPTY):
        return None
    found = shape.fullmatch(written)
    if found is None:
        raise ValueError("unreadable date")
    return _plausible(date(*map(int, found.group("a", "m", "j"))))


def french_date(value: Any) -> date | None:
    """07/03/2006, be midnight written behind or not."""
    return _day(text(value), _FRENCH)


def compact_date(value: Any) -> date | None:
    """20060307; "00000000" is empty."""
    return _day(text(value), _COMPACT)


def iso_date(value: Any) -> date | None:
    """2006-03-07, or an instant that means a day: 2006-03-07T00:00:00+01:00, 2006-03-06T23:00:00Z (docs/domaine.md)."""
    written = text(value)
    if len(written) <= len("2006-03-07"):
        return _day(written, _ISO)
    return _plausible(day_meant(_instant(written)))


def _instant(written: str) -> datetime:
    instant = datetime.fromisoformat(written)
    _plausible(instant.date())
    return instant


def instant_paris(value: Any) -> datetime | None:
    """2026-03-07 14:05:00: local time, no zone. An offset, if there is one, is believed."""
    return instant_in(value, PARIS)


def instant_in(value: Any, zone: tzinfo) -> datetime | None:
    """An instant of ISO 8601, of that zone where it tells no offset."""
    written = text(value)
    if not written:
        return None
    instant = _instant(written)
    return instant if instant.tzinfo else instant.replace(tzinfo=zone)


def instant_compact(value: Any) -> datetime | None:
    """202603071405: local time, no zone."""
    written = text(value)
    day = _day(written[:8], _COMPACT)
    if day is None:
        return None
    if not _TIME.fullmatch(written, 8):
        raise ValueError("unreadable time")
    return datetime(day.year, day.month, day.day, int(written[8:10]), int(written[10:]), tzinfo=PARIS)


def boolean(value: Any) -> bool | None:
    """True, "true", 1, "O", "Oui" and their contraries."""
    return value if isinstance(value, bool) else code(_BOOLEANS, text(value).lower())


def sexe(value: Any) -> Sexe | None:
    """M, H, 1 and F, 2."""
    return code(_SEXES, text(value).upper())


def code(codes: Mapping[str, T], written: str) -> T | None:
    """The meaning of a code of a closed list."""
    if written and written not in codes:
        raise ValueError(UNKNOWN_CODE)
    return codes.get(written)


def niveau(value: Any) -> int | None:
    """Level of qualification, 3 to 8."""
    return code(_LEVELS, text(value))


def midnight(day: date) -> datetime:
    """The first instant of a day in Paris."""
    return datetime(day.year, day.month, day.day, tzinfo=PARIS)


def next_day(day: date | None) -> date | None:
    """From the last day worked to the first day off, which is the effective date of a rupture."""
    return day + timedelta(days=1) if day else None


def _normalised(read: Callable[[str], Any], lesser: Callable[[str], Any] = lambda _: None) -> BeforeValidator:
    """Reads with a function that returns None for what it cannot make valid, and counts what it repaired. What `lesser` reads is
    no such value, and no fault either."""

    def validate(value: Any, info: ValidationInfo) -> Any:
        written = text(value)
        if not written:
            return None
        own = read(written)
        if own is None and lesser(written) is None:
            raise ValueError("unreadable value")
        if kind := _repair(written, own):
            _count(info, kind)
        return own

    return BeforeValidator(validate)


def _repair(written: str, own: str | None) -> str | None:
    """The kind of repair that led from what was written to a normal form; None for another way of writing the same."""
    if own is None:
        return "valeur_moindre"
    if written == own:
        return None
    if len(own) == CODE_POSTAL_LENGTH - 1 and own.isdigit():
        return "zero_douteux"
    letters = len(_SIGNS.sub("", written))
    if own[0] == "0" and own.isalnum() and letters < len(own):
        return "zero_perdu"
    return "plusieurs_valeurs" if written.count("@") > 1 or (own.isdigit() and letters >= 2 * len(own) - 2) else None


def _count(info: ValidationInfo, kind: str) -> None:
    repairs: Counter[tuple[str, str]] | None = info.context
    if repairs is not None:
        repairs[kind, info.field_name or ""] += 1


def _shared(read: Callable[[str], str | None], lesser: Callable[[str], Any] = lambda _: None) -> BeforeValidator:
    """For values that many records share: read once. Never for a value of a person."""
    return _normalised(lru_cache(KNOWN)(read), lesser)


def _siren(value: Any) -> str | None:
    """The SIREN in a cell for a SIRET, which tells itself what cannot be read."""
    return normalise_siren(value if isinstance(value, str) else str(value or ""))


def _numero(value: Any) -> str | None:
    """A number of the registry as the registry writes it: in its usual form, or whatever else it says."""
    return normalise_numero_contrat(text(value)) or text(value) or None


def _or_none(value: Any) -> str | None:
    return text(value) or None


FrenchDate = Annotated[date, BeforeValidator(french_date)]
CompactDate = Annotated[date, BeforeValidator(compact_date)]
IsoDate = Annotated[date, BeforeValidator(iso_date)]
FrenchDay = Annotated[date | None, BeforeValidator(french_date)]
CompactDay = Annotated[date | None, BeforeValidator(compact_date)]
IsoDay = Annotated[date | None, BeforeValidator(iso_date)]
InstantParis = Annotated[datetime | None, BeforeValidator(instant_paris)]
InstantCompact = Annotated[datetime | None, BeforeValidator(instant_compact)]
Boolean = Annotated[bool | None, BeforeValidator(boolean)]
SexeValue = Annotated[Sexe | None, BeforeValidator(sexe)]
Level = Annotated[int | None, BeforeValidator(niveau)]
Telephone = Annotated[str | None, _normalised(normalise_telephone)]
Courriel = Annotated[str | None, _normalised(normalise_courriel)]
CodePostalValue = Annotated[CodePostal | None, _normalised(told_code_postal)]
SiretValue = Annotated[SIRET | None, _shared(normalise_siret, normalise_siren)]
SirenValue = Annotated[str | None, BeforeValidator(_siren)]
CodeInseeValue = Annotated[str | None, _normalised(normalise_code_insee)]
NumeroContrat = Annotated[str | None, _normalised(normalise_numero_contrat)]
NumeroRegistre = Annotated[str, BeforeValidator(_numero)]
UaiValue = Annotated[UAI | None, _shared(normalise_uai)]
Ine = Annotated[str | None, _normalised(normalise_ine)]
Rncp = Annotated[str | None, _shared(normalise_rncp)]
Cfd = Annotated[str | None, _shared(normalise_cfd)]
Naf = Annotated[str | None, _shared(normalise_naf)]
Text = Annotated[str | None, BeforeValidator(_or_none)]
Required = Annotated[str, BeforeValidator(_or_none)]
Listed = Annotated[tuple[T, ...], BeforeValidator(lambda value: () if value is None else value)]
