"""How the v3 contract reads a value that an ERP sent (docs/reception.md): normal form, or why it is refused. Pure.

Texts of refusals are those that ERPs' supports know from the service that this contract comes from. A reader is given what
JSON held, never null; it returns None for what the contract reads as absent, and raises Refused.
"""

import re
from collections.abc import Callable, Collection
from datetime import date, datetime
from typing import Any

from gateway.domain.days import day_meant

Reader = Callable[[Any], Any]
TEXT, NUMBER, BOOLEAN = "String attendu", "Number attendu", "Boolean attendu"
MISSING_DAY, WRONG_DAY = "Champ obligatoire", "Date invalide"
FORM = "Format invalide"
UNREADABLE = "Valeur illisible : caractère coupé, octets hors UTF-8, ou nombre hors de toute borne"
SCHOOL_YEAR = f"{FORM} : deux années qui se suivent, ou une seule écrite deux fois (2031-2032, 2031-2031)"
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
_INSTANT = re.compile(
    r"\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}(?::\d{2}(?:\.\d{1,9})?)?(?:Z|[+-]\d{2}:?\d{2})?", re.ASCII | re.IGNORECASE
)
_MAILBOX = re.compile(r"[\w'+.-]*[\w+-]", re.ASCII)
_LABEL, _LAST_LABEL = re.compile(r"[A-Za-z\d][A-Za-z\d-]*", re.ASCII), re.compile(r"[A-Za-z]{2,}", re.ASCII)
_YEARS = re.compile(r"([12]\d{3})-([12]\d{3})", re.ASCII)
_POSTAL = re.compile(r"\d{5}", re.ASCII)
_SIRET = re.compile(r"\d{14}", re.ASCII)
_LEADING_INTEGER = re.compile(r"\s*([+-]?\d{1,9})(?!\d)", re.ASCII)  # no code is longer


class Unreadable(str):
    """What stands, as it was sent, for a value that JSON allows and that nobody can read: it is of no field."""


class Refused(ValueError):
    """A value that the contract does not read. The text is for the ERP, and holds nothing of the value."""


def written(value: Any) -> str:
    """A number or a boolean as the text that JavaScript makes of it."""
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value)
    if isinstance(value, float):
        return str(int(value)) if value.is_integer() else str(value)
    return "[object Object]"


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise Refused(TEXT)
    return value


def string(value: Any) -> str:
    """A text as it is."""
    return _text(value)


def words(minimum: int = 0, upper: bool = False) -> Reader:
    """A text without the blanks around it, of so many characters at least."""

    def read(value: Any) -> str:
        text = _text(value).strip()
        if len(text) < minimum:
            raise Refused(f"{minimum} caractère(s) au moins")
        return text.upper() if upper else text

    return read


def identifier(value: Any) -> str:
    """The key of a dossier in its ERP: a number is a text. Nothing at all designates nobody."""
    if not isinstance(value, str | int | float) or isinstance(value, bool):
        raise Refused(TEXT)
    text = written(value).strip()
    if not text:
        raise Refused(MISSING_DAY)
    return text


def text_of(value: Any) -> str:
    """A text, whatever JSON held."""
    return written(value)


def national_id(value: Any) -> str:
    """An INE, of whatever form."""
    return (_text(value) if not value else written(value)).strip().upper()


def matching(pattern: str, message: str, *, blanks: str = "", upper: bool = False, trimmed: bool = True) -> Reader:
    """A text of a form, once the characters `blanks` are left out; a number is a text where some are."""
    form, left_out = re.compile(pattern, re.ASCII), re.compile(f"[{blanks}]+") if blanks else None

    def read(value: Any) -> str:
        text = left_out.sub("", written(value)) if left_out and value else _text(value)
        text = text.strip() if trimmed else text
        if not form.fullmatch(text):
            raise Refused(message)
        return text.upper() if upper else text

    return read


def as_text(pattern: str, message: str, *, upper: bool = False) -> Reader:
    """A text or a number, of a form."""
    form = re.compile(pattern, re.ASCII)

    def read(value: Any) -> str:
        text = written(value).strip() if upper else written(value)
        text = text.upper() if upper else text
        if not form.fullmatch(text):
            raise Refused(message)
        return text

    return read


def rncp(value: Any) -> str:
    """RNCP35316, whose letters may lack."""
    code = re.sub(r"[\s.-]+", "", written(value).strip().upper())
    code = code if code.startswith("RNCP") else f"RNCP{code}"
    if not re.fullmatch(r"RNCP\d{2,5}", code, re.ASCII):
        raise Refused("Code RNCP invalide")
    return code


