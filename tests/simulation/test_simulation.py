"""Deterministic simulation: the real sources over virtual time, judged on every run; a seed plays a run again exactly."""

import logging
import os
import time
from collections.abc import Iterator

import pytest

from tests.simulation.scenario import Scenario
from tests.support.figures import note

SEEDS = 100  # four seconds of one core
LONG_SEEDS = 10_000


@pytest.fixture(autouse=True)
def silent() -> Iterator[None]:
    """Thousands of failures are drawn on purpose."""
    logging.disable(logging.CRITICAL)
    yield
    logging.disable(logging.NOTSET)


def play(seeds: range) -> int:
    """Play them all. The seed of a run that breaks a promise is told."""
    events = 0
    for seed in seeds:
        try:
            events += len(Scenario(seed).play())
        except Exception as error:
            error.add_note(f"seed {seed}: python -m tests.simulation {seed} plays it again")
            raise
    return events


def test_the_promises_hold_on_every_seed() -> None:
    debut = time.perf_counter()
    events = play(range(SEEDS))
    note(f"simulation : {SEEDS} graines, {events} évènements, 0 promesse rompue, {time.perf_counter() - debut:.1f} s")


def test_a_seed_plays_the_same_run_again() -> None:
    for seed in (3, 4, 5):
        assert Scenario(seed).play() == Scenario(seed).play()
    assert Scenario(3).play() != Scenario(4).play()


@pytest.mark.chaos
def test_the_promises_hold_on_ten_thousand_seeds() -> None:
    debut = int(os.environ.get("GRAINE", "1000"))
    events = play(range(debut, debut + LONG_SEEDS))
    note(f"simulation : {LONG_SEEDS} graines depuis {debut}, {events} évènements, 0 promesse rompue")
