"""The rule of quotas: distinct persons read in a window, and the verdict when one is crossed. Pure; knows no store."""

from dataclasses import dataclass
from datetime import date

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
