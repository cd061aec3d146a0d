"""Gestibase-like lines, quirk by quirk, and the exact nouns they become."""

from datetime import date, datetime
from typing import Any

import pytest

from gateway.connectors import gestibase
from gateway.connectors.base import Dossier, Forme, Lu, Pages, ReponseInattendue
from gateway.domain.temps import PARIS
from gateway.schema.lieux import Cfa
from gateway.schema.nouns import Adresse, Contrat, Employeur, Formation, Jeune, Representant, Rupture, Sexe
from gateway.schema.scalaires import SIRET, UAI, CodePostal
from tests.contract.connecteurs_outils import CFA, JOUR, mener

CENTRE = Cfa(uai=UAI("0010856A"))
LIGNE = {
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
SANS_CONTRAT = dict.fromkeys((nom for nom in LIGNE if nom.startswith(("Contrat", "Mds"))), "")
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
    valeurs: dict[str, Any] = {
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
    return Jeune(**{**valeurs, **champs})


def dossier(**champs: Any) -> Dossier:
    return Dossier("E000123", jeune(**champs), datetime(2026, 2, 20, 14, 5, tzinfo=PARIS))


def entiere(page: list[Any]) -> list[Any]:
    """A page with the totals row that ends it."""
    lignes = [ligne for ligne in page if ligne != TOTAL]
    return [*lignes, {**TOTAL, "Elève nom": str(len(lignes))}]


def lu(*pages: list[Any], precedente: tuple[list[Any], ...] = ()) -> Lu:
    annees = {"2025": [entiere(page) for page in pages], "2024": [entiere(page) for page in precedente]}
    return mener(gestibase.dossiers(CFA, JOUR), lambda requete: annees[requete.params["annee"]])[1]


@pytest.mark.parametrize(
    "page", [[LIGNE], [], [{"NaN": ""}], [LIGNE, {**TOTAL, "Elève nom": "2"}], [LIGNE, TOTAL, LIGNE]]
)
def test_u04_a_page_without_the_count_of_its_rows_is_not_an_answer(page: list[Any]) -> None:
    """A CSV cut anywhere reads as well as a whole one."""
    with pytest.raises(ReponseInattendue):
        mener(gestibase.dossiers(CFA, JOUR), lambda _: [page])


def test_a_young_person_with_a_broken_contract() -> None:
    assert lu([LIGNE, TOTAL]) == Lu([dossier()])


@pytest.mark.parametrize(
    ("ecrit", "attendu"),
    [
        ({"RQTH": "N"}, {"rqth": False}),
        ({"RQTH": ""}, {"rqth": None}),
        ({"Portable 1": ""}, {"telephone": "0199000001"}),
        ({"Portable 1": "", "Téléphone 1": ""}, {"telephone": None}),
        ({"Elève adresse 1": "", "Elève code postal": "", "Elève ville": ""}, {"adresse": None}),
        ({"Représentant 1 nom": "", "Représentant 1 courriel": ""}, {"representants": None}),
        ({"Date exclusion": "20260110"}, {"formations": [Formation(**FORMATION, exclusion=date(2026, 1, 10))]}),
        (SANS_CONTRAT | {"Modifié le": "202602201405"}, {"contrats": []}),
        ({"Contrat date rupture": ""}, {"contrats": [Contrat(**{**CONTRAT, "rupture": None})]}),
        ({"Contrat date rupture": "00000000"}, {"contrats": [Contrat(**{**CONTRAT, "rupture": None})]}),
        ({"Mds nom": "", "Mds SIRET": ""}, {"contrats": [Contrat(**{**CONTRAT, "employeur": None})]}),
        ({"Contrat numéro": ""}, {"contrats": [Contrat(**{**CONTRAT, "numero": None})]}),
        ({"Statut": "0"}, {}),
    ],
)
def test_a_line(ecrit: dict[str, str], attendu: dict[str, Any]) -> None:
    assert lu([{**LIGNE, **ecrit}]) == Lu([dossier(**attendu)])


def test_the_cfa_is_the_one_asked_where_the_line_names_none() -> None:
    assert lu([{**LIGNE, "CFA UAI": ""}]) == Lu([dossier()])


@pytest.mark.parametrize(
    ("ecrit", "attendu"),
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
def test_a_bad_optional_value_never_loses_the_record(ecrit: dict[str, str], attendu: dict[str, Any]) -> None:
    assert lu([{**LIGNE, **ecrit}]) == Lu([dossier(**attendu)], 0, 1)


@pytest.mark.parametrize("colonne", ["Elève ID", "Elève nom", "Elève prénom", "Elève date naissance"])
def test_a_person_without_identity_is_rejected_alone(colonne: str) -> None:
    assert lu([{**LIGNE, colonne: ""}, LIGNE]) == Lu([dossier()], 1, 0)


def test_a_short_line_is_read_for_what_it_has() -> None:
    courte = dict(list(LIGNE.items())[:4])
    assert lu([courte]) == Lu(
        [
            Dossier(
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
    second = {**LIGNE, "Contrat numéro": "B", "Contrat date début": "20260301", "Contrat date rupture": ""}
    ancien = {**LIGNE, "Contrat numéro": "A", "Contrat date début": "20220901", "Session date début": "20220901"}
    autre = {**LIGNE, "Elève ID": "E000124"}
    lue = lu([LIGNE, TOTAL], [second, autre, TOTAL], precedente=([ancien, LIGNE, TOTAL],))
    assert [dossier.cle for dossier in lue.dossiers] == ["E000123", "E000124"]
    reunie = lue.dossiers[0].jeune
    assert [c.numero for c in reunie.contrats or []] == ["001202409010001", "B", "A"]
    assert [f.date_debut for f in reunie.formations or []] == [date(2024, 9, 1), date(2022, 9, 1)]
    assert (lue.rejets, lue.champs_ignores) == (0, 0)


def test_a_line_that_both_years_tell_counts_once() -> None:
    mauvaise = {**LIGNE, "Elève ID": "E000124", "Elève nom": ""}
    lue = lu([{**LIGNE, "Sexe": "X"}, mauvaise], precedente=([{**LIGNE, "Sexe": "X"}, mauvaise],))
    assert lue == Lu([dossier(sexe=None)], 1, 1)


def test_the_latest_year_says_who_the_person_is_today() -> None:
    lue = lu([{**LIGNE, "Portable 1": "0639980009"}], precedente=([LIGNE],))
    assert lue == Lu([dossier(telephone="0639980009")])


@pytest.mark.parametrize(
    ("jour", "annees"),
    [(date(2026, 3, 2), ["2025", "2024"]), (date(2026, 8, 1), ["2026", "2025"]), (date(2026, 7, 31), ["2025", "2024"])],
)
def test_two_school_years_are_asked_together(jour: date, annees: list[str]) -> None:
    (lot,), _ = mener(gestibase.dossiers(CFA, jour), lambda _: [])
    assert [requete.params for requete in lot] == [{"annee": annee, "page": "1", "par_page": "500"} for annee in annees]
    assert {(r.pages, r.forme, r.encodage) for r in lot} == {(Pages.LIEN, Forme.CSV, "iso-8859-15")}
