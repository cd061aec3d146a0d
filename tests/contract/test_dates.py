"""Dates that are none, in each dialect (docs/security.md U11): the field is absent and counted, the record stays."""

from collections.abc import Callable
from datetime import date, datetime
from typing import Any

import pytest

from gateway.connectors import aimaira, gestibase, imilo, ypareo
from gateway.connectors.base import ReadingResult
from gateway.connectors.values import instant_paris
from gateway.domain.days import PARIS
from tests.contract import test_connector_aimaira as a
from tests.contract import test_connector_gestibase as g
from tests.contract import test_connector_imilo as i
from tests.contract import test_connector_ypareo as y
from tests.support.contract.connectors import CFA, DAY, MISSION, by_operation, drive
from tests.support.unit.federation import contrat, merged, statut, told

Read = Callable[[str], ReadingResult]
NULLS = ("31/02/2026", "20260231", "2026-02-31", "0000-01-01", "99991231", "9999-12-31T23:00:00Z", "hier", "-1")


def _tables(tables: dict[str, list[Any]]) -> dict[str, list[Any]]:
    return {name: [rows] for name, rows in tables.items()}


def read_ypareo(written: str) -> ReadingResult:
    tables = {**y.TABLES, "apprenants": [y.APPRENANT], "contrats": [{**y.CONTRAT, "dateFinContrat": written}]}
    return drive(ypareo.records(CFA, DAY), by_operation(_tables(tables)))[1]


def read_gestibase(written: str) -> ReadingResult:
    page = g.whole([{**g.ROW, "Contrat date fin": written}])
    return drive(gestibase.records(CFA, DAY), lambda _: [page])[1]


def read_aimaira(written: str) -> ReadingResult:
    entities = {**a.ENTITIES, "Convention": [{**a.CONVENTION, "DateFin": written}]}
    pages = {name: [{"value": rows}] for name, rows in entities.items()}
    return drive(aimaira.records(CFA, DAY), by_operation(pages))[1]


def read_imilo(written: str) -> ReadingResult:
    line = {**i.DOSSIER, "collaboration": {**i.COLLABORATION, "demandeeLe": written}}
    return drive(imilo.records(MISSION, DAY), by_operation({"dossiers": [[line]]}))[1]


@pytest.mark.parametrize("written", NULLS)
@pytest.mark.parametrize("read", [read_ypareo, read_gestibase, read_aimaira])
def test_u11_an_end_that_is_no_date_is_absent_and_its_contract_stays(read: Read, written: str) -> None:
    result = read(written)
    (contrat_read,) = result.records[0].jeune.contrats or []
    assert (contrat_read.date_debut, contrat_read.date_fin) == (date(2024, 9, 1), None)
    assert (result.rejects, result.ignored_fields) == (0, 1)


@pytest.mark.parametrize("written", NULLS)
def test_u11_an_instant_that_is_none_is_absent_and_the_follow_up_stays(written: str) -> None:
    result = read_imilo(written)
    collaboration = result.records[0].jeune.collaboration
    assert collaboration is not None
    assert (collaboration.demandee_le, collaboration.referent) == (None, "M. Durand")
    assert (result.rejects, result.ignored_fields) == (0, 1)


@pytest.mark.parametrize("written", ["2026-03-29 02:30:00", "2026-10-25 02:30:00", "2026-03-29T02:30:00+01:00"])
def test_u11_an_hour_that_does_not_exist_or_comes_twice_is_an_instant(written: str) -> None:
    result = instant_paris(written)
    assert result is not None
    assert result.utcoffset() is not None
    assert sorted([result, datetime(2027, 1, 1, tzinfo=PARIS), datetime(2026, 1, 1, tzinfo=PARIS)])[1] == result


@pytest.mark.parametrize(
    ("naissance", "age"),
    [
        (date(2030, 1, 1), None),  # to come
        (date(2023, 1, 1), None),  # three years old
        (date(1886, 1, 1), None),
        (date(2006, 10, 15), 20),
        (date(2006, 10, 16), 19),
    ],
)
def test_u11_no_age_is_made_of_a_birth_that_cannot_be(naissance: date, age: int | None) -> None:
    """The birth date is shown as it was told: its CFA has to see it to correct it."""
    jeune = merged(told("ypareo", date_naissance=naissance)).jeune
    assert (jeune.date_naissance, jeune.age, jeune.mineur) == (naissance, age, None if age is None else False)


def test_u11_a_rupture_before_the_start_is_told_and_leaves_no_day_of_contract() -> None:
    one = merged(
        told(
            "ypareo",
            contrats=[
                contrat(date(2026, 9, 15), broken=date(2026, 9, 1)),
                contrat(date(2025, 9, 1), date(2026, 8, 31)),
            ],
        )
    )
    assert [rupture.date for rupture in one.jeune.ruptures or []] == [date(2026, 9, 1)]
    assert [c.date_debut for c in one.jeune.contrats or []] == [date(2026, 9, 15), date(2025, 9, 1)]
    assert statut(one).value != "APPRENTI"


def test_u11_ends_and_starts_in_the_wrong_order_or_absent_break_nothing() -> None:
    one = merged(
        told("ypareo", contrats=[contrat(date(2026, 9, 1), date(2026, 1, 1)), contrat(date(9999, 12, 31))]),
        told("registre", contrats=[contrat(date(1, 1, 1), date(1, 1, 2))]),
    )
    assert len(one.contrats) == 3
