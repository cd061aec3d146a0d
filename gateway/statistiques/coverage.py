"""Of how many sources the figures are made, and since when: beside every figure, never apart. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise

RECENT_DAYS = 7  # a CFA or a Mission locale not read for longer is not covered
BREAK = 0.05  # a move of coverage that breaks a series


@dataclass(frozen=True, slots=True)
class Covered:
    """How many of the bodies expected of a source were read; `oldest`: when the one read longest ago was."""

    source: str
    expected: int
    covered: int
    oldest: datetime | None

    @property
    def share(self) -> float | None:
        """Nothing expected is not everything covered."""
        return self.covered / self.expected if self.expected else None


@dataclass(frozen=True, slots=True)
class Break:
    """A month in which a source's coverage moved so much that figures before and after are not of the same."""

    month: str
    source: str
    before: float | None
    after: float | None


def cover(source: str, expected: Iterable[str], read_at: Mapping[str, datetime], now: datetime) -> Covered:
    """The coverage of a source over these places. `read_at`: when each was last read; absent, never."""
    wanted = frozenset(expected)
    told = {place: instant for place, instant in read_at.items() if place in wanted}
    recent = [instant for instant in told.values() if instant >= now - timedelta(days=RECENT_DAYS)]
    return Covered(source, len(wanted), len(recent), min(told.values(), default=None))


def breaks(source: str, by_month: Mapping[str, tuple[int, int]]) -> Sequence[Break]:
    """The months in which coverage (covered, expected) moved by BREAK or more since the month before."""
    shares = [(month, covered / expected) for month, (covered, expected) in sorted(by_month.items()) if expected]
    return [
        Break(month, source, before, after) for (_, before), (month, after) in pairwise(shares) if _moved(before, after)
    ]


def _moved(before: float, after: float) -> bool:
    # Shares of whole numbers: what is a break must not depend on the last bit.
    return round(abs(after - before), 6) >= BREAK
