"""i-milo-like dossiers, quirk by quirk, and the exact nouns they become."""

from datetime import date, datetime
from typing import Any

import pytest

from gateway.connectors import imilo
from gateway.connectors.base import PagingStyle, ReadingResult, Record, Tenant, UnexpectedAnswer
from gateway.domain.days import PARIS
from gateway.schema.nouns import Adresse, Collaboration, EtapeSuivi, Jeune, SituationSuivi, Suivi
from gateway.schema.scalars import CodePostal
from gateway.schema.write_states import MotifAccompagnement
from tests.support.contract.connectors import DAY, MISSION, by_operation, drive

SUIVI: dict[str, Any] = {
    "situation": "RDV_PRIS",
    "situationAutre": None,
    "commentaire": "Rappeler lundi",
    "dejaConnu": True,
    "conseiller": "C. Petit",
    "majLe": "2026-02-20 14:05:00",
    "historique": [
        {"situation": "CONTACTE_SANS_RETOUR", "date": "2026-02-01 09:00:00"},
        {"situation": "RDV_PRIS", "date": "2026-02-20 14:05:00"},
    ],
    "souhaiteRdv": True,
}
COLLABORATION: dict[str, Any] = {
    "demandeeLe": "2026-01-15 08:00:00",
    "motifs": ["LOGEMENT", "SANTE"],
    "commentaire": "Cherche un logement",
    "causeRupture": "Démission",
    "referent": "M. Durand",
    "uai": "0809001Z",
}
DOSSIER: dict[str, Any] = {
    "idDossier": 4012,
    "idJeune": "00ff",
    "nomNaissance": "LE GOFF",
    "nomUsage": "MARTIN",
    "prenom": "Anne-Lise",
    "dateNaissance": "2006-03-07",
    "mail": "anne-lise@jeune.invalid",
    "adresse": {
        "numero": "3",
        "libelleVoie": "rue des Écoles",
        "complement": None,
        "codePostal": "01000",
        "commune": "BOURG EN BRESSE",
    },
    "structureRattachement": {"nomUsuel": "Bourg", "nomOfficiel": "Mission locale", "codeStructure": "01001"},
    "accompagnementCEJ": {"accompagnementCEJ": True},
    "situations": [{"etat": "TERMINE", "dateFin": None, "categorieSituation": "Contrat en Alternance"}],
    "telephone": "06 39 98 00 01",
    "suiviApprentissage": SUIVI,
    "collaboration": COLLABORATION,
}


def on(month: int, day: int, moment: int, minute: int = 0) -> datetime:
    return datetime(2026, month, day, moment, minute, tzinfo=PARIS)


SUIVI_READ: dict[str, Any] = {
    "situation": SituationSuivi.RDV_PRIS,
    "commentaire": "Rappeler lundi",
    "deja_connu": True,
    "conseiller": "C. Petit",
    "date": on(2, 20, 14, 5),
    "souhaite_rdv": True,
    "historique": [
        EtapeSuivi(situation=SituationSuivi.RDV_PRIS, date=on(2, 20, 14, 5)),
        EtapeSuivi(situation=SituationSuivi.CONTACTE_SANS_RETOUR, date=on(2, 1, 9)),
    ],
}
COLLABORATION_READ: dict[str, Any] = {
    "demandee_le": on(1, 15, 8),
    "motifs": [MotifAccompagnement.LOGEMENT, MotifAccompagnement.SANTE],
    "commentaire": "Cherche un logement",
    "cause_rupture": "Démission",
    "referent": "M. Durand",
    "uai": "0809001Z",
}


def jeune(**champs: Any) -> Jeune:
    values: dict[str, Any] = {
        "nom": "LE GOFF",
        "autres_noms": ("MARTIN",),
        "prenom": "Anne-Lise",
        "date_naissance": date(2006, 3, 7),
        "telephone": "0639980001",
        "courriel": "anne-lise@jeune.invalid",
        "adresse": Adresse(voie="3 rue des Écoles", code_postal=CodePostal("01000"), ville="BOURG EN BRESSE"),
        "suivi": Suivi(**SUIVI_READ),
        "collaboration": Collaboration(**COLLABORATION_READ),
    }
    return Jeune(**{**values, **champs})


