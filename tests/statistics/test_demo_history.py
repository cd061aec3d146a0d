"""The past of the demo: which month-ends are drawn, and what the passes of them leave."""

from datetime import date, datetime
from pathlib import Path
from typing import Any

import pytest

from fixtures import gateway_process
from fixtures.demo_history import (
    MONTHS_COUNTED,
    NIGHT,
    Past,
    counts_itself,
    month_ends,
    months_counted,
    next_rank,
    tell_history,
)
from fixtures.simulators.clock import PARIS
from fixtures.world import World
from gateway.server.statistics_watch import END, START
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


def test_no_month_is_left_between_two_passes_that_are_months_apart() -> None:
    assert months_counted(None, date(2024, 12, 31)) == MONTHS_COUNTED
    assert months_counted(date(2026, 7, 31), TODAY) == MONTHS_COUNTED
    assert months_counted(date(2024, 12, 31), TODAY) == 22


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
    assert {"2024-12", "2025-03", "2025-08", "2026-10"} <= set(counted)
    assert len(counted) == len({*counted}) == 36  # November 2023 to today, and no month without a count
    assert read(url, "SELECT etat_au FROM statistiques_releves ORDER BY numero") == [("2024-12-31",), ("2026-10-15",)]


COUNTED = """SELECT maille, mois, sum(nombre) FROM statistiques_apports
  WHERE mois < '2025-08' GROUP BY maille, mois ORDER BY maille, mois"""


def test_a_night_of_the_demo_itself_leaves_its_past_as_it_was(tmp_path: Path) -> None:
    """Without `--mois`, as the gateway starts it: it counted two years anew, of people drawn later who know less of them."""
    with World.generated(tmp_path, **REQUEST, today=TODAY) as world:
        world.harvest()
        tell_history(Past(REQUEST, TODAY, tmp_path / "donnees"), world.environment, lambda _: None, delay=0)
    url = f"sqlite+aiosqlite:///{tmp_path / 'donnees' / 'statistiques.sqlite'}"
    past = read(url, COUNTED)
    assert past
    for months, is_kept in ((MONTHS_COUNTED, True), (None, False)):
        world = World.generated(tmp_path, **REQUEST, today=TODAY)
        world.months = months
        with world:
            done = gateway_process.run(("statistiques", "relever"), world.environment)
        assert done.returncode == 0, done.stderr
        assert (read(url, COUNTED) == past) is is_kept


def test_the_past_is_told_before_a_gateway_that_would_count_its_own_night() -> None:
    """The defect: a demo that was started between one and six in the morning had no history, and said an error."""
    hours = [counts_itself(datetime(2026, 12, 1, hour, 30, tzinfo=PARIS)) for hour in (0, 1, 5, 6, 13)]
    assert hours == [False, True, True, False, False]
    assert NIGHT == (START, END)
