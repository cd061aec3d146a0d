"""What tells nobody from another (docs/domaine.md, "Identité"). Pure; knows no record and no source.

Values that systems write where they know nothing of somebody: names, days, numbers and addresses that designate nobody
(`postiches.toml`). This is said of one value alone: whether it is a placeholder never depends on what else is read.

What an installation gives for several of its people (`collective`). This is found among *all* the records of that installation,
so that it is a fact of it, whoever asks and whatever else is read.
"""

import re
import tomllib
from collections import Counter, defaultdict
from collections.abc import Hashable, Iterable
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from itertools import product
from pathlib import Path

_READ = tomllib.loads((Path(__file__).parent / "postiches.toml").read_text(encoding="utf-8"))
_WORDS = frozenset(str(_READ["noms"]).split())
_TOKENS = frozenset(str(_READ["courriels"]).split())
_ONE_LETTER = re.compile(r"([A-Z])\1+")  # XX, ZZZ
NOBODY_BEFORE = 1920  # nobody born before is an apprentice
SEVERAL = 3  # records of one installation: two may be one person, typed twice
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


@dataclass(frozen=True, slots=True)
class Collective:
    """Contacts of a school, a home or a family; identities under which an installation files whoever it does not know."""

    contacts: frozenset[str] = frozenset()
    identities: frozenset[Hashable] = frozenset()


def collective(people: Iterable[tuple[Hashable, str, tuple[str | None, ...]]]) -> Collective:
    """Of the records of one installation, each as the identity that it tells, its first name, and its contacts."""
    told, prenoms = list(people), defaultdict[str, list[str]](list)
    identities = Counter(identity for identity, _, _ in told)
    for _, prenom, contacts in told:
        for contact in filter(None, contacts):
            prenoms[contact].append(prenom)
    # Of two first names, two persons: brothers, whom their parents' telephone tells not apart.
    shared = (contact for contact, of in prenoms.items() if len(of) >= SEVERAL or len(set(of)) > 1)
    repeated = (identity for identity, number in identities.items() if number >= SEVERAL)
    return Collective(frozenset(shared), frozenset(repeated))
