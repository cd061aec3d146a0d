"""Whatever JSON a partner puts where a value was due, nothing is raised: it is counted, and the neighbours are read."""

import json
from collections.abc import Callable
from copy import deepcopy
from datetime import date
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.connectors import aimaira, deca, gestibase, imilo, ypareo
from gateway.connectors.base import ReadingResult, UnexpectedAnswer
from tests.contract import test_connector_aimaira as aimaira_cases
from tests.contract import test_connector_deca as registry_cases
from tests.contract import test_connector_gestibase as gestibase_cases
from tests.contract import test_connector_imilo as imilo_cases
from tests.contract import test_connector_ypareo as ypareo_cases
from tests.support.contract.connectors import CFA, DAY, MISSION, by_operation, drive

Row = dict[str, Any]
SCALARS = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text()
DATES = st.sampled_from(["0001-01-01T00:00:00+02:00", "9999-12-31T23:59:59-12:00", "31/12/9999", "99999999", "24:00"])
JSON = st.recursive(
    SCALARS | DATES,
    lambda leaves: st.lists(leaves, max_size=3) | st.dictionaries(st.text(), leaves, max_size=3),
    max_leaves=6,
)


def paths(valeur: Any, prefix: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Every place of a row where something stands."""
    pairs = valeur.items() if isinstance(valeur, dict) else enumerate(valeur) if isinstance(valeur, list) else ()
    return [place for key, inside in pairs for place in ((*prefix, key), *paths(inside, (*prefix, key)))]


@st.composite
def altered_rows(draw: st.DrawFn, line: Row) -> Any:
    """The row with something else in up to three places."""
    copy = deepcopy(line)
    for place in draw(st.lists(st.sampled_from(paths(line)), min_size=1, max_size=3, unique=True)):
        target = copy
        for key in place[:-1]:
            target = target[key] if isinstance(target, dict | list) and _a(target, key) else {}
        if isinstance(target, dict) or (isinstance(target, list) and _a(target, place[-1])):
            target[place[-1]] = draw(JSON)
    return copy


def _a(target: Any, key: Any) -> bool:
    return key in target if isinstance(target, dict) else isinstance(key, int) and key < len(target)


def ypareo_read(apprenant: Any, contrat: Any = None) -> ReadingResult:
    neighbour = {**ypareo_cases.APPRENANT, "codeApprenant": "voisin"}
    contrats = [contrat, {**ypareo_cases.CONTRAT, "codeApprenant": "voisin"}]
    return ypareo_cases.read_all([apprenant, neighbour], contrats)


def gestibase_read(line: Any) -> ReadingResult:
    return gestibase_cases.read_all([line, {**gestibase_cases.ROW, "Elève ID": "voisin"}])


def aimaira_read(line: Any, entity: str = "Apprenant") -> ReadingResult:
    neighbour = {**aimaira_cases.APPRENANT, "Id": "voisin"}
    entities = {"Apprenant": [neighbour]} | {entity: [line]}
    if entity == "Apprenant":
        entities = {"Apprenant": [line, neighbour]}
    return aimaira_cases.read_all(**entities)


def imilo_read(line: Any) -> ReadingResult:
    return imilo_cases.read_all([line, {**imilo_cases.DOSSIER, "idDossier": "voisin"}])


def verify(parsed: ReadingResult) -> None:
    assert "voisin" in {record.key for record in parsed.records}
    for record in parsed.records:
        jeune = record.jeune
        assert jeune.nom
        assert jeune.prenom
        assert isinstance(jeune.date_naissance, date)
        assert all(contrat.date_debut for contrat in jeune.contrats or ())
        assert all(isinstance(contrat.rupture.date, date) for contrat in jeune.contrats or () if contrat.rupture)


CASE: list[tuple[Callable[[Any], ReadingResult], Row]] = [
    (ypareo_read, ypareo_cases.APPRENANT),
    (lambda line: ypareo_read(ypareo_cases.APPRENANT, line), ypareo_cases.CONTRAT),
    (gestibase_read, gestibase_cases.ROW),
    (imilo_read, imilo_cases.DOSSIER),
    (aimaira_read, aimaira_cases.APPRENANT),
    *(
        (lambda line, nom=entity: aimaira_read(line, nom), aimaira_cases.ENTITIES[entity][0])
        for entity in ("Mail", "Adresse", "Programme", "Inscription", "Convention", "Entreprise")
    ),
]
NAMES = ["ypareo", "ypareo-contrat", "gestibase", "imilo", "aimaira", *(f"aimaira-{rank}" for rank in range(6))]


@pytest.mark.parametrize(("read", "line"), CASE, ids=NAMES)
@settings(max_examples=40, deadline=None)
@given(donnees=st.data())
def test_an_altered_row_costs_no_other(read: Callable[[Any], ReadingResult], line: Row, donnees: st.DataObject) -> None:
    altered = donnees.draw(altered_rows(line))
    before = json.dumps(altered)
    verify(read(altered))
    assert json.dumps(altered) == before


@pytest.mark.parametrize("read", [ypareo_read, gestibase_read, aimaira_read, imilo_read])
@settings(max_examples=60, deadline=None)
@given(line=JSON)
def test_any_row_at_all_costs_no_other(read: Callable[[Any], ReadingResult], line: Any) -> None:
    result = read(line)
    verify(result)
    assert [record.key for record in result.records] == ["voisin"]


@pytest.mark.parametrize("view", [registry_cases.TBA, registry_cases.LBA], ids=["TBA", "LBA"])
@settings(max_examples=80, deadline=None)
@given(donnees=st.data())
def test_an_altered_row_of_the_registry_costs_no_other(view: Row, donnees: st.DataObject) -> None:
    altered = donnees.draw(altered_rows(view) | JSON)
    rows, account = registry_cases.moisson([altered, view], [])
    assert rows[-1] == registry_cases.moisson([view], [])[0][0]
    assert len(rows) + account.rejects in (1, 2)
    jeune, contrat = registry_cases.folded(altered, view)
    assert (jeune.nom, contrat.numero) == ("LE GOFF", contrat.numero)


@settings(max_examples=60, deadline=None)
@given(
    tables=st.fixed_dictionaries(
        {name: st.lists(JSON, max_size=3) for name in ypareo_cases.TABLES if name != "periodes"}
    )
)
def test_bad_reference_lists_cost_what_they_name_and_no_person(tables: dict[str, list[Any]]) -> None:
    result = ypareo_cases.read_all([ypareo_cases.APPRENANT], [ypareo_cases.CONTRAT], **tables)
    assert [record.key for record in result.records] == ["1042"]


@pytest.mark.parametrize(
    "reading",
    [
        lambda: gestibase.records(CFA, DAY),
        lambda: aimaira.records(CFA, DAY),
        lambda: imilo.records(MISSION, DAY),
    ],
    ids=["gestibase", "aimaira", "imilo"],
)
def test_nothing_answered_is_nothing_known(reading: Callable[[], Any]) -> None:
    assert drive(reading(), by_operation({}))[1] == ReadingResult()
    assert deca.contrat([]) is None


def test_u04_no_school_year_is_no_answer() -> None:
    """An empty answer means "nobody" at Ypareo's, but no CFA lives without school years."""
    with pytest.raises(UnexpectedAnswer):
        drive(ypareo.records(CFA, DAY), by_operation({}))
