"""Quotas of distinct persons read, and the verdict when one is crossed. Pure; knows no store."""

from dataclasses import dataclass
from datetime import date

HALF, WHOLE = 1 << 63, 1 << 64
MARGIN = 1.2  # of a population: people come and go within a window (docs/exploitation.md, Plafonds)


@dataclass(frozen=True, slots=True)
class Account:
    """Who reads: a client, and the person or program that acts through it. Counters hold their codes, which are
    pseudonyms; the names are for the operator."""

    client: str
    agent: str
    client_code: str
    code: str


@dataclass(frozen=True, slots=True)
class Quota:
    """A quota and its window, both days included.

    `scope`: "COMPTE", "ORGANISATION", "CLIENT" or "AGENTS". `limit`, in persons; None: MARGIN times the largest population
    seen in the window. `alert_share`: the part of the limit from which the operator is told, of `name`, else of `who`.
    `counted`: what is counted, where it is not the persons shown.
    """

    scope: str
    who: str
    depuis: date
    jusqua: date
    limit: int | None
    alert_share: float
    name: str = ""
    counted: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class CountUnder:
    """The quotas under which the persons of an answer are counted; `population`: how many the perimeter has, just now."""

    caps: tuple[Quota, ...]
    perimetre: str
    population: int


@dataclass(frozen=True, slots=True)
class QuotaCrossed:
    """A quota whose alert was crossed, or which refuses the answer (`arret`)."""

    scope: str
    who: str
    persons: int  # read in the window; agents, of AGENTS
    limit: int
    arret: bool


def judge(quota: Quota, before: int, new: int, limit: int) -> list[QuotaCrossed]:
    """What reading `new` more persons crosses, when `before` were read in the window: nothing, the alert, or the limit."""
    after = before + new
    if after > limit:
        return [QuotaCrossed(quota.scope, quota.name or quota.who, before, limit, arret=True)]
    if before < quota.alert_share * limit <= after:
        return [QuotaCrossed(quota.scope, quota.name or quota.who, after, limit, arret=False)]
    return []


def number_of(code: str) -> int:
    """A code of an account as counters number what they count: its first 64 bits, signed as SQL wants them."""
    return (int(code[:16], 16) + HALF) % WHOLE - HALF
