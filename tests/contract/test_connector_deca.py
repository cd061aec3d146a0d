"""DECA-like rows: what the harvest keeps, and how the rows of one contract fold into one person and one contract."""

from copy import deepcopy
from datetime import date
from typing import Any

import pytest

from gateway.connectors import deca
from gateway.connectors.base import PagingStyle, QualityCounts, UnexpectedAnswer
from gateway.schema.nouns import Adresse, Contrat, Employeur, Formation, Jeune, Rupture, Sexe
from gateway.schema.organisations import Cfa, NatureDefaut
from gateway.schema.scalars import SIRET, UAI, CodePostal
from gateway.stores.registry_row import RegistryRow

NUMERO = "001202409010001"
DAY = date(2024, 9, 20)
TBA: dict[str, Any] = {
    "alternant": {
        "nom": "LE GOFF",
        "prenom": "ANNE-LISE",
        "sexe": "F",
        "dateNaissance": "2006-03-07",
        "departementNaissance": "093",
        "nationalite": "1",
        "handicap": "true",
        "courriel": "",
        "telephone": "0639980001",
        "adresse": {"numero": 3, "voie": "RUE DES ECOLES", "codePostal": 1000},
        "derniereClasse": "01",
    },
    "formation": {
        "dateDebutFormation": "2024-09-01",
        "dateFinFormation": "2026-08-31",
        "codeDiplome": "50022141",
        "rncp": "RNCP35316",
        "intituleOuQualification": "CAP BOULANGER",
    },
    "etablissementFormation": {"siret": "73282932000074"},
    "organismeFormationResponsable": {"uaiCfa": "0010856A", "siret": "73282932000074"},
    "detailsContrat": {
        "noContrat": NUMERO,
        "noAvenant": "",
        "dateEffetAvenant": "",
        "typeContrat": 11,
        "dispositif": "APPR",
        "dateDebutContrat": "2024-09-01",
        "dateFinContrat": "2026-08-31",
        "statut": "",
    },
    "rupture": {"dateEffetRupture": "", "codeMotifRupture": "", "commentaireRupture": "", "dateSignalement": ""},
    "employeur": {"codeIdcc": "0843"},
}
LBA: dict[str, Any] = {
    "alternant": {
        "nom": "LE GOFF",
        "prenom": "ANNE-LISE",
        "dateNaissance": "2006-03-07",
        "handicap": True,
        "courriel": "",
    },
    "formation": {"codeDiplome": "50022141", "rncp": "RNCP35316", "intituleOuQualification": "CAP BOULANGER"},
    "organismeFormationResponsable": {"uaiCfa": "0010856A", "siret": "73282932000074"},
    "detailsContrat": {**TBA["detailsContrat"], "typeContrat": "11", "dateConclusion": "2024-08-20"},
    "rupture": TBA["rupture"],
    "employeur": {
        "codeIdcc": "0843",
        "siret": "35600000000048",
        "denomination": "BOULANGERIE LEA",
        "naf": "1071D",
        "nombreDeSalaries": 4,
        "courriel": "",
        "telephone": "",
        "typeEmployeur": "12",
        "adresse": {"codePostal": "01000"},
    },
}
CENTRE = Cfa(uai=UAI("0010856A"), siret=SIRET("73282932000074"))
BOULANGERIE = Employeur(siret=SIRET("35600000000048"), denomination="BOULANGERIE LEA", naf="1071D", idcc="0843")
FORMATION: dict[str, Any] = {
    "intitule": "CAP BOULANGER",
    "rncp": "RNCP35316",
    "cfd": "50022141",
    "date_debut": date(2024, 9, 1),
    "date_fin": date(2026, 8, 31),
    "cfa": CENTRE,
}


def merged(line: dict[str, Any], **blocks: dict[str, Any]) -> dict[str, Any]:
    """A row with some values of its blocks changed."""
    copy = deepcopy(line)
    for name, values in blocks.items():
        copy[name] = {**copy.get(name, {}), **values}
    return copy


def broken(line: dict[str, Any], effet: str = "2026-02-15", motif: object = "01", told: str = "2026-02-20") -> Any:
    rupture = {"dateEffetRupture": effet, "codeMotifRupture": motif, "dateSignalement": told}
    return merged(line, rupture=rupture, detailsContrat={"statut": "Rompu"})


def avenant(line: dict[str, Any], numero: str, fin: str, code: object = 36) -> dict[str, Any]:
    details = {"noAvenant": numero, "dateEffetAvenant": "2025-01-01", "typeContrat": code, "dateFinContrat": fin}
    return merged(line, detailsContrat=details)


