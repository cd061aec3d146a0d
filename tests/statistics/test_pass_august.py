"""The 1st of August: sources forget who left in July, and the month-ends of the year that is over must not melt for it."""

from collections import Counter
from collections.abc import Iterator
from datetime import date

import pytest

from tests.support.statistics.counted_world import CountedWorld, counted_world

LAST, AUGUST = date(2026, 7, 31), date(2026, 8, 3)
STOCKS = ("3b", "3c")
Stocks = dict[str, Counter[tuple[str, str, str]]]


@pytest.fixture(scope="module")
def counted(tmp_path_factory: pytest.TempPathFactory) -> Iterator[CountedWorld]:
    with counted_world(tmp_path_factory.mktemp("août"), jeunes=200, departements=("02",), today=LAST) as counted:
        yield counted


def stocks(counted: CountedWorld) -> Stocks:
    """By grid, who stood where at each month-end of the year that is over."""
    return {
        maille: Counter({cell: n for cell, n in counted.cells(maille).items() if "2025-08" <= cell[1] <= "2026-07"})
        for maille in STOCKS
    }


def test_on_the_first_of_august_the_past_year_stays_as_it_was_counted_in_it(counted: CountedWorld) -> None:
    july = stocks(counted)
    assert all(of_grid.total() > 0 for of_grid in july.values())
    assert counted.statistics("relever", GATEWAY_NOW=AUGUST.isoformat()).returncode == 0
    assert stocks(counted) == july
    months = {month for _, month, _ in counted.cells("3b")}
    assert max(months) == "2026-08"
