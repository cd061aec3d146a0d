"""The short form of `python -m bench.load`: a quarter of an hour of some advisers, in virtual time, judged by counts."""

import asyncio
import logging
import time
from pathlib import Path

import pytest

from bench._day import DayRun, live
from bench._day_tables import ERPS, Sample, verify, write_up
from bench._partners import Window
from bench._virtual_loop import play
from fixtures.world import World
from tests.support.figures import note


def test_a_quarter_of_an_hour_of_the_advisers_keeps_within_every_quota(
    default_world: World, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.ERROR)
    population = default_world.population
    day_run = DayRun(population.today, tuple(sorted(population.geographie.missions_locales)[:3]), 40, 9, 9.25)
    a_part = {**default_world.environment, "GATEWAY_JOURNAL_URL": f"sqlite+aiosqlite:///{tmp_path / 'journal.sqlite'}"}
    reading = live(population, a_part, day_run, lambda _: None)

    verify(reading)
    assert reading.refusal == {}
    assert set(reading.errors) <= {"SOURCE_DELAI_DEPASSE"}, "a slow tenant, and nothing else"
    assert reading.responses == 9
    assert reading.views.built < reading.responses, "what did not change is not built again"
    assert max(age for ages in reading.ages.values() for age in ages) <= 3600
    assert 0 < sum(reading.persons["ORGANISATION"]) <= sum(reading.persons["COMPTE"]), "each reader counts for itself"
    assert {name for name, _ in reading.readings_journal} == {*ERPS, "imilo"}
    results, met = (
        sum(reading.readings_journal.values()),
        sum(n for (_, e), n in reading.readings_journal.items() if e == "touche"),
    )
    assert any("distinct persons" in line for line in write_up(reading, Sample(population, day_run)))
    note(
        f"charge : {reading.responses} réponses en un quart d'heure virtuel, {reading.counter_desk.total} appels, "
        f"{met} unités sur {results} déjà là, {reading.views.built} vues construites"
    )


def test_virtual_time_jumps_to_the_next_timer_and_stands_still_for_threads() -> None:
    async def live_a_little() -> list[float]:
        loop = asyncio.get_running_loop()
        instants = [loop.time()]
        await asyncio.sleep(3600)
        instants.append(loop.time())
        async with asyncio.timeout(0.001):
            await asyncio.to_thread(time.sleep, 0.05)
        return [*instants, loop.time()]

    assert play(lambda _: live_a_little()) == [0.0, 3600.0, 3600.0]


def test_a_window_counts_the_most_that_fell_in_it() -> None:
    window = Window(1.0)
    for instant in (0.0, 0.1, 0.9, 1.0, 1.05, 5.0):
        window.note("partenaire", instant)
    assert window.maximum["partenaire"] == 4  # 0.1, 0.9, 1.0, 1.05: the first left as the fourth came
