"""An example of a partner with nobody in it: each text, number and date is replaced by another of the same form before anything
is kept. One value is replaced alike everywhere, so that what joined joins still. Keys stay; so do codes: one character, two that
are not both letters and, under a key that says so, a type, a sex, a code of two letters. Anywhere else two letters may be a
name.

What is recognised keeps its validity: days, phones (of those reserved for fiction), e-mails, SIRET, UAI, numbers of contracts.
"""

import csv
import io
import random
import re
import string
from collections import defaultdict
from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

from gateway.connectors.values import YEAR_MAX, YEAR_MIN
from gateway.domain.official_numbers import is_valid_siret, is_valid_uai

SHORT = 2
EMPTY = "0/-.: "  # a day that is not told
_TYPE = re.compile(r"@?(type|nature|kind|sexe|genre|gender|civ|civilite)", re.IGNORECASE)
_CODE = re.compile(r"\w{1,16}")
_CODED = re.compile(r"code|statut|status|etat|state|situation|motif|niveau", re.IGNORECASE)
_REFERENCE = re.compile(r"(?P<prefix>RNCP|RS)\d{3,6}", re.IGNORECASE)  # of a formation: its prefix says what it is
_DAYS = (
    re.compile(r"(?P<a>\d{4})[-/.](?P<m>\d\d)[-/.](?P<j>\d\d)(?P<rest>T.*| .*|)"),
    re.compile(r"(?P<j>\d\d)[-/.](?P<m>\d\d)[-/.](?P<a>\d{4})(?P<rest> .*|)"),
    re.compile(r"(?P<a>\d{4})(?P<m>\d\d)(?P<j>\d\d)(?P<rest>[ T]?\d{4}(?:\d\d)?|)"),
)
# By unit of a second: what a number between 1973 and 2065 is of seconds or of thousandths since 1970.
_SINCE_1970 = {1: range(10**8, 3 * 10**9), 1000: range(10**11, 3 * 10**12)}
_PHONE = re.compile(r"(?:\+33|0)[ .]?[1-9](?:[ .-]?\d\d){4}")
_CONTRACT = re.compile(r"\d{3}(20\d\d(?:0[1-9]|1[0-2]))\d{5,6}")
_XML = re.compile(
    r"(?P<skipped><!--.*?-->|<\?.*?\?>)|<!\[CDATA\[(?P<cdata>.*?)\]\]>|(?P<tag><[^>]*>)|(?P<text>[^<]+)", re.DOTALL
)
_ATTRIBUTE = re.compile(r"""(?P<name>[\w:.-]+)(?P<equals>\s*=\s*)(?P<quote>["'])(?P<value>.*?)(?P=quote)""", re.DOTALL)
_ENTITY = re.compile(r"&[#\w]+;")
_ELEMENT = re.compile(r"<(?:[\w.-]+:)?([\w.-]+)")


