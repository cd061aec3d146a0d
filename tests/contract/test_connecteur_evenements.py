"""What connectors understand of events: which tenant or record to ask again, and nothing of anybody."""

from typing import Any

import pytest

from gateway.connectors import aimaira, imilo
from gateway.connectors.base import Avis, ReponseInattendue
from tests.contract.connecteurs_outils import mener, par_operation

EVENEMENT: dict[str, Any] = {
    "identifiant": "65f1c0ffee0ddba11ad5aa01",
    "idDossier": 4012,
    "type": "DOSSIER",
    "action": "UPDATE",
    "date": "2026-03-02T09:00:00Z",
}


def avis(*evenements: object) -> list[Avis]:
    return mener(imilo.evenements(), par_operation({"events": [list(evenements)]}))[1]


@pytest.mark.parametrize(
    ("ecrit", "attendu"),
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
def test_imilo_an_event_names_a_dossier_or_concerns_nothing_that_is_shown(ecrit: dict[str, Any], attendu: str) -> None:
    assert avis({**EVENEMENT, **ecrit}) == [Avis(cle="65f1c0ffee0ddba11ad5aa01", dossier=attendu)]


@pytest.mark.parametrize("identifiant", [None, "", "../x", "a/b", "é", "x" * 65, 12, ["a"]])
def test_imilo_an_event_that_cannot_be_acknowledged_is_set_aside_alone(identifiant: object) -> None:
    assert len(avis({**EVENEMENT, "identifiant": identifiant}, EVENEMENT)) == 1


def test_imilo_the_queue_is_asked_with_its_own_key() -> None:
    (lot,), lus = mener(imilo.evenements(), par_operation({"events": [[]]}))
    assert lus == []
    assert [(r.methode, r.chemin, dict(r.params), r.acces) for r in lot] == [
        ("GET", "/operateurs/events", {}, "events")
    ]


def test_imilo_an_event_is_acknowledged_by_its_identifier() -> None:
    (lot,), _ = mener(imilo.acquitter("e1"), par_operation({}))
    assert [(r.methode, r.chemin, r.acces) for r in lot] == [("POST", "/operateurs/events/e1/ack", "events")]


@pytest.mark.parametrize(
    ("pages", "attendu"),
    [
        ([{"structureRattachement": {"codeStructure": "01001"}, "nomNaissance": "LE GOFF"}], "01001"),
        ([{"structureRattachement": None}], None),
        ([{"structureRattachement": {"codeStructure": ["01001"]}}], None),
        ([], None),  # an empty 200: nobody holds it
    ],
)
def test_imilo_a_dossier_is_located_by_the_documented_call(pages: list[Any], attendu: str | None) -> None:
    (lot,), code = mener(imilo.situer("4012"), par_operation({"dossier": pages}))
    assert [(r.chemin, r.acces) for r in lot] == [("/sue/dossiers/4012", "dossier")]
    assert code == attendu


@pytest.mark.parametrize("numero", ["", "../sue", "12/ack", "1e3", "٤", "9" * 19])
def test_imilo_what_is_no_number_goes_in_no_path(numero: str) -> None:
    with pytest.raises(ReponseInattendue):
        mener(imilo.situer(numero), par_operation({}))


def test_aimaira_a_call_names_its_client_and_nothing_else_is_read() -> None:
    appel = {"CustomerName": " 0600001a ", "ObjectId": 12, "ObjectType": "Apprenant", "Hash": "x", "Nom": "LE GOFF"}
    assert aimaira.avis(appel) == Avis(locataire="0600001a")


@pytest.mark.parametrize("document", [{}, [], {"CustomerName": ""}, {"CustomerName": {"x": 1}}])
def test_aimaira_a_call_without_its_client_is_unreadable(document: object) -> None:
    with pytest.raises(ReponseInattendue):
        aimaira.avis(document)
