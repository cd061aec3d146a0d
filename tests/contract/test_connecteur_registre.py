"""DECA-like rows: what the harvest keeps, and how the rows of one contract fold into one person and one contract."""

from copy import deepcopy
from datetime import date
from typing import Any

import pytest

from gateway.connectors import registre
from gateway.connectors.base import Compte, Pages, ReponseInattendue
from gateway.schema.lieux import Cfa
from gateway.schema.nouns import Adresse, Contrat, Employeur, Formation, Jeune, Rupture, Sexe
from gateway.schema.scalaires import SIRET, UAI, CodePostal
from gateway.stores.lignes import LigneRegistre

NUMERO = "001202409010001"
JOUR = date(2024, 9, 20)
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


def avec(ligne: dict[str, Any], **blocs: dict[str, Any]) -> dict[str, Any]:
    """A row with some values of its blocks changed."""
    copie = deepcopy(ligne)
    for nom, valeurs in blocs.items():
        copie[nom] = {**copie.get(nom, {}), **valeurs}
    return copie


def rompue(ligne: dict[str, Any], effet: str = "2026-02-15", motif: object = "01", dite: str = "2026-02-20") -> Any:
    rupture = {"dateEffetRupture": effet, "codeMotifRupture": motif, "dateSignalement": dite}
    return avec(ligne, rupture=rupture, detailsContrat={"statut": "Rompu"})


def avenant(ligne: dict[str, Any], numero: str, fin: str, code: object = 36) -> dict[str, Any]:
    details = {"noAvenant": numero, "dateEffetAvenant": "2025-01-01", "typeContrat": code, "dateFinContrat": fin}
    return avec(ligne, detailsContrat=details)


def jeune(**champs: Any) -> Jeune:
    valeurs: dict[str, Any] = {
        "nom": "LE GOFF",
        "prenom": "ANNE-LISE",
        "date_naissance": date(2006, 3, 7),
        "sexe": Sexe.F,
        "rqth": True,
        "telephone": "0639980001",
        "adresse": Adresse(voie="3 RUE DES ECOLES", code_postal=CodePostal("01000")),
        "formations": [Formation(**FORMATION)],
    }
    return Jeune(**{**valeurs, **champs})


def contrat(**champs: Any) -> Contrat:
    valeurs: dict[str, Any] = {
        "numero": NUMERO,
        "type": "11",
        "date_debut": date(2024, 9, 1),
        "date_fin": date(2026, 8, 31),
        "employeur": BOULANGERIE,
        "cfa": CENTRE,
    }
    return Contrat(**{**valeurs, **champs})


def plie(*charges: Any) -> tuple[Jeune, Contrat]:
    lu = registre.contrat(charges)
    assert lu is not None
    return lu


def rupture(effet: date = date(2026, 2, 15), dite: date | None = date(2026, 2, 20)) -> Rupture:
    return Rupture(date=effet, cause=registre.MOTIFS["01"], signalee_le=dite)


# Folding


def test_both_views_make_one_person_and_one_contract() -> None:
    assert plie(TBA, LBA) == (jeune(), contrat())
    assert plie(LBA, TBA) == (jeune(), contrat())


def test_one_view_alone_is_kept_for_what_it_tells() -> None:
    assert plie(TBA) == (jeune(), contrat(employeur=Employeur(idcc="0843")))
    seul_lba = jeune(sexe=None, telephone=None, adresse=None, formations=None)
    assert plie(LBA) == (seul_lba, contrat())