def postal_code(value: Any) -> str:
    """Five digits; a lost zero is given back."""
    code = written(value).strip().rjust(5, "0") if value else _text(value)
    if not _POSTAL.fullmatch(code):
        raise Refused("Code postal invalide : cinq chiffres attendus")
    return code


def postal_code_or_none(value: Any) -> str | None:
    """The same; what cannot be read is silently absent."""
    code = written(value).strip().rjust(5, "0") if value != "" else ""
    return code if _POSTAL.fullmatch(code) else None


def siret_or_none(value: Any) -> str | None:
    """Fourteen digits; what cannot be read is silently absent."""
    code = re.sub(r"[\s.-]+", "", written(value))
    return code if _SIRET.fullmatch(code) else None


def insee(value: Any) -> str:
    """Code of a commune."""
    code = written(value) if value else _text(value)
    if not re.fullmatch(r"(?:\d{2}|2A|2B)\d{3}", code, re.ASCII):
        raise Refused(FORM)
    return code


def school_year(value: Any) -> str:
    """2023-2024, or one calendar year twice; written with a slash too."""
    text = written(value).replace("/", "-").replace(" ", "").strip() if value else _text(value)
    found = _YEARS.fullmatch(text)
    if not found or int(found[2]) - int(found[1]) not in (0, 1):
        raise Refused(SCHOOL_YEAR)
    return text


def day(value: Any) -> date:
    """A day, sent as such or as an instant (docs/domaine.md, Jours et instants). One that does not exist is refused."""
    text = value.strip() if isinstance(value, str) else ""
    try:
        if _DAY.fullmatch(text):
            return date.fromisoformat(text)
        if _INSTANT.fullmatch(text):
            return day_meant(datetime.fromisoformat(text.upper()))
    except (ValueError, OverflowError):
        pass
    raise Refused(WRONG_DAY)


def _number(value: Any) -> float | None:
    """What JavaScript's Number() makes of it; None: not a number."""
    try:
        return float(value) if isinstance(value, str | int | float) else None
    except (ValueError, OverflowError):
        return None


def between(first: int, last: int) -> Reader:
    """A whole number, or its text."""

    def read(value: Any) -> int:
        number = None if value == "" else _number(value)
        if number is None or not number.is_integer():
            raise Refused(NUMBER)
        if not first <= number <= last:
            raise Refused(f"Nombre de {first} à {last} attendu")
        return int(number)

    return read


def between_or_none(first: int, last: int) -> Reader:
    """The same; what cannot be read is silently absent."""
    read = between(first, last)

    def read_or_none(value: Any) -> int | None:
        try:
            return int(read(value))
        except Refused:
            return None

    return read_or_none


def one_of(codes: Collection[int], message: str) -> Reader:
    """A code, or a text that begins with one."""

    def read(value: Any) -> int:
        found = _LEADING_INTEGER.match(value) if isinstance(value, str) else None
        number = int(found[1]) if found else value
        if isinstance(number, bool) or not isinstance(number, int | float) or number not in codes:
            raise Refused(message)
        return int(number)

    return read


def situation(codes: Collection[int]) -> Reader:
    """The situation of the year before; 0 is absent."""
    read = one_of({0, *codes}, FORM)
    return lambda value: read(value) or None


def padded(codes: Collection[str]) -> Reader:
    """A code of two digits, whose zero may be lost."""

    def read(value: Any) -> str:
        code = written(value).rjust(2, "0") if isinstance(value, str | int) and not isinstance(value, bool) else ""
        if code not in codes:
            raise Refused(FORM)
        return code

    return read


def boolean(value: Any) -> bool:
    if not isinstance(value, bool):
        raise Refused(BOOLEAN)
    return value


def sex(value: Any) -> str:
    """M or F; H, 1 and 2 are read."""
    text = written(value).strip() if isinstance(value, str | int) and not isinstance(value, bool) else ""
    code = text.replace("H", "M", 1).replace("1", "M", 1).replace("2", "F", 1)
    if code not in ("M", "F"):
        raise Refused("M, H ou F attendu")
    return code


def email(value: Any) -> str:
    text = _text(value).strip()
    mailbox, _, domain = text.rpartition("@")
    *labels, last = domain.split(".")
    dotted = mailbox.startswith(".") or ".." in mailbox
    named = bool(labels) and all(map(_LABEL.fullmatch, labels)) and _LAST_LABEL.fullmatch(last)
    if dotted or not named or not _MAILBOX.fullmatch(mailbox):
        raise Refused("Email non valide")
    return text


def plain_email(value: Any) -> str:
    """The same, blanks around it refused."""
    if _text(value) != value.strip():
        raise Refused("Email non valide")
    return email(value)
