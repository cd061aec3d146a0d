"""The protection of counts: what is proved of it, as properties (docs/statistiques.md, Secret)."""

from datetime import date
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.statistiques.disclosure import (
    count_margin,
    offset,
    possible_counts,
    protect,
    rate_margin,
    shown,
    shown_to_all,
)
from gateway.statistiques.grids import GRIDS
from gateway.statistiques.periods import add_months, month_of
from gateway.statistiques.publication import Protection
from gateway.stores.blocks_writer import CellCount

KEY = b"k" * 32
COUNT, OFFSET = st.integers(0, 10_000), st.integers(0, 4)


@given(COUNT, OFFSET)
def test_a_protected_count_is_a_multiple_of_the_step_less_than_a_step_away(count: int, drawn: int) -> None:
    protected = protect(count, drawn)
    assert protected % 5 == 0
    assert abs(protected - count) < 5
    assert protected >= 0


@given(OFFSET)
def test_zero_stays_zero(drawn: int) -> None:
    assert protect(0, drawn) == 0


@given(COUNT)
def test_it_is_right_on_average_over_offsets(count: int) -> None:
    assert sum(protect(count, drawn) for drawn in range(5)) == 5 * count


@given(COUNT, COUNT, OFFSET)
def test_a_greater_count_is_never_told_as_a_smaller_one(left: int, right: int, drawn: int) -> None:
    assert (left <= right) <= (protect(left, drawn) <= protect(right, drawn))


def test_a_block_leaves_nine_counts_and_five_when_it_is_zero() -> None:
    for protected in range(0, 60, 5):
        held = {n for n, drawn in product(range(80), range(5)) if protect(n, drawn) == protected}
        assert held == set(range(possible_counts(protected)[0], possible_counts(protected)[1] + 1))
        assert len(held) == (9 if protected else 5)


def test_however_many_looks_at_the_same_people_leave_four_counts() -> None:
    for count in range(80):
        looks = [possible_counts(protect(count, drawn)) for drawn in range(5)]
        assert min(high for _, high in looks) - max(low for low, _ in looks) + 1 >= 4


def test_a_block_that_is_shown_holds_eleven_people_at_least() -> None:
    told = {n for n, drawn in product(range(40), range(5)) if shown(protect(n, drawn)) is not None}
    assert min(told) == 11
    assert shown(10) is None
    assert shown(15) == 15


def test_an_offset_belongs_to_its_cell_and_to_the_key() -> None:
    cells = [("59", "4", "2026-01", "R3"), ("59", "4", "2026-02", "R3"), ("62", "4", "2026-01", "R3")] * 2
    drawn = [offset(KEY, "1a", *cell) for cell in cells]
    assert drawn[:3] == drawn[3:]
    many = [(offset(KEY, "1a", str(n)), offset(b"o" * 32, "1a", str(n)), offset(KEY, "1b", str(n))) for n in range(500)]
    for left, right in ((0, 1), (0, 2)):
        assert 50 < sum(row[left] == row[right] for row in many) < 150  # one in five by chance
    assert {row[0] for row in many} == {0, 1, 2, 3, 4}


@pytest.mark.parametrize("maille", GRIDS)
def test_people_who_stay_are_told_by_one_block_and_what_happens_in_a_month_by_its_own(maille: str) -> None:
    """A stock holds the same people month after month: were each month drawn anew, two years of them would average out."""
    months = [month_of(add_months(date(2024, 8, 1), rank)) for rank in range(24)]
    told = {
        number: {Protection(KEY, 5).block(CellCount(maille, "02", "3", month, "APPRENTI", number)) for month in months}
        for number in range(1, 11)
    }
    alone = [number for number, blocks in told.items() if len(blocks) == 1]
    assert alone == (list(told) if maille in ("3a", "3b", "3c") else [5, 10])


def test_a_key_that_is_turned_leaves_four_counts_of_each_cell() -> None:
    """Another key is another look at everything: so are ten, and no cell is told by all of them together."""
    keys = [bytes([rank]) * 32 for rank in range(10)]
    for number, place in product(range(31), ("02", "60", "75")):
        count = CellCount("2a", place, "3", "2026-01", "RUPTURE", number)
        looks = [possible_counts(Protection(key, 5).block(count)) for key in keys]
        assert min(high for _, high in looks) - max(low for low, _ in looks) + 1 >= 4


def test_what_is_published_to_all_is_to_the_nearest_ten_from_twenty() -> None:
    assert [shown_to_all(protected) for protected in (0, 10, 15, 20, 25, 30)] == [None, None, 20, 20, 30, 30]


def test_margins_grow_with_the_root_of_the_blocks() -> None:
    assert round(count_margin(1), 2) == 4.0
    assert round(count_margin(100), 1) == 40.0
    assert round(rate_margin(25, 400), 3) == 0.05
