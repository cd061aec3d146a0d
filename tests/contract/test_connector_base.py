"""What every connector shares: tolerant reading, counted, and nouns that hide nothing."""

import pytest
from pydantic import Field

from gateway.connectors.base import Payload, QualityCounts, UnexpectedAnswer, filled, read, rows_of
from gateway.connectors.values import Boolean, IsoDate, IsoDay, Listed, Required, SexeValue, Text
from gateway.schema.nouns import Adresse, Employeur


class Bloc(Payload):
    code: Required
    day: IsoDay = None


class Row(Payload):
    nom: Required = Field(alias="Nom")
    naissance: IsoDate = Field(alias="Né le")
    ville: Text = None
    rqth: Boolean = None
    block: Bloc | None = None
    blocks: Listed[Bloc] = ()


WHOLE = {"Nom": " LE GOFF ", "Né le": "2006-03-07"}


@pytest.mark.parametrize(
    ("line", "reading", "ignores"),
    [
        (WHOLE, {}, 0),
        ({**WHOLE, "inconnu": 1, "ville": "", "rqth": None}, {}, 0),
        ({**WHOLE, "ville": ["BOURG"]}, {}, 1),
        ({**WHOLE, "ville": "BOURG", "rqth": "peut-être"}, {"ville": "BOURG"}, 1),
        ({**WHOLE, "block": {"code": 7, "day": "hier"}}, {"block": Bloc(code="7")}, 1),
        ({**WHOLE, "block": {"code": 7, "day": "0000-00-00"}}, {"block": Bloc(code="7")}, 0),
        ({**WHOLE, "block": {"day": "2026-01-01"}}, {}, 1),
        ({**WHOLE, "block": "?", "ville": "BOURG"}, {"ville": "BOURG"}, 1),
        ({**WHOLE, "blocks": None}, {}, 0),
        ({**WHOLE, "blocks": "?"}, {}, 1),
        (
            {**WHOLE, "blocks": [{"code": "a"}, {}, {"code": "b", "day": "?"}, {"code": "c"}]},
            {"blocks": (Bloc(code="a"), Bloc(code="b"), Bloc(code="c"))},
            2,
        ),
        ({**WHOLE, "blocks": [{"code": {}}, {"code": "b"}]}, {"blocks": (Bloc(code="b"),)}, 2),
    ],
)
def test_a_bad_optional_value_is_set_aside_alone_and_counted(
    line: object, reading: dict[str, object], ignores: int
) -> None:
    account = QualityCounts()
    (result,) = read(Row, [line], account)
    assert result == Row.model_validate(WHOLE).model_copy(update=reading)
    assert (account.rejects, account.ignored_fields) == (0, ignores)


@pytest.mark.parametrize(
    "line",
    [
        None,
        "LE GOFF",
        [],
        {},
        {"Nom": "LE GOFF"},
        {**WHOLE, "Nom": " "},
        {**WHOLE, "Nom": True},
        {**WHOLE, "Nom": {"a": 1}},
        {**WHOLE, "Né le": ""},
        {**WHOLE, "Né le": "07/03/2006"},
        {**WHOLE, "Né le": "1006-03-07"},
        {**WHOLE, "Né le": None, "ville": ["?"]},
    ],
)
def test_a_bad_required_value_rejects_its_row_and_no_other(line: object) -> None:
    account = QualityCounts()
    results = read(Row, [WHOLE, line, WHOLE], account)
    assert [result.nom for result in results] == ["LE GOFF", "LE GOFF"]
    assert (account.rejects, account.ignored_fields) == (1, 0)


def test_a_row_is_read_without_being_changed() -> None:
    line = {**WHOLE, "bloc": {"code": 7, "jour": "hier"}}
    read(Row, [line], QualityCounts())
    assert line == {**WHOLE, "bloc": {"code": 7, "jour": "hier"}}


def test_rows_of_all_pages_in_order() -> None:
    assert list(rows_of([[1, 2], [3]])) == [1, 2, 3]
    assert list(rows_of([{"value": [1]}, {"value": []}, {"value": [2]}], "value")) == [1, 2]


@pytest.mark.parametrize(
    ("page", "champ"), [({}, ""), ("x", ""), ({}, "value"), ({"value": None}, "value"), (3, "value")]
)
def test_a_document_of_another_shape_stops_the_reading(page: object, champ: str) -> None:
    with pytest.raises(UnexpectedAnswer):
        list(rows_of([page], champ))


def test_a_noun_of_which_nothing_is_said_is_none() -> None:
    assert filled(Adresse()) is None
    assert filled(Employeur(siret=None, denomination="")) is None
    assert filled(Adresse(ville="BOURG")) == Adresse(ville="BOURG")


class Shape(Payload):
    cle: Required
    sexe: SexeValue = None
    nom: Text = None


@pytest.mark.parametrize(
    ("line", "drifts"),
    [
        ({"cle": "1", "sexe": "M", "inconnu": 1}, {}),
        ({"sexe": "M"}, {"champ_absent": 1}),
        ({"cle": "1", "sexe": "X"}, {"code_inconnu": 1}),
        ({"cle": "1", "nom": ["LE", "GOFF"]}, {"type_change": 1}),
        ("1", {"type_change": 1}),
    ],
)
def test_u09_a_drift_is_counted_by_kind(line: object, drifts: dict[str, int]) -> None:
    account = QualityCounts()
    read(Shape, [line], account)
    assert dict(account.drifts) == drifts
