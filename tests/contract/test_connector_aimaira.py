"""Aimaira-like entities, quirk by quirk, and the exact nouns they become."""

from datetime import date, datetime
from typing import Any

import pytest

from gateway.connectors import aimaira
from gateway.connectors.base import PagingStyle, ReadingResult, Record, UnexpectedAnswer
from gateway.domain.days import PARIS
from gateway.schema.nouns import Adresse, Contrat, Employeur, Formation, Jeune, Representant, Rupture, Sexe
from gateway.schema.organisations import Cfa
from gateway.schema.scalars import SIRET, UAI, CodePostal
from tests.support.contract.connectors import CFA, DAY, by_operation, drive

CENTRE = Cfa(uai=UAI("0010856A"), siret=SIRET("73282932000074"))
NIR_FICTIF = "206039912345678"
APPRENANT: dict[str, Any] = {
    "Id": 12,
    "Code": "A000012",
    "Nom": "LE GOFF",
    "Prenoms": "Jean Marie",
    "NomUsage": None,
    "DateNaissance": "2006-07-03T00:00:00+02:00",
    "GenreMale": True,
    "Handicap": False,
    "NumeroIne": "123456789AB",
    "NumeroInsee": NIR_FICTIF,
    "MailId": 1,
    "MobileId": 1,
    "AdresseId": 1,
    "Representant1Id": 1,
}
CONVENTION: dict[str, Any] = {
    "Id": 5,
    "ApprenantId": 12,
    "EntrepriseId": 1,
    "ProgrammeId": 1,
    "NumeroContrat": "001202409010001",
    "TypeConventionId": 11,
    "Avenant": False,
    "ConventionOrigineId": 0,
    "DateDebut": "2024-09-01T00:00:00+02:00",
    "DateFin": "2026-08-31T00:00:00+02:00",
    "DateRupture": None,
    "MotifRupture": None,
    "DateModification": "2024-09-10T00:00:00+02:00",
}
AVENANT = {**CONVENTION, "Id": 6, "Avenant": True, "ConventionOrigineId": 5, "DateFin": "2026-12-31T00:00:00+01:00"}
BROKEN_OFF = {"DateRupture": "2026-02-28T00:00:00+01:00", "MotifRupture": "Démission"}
INSCRIPTION: dict[str, Any] = {
    "Id": 3,
    "ApprenantId": 12,
    "ProgrammeId": 1,
    "DateInscription": "2024-06-20T00:00:00+02:00",
    "DateDebut": "2024-09-01T00:00:00+02:00",
    "DateFin": "2026-08-31T00:00:00+02:00",
    "DateSortie": None,
    "MotifDesinscription": None,
    "EtatInscriptionId": 1,
}
ENTITIES: dict[str, list[dict[str, Any]]] = {
    "Apprenant": [APPRENANT],
    "Mail": [{"Id": 1, "Adresse": "jean@jeune.invalid"}, {"Id": 2, "Adresse": "yann@parent.invalid"}],
    "Mobile": [{"Id": 1, "Numero": "+33 6 39 98 00 01"}],
    "Adresse": [
        {
            "Id": 1,
            "Ligne1": "3 rue des Écoles",
            "Ligne2": None,
            "CodePostal": "01000",
            "Ville": "Bourg-en-Bresse",
            "CodeInsee": "01053",
        }
    ],
    "Representant": [{"Id": 1, "Nom": "LE GOFF Yann", "MailId": 2, "MobileId": 0}],
    "Etablissement": [{"Id": 1, "Nom": "CFA", "Uai": "0010856A", "Siret": "73282932000074"}],
    "Programme": [
        {
            "Id": 1,
            "Libelle": "CAP Boulanger",
            "CodeRncp": "RNCP35316",
            "CodeDiplome": "50022141",
            "Niveau": 3,
            "EtablissementId": 1,
        }
    ],
    "Inscription": [INSCRIPTION],
    "Convention": [CONVENTION],
    "Entreprise": [
        {
            "Id": 1,
            "RaisonSociale": "BOULANGERIE LÉA",
            "Siret": "35600000000048",
            "CodeNaf": "1071D",
            "Idcc": "0843",
            "CodePostal": "01000",
        }
    ],
}
FORMATION: dict[str, Any] = {
    "intitule": "CAP Boulanger",
    "rncp": "RNCP35316",
    "cfd": "50022141",
    "niveau": 3,
    "date_debut": date(2024, 9, 1),
    "date_fin": date(2026, 8, 31),
    "cfa": CENTRE,
}
CONTRAT: dict[str, Any] = {
    "numero": "001202409010001",
    "type": "11",
    "date_debut": date(2024, 9, 1),
    "date_fin": date(2026, 8, 31),
    "employeur": Employeur(siret=SIRET("35600000000048"), denomination="BOULANGERIE LÉA", naf="1071D", idcc="0843"),
    "cfa": CENTRE,
}
ADRESSE: dict[str, Any] = {
    "voie": "3 rue des Écoles",
    "code_postal": CodePostal("01000"),
    "ville": "Bourg-en-Bresse",
    "insee": "01053",
}


