"""Gestibase-like lines, quirk by quirk, and the exact nouns they become."""

from datetime import date, datetime
from typing import Any

import pytest

from gateway.connectors import gestibase
from gateway.connectors.base import BodyFormat, PagingStyle, ReadingResult, Record, UnexpectedAnswer
from gateway.domain.days import PARIS
from gateway.schema.nouns import Adresse, Contrat, Employeur, Formation, Jeune, Representant, Rupture, Sexe
from gateway.schema.organisations import Cfa
from gateway.schema.scalars import SIRET, UAI, CodePostal
from tests.support.contract.connectors import CFA, DAY, drive

CENTRE = Cfa(uai=UAI("0010856A"))
ROW = {
    "Elève ID": "E000123",
    "Elève nom": "GARCÍA DE LA TORRE DEL MO",
    "Elève prénom": "Zoé",
    "Elève date naissance": "20060307",
    "Sexe": "F",
    "INE": "123456789AB",
    "RQTH": "O",
    "Portable 1": "0639980001 / 0639980002",
    "Téléphone 1": "01 99 00 00 01",
    "Courriel": "zoe@jeune.invalid",
    "Elève adresse 1": "3 rue des Écoles",
    "Elève code postal": "01000",
    "Elève ville": "BOURG EN BRESSE",
    "Statut": "2",
    "CFA UAI": "0010856A",
    "Formation libellé": "CAP Boulanger",
    "Formation RNCP": "RNCP35316",
    "Formation CFD": "50022141",
    "Formation niveau": "3",
    "Date inscription": "20240620",
    "Session date début": "20240901",
    "Session date fin": "20260831",
    "Date exclusion": "00000000",
    "Représentant 1 nom": "GARCÍA Luz",
    "Représentant 1 courriel": "luz@parent.invalid",
    "Représentant 1 téléphone": "",
    "Contrat numéro": "001202409010001",
    "Contrat type contrat": "11",
    "Contrat date début": "20240901",
    "Contrat date fin": "20260831",
    "Contrat date rupture": "20260215",
    "Contrat motif rupture": "Démission",
    "Mds nom": "BOULANGERIE LÉA",
    "Mds SIRET": "35600000000048",
    "Mds adresse 1": "",
    "Mds code postal": "01000",
    "Mds ville": "BOURG EN BRESSE",
    "Modifié le": "202602201405",
}
WITHOUT_CONTRAT = dict.fromkeys((nom for nom in ROW if nom.startswith(("Contrat", "Mds"))), "")
TOTAL = {"Elève ID": "TOTAL", "Elève nom": "1", "Elève prénom": ""}
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
    "employeur": Employeur(siret=SIRET("35600000000048"), denomination="BOULANGERIE LÉA"),
    "cfa": CENTRE,
    "rupture": Rupture(date=date(2026, 2, 15), cause="Démission", signalee_le=date(2026, 2, 20)),
}


def jeune(**champs: Any) -> Jeune:
    values: dict[str, Any] = {
        "nom": "GARCÍA DE LA TORRE DEL MO",
        "prenom": "Zoé",
        "date_naissance": date(2006, 3, 7),
        "sexe": Sexe.F,
        "ine": "123456789AB",
        "rqth": True,
        "telephone": "0639980001",
        "courriel": "zoe@jeune.invalid",
        "adresse": Adresse(voie="3 rue des Écoles", code_postal=CodePostal("01000"), ville="BOURG EN BRESSE"),
        "representants": [Representant(nom="GARCÍA Luz", courriel="luz@parent.invalid")],
        "formations": [Formation(**FORMATION)],
        "contrats": [Contrat(**CONTRAT)],
    }
    return Jeune(**{**values, **champs})


def record(**champs: Any) -> Record:
    return Record("E000123", jeune(**champs), datetime(2026, 2, 20, 14, 5, tzinfo=PARIS))


def whole(page: list[Any]) -> list[Any]:
    """A page with the totals row that ends it."""
    rows = [line for line in page if line != TOTAL]
    return [*rows, {**TOTAL, "Elève nom": str(len(rows))}]


def read_all(*pages: list[Any], previous: tuple[list[Any], ...] = ()) -> ReadingResult:
    years = {"2025": [whole(page) for page in pages], "2024": [whole(page) for page in previous]}
    return drive(gestibase.records(CFA, DAY), lambda partner_request: years[partner_request.params["annee"]])[1]


@pytest.mark.parametrize("page", [[ROW], [], [{"NaN": ""}], [ROW, {**TOTAL, "Elève nom": "2"}], [ROW, TOTAL, ROW]])
def test_u04_a_page_without_the_count_of_its_rows_is_not_an_answer(page: list[Any]) -> None:
    """A CSV cut anywhere reads as well as a whole one."""
    with pytest.raises(UnexpectedAnswer):
        drive(gestibase.records(CFA, DAY), lambda _: [page])


