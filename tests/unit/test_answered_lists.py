"""Whom a list tells of without a row: docs/graphe.md, « Ce qui compte comme une consultation », rule by rule, of sixty people of
whom the nth broke a contract n days ago: a window of days is a row of them."""

from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest

from gateway.audit.answered_sets import AnsweredSets
from gateway.auth.policy.policy import Perimetre
from gateway.auth.policy.rules import Profil
from gateway.federation.criteria import Tally
from gateway.federation.views.operation_context import OperationContext
from gateway.schema.filters import FiltreRuptures
from gateway.schema.orders import TriRuptures
from gateway.schema.query import PageArgs
from tests.support.unit.federation import DAY, context, contrat
from tests.unit.test_law_rows import broken

NUMBER = 60
SYLLABLES = ("ba", "ce", "di", "fo", "gu", "ka", "le", "mi", "no", "pu")
MINORS = range(1, 15)  # the first fourteen


def name_of(rank: int) -> str:
    """The first fifty-five begin alike."""
    return ("Roy" if rank <= 55 else "Petit") + SYLLABLES[rank // 10] + SYLLABLES[rank % 10] + SYLLABLES[rank // 10]


@pytest.fixture(scope="module")
def everyone() -> OperationContext:
    records = [
        broken(
            str(rank),
            f"T{rank}",
            nom=name_of(rank),
            prenom=SYLLABLES[rank % 10] + "tine",
            date_naissance=date(2009 if rank in MINORS else 2003, 1 + rank % 12, 1 + rank % 28),
            contrats=[contrat(date(2025, 3, 1), broken=DAY - timedelta(days=rank), numero=f"{rank}")],
        )
        for rank in range(1, NUMBER + 1)
    ]
    found = context(records)
    assert len(found.view.ruptures) == len(found.view.persons) == NUMBER
    return found


def ranks(first: int, last: int) -> set[int]:
    return set(range(first, last + 1))


class Teller:
    """Asks lists of those people for the accounts of Missions locales, and tells by number of whom each told."""

    def __init__(self, everyone: OperationContext) -> None:
        self._everyone, self._sets = everyone, AnsweredSets()
        self._ranks = {name_of(rank): rank for rank in range(1, NUMBER + 1)}

    def __call__(
        self,
        first: int | None = None,
        last: int | None = None,
        *,
        account: str = "alice",
        code: str = "60001",
        size: int = 0,
        after: str | None = None,
        day: date = DAY,
        **criteria: Any,
    ) -> set[int]:
        """Of whom the list of those who broke their contract from `first` to `last` days ago tells."""
        asked = self.context(account, code, day)
        if last is not None:
            criteria["depuis"] = DAY - timedelta(days=last)
        if first is not None:
            criteria["jusqua"] = DAY - timedelta(days=first)
        page = asked.ruptures(FiltreRuptures(**criteria), TriRuptures.DATE_DESC, PageArgs(size, after))
        assert page is not None
        self.end = page.page_info.end_cursor
        return self.looked_up(asked)

    def context(self, account: str, code: str, day: date) -> OperationContext:
        viewer = replace(self._everyone.viewer, account=account)
        rights = replace(self._everyone.rights, perimetre=Perimetre(Profil.MISSION_LOCALE, code))
        return replace(self._everyone, viewer=viewer, rights=rights, tally=Tally(), day=day)

    def looked_up(self, asked: OperationContext) -> set[int]:
        persons = {one for told in self._sets.looked_up(asked) for one in told}
        return {self._ranks[str(self._everyone.view.persons[one].jeune.nom)] for one in persons}


@pytest.fixture
def told(everyone: OperationContext) -> Teller:
    everyone.view.told.clear()
    return Teller(everyone)


@pytest.mark.parametrize(("last", "number"), [(1, 1), (10, 10), (11, 0), (40, 0)])
def test_a18_a_list_that_one_to_ten_answer_tells_of_them(told: Teller, last: int, number: int) -> None:
    assert told(1, last) == ranks(1, number)


@pytest.mark.parametrize(
    ("recherche", "expected"),
    [("roybadi", {2}), ("royce", ranks(10, 19)), ("roy", ranks(56, 60)), ("petit", ranks(56, 60)), ("durand", set())],
)
def test_a18_by_a_name_a_list_tells_of_who_bears_it(told: Teller, recherche: str, expected: set[int]) -> None:
    """Fifty-five are too many to be told of; that the five others do not bear it is told of them."""
    assert told(recherche=recherche) == expected


def test_a18_by_a_name_a_list_tells_of_fifty(told: Teller) -> None:
    assert told(1, 45, recherche="roy") == ranks(1, 45)
    assert told(1, 45) == set()


def test_a18_nobody_who_answers_tells_of_the_few_who_would_with_one_criterion_fewer(told: Teller) -> None:
    assert told(15, 20, mineur=True) == ranks(15, 20)
    assert (
        told(15, 40, mineur=True) == set()
    )  # too many without the age, and without the window as without the last day
    assert told(recherche="petit", age_max=10) == ranks(56, 60)


def test_a18_a_list_that_differs_by_few_from_one_told_before_tells_of_these(told: Teller) -> None:
    assert told(1, 30) == set()
    assert told(1, 30) == set(), "the same again tells nothing more"
    assert told(1, 35) == ranks(31, 35)
    assert told(4, 35) == {1, 2, 3} | ranks(31, 35)
    assert told(21, 58, account="bob") == set()


def test_a18_another_account_of_the_organisation_may_hold_the_other_half_and_another_organisation_not(
    told: Teller,
) -> None:
    assert told(1, 30) == set()
    assert told(1, 35, account="bob") == ranks(31, 35)
    assert told(1, 36, code="60002") == set()


def test_a18_what_was_told_yesterday_is_not_compared(told: Teller) -> None:
    assert told(1, 30) == set()
    assert told(1, 35, day=DAY + timedelta(days=1)) == set()


def test_a18_closed_criteria_are_free_to_ask_and_so_taken_as_known(told: Teller) -> None:
    assert told(2, 30, mineur=True) == {1}
    assert told(2, 40, mineur=True) == {1}


def test_a18_a_list_that_is_the_sum_of_two_but_for_few_tells_of_these_to_one_account(told: Teller) -> None:
    assert told(1, 20) == set()
    assert told(21, 40) == set()
    assert told(1, 43) == ranks(41, 43)
    assert told(1, 43, account="bob", code="60002") == set()


def test_a18_a_list_that_is_the_difference_of_two_but_for_few_tells_of_these(told: Teller) -> None:
    assert told(1, 45) == set()
    assert told(1, 25) == set()
    assert told(29, 45) == {26, 27, 28}


def test_a18_whoever_is_shown_is_written_anyway(told: Teller) -> None:
    assert told(1, 5, size=5) == set()
    assert told(6, 10, size=3) == {9, 10}


def test_a18_what_a_cursor_leaves_is_told_when_they_are_few(told: Teller) -> None:
    assert told(1, 30, size=20) == set()
    assert told(1, 30, after=told.end) == ranks(21, 30)


def test_a18_a_cursor_that_leaves_many_tells_of_nobody(told: Teller) -> None:
    assert told(1, 30, size=15) == set()
    assert told(1, 30, after=told.end) == set()


def test_a18_what_one_organisation_was_told_is_kept_while_others_ask(told: Teller) -> None:
    assert [told(1, 30, code=code) for code in ("60001", "60002", "60003")] == [set()] * 3
    assert [told(1, 35, code=code) for code in ("60001", "60002", "60003")] == [ranks(31, 35)] * 3
