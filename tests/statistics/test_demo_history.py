"""The past of the demo: which month-ends are drawn, and what the passes of them leave."""

from datetime import date
from pathlib import Path
from typing import Any

import pytest

from fixtures.demo_history import Past, month_ends, next_rank, tell_history
from fixtures.world import World
from tests.support.databases import read

TODAY = date(2026, 10, 15)
REQUEST: dict[str, Any] = {"seed": 1, "jeunes": 80, "departements": ("02",)}


def test_month_ends_are_those_before_the_month_of_the_day() -> None:
    assert month_ends(date(2026, 3, 31), 3) == [date(2025, 12, 31), date(2026, 1, 31), date(2026, 2, 28)]
    assert len(month_ends(TODAY)) == 24


@pytest.mark.parametrize(
    ("affordable", "drawn"),
    [
        (2, ["2025-07", "2026-07"]),
        (5, ["2025-02", "2025-07", "2025-12", "2026-05", "2026-07"]),
        (24, [f"{day:%Y-%m}" for day in month_ends(TODAY)]),
    ],
)
def test_no_end_of_a_school_year_is_passed_over(affordable: int, drawn: list[str]) -> None:
    left, found = month_ends(TODAY), []
    for time_left in range(affordable, 0, -1):
        if left:
            rank = next_rank(left, time_left)
            found.append(f"{left[rank]:%Y-%m}")
            left = left[rank + 1 :]
    assert found == drawn


def test_the_past_stays_where_today_is_counted_after_it(tmp_path: Path) -> None:
    """On the slowest of machines: one day of the past, then today."""
    told: list[str] = []
    with World.generated(tmp_path, **REQUEST, today=TODAY) as world:
        world.harvest()
        past = Past(REQUEST, TODAY, tmp_path / "donnees")
        tell_history(past, world.environment, told.append, delay=0)
        assert [line.partition(",")[0] for line in told] == ["relevé du 31/12/2024", "relevé du 15/10/2026"]
        tell_history(past, world.environment, told.append, delay=0)
        assert len(told) == 2  # once for all
    url = f"sqlite+aiosqlite:///{tmp_path / 'donnees' / 'statistiques.sqlite'}"
    months = "SELECT DISTINCT mois FROM statistiques_apports WHERE maille = '3c' ORDER BY mois"
    counted = [month for (month,) in read(url, months)]
    assert counted[:2] == ["2023-11", "2023-12"]
    assert {"2024-12", "2025-08", "2026-10"} <= set(counted)
    assert read(url, "SELECT etat_au FROM statistiques_releves ORDER BY numero") == [("2024-12-31",), ("2026-10-15",)]