def jeune(**champs: Any) -> Jeune:
    values: dict[str, Any] = {
        "nom": "LE GOFF",
        "prenom": "ANNE-LISE",
        "date_naissance": date(2006, 3, 7),
        "sexe": Sexe.F,
        "rqth": True,
        "telephone": "0639980001",
        "adresse": Adresse(voie="3 RUE DES ECOLES", code_postal=CodePostal("1000")),
        "formations": [Formation(**FORMATION)],
    }
    return Jeune(**{**values, **champs})


def contrat(**champs: Any) -> Contrat:
    values: dict[str, Any] = {
        "numero": NUMERO,
        "type": "11",
        "date_debut": date(2024, 9, 1),
        "date_fin": date(2026, 8, 31),
        "employeur": BOULANGERIE,
        "cfa": CENTRE,
    }
    return Contrat(**{**values, **champs})


def folded(*charges: Any) -> tuple[Jeune, Contrat]:
    result = deca.contrat(charges)
    assert result is not None
    return result


def rupture(effet: date = date(2026, 2, 15), told: date | None = date(2026, 2, 20)) -> Rupture:
    return Rupture(date=effet, cause=deca.MOTIFS["01"], signalee_le=told)


# Folding


def test_both_views_make_one_person_and_one_contract() -> None:
    assert folded(TBA, LBA) == (jeune(), contrat())
    assert folded(LBA, TBA) == (jeune(), contrat())


def test_one_view_alone_is_kept_for_what_it_tells() -> None:
    assert folded(TBA) == (jeune(), contrat(employeur=Employeur(idcc="0843")))
    lba_alone = jeune(sexe=None, telephone=None, adresse=None, formations=None)
    assert folded(LBA) == (lba_alone, contrat())


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ({"sexe": "H"}, {"sexe": Sexe.M}),
        ({"sexe": "1"}, {"sexe": Sexe.M}),
        ({"sexe": "2"}, {"sexe": Sexe.F}),
        ({"sexe": ""}, {"sexe": None}),
        ({"sexe": "?"}, {"sexe": None}),
        ({"handicap": False}, {"rqth": False}),
        ({"handicap": "false"}, {"rqth": False}),
        ({"handicap": None}, {"rqth": None}),
        ({"adresse": {"codePostal": "01000"}}, {"adresse": Adresse(code_postal=CodePostal("01000"))}),
        ({"adresse": {"codePostal": ""}}, {"adresse": None}),
        ({"adresse": {}}, {"adresse": None}),
        ({"telephone": "", "courriel": "a@jeune.invalid"}, {"telephone": None, "courriel": "a@jeune.invalid"}),
    ],
)
def test_a_person(written: dict[str, Any], expected: dict[str, Any]) -> None:
    assert folded(merged(TBA, alternant=written))[0] == jeune(**expected)


def test_a_move_replaces_the_whole_address() -> None:
    elsewhere = merged(TBA, alternant={"adresse": {"voie": "LE BOURG", "codePostal": "59000"}})
    assert folded(TBA, elsewhere)[0].adresse == Adresse(voie="LE BOURG", code_postal=CodePostal("59000"))


@pytest.mark.parametrize(
    ("formation", "formations"),
    [
        ({"dateDebutFormation": "", "dateFinFormation": ""}, None),
        ({"dateFinFormation": ""}, None),
        ({"codeDiplome": "1022141"}, [Formation(**{**FORMATION, "cfd": "01022141"})]),
    ],
)
def test_a_training_without_dates_is_no_training(formation: dict[str, Any], formations: Any) -> None:
    assert folded(merged(TBA, formation=formation))[0].formations == formations


@pytest.mark.parametrize(
    ("organisme", "cfa"),
    [
        ({"uaiCfa": ""}, Cfa(siret=SIRET("73282932000074"))),
        ({"uaiCfa": None, "siret": ""}, Cfa(siret=SIRET("73282932000074"))),
        ({"siret": "?"}, CENTRE),
        ({"uaiCfa": "10856a"}, CENTRE),
    ],
)
def test_the_cfa_may_be_known_by_its_siret_only(organisme: dict[str, Any], cfa: Cfa) -> None:
    assert folded(merged(TBA, organismeFormationResponsable=organisme))[1].cfa == cfa


def test_no_cfa_at_all_is_none() -> None:
    silent = merged(LBA, organismeFormationResponsable={"uaiCfa": "", "siret": ""})
    assert folded(silent)[1].cfa is None


A1, A2, A10 = avenant(TBA, "1", "2026-10-31"), avenant(TBA, "2", "2026-12-31"), avenant(TBA, "10", "2027-03-31")
CORRECTED = merged(
    TBA, detailsContrat={"statut": "Corrigé", "dateDebutContrat": "2024-09-02", "dateFinContrat": "2026-07-31"}
)


