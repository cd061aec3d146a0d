"""What a list tells of persons without a row (docs/graphe.md, Ce qui compte comme une consultation), criterion by criterion."""

from collections.abc import Iterator
from dataclasses import fields
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from gateway.domain.statut import StatutApprenant
from gateway.federation.criteria import closed_part, identifying, is_refined_by, placed, widened
from gateway.federation.lists import CONTRATS, JEUNES, RUPTURES, ListDefinition, ListQuery
from gateway.schema.filters import FiltreContrats, FiltreJeunes, FiltreRuptures
from gateway.schema.nouns import EtatTraitement
from gateway.schema.orders import TriContrats, TriJeunes, TriRuptures
from gateway.schema.query import PageArgs
from gateway.schema.scalars import UAI, CodeInsee
from tests.support.unit.federation import DAY, DIRECTORY, context
from tests.unit.test_law_rows import broken

FIRST_DAY = DAY - timedelta(days=180)
SINCE = datetime(2026, 10, 1, tzinfo=UTC)
VALUES: dict[str, Any] = {
    "nom": "roy",
    "recherche": "roy",
    "communes": [CodeInsee("60057")],
    "departements": ["60"],
    "cfa": UAI("0951099D"),
    "age_max": 20,
    "depuis": date(2026, 9, 1),
    "jusqua": date(2026, 9, 1),
    "debut_depuis": date(2026, 9, 1),
    "debut_jusqua": date(2026, 9, 1),
    "modifie_depuis": SINCE,
    "statut": [StatutApprenant.APPRENTI],
    "etat": EtatTraitement.TRAITE,
    "prioritaire": False,
    "mineur": False,
    "rompus": False,
}
CLOSED = {"statut", "etat", "prioritaire", "mineur", "rompus"}  # as the paper lists them
LISTS: list[tuple[ListDefinition[Any, Any], type[Any], Any]] = [
    (JEUNES, FiltreJeunes, TriJeunes.NOM_ASC),
    (CONTRATS, FiltreContrats, TriContrats.NOM_ASC),
    (RUPTURES, FiltreRuptures, TriRuptures.NOM_ASC),
]


def each_criterion() -> Iterator[tuple[ListDefinition[Any, Any], type[Any], Any, str]]:
    for definition, filtre, tri in LISTS:
        for field in fields(filtre):
            yield definition, filtre, tri, field.name


@pytest.mark.parametrize(("definition", "filtre", "tri", "name"), list(each_criterion()))
def test_a18_a_criterion_points_at_somebody_unless_the_paper_calls_it_closed(
    definition: Any, filtre: Any, tri: Any, name: str
) -> None:
    query = ListQuery(definition, filtre(**{name: VALUES[name]}), tri, DAY)
    assert identifying(query) == (() if name in CLOSED else (name,))


def ruptures(**criteria: Any) -> ListQuery[Any, Any]:
    return ListQuery(RUPTURES, FiltreRuptures(**criteria), TriRuptures.DATE_DESC, DAY)


@pytest.mark.parametrize(
    ("criteria", "pointing"),
    [
        ({"depuis": FIRST_DAY}, ()),
        ({"jusqua": DAY}, ()),
        ({"depuis": FIRST_DAY, "jusqua": DAY}, ()),
        ({"depuis": DAY}, ("depuis",)),
        ({"jusqua": FIRST_DAY}, ("jusqua",)),
        ({"depuis": FIRST_DAY + timedelta(days=1)}, ("depuis",)),
        ({"depuis": FIRST_DAY - timedelta(days=1)}, ("depuis",)),
        ({"jusqua": DAY - timedelta(days=1)}, ("jusqua",)),
        ({"mineur": True, "cfa": VALUES["cfa"], "depuis": FIRST_DAY}, ("cfa",)),
    ],
)
def test_a18_the_window_that_the_list_has_by_itself_points_at_nobody(
    criteria: dict[str, Any], pointing: tuple[str, ...]
) -> None:
    assert identifying(ruptures(**criteria)) == pointing


@pytest.mark.parametrize("bound", ["debut_depuis", "debut_jusqua"])
@pytest.mark.parametrize("day", [FIRST_DAY, DAY])
def test_a18_a_list_without_a_window_of_its_own_has_none_by_default(bound: str, day: date) -> None:
    criteria: dict[str, Any] = {bound: day}
    assert identifying(ListQuery(CONTRATS, FiltreContrats(**criteria), TriContrats.NOM_ASC, DAY)) == (bound,)


