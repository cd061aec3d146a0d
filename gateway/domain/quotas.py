"""How many distinct persons may be read, by whom, since when; and what crossing that means. Pure, knows no store."""

from dataclasses import dataclass
from datetime import date

MARGIN = 1.2  # of a population: people come and go within a window (docs/exploitation.md, Plafonds)


@dataclass(frozen=True, slots=True)
class Quota:
    """A quota and its window, both days included.

    `scope`: "COMPTE" or "ORGANISATION". `limit` None: a margin over the population, the largest seen in the window.
    `alert_share`: the part of the limit that is told to the operator when it is crossed.
    """

    scope: str
    who: str
    depuis: date
    jusqua: date
    limit: int | None
    alert_share: float


@dataclass(frozen=True, slots=True)
class CountUnder:
    """Under which quotas the persons of an answer are counted; `population`: how many the perimeter has, just now."""

    caps: tuple[Quota, ...]
    perimetre: str
    population: int


@dataclass(frozen=True, slots=True)
class QuotaCrossed:
    """A quota whose alert was crossed, or which refuses the answer (`arret`)."""

    scope: str
    who: str
    rows_read: int
    limit: int
    arret: bool


def judge(cap: Quota, before: int, new: int, anchor: int) -> list[QuotaCrossed]:
    """What reading some more persons crosses, when `before` were read in the window: nothing, the alert, or the limit."""
    after = before + new
    if after > anchor:
        return [QuotaCrossed(cap.scope, cap.who, before, anchor, arret=True)]
    if before < cap.alert_share * anchor <= after:
        return [QuotaCrossed(cap.scope, cap.who, after, anchor, arret=False)]
    return []
