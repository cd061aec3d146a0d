"""The state of a partner from its recent calls: values in, state out."""

from datetime import UTC, datetime, time, timedelta

import pytest

from gateway.errors import SourceClosed, SourceUnavailable
from gateway.schema.organisations import EtatSource
from gateway.sources.partner_client import CALLS_KEPT, Observations, is_open

INSTANT = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)  # 10:00 in Paris
FAULT = SourceUnavailable("erp", "")


def observed(*successes: bool) -> Observations:
    views = Observations()
    for rank, success in enumerate(successes):
        views.note(None if success else FAULT, 0.25, INSTANT + timedelta(seconds=rank))
    return views


@pytest.mark.parametrize(
    ("successes", "etat", "rate"),
    [
        ((), EtatSource.DISPONIBLE, None),
        ((True,), EtatSource.DISPONIBLE, 0.0),
        ((False,), EtatSource.INDISPONIBLE, 1.0),
        ((True, False, False, False), EtatSource.INDISPONIBLE, 0.75),
        ((False, False, False, True), EtatSource.DEGRADEE, 0.75),
        ((True,) * 9 + (False,), EtatSource.DEGRADEE, 0.1),
        ((False,) + (True,) * 11, EtatSource.DISPONIBLE, 1 / 12),
        ((False,) * 10 + (True,) * CALLS_KEPT, EtatSource.DISPONIBLE, 0.0),
    ],
)
def test_the_state_comes_from_the_last_calls(successes: tuple[bool, ...], etat: EtatSource, rate: float | None) -> None:
    views = observed(*successes)
    assert (views.etat(INSTANT), views.taux_erreur) == (etat, rate)


def test_the_last_answer_is_the_last_successful_one() -> None:
    views = observed(True, True, False)
    assert (views.derniere_reponse, views.latence_ms) == (INSTANT + timedelta(seconds=1), 250.0)


def test_a_closed_partner_is_closed_until_the_hour_told() -> None:
    views = observed(True)
    views.note(SourceClosed("erp", "", 60.0), 0.1, INSTANT)
    assert views.etat(INSTANT + timedelta(seconds=59)) is EtatSource.FERMEE
    assert views.etat(INSTANT + timedelta(seconds=60)) is EtatSource.DISPONIBLE
    assert views.taux_erreur == 0.0


def test_an_answer_reopens_a_closed_partner() -> None:
    views = observed()
    views.note(SourceClosed("erp", "", 3600.0), 0.1, INSTANT)
    views.note(None, 0.1, INSTANT)
    assert views.etat(INSTANT) is EtatSource.DISPONIBLE


def test_opening_hours_close_without_anyone_asking() -> None:
    views = Observations((time(19), time(7)))
    assert views.etat(INSTANT) is EtatSource.FERMEE
    assert views.etat(INSTANT + timedelta(hours=9)) is EtatSource.DISPONIBLE


def test_u09_lost_records_degrade() -> None:
    views = observed(True)
    views.note_quality(99, 1, 0)
    assert views.etat(INSTANT) is EtatSource.DISPONIBLE
    views.note_quality(0, 1, 0)
    assert views.etat(INSTANT) is EtatSource.DEGRADEE


@pytest.mark.parametrize(
    ("moments", "open_lines"),
    [
        ((time(19), time(7)), {0, 6, 19, 23}),
        ((time(8), time(18)), {8, 17}),
    ],
)
def test_opening_is_by_paris_time(moments: tuple[time, time], open_lines: set[int]) -> None:
    for moment in (0, 6, 7, 8, 17, 18, 19, 23):
        a_paris = datetime(2026, 7, 1, moment, 0, tzinfo=UTC) - timedelta(hours=2)
        assert is_open(moments, a_paris) is (moment in open_lines)


def test_u09_a_drift_of_the_format_degrades() -> None:
    views = observed(True)
    views.note_quality(100, 0, 5)
    assert views.etat(INSTANT) is EtatSource.DISPONIBLE
    views.note_quality(0, 0, 1)
    assert views.etat(INSTANT) is EtatSource.DEGRADEE
