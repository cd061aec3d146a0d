"""The figures of a line, exact and protected, by hand."""

from datetime import date

import pytest

from gateway.statistiques.figures import (
    Cohorts,
    Figures,
    ReportingHorizon,
    Secrecy,
    Sum,
    add_exact,
    add_protected,
    compute,
)
from gateway.statistiques.grids import PARTITIONS
from gateway.statistiques.indicators import Computation, indicators
from gateway.statistiques.periods import Step

WATCH = ReportingHorizon(date(2026, 10, 15))  # the horizon is 17 June 2026


def of(**classes: int) -> dict[str, Sum]:
    return {classe.replace("_plus", "+"): Sum(total, 1) for classe, total in classes.items()}


def figure(name: str, cohorts: Cohorts, step: Step = Step.MOIS) -> tuple[object, bool]:
    found = compute(indicators()[name], cohorts, step, WATCH)
    return found.value, found.provisional


def protected(name: str, cohorts: Cohorts, step: Step = Step.MOIS) -> Figures:
    told, indicator = Figures(), indicators()[name]
    add_protected(told, indicator, compute(indicator, cohorts, step, WATCH), Secrecy())
    return told


def test_every_indicator_counts_classes_that_there_are() -> None:
    for indicator in indicators().values():
        assert {*indicator.classes, *indicator.parmi} <= set(PARTITIONS[indicator.partition].classes)
        assert (indicator.denominateur is None) is (indicator.calcul is Computation.SOMME)


def test_a_rate_waits_for_what_the_registry_is_late_to_tell() -> None:
    # August 2025 was watched nine months at the horizon (31 May); October 2025 seven (31 October to 17 June).
    cohorts = {"2025-08": of(R3=10, R6=5, R9=5, V=80), "2025-10": of(R3=20, R6=0, R9=1, V=79)}
    assert figure("tauxRupture3Mois", cohorts) == (pytest.approx(30 / 200), False)
    at_6 = 0.15 + 0.85 * 5 / 170
    assert figure("tauxRupture6Mois", cohorts) == (pytest.approx(at_6), False)
    survivors = 0.85 * (1 - 5 / 170)
    assert figure("tauxRupture", cohorts) == (pytest.approx(at_6 + survivors * 5 / 85), True)


def test_a_rate_that_no_cohort_can_tell_is_undefined_and_provisional() -> None:
    assert figure("tauxRupture3Mois", {"2026-06": of(R3=3, V=97)}) == (None, True)


def test_a_rate_that_no_cohort_can_tell_is_not_secret() -> None:
    """However wide its margin would be: `masques` would have its reader ask for a right where there is nothing to read."""
    told = protected("tauxRupture", {"2026-02": of(R3=25, V=20)})
    assert (told.values, told.masked, told.margins, told.provisional) == ({"tauxRupture": None}, [], {}, True)
    assert protected("tauxRupture3Mois", {"2026-02": of(R3=25, V=20)}).masked == ["tauxRupture3Mois"]
    assert protected("tauxRupture", {"2026-02": of(R3=5, V=10)}).masked == ["tauxRupture"]


def test_an_end_at_term_is_not_a_rupture() -> None:
    assert figure("tauxRupture", {"2025-01": of(R9=10, T=50, V=40)}) == (pytest.approx(0.1), False)


def test_only_those_heard_of_are_a_denominator() -> None:
    told = of(NON_ENTENDU=50, A_TRAITER=20, INJOIGNABLE=5, TRAITE=25)
    assert figure("partTraitee", {"2026-08": told})[0] == 0.5
    assert figure("partContactee", {"2026-08": told})[0] == 0.6
    followed = of(NON_ENTENDU=50, P7=20, P15=20, AUCUNE=40)
    assert figure("delaiPriseEnChargeMedian", {"2026-02": followed}, Step.TRIMESTRE) == (15, False)


def test_ruptures_too_young_to_have_been_told_are_not_judged() -> None:
    cohorts = {"2026-02": of(E7=6, D30=2, D_plus=2, INCONNU=9), "2026-05": of(E7=100)}
    assert figure("partAvantRegistre", cohorts, Step.TRIMESTRE) == (0.6, True)
    assert figure("delaiSignalementMedian", {"2026-02": of(E7=10)}, Step.TRIMESTRE) == (3.5, False)
    assert figure("delaiSignalementQuartiles", {"2026-02": of(E7=1, D_plus=3)}, Step.TRIMESTRE) == (None, False)


def test_nothing_counted_is_no_rate() -> None:
    for indicator in indicators().values():
        found = compute(indicator, {}, Step.MOIS, WATCH)
        assert found.value == (0 if indicator.calcul is Computation.SOMME else None)


def test_a_count_under_fifteen_is_kept_secret_and_one_shown_has_its_margin() -> None:
    hidden = protected("ruptures", {"2026-01": of(RUPTURE=10)})
    assert (hidden.values, hidden.masked, hidden.margins) == ({"ruptures": None}, ["ruptures"], {})
    told = protected("ruptures", {"2026-01": of(RUPTURE=10), "2026-02": of(RUPTURE=5)})
    assert (told.values, told.masked) == ({"ruptures": 15}, [])
    assert told.margins["ruptures"] == pytest.approx(1.96 * 0.408 * 5 * 2**0.5)


def test_a_rate_needs_twenty_units_and_a_margin_of_five_points() -> None:
    assert protected("partTraitee", {"2026-01": of(TRAITE=5, A_TRAITER=10)}).masked == ["partTraitee"]
    assert protected("partTraitee", {"2026-01": of(TRAITE=5, A_TRAITER=70)}).masked == ["partTraitee"]  # 4 of 75
    # Where nothing is counted, each block may hold four: nobody knows that there is nobody.
    assert protected("partTraitee", {"2026-01": of(TRAITE=0, A_TRAITER=200)}).masked == ["partTraitee"]
    told = protected("partTraitee", {"2026-01": of(TRAITE=10, A_TRAITER=90)})
    assert (told.values, told.masked) == ({"partTraitee": 0.1}, [])
    assert told.margins["partTraitee"] == pytest.approx(0.039984)


def test_an_exact_figure_is_as_it_is() -> None:
    told, indicator = Figures(), indicators()["rupturants"]
    add_exact(told, indicator, compute(indicator, {"2026-10": of(RUPTURANT=3, APPRENTI=9)}, Step.MOIS, WATCH))
    assert (told.values, told.masked, told.margins, told.provisional) == ({"rupturants": 3}, [], {}, False)


def test_a_rate_that_is_undefined_is_not_masked() -> None:
    told = protected("tauxRupture", {"2025-10": of(R3=20, V=80)})
    assert (told.values, told.masked, told.margins, told.provisional) == ({"tauxRupture": None}, [], {}, True)
