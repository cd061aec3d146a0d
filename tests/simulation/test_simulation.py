"""Deterministic simulation: the real sources over virtual time, judged on every run; a seed plays a run again exactly."""

import logging
import os
import time
from collections.abc import Iterator

import pytest

from tests.chiffres import noter
from tests.simulation.scenario import Scenario

GRAINES = 100  # four seconds of one core
GRAINES_LONGUES = 10_000


@pytest.fixture(autouse=True)
def muet() -> Iterator[None]:
    """Thousands of failures are drawn on purpose."""
    logging.disable(logging.CRITICAL)
    yield
    logging.disable(logging.NOTSET)


def jouer(graines: range) -> int:
    """Play them all. The seed of a run that breaks a promise is told."""
    evenements = 0
    for graine in graines:
        try:
            evenements += len(Scenario(graine).jouer())
        except Exception as erreur:
            erreur.add_note(f"seed {graine}: python -m tests.simulation {graine} plays it again")
            raise
    return evenements


def test_the_promises_hold_on_every_seed() -> None:
    debut = time.perf_counter()
    evenements = jouer(range(GRAINES))
    noter(
        f"simulation : {GRAINES} graines, {evenements} évènements, 0 promesse rompue, {time.perf_counter() - debut:.1f} s"
    )


def test_a_seed_plays_the_same_run_again() -> None:
    for graine in (3, 4, 5):
        assert Scenario(graine).jouer() == Scenario(graine).jouer()
    assert Scenario(3).jouer() != Scenario(4).jouer()


@pytest.mark.chaos
def test_the_promises_hold_on_ten_thousand_seeds() -> None:
    debut = int(os.environ.get("GRAINE", "1000"))
    evenements = jouer(range(debut, debut + GRAINES_LONGUES))
    noter(f"simulation : {GRAINES_LONGUES} graines depuis {debut}, {evenements} évènements, 0 promesse rompue")
