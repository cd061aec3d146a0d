"""Quotas of distinct persons read, and the verdict when one is crossed. Pure; knows no store."""

from dataclasses import dataclass
from datetime import date

MARGIN = 1.2  # of a population: people come and go within a window (docs/exploitation.md, Plafonds)


@dataclass(frozen=True, slots=True)
class Quota:
    """A quota and its window, both days included.

    `scope`: "COMPTE" or "ORGANISATION". `limit`, in persons; None: MARGIN times the largest population seen in the window.
    `alert_share`: the part of the limit from which the operator is told.
    """

    scope: str
    who: str
    depuis: date
    jusqua: date
    limit: int | None
    alert_share: float


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
    persons: int  # read in the window
    limit: int
    arret: bool


def judge(quota: Quota, before: int, new: int, limit: int) -> list[QuotaCrossed]:
    """What reading `new` more persons crosses, when `before` were read in the window: nothing, the alert, or the limit."""
    after = before + new
    if after > limit:
        return [QuotaCrossed(quota.scope, quota.who, before, limit, arret=True)]
    if before < quota.alert_share * limit <= after:
        return [QuotaCrossed(quota.scope, quota.who, after, limit, arret=False)]
    return []
