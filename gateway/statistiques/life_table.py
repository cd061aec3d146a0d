"""How many had left after so long, of cohorts that were not all watched to the end (a life table). Pure; knows no noun.

Somebody who began last month cannot have broken a contract of six months yet: to divide the ruptures known by the contracts
begun tells a third of the truth. Each interval is judged by the cohorts that went through it whole, and the intervals are
chained (docs/statistiques.md, Cohortes). On cohorts that were all watched to the end, it is the plain ratio, exactly.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

HALF = 0.5


@dataclass(frozen=True, slots=True)
class Cohort:
    """Units that began together. `age`: how long its youngest was watched, in the unit of the bounds; `events`: how many
    happened since the previous bound, by bound; `other_ends`: how many left otherwise, by bound."""

    age: int
    starts: float
    events: Mapping[int, float]
    other_ends: Mapping[int, float] = field(default_factory=dict)

    def left_before(self, bounds: Sequence[int]) -> float:
        return sum(self.events.get(bound, 0) + self.other_ends.get(bound, 0) for bound in bounds)


def incidence(cohorts: Sequence[Cohort], bounds: Sequence[int]) -> dict[int, float]:
    """The share of those who began to whom the event happened before each bound; a bound that no cohort reached is absent."""
    staying, share, curve = 1.0, 0.0, dict[int, float]()
    for rank, bound in enumerate(bounds):
        seen = [cohort for cohort in cohorts if cohort.age >= bound]
        at_risk = sum(cohort.starts - cohort.left_before(bounds[:rank]) for cohort in seen)
        if at_risk <= 0:
            break
        events = sum(cohort.events.get(bound, 0) for cohort in seen)
        other_ends = sum(cohort.other_ends.get(bound, 0) for cohort in seen)
        share += staying * events / at_risk
        staying *= 1 - (events + other_ends) / at_risk
        curve[bound] = share
    return curve


def median(curve: Mapping[int, float]) -> float | None:
    """When half had had the event, drawn straight between two bounds; None where half is not reached."""
    before, told = 0, 0.0
    for bound, share in curve.items():
        if share >= HALF:
            return before + (bound - before) * (HALF - told) / (share - told)
        before, told = bound, share
    return None


def quantile(bins: Sequence[tuple[float, float, float]], share: float) -> float | None:
    """The value under which this share of the units lies, of bins (from, to, units) evenly filled; bins may overlap, and the
    last may be open (`to` infinite). None without unit, or where it lies in an open bin."""
    wanted = share * sum(units for _, _, units in bins)
    edges = sorted({edge for low, high, _ in bins for edge in (low, high) if edge != float("inf")})
    if not wanted:
        return None
    before, below = edges[0], 0.0
    for edge in edges:
        under = sum(units * min(1.0, max(0.0, (edge - low) / (high - low))) for low, high, units in bins)
        if under >= wanted:
            return edge if under == below else before + (edge - before) * (wanted - below) / (under - below)
        before, below = edge, under
    return None
