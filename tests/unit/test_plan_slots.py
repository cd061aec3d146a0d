"""Who is under way for a same plan is counted, bounded, and counts no more once gone."""

from contextlib import ExitStack

import pytest

from gateway.concurrency import HALF, PlanSlots
from gateway.errors import Overloaded
from gateway.federation.collect.plan import SourcePlan

LIST, AUTRE = SourcePlan(view=True, uais=("0600001A",)), SourcePlan(view=True, uais=("0600002B",))


def test_one_more_is_turned_away_until_one_leaves() -> None:
    plan_slots = PlanSlots()
    with ExitStack() as seated:
        for _ in range(HALF - 1):
            seated.enter_context(plan_slots.hold(LIST))
        with plan_slots.hold(LIST), pytest.raises(Overloaded), plan_slots.hold(LIST):
            pass
        with plan_slots.hold(LIST), plan_slots.hold(AUTRE):
            pass
    assert plan_slots._held == {}


def test_whatever_fails_frees_its_place_in_the_crowd() -> None:
    plan_slots = PlanSlots()
    with pytest.raises(ValueError, match="x"), plan_slots.hold(LIST):
        raise ValueError("x")
    assert plan_slots._held == {}
