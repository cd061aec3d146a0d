"""What systems write where they know nothing of somebody: names, days, numbers and addresses that designate nobody
(`postiches.toml`; docs/domaine.md, "Identité"). Pure; knows no record and no source.

All of it is said of one value alone: whether a value is a placeholder never depends on what else is read.
"""

import re
import tomllib
from datetime import date
from functools import lru_cache
from itertools import product
from pathlib import Path

_READ = tomllib.loads((Path(__file__).parent / "postiches.toml").read_text(encoding="utf-8"))
_WORDS = frozenset(str(_READ["noms"]).split())
_TOKENS = frozenset(str(_READ["courriels"]).split())
_ONE_LETTER = re.compile(r"([A-Z])\1+")  # XX, ZZZ
NOBODY_BEFORE = 1920  # nobody born before is an apprentice
_DAYS = frozenset(_READ["jours"])


def _runs() -> frozenset[str]:
    """Numbers that a finger makes: one digit, one pair, digits in order."""
    last_digits = ["12345678", "23456789", "98765432", "87654321", *(digit * 8 for digit in "0123456789")]
    typed = {f"0{kind}{last}" for kind, last in product("1234567", last_digits)}
    return frozenset(typed | {f"0{digit}" * 5 for digit in "1234567"} | {"0102030405", "0123456789"})


_NUMBERS = _runs()


@lru_cache(maxsize=65_536)
def is_placeholder_name(words: tuple[str, ...]) -> bool:
    """Whether all the words of a name (`identifiers.words`) stand in the place of a name: INCONNU, TEST, XXX."""
    in_order = "".join(words)
    return in_order in _WORDS or (bool(words) and all(word in _WORDS or _ONE_LETTER.fullmatch(word) for word in words))


def is_placeholder_birth(day: date) -> bool:
    """1900-01-01 and what other systems take for an empty day."""
    return day.year < NOBODY_BEFORE or day in _DAYS


def is_placeholder_number(telephone: str) -> bool:
    """A number of ten digits that was typed to fill a field: 0600000000, 0606060606, 0612345678."""
    return telephone in _NUMBERS


def is_role_address(courriel: str) -> bool:
    """An address that is a desk's, or nobody's: accueil@, secretariat.cfa@, aucun@."""
    local = courriel.partition("@")[0].rstrip("0123456789")
    return not _TOKENS.isdisjoint(local.replace("-", ".").replace("_", ".").split("."))