@pytest.mark.parametrize(
    ("ecrit", "attendu"),
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
def test_a_person(ecrit: dict[str, Any], attendu: dict[str, Any]) -> None:
    assert plie(avec(TBA, alternant=ecrit))[0] == jeune(**attendu)


def test_a_move_replaces_the_whole_address() -> None:
    ailleurs = avec(TBA, alternant={"adresse": {"voie": "LE BOURG", "codePostal": "59000"}})
    assert plie(TBA, ailleurs)[0].adresse == Adresse(voie="LE BOURG", code_postal=CodePostal("59000"))


@pytest.mark.parametrize(
    ("formation", "formations"),
    [
        ({"dateDebutFormation": "", "dateFinFormation": ""}, None),
        ({"dateFinFormation": ""}, None),
        ({"codeDiplome": "1022141"}, [Formation(**{**FORMATION, "cfd": "01022141"})]),
    ],
)
def test_a_training_without_dates_is_no_training(formation: dict[str, Any], formations: Any) -> None:
    assert plie(avec(TBA, formation=formation))[0].formations == formations


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
    assert plie(avec(TBA, organismeFormationResponsable=organisme))[1].cfa == cfa


def test_no_cfa_at_all_is_none() -> None:
    muet = avec(LBA, organismeFormationResponsable={"uaiCfa": "", "siret": ""})
    assert plie(muet)[1].cfa is None


A1, A2, A10 = avenant(TBA, "1", "2026-10-31"), avenant(TBA, "2", "2026-12-31"), avenant(TBA, "10", "2027-03-31")
CORRIGE = avec(
    TBA, detailsContrat={"statut": "Corrigé", "dateDebutContrat": "2024-09-02", "dateFinContrat": "2026-07-31"}
)


@pytest.mark.parametrize(
    ("charges", "attendu"),
    [
        ([TBA, A1, LBA], {"date_fin": date(2026, 10, 31)}),
        ([TBA, LBA, A1, A2], {"date_fin": date(2026, 12, 31)}),
        ([TBA, LBA, A2, A1], {"date_fin": date(2026, 12, 31)}),
        ([TBA, LBA, A10, A2], {"date_fin": date(2027, 3, 31)}),
        ([TBA, LBA, avenant(TBA, "1", "")], {}),
        ([TBA, LBA, avenant(TBA, "38", "2026-10-31", "38")], {"date_fin": date(2026, 10, 31)}),
        ([A1, LBA], {"date_fin": date(2026, 10, 31)}),
        ([TBA, LBA, CORRIGE], {"date_debut": date(2024, 9, 2), "date_fin": date(2026, 7, 31)}),
        ([TBA, LBA, A1, CORRIGE], {"date_debut": date(2024, 9, 2), "date_fin": date(2026, 10, 31)}),
        ([TBA, LBA, rompue(TBA)], {"rupture": rupture()}),
        ([TBA, LBA, rompue(TBA), A1], {"rupture": rupture(), "date_fin": date(2026, 10, 31)}),
        (
            [TBA, LBA, rompue(TBA), CORRIGE],
            {"rupture": rupture(), "date_debut": date(2024, 9, 2), "date_fin": date(2026, 7, 31)},
        ),
        ([TBA, LBA, rompue(avenant(TBA, "1", "2026-10-31"))], {"rupture": rupture(), "date_fin": date(2026, 10, 31)}),
        (
            [TBA, LBA, rompue(TBA), rompue(TBA, "2026-02-10", "01", "2026-03-01")],
            {"rupture": rupture(date(2026, 2, 10), date(2026, 2, 20))},
        ),
        ([TBA, LBA, rompue(TBA, dite="")], {"rupture": rupture(dite=None)}),
        ([TBA, LBA, avec(TBA, detailsContrat={"statut": "Annulé"})], {"annule": True}),
        ([TBA, LBA, avec(TBA, detailsContrat={"statut": "SUPPRIME"})], {"annule": True}),
        ([TBA, avec(TBA, detailsContrat={"statut": "Supprimé"}), LBA], {"annule": True}),
        ([avec(TBA, detailsContrat={"statut": "Annulé"}), avec(TBA, detailsContrat={"statut": "Corrigé"}), LBA], {}),
    ],
)
def test_rows_in_order_of_day_fold_into_one_contract(charges: list[Any], attendu: dict[str, Any]) -> None:
    assert plie(*charges)[1] == contrat(**attendu)


@pytest.mark.parametrize(
    ("motif", "cause"),
    [
        ("01", registre.MOTIFS["01"]),
        (1, registre.MOTIFS["01"]),
        ("1", registre.MOTIFS["01"]),
        (8, registre.MOTIFS["08"]),
        ("99", "99"),
        ("", None),
        (None, None),
    ],
)
def test_the_reason_of_a_rupture_lost_its_zero_or_is_unknown(motif: object, cause: str | None) -> None:
    lue = plie(rompue(TBA, motif=motif))[1].rupture
    assert lue is not None
    assert lue.cause == cause


def test_rows_that_cannot_be_read_leave_the_others() -> None:
    assert plie({"alternant": {}}, TBA, LBA) == (jeune(), contrat())
    assert registre.contrat([{"alternant": {}}, {}]) is None
    assert registre.contrat([]) is None


# Harvest


def moisson(tba: list[Any], lba: list[Any]) -> tuple[list[LigneRegistre], Compte]:
    """The rows of a page of each view, and what they lost."""
    demandes = registre.requetes(JOUR, JOUR)
    lues = [
        registre.lignes(*un) for un in zip(demandes, [JOUR] * 2, [{"contrats": tba}, {"contrats": lba}], strict=True)
    ]
    total = Compte(*(sum(getattr(compte, nom) for _, compte in lues) for nom in ("rejets", "champs_ignores")))
    return [ligne for lignes, _ in lues for ligne in lignes], total


def ligne(vue: str, charge: dict[str, Any], **champs: Any) -> LigneRegistre:
    valeurs: dict[str, Any] = {
        "no_contrat": NUMERO,
        "vue": vue,
        "jour": JOUR,
        "nom": "LE GOFF",
        "prenom": "ANNE-LISE",
        "date_naissance": date(2006, 3, 7),
        "code_postal": "01000" if vue == "TBA" else None,
        "uai": "0010856A",
        "siret_formation": "73282932000074",
        "fin": date(2026, 8, 31),
        "charge": charge,
    }
    return LigneRegistre(**{**valeurs, **champs})


def test_both_views_are_asked_for_the_same_window_under_their_own_credentials() -> None:
    lot = registre.requetes(date(2024, 9, 1), JOUR)
    assert [(r.operation, r.chemin, r.methode, r.acces, r.pages) for r in lot] == [
        ("extractTBA", "/contrats/extractTBA", "POST", "tba", Pages.METADONNEES),
        ("extractLBA", "/contrats/extractLBA", "POST", "lba", Pages.METADONNEES),
    ]
    assert [r.corps for r in lot] == [{"dateDebut": "2024-09-01", "dateFin": "2024-09-20", "page": 1}] * 2


def test_every_row_is_kept_whole_in_the_order_answered() -> None:
    lignes, compte = moisson([TBA, A1], [LBA])
    assert lignes == [ligne("TBA", TBA), ligne("TBA", A1, fin=date(2026, 10, 31)), ligne("LBA", LBA)]
    assert compte == Compte()


@pytest.mark.parametrize(
    ("ecrit", "champs"),
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
def test_a_row_is_found_by_what_it_tells(ecrit: dict[str, Any], champs: dict[str, Any]) -> None:
    charge = avec(TBA, **ecrit)
    assert moisson([charge], []) == ([ligne("TBA", charge, **champs)], Compte())


def test_another_scheme_is_left_out_without_being_an_error() -> None:
    assert moisson([avec(TBA, detailsContrat={"dispositif": "PROF"})], []) == ([], Compte())


@pytest.mark.parametrize(
    ("bloc", "champ"),
    [
        ("alternant", "nom"),
        ("alternant", "prenom"),
        ("alternant", "dateNaissance"),
        ("detailsContrat", "noContrat"),
    ],
)
def test_a_row_without_person_or_number_is_rejected_alone(bloc: str, champ: str) -> None:
    lignes, compte = moisson([avec(TBA, **{bloc: {champ: ""}}), TBA], [{}, None, "x"])
    assert (lignes, compte.rejets) == ([ligne("TBA", TBA)], 4)


def test_a_bad_optional_value_is_counted_and_the_row_kept_as_it_came() -> None:
    charge = avec(TBA, alternant={"telephone": "12"}, formation={"dateFinFormation": "?"})
    assert moisson([charge], []) == ([ligne("TBA", charge)], Compte(0, 2))


def test_a_page_without_its_rows_is_no_empty_day() -> None:
    with pytest.raises(ReponseInattendue):
        registre.lignes(registre.requetes(JOUR, JOUR)[0], JOUR, {"metadonnees": {}})
