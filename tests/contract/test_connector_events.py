"""What connectors understand of events: which tenant or record to ask again, and nothing of anybody."""

from typing import Any

import pytest

from gateway.connectors import aimaira, imilo
from gateway.connectors.base import ChangeNotice, UnexpectedAnswer
from tests.support.contract.connectors import by_operation, drive

EVENT: dict[str, Any] = {
    "identifiant": "65f1c0ffee0ddba11ad5aa01",
    "idDossier": 4012,
    "type": "DOSSIER",
    "action": "UPDATE",
    "date": "2026-03-02T09:00:00Z",
}


def notices(*evenements: object) -> list[ChangeNotice]:
    return drive(imilo.evenements(), by_operation({"events": [list(evenements)]}))[1]


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ({}, "4012"),
        ({"idDossier": "4012"}, "4012"),
        ({"action": "DELETE"}, "4012"),
        ({"action": "JAMAIS_VUE", "idType": "x"}, "4012"),
        ({"type": "RDV"}, ""),
        ({"type": "SESSION"}, ""),
        ({"type": None}, ""),
        ({"idDossier": None}, ""),
    ],
)
def test_imilo_an_event_names_a_dossier_or_concerns_nothing_that_is_shown(
    written: dict[str, Any], expected: str
) -> None:
    assert notices({**EVENT, **written}) == [ChangeNotice(key="65f1c0ffee0ddba11ad5aa01", record=expected)]


@pytest.mark.parametrize("identifier", [None, "", "../x", "a/b", "é", "x" * 65, 12, ["a"]])
def test_imilo_an_event_that_cannot_be_acknowledged_is_set_aside_alone(identifier: object) -> None:
    assert len(notices({**EVENT, "identifiant": identifier}, EVENT)) == 1


def test_imilo_the_queue_is_asked_with_its_own_key() -> None:
    (batch,), results = drive(imilo.evenements(), by_operation({"events": [[]]}))
    assert results == []
    assert [(r.method, r.path, dict(r.params), r.acces) for r in batch] == [("GET", "/operateurs/events", {}, "events")]


def test_imilo_an_event_is_acknowledged_by_its_identifier() -> None:
    (batch,), _ = drive(imilo.acknowledge("e1"), by_operation({}))
    assert [(r.method, r.path, r.acces) for r in batch] == [("POST", "/operateurs/events/e1/ack", "events")]


@pytest.mark.parametrize(
    ("pages", "expected"),
    [
        ([{"structureRattachement": {"codeStructure": "01001"}, "nomNaissance": "LE GOFF"}], "01001"),
        ([{"structureRattachement": None}], None),
        ([{"structureRattachement": {"codeStructure": ["01001"]}}], None),
        ([], None),  # an empty 200: nobody holds it
    ],
)
def test_imilo_a_dossier_is_located_by_the_documented_call(pages: list[Any], expected: str | None) -> None:
    (batch,), code = drive(imilo.place("4012"), by_operation({"dossier": pages}))
    assert [(r.path, r.acces) for r in batch] == [("/sue/dossiers/4012", "dossier")]
    assert code == expected


@pytest.mark.parametrize("numero", ["", "../sue", "12/ack", "1e3", "٤", "9" * 19])
def test_imilo_what_is_no_number_goes_in_no_path(numero: str) -> None:
    with pytest.raises(UnexpectedAnswer):
        drive(imilo.place(numero), by_operation({}))


def test_aimaira_a_call_names_its_client_and_nothing_else_is_read() -> None:
    call = {"CustomerName": " 0600001a ", "ObjectId": 12, "ObjectType": "Apprenant", "Hash": "x", "Nom": "LE GOFF"}
    assert aimaira.notices(call) == ChangeNotice(tenant="0600001a")


@pytest.mark.parametrize("document", [{}, [], {"CustomerName": ""}, {"CustomerName": {"x": 1}}])
def test_aimaira_a_call_without_its_client_is_unreadable(document: object) -> None:
    with pytest.raises(UnexpectedAnswer):
        aimaira.notices(document)