def test_a_young_person_with_a_broken_contract() -> None:
    assert read_all([ROW, TOTAL]) == ReadingResult([record()])


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ({"RQTH": "N"}, {"rqth": False}),
        ({"RQTH": ""}, {"rqth": None}),
        ({"Portable 1": ""}, {"telephone": "0199000001"}),
        ({"Portable 1": "", "Téléphone 1": ""}, {"telephone": None}),
        ({"Elève adresse 1": "", "Elève code postal": "", "Elève ville": ""}, {"adresse": None}),
        ({"Représentant 1 nom": "", "Représentant 1 courriel": ""}, {"representants": None}),
        ({"Date exclusion": "20260110"}, {"formations": [Formation(**FORMATION, exclusion=date(2026, 1, 10))]}),
        (WITHOUT_CONTRAT | {"Modifié le": "202602201405"}, {"contrats": []}),
        ({"Contrat date rupture": ""}, {"contrats": [Contrat(**{**CONTRAT, "rupture": None})]}),
        ({"Contrat date rupture": "00000000"}, {"contrats": [Contrat(**{**CONTRAT, "rupture": None})]}),
        ({"Mds nom": "", "Mds SIRET": ""}, {"contrats": [Contrat(**{**CONTRAT, "employeur": None})]}),
        ({"Contrat numéro": ""}, {"contrats": [Contrat(**{**CONTRAT, "numero": None})]}),
        ({"Statut": "0"}, {}),
    ],
)
def test_a_line(written: dict[str, str], expected: dict[str, Any]) -> None:
    assert read_all([{**ROW, **written}]) == ReadingResult([record(**expected)])


def test_the_cfa_is_the_one_asked_where_the_line_names_none() -> None:
    assert read_all([{**ROW, "CFA UAI": ""}]) == ReadingResult([record()])


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ({"Sexe": "X"}, {"sexe": None}),
        ({"RQTH": "?"}, {"rqth": None}),
        ({"Courriel": "sans arobase"}, {"courriel": None}),
        ({"Elève code postal": "F-01"}, {"adresse": Adresse(voie="3 rue des Écoles", ville="BOURG EN BRESSE")}),
        ({"Contrat date rupture": "20260231"}, {"contrats": [Contrat(**{**CONTRAT, "rupture": None})]}),
        (
            {"Mds SIRET": "356"},
            {"contrats": [Contrat(**{**CONTRAT, "employeur": Employeur(denomination="BOULANGERIE LÉA")})]},
        ),
    ],
)
def test_a_bad_optional_value_never_loses_the_record(written: dict[str, str], expected: dict[str, Any]) -> None:
    assert read_all([{**ROW, **written}]) == ReadingResult([record(**expected)], 0, 1)


@pytest.mark.parametrize("column", ["Elève ID", "Elève nom", "Elève prénom", "Elève date naissance"])
def test_a_person_without_identity_is_rejected_alone(column: str) -> None:
    assert read_all([{**ROW, column: ""}, ROW]) == ReadingResult([record()], 1, 0)


def test_a_short_line_is_read_for_what_it_has() -> None:
    short = dict(list(ROW.items())[:4])
    assert read_all([short]) == ReadingResult(
        [
            Record(
                "E000123",
                Jeune(
                    nom="GARCÍA DE LA TORRE DEL MO",
                    prenom="Zoé",
                    date_naissance=date(2006, 3, 7),
                    formations=[],
                    contrats=[],
                ),
            )
        ]
    )


def test_the_lines_of_one_person_are_one_record_over_pages_and_years() -> None:
    second = {**ROW, "Contrat numéro": "001202603010002", "Contrat date début": "20260301", "Contrat date rupture": ""}
    former = {
        **ROW,
        "Contrat numéro": "001202209010003",
        "Contrat date début": "20220901",
        "Session date début": "20220901",
    }
    other = {**ROW, "Elève ID": "E000124"}
    result = read_all([ROW, TOTAL], [second, other, TOTAL], previous=([former, ROW, TOTAL],))
    assert [record.key for record in result.records] == ["E000123", "E000124"]
    merged = result.records[0].jeune
    assert [c.numero for c in merged.contrats or []] == ["001202409010001", "001202603010002", "001202209010003"]
    assert [f.date_debut for f in merged.formations or []] == [date(2024, 9, 1), date(2022, 9, 1)]
    assert (result.rejects, result.ignored_fields) == (0, 0)


def test_an_id_given_to_two_persons_shows_the_contract_of_neither_as_the_other_s() -> None:
    other = {**ROW, "Elève nom": "BERNARD", "Elève prénom": "Louis", "Elève date naissance": "20051122"}
    alone = {**ROW, "Elève ID": "E000124"}
    result = read_all([ROW, other, alone, TOTAL])
    assert [record.key for record in result.records] == ["E000124"]
    assert (result.rejects, result.drifts) == (2, {"identite_double": 1})


def test_a_line_that_both_years_tell_counts_once() -> None:
    bad = {**ROW, "Elève ID": "E000124", "Elève nom": ""}
    result = read_all([{**ROW, "Sexe": "X"}, bad], previous=([{**ROW, "Sexe": "X"}, bad],))
    assert result == ReadingResult([record(sexe=None)], 1, 1)


def test_the_latest_year_says_who_the_person_is_today() -> None:
    result = read_all([{**ROW, "Portable 1": "0639980009"}], previous=([ROW],))
    assert result == ReadingResult([record(telephone="0639980009")])


@pytest.mark.parametrize(
    ("day", "years"),
    [(date(2026, 3, 2), ["2025", "2024"]), (date(2026, 8, 1), ["2026", "2025"]), (date(2026, 7, 31), ["2025", "2024"])],
)
def test_two_school_years_are_asked_together(day: date, years: list[str]) -> None:
    (batch,), _ = drive(gestibase.records(CFA, day), lambda _: [])
    assert [partner_request.params for partner_request in batch] == [
        {"annee": year, "page": "1", "par_page": "500"} for year in years
    ]
    assert {(r.pages, r.shape, r.encoding) for r in batch} == {(PagingStyle.LINK, BodyFormat.CSV, "iso-8859-15")}
