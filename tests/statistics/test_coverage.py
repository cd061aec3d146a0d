"""Coverage: what was read of what is expected, and the months in which it moved."""

from datetime import UTC, datetime

from gateway.statistiques.coverage import breaks, cover

NOW = datetime(2026, 10, 15, 1, tzinfo=UTC)


def test_nothing_expected_is_not_everything_covered() -> None:
    assert cover("erp", (), {"A": NOW}, NOW).share is None


def test_what_was_not_read_for_a_week_is_not_covered_and_its_age_is_told() -> None:
    read_at = {"A": NOW, "B": datetime(2026, 10, 8, 1, tzinfo=UTC), "C": datetime(2026, 10, 8, 0, tzinfo=UTC), "Z": NOW}
    found = cover("erp", ("A", "B", "C", "D"), read_at, NOW)
    assert (found.expected, found.covered, found.share) == (4, 2, 0.5)
    assert found.oldest == read_at["C"]


def test_a_series_breaks_where_coverage_moves_by_five_points() -> None:
    by_month = {
        "2026-03": (80, 100),
        "2026-01": (74, 100),
        "2026-02": (75, 100),
        "2026-04": (76, 100),
        "2026-05": (0, 0),
    }
    assert [(b.month, b.before, b.after) for b in breaks("erp", by_month)] == [("2026-03", 0.75, 0.8)]