def jeune(**champs: Any) -> Jeune:
    values: dict[str, Any] = {
        "nom": "LE GOFF",
        "prenom": "Jean Marie",
        "date_naissance": date(2006, 7, 3),
        "sexe": Sexe.M,
        "ine": "123456789AB",
        "rqth": False,
        "telephone": "0639980001",
        "courriel": "jean@jeune.invalid",
        "adresse": Adresse(**ADRESSE),
        "representants": [Representant(nom="LE GOFF Yann", courriel="yann@parent.invalid")],
        "formations": [Formation(**FORMATION)],
        "contrats": [Contrat(**CONTRAT)],
    }
    return Jeune(**{**values, **champs})


def read_all(**entities: list[Any]) -> ReadingResult:
    pages = {name: [{"value": rows}] for name, rows in {**ENTITIES, **entities}.items()}
    return drive(aimaira.records(CFA, DAY), by_operation(pages))[1]


def record(**champs: Any) -> Record:
    return Record("12", jeune(**champs), datetime(2024, 9, 10, tzinfo=PARIS))


def test_a_young_person_joined_from_ten_entities() -> None:
    assert read_all() == ReadingResult([record()])


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ({"GenreMale": False, "Handicap": True}, {"sexe": Sexe.F, "rqth": True}),
        ({"GenreMale": None, "Handicap": None, "NumeroIne": None}, {"sexe": None, "rqth": None, "ine": None}),
        ({"DateNaissance": "2006-03-07T00:00:00+01:00"}, {"date_naissance": date(2006, 3, 7)}),
        ({"DateNaissance": "2006-03-06T23:00:00Z"}, {"date_naissance": date(2006, 3, 7)}),
        ({"MailId": 0}, {"courriel": None}),
        ({"MobileId": 0}, {"telephone": None}),
        ({"MobileId": 99}, {"telephone": None}),
        ({"AdresseId": 0}, {"adresse": None}),
        ({"Representant1Id": 0}, {"representants": None}),
        ({"Representant1Id": None}, {"representants": None}),
    ],
)
def test_an_apprentice(written: dict[str, Any], expected: dict[str, Any]) -> None:
    assert read_all(Apprenant=[{**APPRENANT, **written}]) == ReadingResult([record(**expected)])


def test_an_id_of_zero_points_at_nothing_even_where_a_row_has_it() -> None:
    result = read_all(Apprenant=[{**APPRENANT, "MailId": 0}], Mail=[{"Id": 0, "Adresse": "autre@jeune.invalid"}])
    assert result.records[0].jeune.courriel is None


@pytest.mark.parametrize(
    ("entity", "written", "expected"),
    [
        ("Adresse", {"CodeInsee": None}, {"adresse": Adresse(**{**ADRESSE, "insee": None})}),
        ("Adresse", {"CodePostal": "1000"}, {"adresse": Adresse(**{**ADRESSE, "code_postal": CodePostal("1000")})}),
        ("Programme", {"EtablissementId": 0}, None),
    ],
)
def test_a_linked_entity(entity: str, written: dict[str, Any], expected: dict[str, Any] | None) -> None:
    without_cfa = {
        "formations": [Formation(**{**FORMATION, "cfa": None})],
        "contrats": [Contrat(**{**CONTRAT, "cfa": None})],
    }
    result = read_all(**{entity: [{**ENTITIES[entity][0], **written}]})
    assert result == ReadingResult([record(**(without_cfa if expected is None else expected))])


@pytest.mark.parametrize(
    ("written", "exclusion"),
    [
        ({"EtatInscriptionId": 2, "DateSortie": "2026-01-10T00:00:00+01:00"}, date(2026, 1, 10)),
        ({"EtatInscriptionId": 2}, None),
        ({"EtatInscriptionId": 3, "DateSortie": "2026-01-10T00:00:00+01:00"}, None),
        ({"EtatInscriptionId": 7, "DateSortie": "2026-01-10T00:00:00+01:00"}, None),
    ],
)
def test_an_exclusion_is_a_state_and_a_date(written: dict[str, Any], exclusion: date | None) -> None:
    expected = [Formation(**FORMATION, exclusion=exclusion)]
    assert read_all(Inscription=[{**INSCRIPTION, **written}]) == ReadingResult([record(formations=expected)])


def test_a_rupture_takes_effect_the_day_after_the_last_day_worked() -> None:
    rupture = Rupture(date=date(2026, 3, 1), cause="Démission", signalee_le=date(2024, 9, 10))
    assert read_all(Convention=[{**CONVENTION, **BROKEN_OFF}]) == ReadingResult(
        [record(contrats=[Contrat(**CONTRAT, rupture=rupture)])]
    )