@pytest.mark.parametrize(
    ("charges", "expected"),
    [
        ([TBA, A1, LBA], {"date_fin": date(2026, 10, 31)}),
        ([TBA, LBA, A1, A2], {"date_fin": date(2026, 12, 31)}),
        ([TBA, LBA, A2, A1], {"date_fin": date(2026, 12, 31)}),
        ([TBA, LBA, A10, A2], {"date_fin": date(2027, 3, 31)}),
        ([TBA, LBA, avenant(TBA, "1", "")], {}),
        ([TBA, LBA, avenant(TBA, "38", "2026-10-31", "38")], {"date_fin": date(2026, 10, 31)}),
        ([A1, LBA], {"date_fin": date(2026, 10, 31)}),
        ([TBA, LBA, CORRECTED], {"date_debut": date(2024, 9, 2), "date_fin": date(2026, 7, 31)}),
        ([TBA, LBA, A1, CORRECTED], {"date_debut": date(2024, 9, 2), "date_fin": date(2026, 10, 31)}),
        ([TBA, LBA, broken(TBA)], {"rupture": rupture()}),
        ([TBA, LBA, broken(TBA), A1], {"rupture": rupture(), "date_fin": date(2026, 10, 31)}),
        (
            [TBA, LBA, broken(TBA), CORRECTED],
            {"rupture": rupture(), "date_debut": date(2024, 9, 2), "date_fin": date(2026, 7, 31)},
        ),
        ([TBA, LBA, broken(avenant(TBA, "1", "2026-10-31"))], {"rupture": rupture(), "date_fin": date(2026, 10, 31)}),
        (
            [TBA, LBA, broken(TBA), broken(TBA, "2026-02-10", "01", "2026-03-01")],
            {"rupture": rupture(date(2026, 2, 10), date(2026, 2, 20))},
        ),
        ([TBA, LBA, broken(TBA, told="")], {"rupture": rupture(told=None)}),
        ([TBA, LBA, broken(TBA), merged(TBA, detailsContrat={"statut": "Rupture annulée"})], {}),
        (
            [TBA, LBA, broken(TBA), merged(TBA, detailsContrat={"statut": "RUPTURE ANNULEE"}), broken(TBA)],
            {"rupture": rupture()},
        ),
        ([TBA, LBA, merged(TBA, detailsContrat={"statut": "Annulé"})], {"annule": True}),
        ([TBA, LBA, merged(TBA, detailsContrat={"statut": "SUPPRIME"})], {"annule": True}),
        ([TBA, merged(TBA, detailsContrat={"statut": "Supprimé"}), LBA], {"annule": True}),
        (
            [merged(TBA, detailsContrat={"statut": "Annulé"}), merged(TBA, detailsContrat={"statut": "Corrigé"}), LBA],
            {},
        ),
    ],
)
def test_rows_in_order_of_day_fold_into_one_contract(charges: list[Any], expected: dict[str, Any]) -> None:
    assert folded(*charges)[1] == contrat(**expected)


@pytest.mark.parametrize(
    ("motif", "cause"),
    [
        ("01", deca.MOTIFS["01"]),
        (1, deca.MOTIFS["01"]),
        ("1", deca.MOTIFS["01"]),
        (8, deca.MOTIFS["08"]),
        ("99", "99"),
        ("", None),
        (None, None),
    ],
)
def test_the_reason_of_a_rupture_lost_its_zero_or_is_unknown(motif: object, cause: str | None) -> None:
    result = folded(broken(TBA, motif=motif))[1].rupture
    assert result is not None
    assert result.cause == cause


def test_rows_that_cannot_be_read_leave_the_others() -> None:
    assert folded({"alternant": {}}, TBA, LBA) == (jeune(), contrat())
    assert deca.contrat([{"alternant": {}}, {}]) is None
    assert deca.contrat([]) is None


# Harvest


def moisson(tba: list[Any], lba: list[Any]) -> tuple[list[RegistryRow], QualityCounts]:
    """The rows of a page of each view, and what they lost."""
    requests = deca.partner_requests(DAY, DAY)
    results = [deca.rows(*one) for one in zip(requests, [DAY] * 2, [{"contrats": tba}, {"contrats": lba}], strict=True)]
    total = QualityCounts(
        *(sum(getattr(account, name) for _, account in results) for name in ("rejects", "ignored_fields"))
    )
    for _, account in results:
        total.drifts.update(account.drifts)
        total.faults.update(account.faults)
    return [line for rows, _ in results for line in rows], total


def line(view: str, charge: dict[str, Any], **champs: Any) -> RegistryRow:
    values: dict[str, Any] = {
        "no_contrat": NUMERO,
        "view": view,
        "day": DAY,
        "nom": "LE GOFF",
        "prenom": "ANNE-LISE",
        "date_naissance": date(2006, 3, 7),
        "code_postal": "01000" if view == "TBA" else None,
        "uai": "0010856A",
        "siret_formation": "73282932000074",
        "fin": date(2026, 8, 31),
        "payload": charge,
    }
    return RegistryRow(**{**values, **champs})