def test_a18_without_a_filter_nothing_points() -> None:
    assert identifying(ListQuery(JEUNES, None, TriJeunes.NOM_ASC, DAY)) == ()
    assert placed(ListQuery(JEUNES, None, TriJeunes.NOM_ASC, DAY), DIRECTORY.referentiel.geographie).filtre is None


def test_a18_the_closed_part_of_a_list_keeps_its_closed_criteria_and_its_window() -> None:
    asked = ruptures(mineur=True, statut=[StatutApprenant.APPRENTI], cfa=VALUES["cfa"], depuis=FIRST_DAY)
    assert closed_part(asked).filtre == FiltreRuptures(mineur=True, statut=[StatutApprenant.APPRENTI], depuis=FIRST_DAY)


def test_a18_a_list_is_widened_by_one_criterion_at_a_time_and_never_by_the_name() -> None:
    """What nobody answers tells of whom one criterion fewer would have told; without a day or a status, the list has its own."""
    known = broken(nom="Roy"), broken("2", "B", nom="Royer", prenom="Zoé", rqth=True)
    view = context(known).view

    def found(**criteria: Any) -> list[set[str]]:
        return [{one.jeune.nom for one in kept} for kept in widened(ruptures(**criteria), view)]

    assert found(recherche="roy", mineur=True) == [{"Roy", "Royer"}]
    assert found(recherche="royer", mineur=True) == [{"Royer"}]
    assert found(recherche="royer") == []
    assert found(mineur=True, cfa=VALUES["cfa"]) == [set(), set()]
    assert found(mineur=False, age_max=10) == [{"Roy", "Royer"}, set()]
    assert found(depuis=DAY) == [{"Roy", "Royer"}]
    assert found(statut=[StatutApprenant.APPRENTI]) == [{"Roy", "Royer"}]
    assert found(jusqua=FIRST_DAY, recherche="royer") == [{"Royer"}]


@pytest.mark.parametrize(
    ("wide", "narrow", "is_narrower"),
    [
        ({}, {"nom": "roy"}, True),
        ({"nom": "roy"}, {}, False),
        ({"nom": "roy"}, {"nom": "ROYER"}, True),
        ({"nom": "royer"}, {"nom": "roy"}, False),
        ({"recherche": "roy"}, {"recherche": "anne royer"}, True),
        ({"recherche": "anne royer"}, {"recherche": "royer"}, False),
        ({"recherche": "roy"}, {"recherche": "royer"}, True),
        ({"recherche": "roy"}, {"recherche": "anne"}, False),
        ({"communes": ["60057", "60175"]}, {"communes": ["60057"]}, True),
        ({"communes": ["60057"]}, {"communes": ["60057", "60175"]}, False),
        ({"communes": ["60057"]}, {"communes": ["60057"], "mineur": True}, True),
        ({"mineur": True}, {"mineur": False}, False),
        ({"mineur": True, "etat": "x"}, {"mineur": True}, False),
    ],
)
def test_a18_criteria_ask_for_nobody_more_when_each_is_as_narrow(
    wide: dict[str, Any], narrow: dict[str, Any], is_narrower: bool
) -> None:
    assert is_refined_by(wide, narrow) is is_narrower


@pytest.mark.parametrize(("recherche", "found"), [("le goff", 1), ("durand", 0)])
def test_a02_a_list_by_name_that_finds_nobody_is_a_vain_look_up(recherche: str, found: int) -> None:
    asked = context([broken()])
    page = asked.ruptures(FiltreRuptures(recherche=recherche), TriRuptures.DATE_DESC, PageArgs(10, None))
    assert page is not None
    assert page.total_count == found
    assert (asked.tally.lookups, asked.tally.not_found) == (1, 1 - found)
    (told,) = asked.tally.told
    assert told.criteria == ("recherche",)
    assert len(told.shown) == found, "those whose row is in the answer are written anyway"
    assert len(asked.between(told)) == found


def test_a02_a_list_that_is_not_by_name_is_no_look_up() -> None:
    asked = context([broken()])
    asked.ruptures(FiltreRuptures(age_max=16), TriRuptures.DATE_DESC, PageArgs(10, None))
    asked.ruptures(FiltreRuptures(mineur=True), TriRuptures.DATE_DESC, PageArgs(10, None))
    assert (asked.tally.lookups, asked.tally.not_found) == (0, 0)
    assert [told.criteria for told in asked.tally.told] == [("age_max",)]