LATE = {"DateModification": "2025-11-05T00:00:00+01:00"}


@pytest.mark.parametrize(
    ("conventions", "fin", "rupture"),
    [
        ([CONVENTION, AVENANT], date(2026, 12, 31), None),
        ([AVENANT, CONVENTION], date(2026, 12, 31), None),
        ([CONVENTION, {**AVENANT, **BROKEN_OFF}], date(2026, 12, 31), date(2026, 3, 1)),
        ([{**CONVENTION, **BROKEN_OFF}, AVENANT], date(2026, 12, 31), date(2026, 3, 1)),
        ([CONVENTION, {**AVENANT, "DateFin": None}], date(2026, 8, 31), None),
        (
            [{**AVENANT, **LATE, "Id": 7, "DateFin": "2027-01-31T00:00:00+01:00"}, CONVENTION, AVENANT],
            date(2027, 1, 31),
            None,
        ),
        ([CONVENTION, {**AVENANT, "Id": 10, "DateFin": "2027-01-31T00:00:00+01:00"}, AVENANT], date(2027, 1, 31), None),
        ([CONVENTION, {**AVENANT, "ConventionOrigineId": 99}], date(2026, 8, 31), None),
    ],
)
def test_amendments_fold_into_their_contract(
    conventions: list[dict[str, Any]], fin: date, rupture: date | None
) -> None:
    (contrat,) = read_all(Convention=conventions).records[0].jeune.contrats or []
    assert contrat.date_debut == date(2024, 9, 1)
    assert (contrat.date_fin, contrat.rupture.date if contrat.rupture else None) == (fin, rupture)


def test_successive_contracts_stay_apart() -> None:
    following = {**CONVENTION, "Id": 8, "NumeroContrat": "001202609010002", "TypeConventionId": 23}
    contrats = read_all(Convention=[CONVENTION, following]).records[0].jeune.contrats or []
    assert [(c.numero, c.type) for c in contrats] == [("001202409010001", "11"), ("001202609010002", "23")]


@pytest.mark.parametrize(
    ("entity", "written", "expected"),
    [
        ("Mail", {"Adresse": "sans arobase"}, {"courriel": None}),
        ("Mobile", {"Numero": "12"}, {"telephone": None}),
        ("Adresse", {"CodeInsee": "inconnu"}, {"adresse": Adresse(**{**ADRESSE, "insee": None})}),
        ("Apprenant", {"Handicap": "peut-être"}, {"rqth": None}),
        ("Convention", {"DateFin": "fin août"}, {"contrats": [Contrat(**{**CONTRAT, "date_fin": None})]}),
    ],
)
def test_a_bad_optional_value_never_loses_the_record(
    entity: str, written: dict[str, Any], expected: dict[str, Any]
) -> None:
    if entity == "Mail":
        expected = {**expected, "representants": [Representant(nom="LE GOFF Yann")]}
    assert read_all(**{entity: [{**ENTITIES[entity][0], **written}]}) == ReadingResult([record(**expected)], 0, 1)


@pytest.mark.parametrize("champ", ["Id", "Nom", "Prenoms", "DateNaissance"])
def test_a_person_without_identity_is_rejected_alone(champ: str) -> None:
    assert read_all(Apprenant=[{**APPRENANT, champ: None}, APPRENANT]) == ReadingResult([record()], 1, 0)


def test_a_contract_without_a_start_is_rejected_alone() -> None:
    result = read_all(Convention=[{**CONVENTION, "Id": 9, "DateDebut": None}, CONVENTION])
    assert result == ReadingResult([record()], 1, 0)


def test_the_nir_is_not_even_in_the_model() -> None:
    champs = aimaira.Apprenant.model_fields
    assert "NumeroInsee" not in {info.alias for info in champs.values()} | set(champs)
    assert NIR_FICTIF not in repr(read_all())


def test_every_entity_is_asked_at_once_by_pages_of_two_hundred() -> None:
    (batch,), _ = drive(aimaira.records(CFA, DAY), by_operation({}))
    assert sorted(partner_request.operation for partner_request in batch) == sorted(ENTITIES)
    assert all(partner_request.path == f"/{partner_request.operation}" for partner_request in batch)
    assert all((r.pages, dict(r.params)) == (PagingStyle.ODATA, {"$top": "200", "$count": "true"}) for r in batch)


def test_entities_spread_over_pages_are_joined() -> None:
    pages: dict[str, list[Any]] = {name: [{"value": []}, {"value": rows}] for name, rows in ENTITIES.items()}
    assert drive(aimaira.records(CFA, DAY), by_operation(pages))[1] == ReadingResult([record()])


def test_a_page_without_its_rows_is_no_empty_answer() -> None:
    with pytest.raises(UnexpectedAnswer):
        drive(aimaira.records(CFA, DAY), by_operation({"Apprenant": [{"error": "x"}]}))
