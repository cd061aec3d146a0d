"""Who is under way for a same plan is counted, bounded, and counts no more once gone."""

from contextlib import ExitStack

import pytest

from gateway.errors import Sature
from gateway.federation.foules import FOULE, Foules
from gateway.federation.plan import Plan

LISTE, AUTRE = Plan(vue=True, uais=("0600001A",)), Plan(vue=True, uais=("0600002B",))


def test_one_more_is_turned_away_until_one_leaves() -> None:
    foules = Foules()
    with ExitStack() as assis:
        for _ in range(FOULE - 1):
            assis.enter_context(foules.rejoindre(LISTE))
        with foules.rejoindre(LISTE), pytest.raises(Sature), foules.rejoindre(LISTE):
            pass
        with foules.rejoindre(LISTE), foules.rejoindre(AUTRE):
            pass
    assert foules._presents == {}


def test_whatever_fails_frees_its_place_in_the_crowd() -> None:
    foules = Foules()
    with pytest.raises(ValueError, match="x"), foules.rejoindre(LISTE):
        raise ValueError("x")
    assert foules._presents == {}
