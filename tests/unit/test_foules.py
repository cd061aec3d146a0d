"""Who is under way for a same plan is counted, bounded, and counts no more once gone."""

from contextlib import ExitStack

import pytest

from gateway.admission import HALF, PlanSlots
from gateway.errors import Sature
from gateway.federation.plan import Plan

LISTE, AUTRE = Plan(vue=True, uais=("0600001A",)), Plan(vue=True, uais=("0600002B",))


def test_one_more_is_turned_away_until_one_leaves() -> None:
    foules = PlanSlots()
    with ExitStack() as assis:
        for _ in range(HALF - 1):
            assis.enter_context(foules.hold(LISTE))
        with foules.hold(LISTE), pytest.raises(Sature), foules.hold(LISTE):
            pass
        with foules.hold(LISTE), foules.hold(AUTRE):
            pass
    assert foules._held == {}


def test_whatever_fails_frees_its_place_in_the_crowd() -> None:
    foules = PlanSlots()
    with pytest.raises(ValueError, match="x"), foules.hold(LISTE):
        raise ValueError("x")
    assert foules._held == {}