class Fiction:
    """Replaces values, one alike everywhere. `seed`: what draws them; nothing of the values can be found again without it."""

    def __init__(self, draws: random.Random) -> None:
        self._draws, self._known = draws, dict[str, str]()
        self._shift = timedelta(days=7 * draws.randint(-60, -20))
        self._element = ""  # of the XML, that was last opened

    def text(self, value: str, key: str = "") -> str:
        """Another text of the same form; a code, as it is. `key`: under which it is told."""
        core = value.strip()
        if _is_code(key, core):
            return value
        if core not in self._known:
            self._known[core] = self._made(core)
        return value.replace(core, self._known[core], 1)

    def _made(self, core: str) -> str:
        if not core.strip(EMPTY):
            return core
        makers = (self._day, self._phone, self._address, self._number_of_registry)
        return next((made for made in (make(core) for make in makers) if made is not None), None) or self._letters(core)

    def _day(self, core: str) -> str | None:
        found = next((found for pattern in _DAYS if (found := pattern.fullmatch(core))), None)
        return self._moved(found) if found else None

    def _address(self, core: str) -> str | None:
        if "@" in core:
            return f"{self._letters(core.partition('@')[0])}@exemple.invalid"
        return "https://exemple.invalid/" if core.startswith(("http://", "https://")) else None

    def _number_of_registry(self, core: str) -> str | None:
        """A SIRET, a UAI, the number of a contract, whose month stays, or of a formation."""
        if found := _REFERENCE.fullmatch(core):
            return found["prefix"] + self._letters(core[found.end("prefix") :])
        if found := _CONTRACT.fullmatch(core):
            return core[0] + self._letters(core[1:3]) + found[1] + self._letters(core[9:])
        rule = next((rule for rule in (is_valid_uai, is_valid_siret) if rule(core)), None)
        return self._until(rule, lambda: self._letters(core)) if rule else None

    def _until(self, is_valid: Callable[[str], bool], make: Callable[[], str]) -> str:
        while not is_valid(made := make()):
            pass
        return made

    def _moved(self, found: re.Match[str]) -> str | None:
        """The day, moved by as much as all the others: who was older stays so."""
        try:
            day = date(int(found["a"]), int(found["m"]), int(found["j"]))
        except ValueError:
            return None
        if not YEAR_MIN <= day.year <= YEAR_MAX:
            return None
        own = day + self._shift
        told = {"a": f"{own.year:04}", "m": f"{own.month:02}", "j": f"{own.day:02}", "rest": found["rest"]}
        written = list(found.string)
        for name, value in told.items():
            written[found.start(name) : found.end(name)] = list(value)
        return "".join(written)

    def _phone(self, core: str) -> str | None:
        if not _PHONE.fullmatch(core):
            return None
        digits = iter(("33" if core.startswith("+") else "0") + f"63998{self._draws.randint(0, 9999):04}")
        return "".join(next(digits) if one.isdigit() else one for one in core)

    def _letters(self, core: str) -> str:
        return "".join(map(self._letter, core))

    def _letter(self, one: str) -> str:
        if one.isdigit():
            return self._draws.choice(string.digits[1:])
        if one.isalpha():
            made = self._draws.choice(string.ascii_lowercase)
            return made.upper() if one.isupper() else made
        return one

    def document(self, value: Any, key: str = "") -> Any:
        """A document of JSON with the same keys. `key`: under which it is told."""
        if isinstance(value, str):
            return self.text(value, key)
        if isinstance(value, dict):
            return {own: self.document(inside, own) for own, inside in value.items()}
        if isinstance(value, list):
            return [self.document(inside, key) for inside in value]
        if isinstance(value, bool) or value is None:
            return value
        return self._number(value)

    def _number(self, value: float) -> float:
        unit = next(
            (unit for unit, instants in _SINCE_1970.items() if isinstance(value, int) and value in instants), None
        )
        if unit is not None:  # an instant, moved as the days are
            return value + int(self._shift.total_seconds()) * unit
        made = self.text(str(abs(value)))
        try:
            return type(value)(made) * (-1 if value < 0 else 1)
        except ValueError:
            return value if abs(value) < 10**SHORT else 0

    def csv(self, text: str, separator: str) -> str:
        """A CSV with the same header."""
        header, *rows = csv.reader(io.StringIO(text, newline=""), delimiter=separator)
        output = io.StringIO(newline="")
        writer = csv.writer(output, delimiter=separator, lineterminator="\r\n")
        keys = defaultdict(str, enumerate(header))
        writer.writerows([header, *([self.text(cell, keys[rank]) for rank, cell in enumerate(row)] for row in rows)])
        return output.getvalue()

    def xml(self, text: str) -> str:
        """An XML with the same elements and attributes, without its comments."""
        return _XML.sub(self._xml_part, text)

    def _xml_part(self, found: re.Match[str]) -> str:
        if found["skipped"] is not None:
            return found["skipped"] if found["skipped"].startswith("<?xml") else ""
        if found["cdata"] is not None:
            return f"<![CDATA[{self.text(found['cdata'], self._element)}]]>"
        if found["tag"] is not None:
            self._element = opened[1] if (opened := _ELEMENT.match(found["tag"])) else self._element
            return _ATTRIBUTE.sub(self._attribute, found["tag"])
        return self.text(_ENTITY.sub("x", found["text"]), self._element)

    def _attribute(self, found: re.Match[str]) -> str:
        is_space = found["name"].startswith("xmlns")
        value = found["value"] if is_space else self.text(_ENTITY.sub("x", found["value"]), found["name"])
        return f"{found['name']}{found['equals']}{found['quote']}{value}{found['quote']}"


def _is_code(key: str, core: str) -> bool:
    """Whether a value is a code, by its form or by its key: a list is read by it, and it tells nobody."""
    if len(core) < SHORT or (len(core) == SHORT and not core.isalpha()):
        return True
    says_so = _TYPE.fullmatch(key) or (len(core) == SHORT and _CODED.search(key))
    return bool(says_so and _CODE.fullmatch(core))
