"""Days and instants in the form that a partner writes: JJ/MM/AAAA, AAAAMMJJ, AAAA-MM-JJ… in the time of Paris, or in universal
time where the form ends by Z; or as a number since 1970. Empty is absent; what is filled and is not of the form raises
ValueError."""

import re
from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from typing import Any

from gateway.connectors.values import YEAR_MAX, YEAR_MIN, instant_in, instant_paris, iso_date, text
from gateway.domain.days import PARIS, day_meant

ISO_FORM = "AAAA-MM-JJ"
_PARTS = {"AAAA": r"(?P<a>\d{4})", "MM": r"(?P<m>\d{1,2})", "JJ": r"(?P<j>\d{1,2})"}
_SEPARATED = re.compile(r"(AAAA|MM|JJ)([/.\- ]?)(AAAA|MM|JJ)([/.\- ]?)(AAAA|MM|JJ)")
_TIME = r"(?:[ T](?P<h>\d{1,2})[:h]?(?P<mn>\d\d)(?::?(?P<s>\d\d))?)?"
_EMPTY = "0/.- :T"
FORMS = 64
EPOCH, UNIVERSAL = "secondes", "Z"
_SINCE_1970 = {
    EPOCH: (1, re.compile(r"-?\d{1,11}", re.ASCII)),
    "millisecondes": (1000, re.compile(r"-?\d{1,14}", re.ASCII)),
}
_WRITTEN = {"AAAA": "%Y", "MM": "%m", "JJ": "%d", "hh": "%H", "mm": "%M", "ss": "%S"}
_NAMES = re.compile("|".join(_WRITTEN))
_BETWEEN = "/.- :TZ"


def check_form(form: str) -> str:
    """The form, if it is one. Raises ValueError, in French."""
    found = _SEPARATED.fullmatch(form.removesuffix(UNIVERSAL))
    if form in _SINCE_1970 or (found and {found[1], found[3], found[5]} == set(_PARTS)):
        return form
    raise ValueError(f"« {form} » n'est pas une forme de date : JJ/MM/AAAA, AAAA-MM-JJ, AAAAMMJJ, secondes…")


@lru_cache(FORMS)
def _pattern(form: str) -> re.Pattern[str]:
    found = _SEPARATED.fullmatch(form.removesuffix(UNIVERSAL))
    if not found:
        raise ValueError("no form of a date")
    parts = [_PARTS[part] if part in _PARTS else re.escape(part) for part in found.groups()]
    written = "".join(parts)
    if not found[2]:  # nothing between: each part has all its digits
        return re.compile(written.replace(r"\d{1,2}", r"\d{2}") + _TIME.replace("[ T]", "[ T]?"), re.ASCII)
    return re.compile(written + _TIME, re.ASCII)


def _instant(value: Any, form: str) -> datetime | None:
    written = text(value)
    if not written.strip(_EMPTY):
        return None
    instant = _counted(written, form) if form in _SINCE_1970 else _spelled(written, form)
    if not YEAR_MIN <= instant.year <= YEAR_MAX:
        raise ValueError("unlikely year")
    return instant


def _counted(written: str, form: str) -> datetime:
    unit, pattern = _SINCE_1970[form]
    if not pattern.fullmatch(written):
        raise ValueError("unreadable date")
    return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=int(written) / unit)


def _spelled(written: str, form: str) -> datetime:
    found = _pattern(form).fullmatch(written)
    if found is None:
        raise ValueError("unreadable date")
    hour, minute, second = (int(found[part] or 0) for part in ("h", "mn", "s"))
    zone = UTC if form.endswith(UNIVERSAL) else PARIS
    return datetime.combine(date(*(int(found[part]) for part in "amj")), time(hour, minute, second), zone)


def check_instant_form(form: str) -> str:
    """The form of an instant that is written, if it is one. Raises ValueError, in French."""
    names = _NAMES.findall(form)
    rest = _NAMES.sub("", form)
    if form == EPOCH or (set(names) >= set(_PARTS) and len(set(names)) == len(names) and not rest.strip(_BETWEEN)):
        return form
    raise ValueError(f"« {form} » n'est pas une forme d'instant : AAAA-MM-JJThh:mm:ssZ, AAAAMMJJhhmm, secondes…")


def written_instant(instant: datetime, form: str) -> str:
    """The instant as a partner reads it: in UTC where the form ends by Z, else in the time of Paris; EPOCH, its seconds."""
    if form == EPOCH:
        return str(int(instant.timestamp()))
    local = instant.astimezone(UTC if form.endswith("Z") else PARIS)
    return _NAMES.sub(lambda found: local.strftime(_WRITTEN[found[0]]), form)


def day_reader(form: str) -> Callable[[Any], date | None]:
    """Reads a day of that form. Of a time behind it, midnight alone is the same day whatever the zone; in universal time, the day
    meant is known (docs/domaine.md, Jours et instants)."""
    if form.removesuffix(UNIVERSAL) == ISO_FORM:
        return iso_date

    def read(value: Any) -> date | None:
        instant = _instant(value, form)
        if instant and instant.tzinfo is UTC:
            return day_meant(instant)
        if instant and instant.time() != time():
            raise ValueError("a time that is not of a day")
        return instant.date() if instant else None

    return read


def instant_reader(form: str) -> Callable[[Any], datetime | None]:
    """Reads an instant whose day is of that form; a day alone is its midnight. An offset that ISO 8601 tells is believed."""
    if form == ISO_FORM:
        return instant_paris
    if form == ISO_FORM + UNIVERSAL:
        return lambda value: instant_in(value, UTC)
    return lambda value: _instant(value, form)