def test_both_views_are_asked_for_the_same_window_under_their_own_credentials() -> None:
    batch = deca.partner_requests(date(2024, 9, 1), DAY)
    assert [(r.operation, r.path, r.method, r.acces, r.pages) for r in batch] == [
        ("extractTBA", "/contrats/extractTBA", "POST", "tba", PagingStyle.METADATA),
        ("extractLBA", "/contrats/extractLBA", "POST", "lba", PagingStyle.METADATA),
    ]
    assert [r.body for r in batch] == [{"dateDebut": "2024-09-01", "dateFin": "2024-09-20", "page": 1}] * 2


def test_every_row_is_kept_whole_in_the_order_answered() -> None:
    rows, account = moisson([TBA, A1], [LBA])
    assert rows == [line("TBA", TBA), line("TBA", A1, fin=date(2026, 10, 31)), line("LBA", LBA)]
    assert account == QualityCounts()


@pytest.mark.parametrize(
    ("written", "champs"),
    [
        ({"organismeFormationResponsable": {"uaiCfa": "", "siret": ""}}, {"uai": None}),
        (
            {
                "organismeFormationResponsable": {"uaiCfa": "", "siret": ""},
                "etablissementFormation": {"siret": ""},
            },
            {"uai": None, "siret_formation": None},
        ),
        ({"alternant": {"adresse": {}}}, {"code_postal": None}),
        ({"detailsContrat": {"dispositif": ""}}, {}),
        ({"detailsContrat": {"dateFinContrat": ""}}, {"fin": None}),
    ],
)
def test_a_row_is_found_by_what_it_tells(written: dict[str, Any], champs: dict[str, Any]) -> None:
    charge = merged(TBA, **written)
    assert moisson([charge], []) == ([line("TBA", charge, **champs)], QualityCounts())


def test_another_scheme_is_left_out_without_being_an_error() -> None:
    assert moisson([merged(TBA, detailsContrat={"dispositif": "PROF"})], []) == ([], QualityCounts())


@pytest.mark.parametrize(
    ("block", "champ"),
    [
        ("alternant", "nom"),
        ("alternant", "prenom"),
        ("alternant", "dateNaissance"),
        ("detailsContrat", "noContrat"),
    ],
)
def test_a_row_without_person_or_number_is_rejected_alone(block: str, champ: str) -> None:
    rows, account = moisson([merged(TBA, **{block: {champ: ""}}), TBA], [{}, None, "x"])
    assert (rows, account.rejects) == ([line("TBA", TBA)], 4)


def test_a_bad_optional_value_is_counted_and_the_row_kept_as_it_came() -> None:
    charge = merged(TBA, alternant={"telephone": "12"}, formation={"dateFinFormation": "?"})
    assert moisson([charge], []) == ([line("TBA", charge)], QualityCounts(0, 2))


def test_a_page_without_its_rows_is_no_empty_day() -> None:
    with pytest.raises(UnexpectedAnswer):
        deca.rows(deca.partner_requests(DAY, DAY)[0], DAY, {"metadonnees": {}})


@pytest.mark.parametrize("statut", ["Annulée", "ANNULES", "annulé", "Supprimée"])
def test_a_void_contract_is_void_whatever_the_gender_of_its_statut(statut: str) -> None:
    found = deca.contrat([TBA, LBA, merged(TBA, detailsContrat={"statut": statut})])
    assert found is not None
    assert found[1].annule is True


@pytest.mark.parametrize("written", ["appr", "Apprentissage", " APPR "])
def test_a_scheme_is_known_however_it_is_written(written: str) -> None:
    """In lower case, every row of the registry was dropped, and nothing was counted."""
    charge = merged(TBA, detailsContrat={"dispositif": written})
    assert moisson([charge], []) == ([line("TBA", charge)], QualityCounts())


def test_an_unknown_scheme_is_set_aside_counted_and_told() -> None:
    rows, account = moisson([merged(TBA, detailsContrat={"dispositif": "CTRA"}), TBA], [])
    assert (rows, account.rejects, account.drifts) == ([line("TBA", TBA)], 1, {"code_inconnu": 1})
    assert account.faults[NatureDefaut.DERIVE, "code_inconnu", "dispositif"] == 1


def test_an_unknown_statut_is_counted_and_its_contract_kept() -> None:
    charge = merged(TBA, detailsContrat={"statut": "Suspendu"})
    rows, account = moisson([charge], [])
    assert (rows, account.rejects, account.drifts) == ([line("TBA", charge)], 0, {"code_inconnu": 1})
    found = deca.contrat([charge])
    assert found is not None
    assert found[1].annule is False
