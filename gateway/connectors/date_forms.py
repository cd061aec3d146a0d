"""Days and instants in the form that a partner writes: JJ/MM/AAAA, AAAAMMJJ, AAAA-MM-JJ… Empty is absent; what is filled and is
not of the form raises ValueError."""

import re
from collections.abc import Callable
from datetime import date, datetime, time
from functools import lru_cache
from typing import Any

from gateway.connectors.values import YEAR_MAX, YEAR_MIN, instant_paris, iso_date, text
from gateway.domain.days import PARIS

ISO_FORM = "AAAA-MM-JJ"
_PARTS = {"AAAA": r"(?P<a>\d{4})", "MM": r"(?P<m>\d{1,2})", "JJ": r"(?P<j>\d{1,2})"}
_SEPARATED = re.compile(r"(AAAA|MM|JJ)([/.\- ]?)(AAAA|MM|JJ)([/.\- ]?)(AAAA|MM|JJ)")
_TIME = r"(?:[ T](?P<h>\d{1,2}):(?P<mn>\d\d)(?::(?P<s>\d\d))?)?"
_EMPTY = "0/.- :T"
FORMS = 64


def check_form(form: str) -> str:
    """The form, if it is one. Raises ValueError, in French."""
    found = _SEPARATED.fullmatch(form)
    if not found or {found[1], found[3], found[5]} != set(_PARTS):
        raise ValueError(f"« {form} » n'est pas une forme de date : JJ/MM/AAAA, AAAA-MM-JJ, AAAAMMJJ…")
    return form


@lru_cache(FORMS)
def _pattern(form: str) -> re.Pattern[str]:
    found = _SEPARATED.fullmatch(form)
    if not found:
        raise ValueError("no form of a date")
    parts = [_PARTS[part] if part in _PARTS else re.escape(part) for part in found.groups()]
    written = "".join(parts)
    if not found[2]:  # nothing between: each part has all its digits
        written = written.replace(r"\d{1,2}", r"\d{2}")
    return re.compile(written + _TIME, re.ASCII)


def _instant(value: Any, form: str) -> datetime | None:
    written = text(value)
    if not written.strip(_EMPTY):
        return None
    found = _pattern(form).fullmatch(written)
    if found is None or not YEAR_MIN <= int(found["a"]) <= YEAR_MAX:
        raise ValueError("unreadable date")
    hour, minute, second = (int(found[part] or 0) for part in ("h", "mn", "s"))
    return datetime.combine(date(*(int(found[part]) for part in "amj")), time(hour, minute, second), PARIS)


def day_reader(form: str) -> Callable[[Any], date | None]:
    """Reads a day of that form; of a time behind it, midnight alone is the same day whatever the zone."""
    if form == ISO_FORM:
        return iso_date

    def read(value: Any) -> date | None:
        instant = _instant(value, form)
        if instant and instant.time() != time():
            raise ValueError("a time that is not of a day")
        return instant.date() if instant else None

    return read


def instant_reader(form: str) -> Callable[[Any], datetime | None]:
    """Reads an instant whose day is of that form, in the time of Paris; a day alone is its midnight."""
    return instant_paris if form == ISO_FORM else lambda value: _instant(value, form)
