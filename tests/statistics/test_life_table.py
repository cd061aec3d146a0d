"""The life table, against hand-made fractions and the plain ratio of cohorts watched to the end."""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.statistiques.life_table import Cohort, incidence, median, quantile

BOUNDS = (3, 6, 9)
COUNTS = st.tuples(*[st.integers(0, 50)] * 5).filter(lambda counts: sum(counts) > 0)


def test_a_recent_cohort_speaks_for_the_months_it_went_through() -> None:
    old = Cohort(12, 100, {3: 10, 6: 5, 9: 5})
    recent = Cohort(4, 100, {3: 20, 6: 3})  # what it tells of an interval not gone through is not heard
    at_3 = Fraction(30, 200)
    at_6 = at_3 + (1 - at_3) * Fraction(5, 90)
    at_9 = at_6 + (1 - at_3) * (1 - Fraction(5, 90)) * Fraction(5, 85)
    assert incidence([old, recent], BOUNDS) == pytest.approx({3: float(at_3), 6: float(at_6), 9: float(at_9)})


@given(st.lists(COUNTS, min_size=1, max_size=8))
def test_on_closed_cohorts_it_is_the_plain_ratio(drawn: list[tuple[int, ...]]) -> None:
    cohorts = [Cohort(9, sum(counts), dict(zip(BOUNDS, counts, strict=False)), {9: counts[3]}) for counts in drawn]
    starts = sum(sum(counts) for counts in drawn)
    for rank, (bound, share) in enumerate(incidence(cohorts, BOUNDS).items(), 1):
        assert share == pytest.approx(sum(sum(counts[:rank]) for counts in drawn) / starts, abs=1e-9), bound


def test_a_bound_that_no_cohort_reached_has_no_rate() -> None:
    assert incidence([Cohort(4, 10, {3: 1})], BOUNDS) == {3: 0.1}
    assert incidence([Cohort(-1, 10, {3: 1})], BOUNDS) == {}
    assert incidence([Cohort(9, 0, {})], BOUNDS) == {}


def test_the_median_is_drawn_between_two_bounds_or_is_not_reached() -> None:
    assert median({7: 0.2, 15: 0.4, 30: 0.6}) == 22.5
    assert median({7: 0.5}) == 7
    assert median({7: 0.2, 15: 0.49}) is None
    assert median({}) is None


def test_a_quantile_of_bins_that_overlap() -> None:
    # 10 units over 0-10 and 10 over 0-20: 15 lie under 10.
    bins = [(0.0, 10.0, 10.0), (0.0, 20.0, 10.0)]
    assert quantile(bins, 0.75) == 10
    assert quantile(bins, 0.375) == 5
    assert quantile(bins, 0.875) == 15


def test_a_quantile_in_an_open_bin_is_not_told() -> None:
    assert quantile([(0.0, 10.0, 4.0), (10.0, float("inf"), 6.0)], 0.5) is None
    assert quantile([(0.0, 10.0, 6.0), (10.0, float("inf"), 6.0)], 0.5) == 10
    assert quantile([(0.0, 10.0, 0.0)], 0.5) is None