def record(**champs: Any) -> Record:
    return Record("4012", jeune(**champs), on(2, 20, 14, 5), structure="01001")


def read_all(*pages: list[Any]) -> ReadingResult:
    return drive(imilo.records(MISSION, DAY), by_operation({"dossiers": list(pages)}))[1]


def test_a_dossier_with_follow_up_and_collaboration() -> None:
    assert read_all([DOSSIER]) == ReadingResult([record()])


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ({"telephone": None, "mail": None, "adresse": None}, {"telephone": None, "courriel": None, "adresse": None}),
        ({"adresse": {"codePostal": "", "commune": ""}}, {"adresse": None}),
        ({"collaboration": None}, {"collaboration": None}),
        (
            {"suiviApprentissage": {**SUIVI, "situation": None, "historique": None, "souhaiteRdv": None}},
            {"suivi": Suivi(**{**SUIVI_READ, "situation": None, "historique": [], "souhaite_rdv": False})},
        ),
        (
            {"suiviApprentissage": {**SUIVI, "situation": "AUTRE", "situationAutre": "Service civique"}},
            {"suivi": Suivi(**{**SUIVI_READ, "situation": SituationSuivi.AUTRE, "situation_autre": "Service civique"})},
        ),
    ],
)
def test_a_dossier(written: dict[str, Any], expected: dict[str, Any]) -> None:
    assert read_all([{**DOSSIER, **written}]) == ReadingResult([record(**expected)])


def test_a_dossier_without_follow_up_was_not_written_on_any_day() -> None:
    result = read_all([{**DOSSIER, "suiviApprentissage": None}])
    assert result == ReadingResult([Record("4012", jeune(suivi=None), None, structure="01001")])


@pytest.mark.parametrize(
    ("written", "expected", "ignores"),
    [
        (
            {"suiviApprentissage": {**SUIVI, "situation": "EN_FORMATION"}},
            {"suivi": Suivi(**{**SUIVI_READ, "situation": None})},
            1,
        ),
        (
            {"suiviApprentissage": {**SUIVI, "historique": [*SUIVI["historique"], {"situation": "?", "date": None}]}},
            {},
            1,
        ),
        (
            {"collaboration": {**COLLABORATION, "motifs": ["LOGEMENT", "AMOUR", "SANTE", ""]}},
            {},
            2,
        ),
        ({"collaboration": "oui"}, {"collaboration": None}, 1),
        ({"telephone": "12"}, {"telephone": None}, 1),
    ],
)
def test_an_unknown_code_is_set_aside_and_counted(
    written: dict[str, Any], expected: dict[str, Any], ignores: int
) -> None:
    assert read_all([{**DOSSIER, **written}]) == ReadingResult([record(**expected)], 0, ignores)


@pytest.mark.parametrize("champ", ["idDossier", "nomNaissance", "prenom", "dateNaissance"])
def test_a_person_without_identity_is_rejected_alone(champ: str) -> None:
    assert read_all([{**DOSSIER, champ: ""}], [DOSSIER]) == ReadingResult([record()], 1, 0)


def test_a_dossier_says_which_structure_it_belongs_to() -> None:
    elsewhere = {**DOSSIER, "suiviApprentissage": None, "structureRattachement": {"codeStructure": "02001"}}
    silent = {**DOSSIER, "structureRattachement": None}
    assert [result.structure for result in read_all([elsewhere, silent]).records] == ["02001", ""]


def test_the_structure_is_asked_by_its_code_and_nothing_of_a_person() -> None:
    (batch,), empty = drive(imilo.records(Tenant("01001", code="1001"), DAY), by_operation({}))
    (partner_request,) = batch
    assert partner_request.path == "/operateurs/structures/1001/dossiers"
    assert (partner_request.pages, dict(partner_request.params)) == (
        PagingStyle.SIZE,
        {"page": "1", "taillePage": "150"},
    )
    assert (partner_request.acces, partner_request.empty_is_absence) == ("dossier", True)
    assert empty == ReadingResult()


def test_an_object_where_dossiers_were_due_is_no_empty_answer() -> None:
    with pytest.raises(UnexpectedAnswer):
        drive(imilo.records(MISSION, DAY), by_operation({"dossiers": [{"message": "x"}]}))
