"""Ypareo-like payloads, quirk by quirk, and the exact nouns they become."""

from dataclasses import replace
from datetime import date, datetime
from typing import Any

import pytest

from gateway.connectors import ypareo
from gateway.connectors.base import ReadingResult, Record, UnexpectedAnswer
from gateway.domain.days import PARIS
from gateway.schema.nouns import Adresse, Contrat, Employeur, Formation, Jeune, Representant, Rupture, Sexe
from gateway.schema.organisations import Cfa
from gateway.schema.scalars import SIRET, UAI, CodePostal
from tests.support.contract.connectors import CFA, DAY, by_operation, drive

SITE = Cfa(uai=UAI("0010856A"), siret=SIRET("73282932000074"))
BOULANGERIE = Employeur(siret=SIRET("35600000000048"), denomination="BOULANGERIE LÉA", naf="1071D")
CAP = Formation(
    intitule="CAP Boulanger",
    rncp="RNCP35316",
    cfd="50022141",
    niveau=3,
    date_debut=date(2024, 9, 1),
    date_fin=date(2026, 8, 31),
    cfa=SITE,
)

INSCRIPTION: dict[str, Any] = {
    "codeStatut": 7,
    "codePeriode": 2,
    "codeFormation": 101,
    "codeSite": 1,
    "dateInscription": "20/06/2024",
    "dateDeb": "01/09/2024",
    "dateFin": "31/08/2026",
    "dateSortie": "",
    "motifSortie": "",
}
APPRENANT: dict[str, Any] = {
    "codeApprenant": 1042,
    "nomApprenant": "LE GOFF",
    "prenomApprenant": "Anne-Lise",
    "nomJeuneFille": "MARTIN",
    "dateNaissance": "07/03/2006",
    "codeCivilite": 2,
    "numeroIne": "123456789AB",
    "adresse": {
        "adr1": "3 rue des Écoles",
        "adr2": "Bât. B",
        "cp": 1000,
        "ville": "BOURG EN BRESSE",
        "tel1": "06 39 98 00 01",
        "tel2": "",
        "email": "Anne-Lise.LeGoff@jeune.invalid",
    },
    "respLegal1": {"nom": "LE GOFF Yann", "email": "", "tel": "+33 6 39 98 00 02"},
    "inscriptions": [INSCRIPTION, {**INSCRIPTION, "codePeriode": 3}],
}
CONTRAT: dict[str, Any] = {
    "codeContrat": 10420,
    "codeApprenant": 1042,
    "codeEntreprise": 5000,
    "dateDebContrat": "01/09/2024",
    "dateFinContrat": "31/08/2026",
    "dateResiliation": "15/02/2026",
    "nomMotifResiliation": "Démission",
    "resilEnCours": 0,
    "numeroContrat": "",
    "codeFormation": 101,
    "codeSite": 1,
    "dateModif": "20/02/2026",
}
TABLES: dict[str, list[Any]] = {
    "periodes": [{"codePeriode": 2, "nomPeriode": "2024-2025"}, {"codePeriode": 3, "nomPeriode": "2025-2026"}],
    "sites": [{"codeSite": 1, "nomSite": "Bourg", "uai": "10856A", "siret": "732 829 320 00074", "cp": 1000}],
    "formations": [
        {
            "codeFormation": 101,
            "nomFormation": "CAP Boulanger",
            "codeRNCP": "35316",
            "codeDiplome": "50022141",
            "niveau": 3,
        }
    ],
    "statuts": [{"codeStatut": 7, "nomStatut": "Apprenti"}, {"codeStatut": 9, "nomStatut": "Exclu"}],
    "entreprises": [
        {"codeEntreprise": 5000, "nomEntreprise": "BOULANGERIE LÉA", "siret": "356 000 000 00048", "naf": "10.71D"}
    ],
}


def jeune(**champs: Any) -> Jeune:
    values: dict[str, Any] = {
        "nom": "LE GOFF",
        "autres_noms": ("MARTIN",),
        "prenom": "Anne-Lise",
        "date_naissance": date(2006, 3, 7),
        "sexe": Sexe.F,
        "ine": "123456789AB",
        "telephone": "0639980001",
        "courriel": "anne-lise.legoff@jeune.invalid",
        "adresse": Adresse(
            voie="3 rue des Écoles",
            complement="Bât. B",
            code_postal=CodePostal("1000"),
            ville="BOURG EN BRESSE",
        ),
        "representants": [Representant(nom="LE GOFF Yann", telephone="0639980002")],
        "formations": [CAP],
        "contrats": [],
    }
    return Jeune(**{**values, **champs})


def contrat(**champs: Any) -> Contrat:
    values: dict[str, Any] = {
        "date_debut": date(2024, 9, 1),
        "date_fin": date(2026, 8, 31),
        "employeur": BOULANGERIE,
        "cfa": SITE,
        "rupture": Rupture(date=date(2026, 2, 15), cause="Démission", signalee_le=date(2026, 2, 20)),
    }
    return Contrat(**{**values, **champs})


def read_all(apprenants: list[Any], contrats: list[Any], **tables: list[Any]) -> ReadingResult:
    lists = {**TABLES, **tables, "apprenants": apprenants, "contrats": contrats}
    documents = {name: [list_query] if list_query else [] for name, list_query in lists.items()}
    return drive(ypareo.records(CFA, DAY), by_operation(documents))[1]


def test_a_young_person_with_a_broken_contract() -> None:
    modified_at = datetime(2026, 2, 20, tzinfo=PARIS)
    assert read_all([APPRENANT], [CONTRAT]) == ReadingResult([Record("1042", jeune(contrats=[contrat()]), modified_at)])


@pytest.mark.parametrize(
    ("apprenant", "expected"),
    [
        ({"adresse": {"tel1": "", "tel2": "01.99.00.00.01", "cp": "", "ville": ""}}, {"telephone": "0199000001"}),
        ({"adresse": None}, {"telephone": None}),
        ({"respLegal1": None}, {"representants": None}),
        ({"respLegal1": {"nom": "", "email": "", "tel": ""}}, {"representants": None}),
        ({"codeCivilite": None, "numeroIne": ""}, {"sexe": None, "ine": None}),
        ({"inscriptions": []}, {"formations": []}),
        ({"inscriptions": None}, {"formations": []}),
    ],
)
def test_what_is_absent_is_none_and_counts_for_nothing(apprenant: dict[str, Any], expected: dict[str, Any]) -> None:
    if "adresse" in apprenant:
        expected = {"adresse": None, "courriel": None, **expected}
    assert read_all([{**APPRENANT, **apprenant}], []) == ReadingResult([Record("1042", jeune(**expected))])


@pytest.mark.parametrize(
    ("apprenant", "expected", "ignores"),
    [
        ({"codeCivilite": 5}, {"sexe": None}, 1),
        ({"numeroIne": "INCONNU"}, {"ine": None}, 1),
        ({"respLegal1": {"nom": "LE GOFF", "tel": "12"}}, {"representants": [Representant(nom="LE GOFF")]}, 1),
        ({"inscriptions": [INSCRIPTION, "?"]}, {}, 1),
        (
            {"inscriptions": [{**INSCRIPTION, "dateFin": "31/02/2026"}]},
            {"formations": [replace(CAP, date_fin=None)]},
            1,
        ),
    ],
)
def test_a_bad_optional_value_never_loses_the_record(
    apprenant: dict[str, Any], expected: dict[str, Any], ignores: int
) -> None:
    result = read_all([{**APPRENANT, **apprenant}], [])
    assert result == ReadingResult([Record("1042", jeune(**expected))], 0, ignores)


@pytest.mark.parametrize("champ", ["codeApprenant", "nomApprenant", "prenomApprenant", "dateNaissance"])
@pytest.mark.parametrize("valeur", ["", " ", None, ["x"]])
def test_a_person_without_identity_is_rejected_alone(champ: str, valeur: Any) -> None:
    assert read_all([{**APPRENANT, champ: valeur}, APPRENANT], []) == ReadingResult([Record("1042", jeune())], 1, 0)


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ({"dateResiliation": "", "nomMotifResiliation": ""}, {"rupture": None}),
        (
            {"dateResiliation": "30/04/2026", "resilEnCours": 1, "dateModif": ""},
            {"rupture": Rupture(date=date(2026, 4, 30), cause="Démission")},
        ),
        ({"numeroContrat": "001202409010001"}, {"numero": "001202409010001"}),
        ({"codeEntreprise": 5001}, {"employeur": None}),
        ({"codeSite": 0}, {"cfa": Cfa(uai=UAI("0010856A"))}),
        ({"dateFinContrat": ""}, {"date_fin": None}),
    ],
)
def test_a_contract(written: dict[str, Any], expected: dict[str, Any]) -> None:
    (record,) = read_all([APPRENANT], [{**CONTRAT, **written}]).records
    assert record.jeune.contrats == [contrat(**expected)]


@pytest.mark.parametrize("written", [{"dateDebContrat": ""}, {"codeApprenant": None}, {"codeContrat": ""}])
def test_a_contract_that_says_neither_whose_nor_from_when_is_rejected(written: dict[str, Any]) -> None:
    result = read_all([APPRENANT], [{**CONTRAT, **written}])
    assert (result.records[0].jeune.contrats, result.rejects) == ([], 1)


def test_each_contract_goes_to_its_own_apprentice() -> None:
    other = {**APPRENANT, "codeApprenant": 1043}
    result = read_all(
        [APPRENANT, other], [CONTRAT, {**CONTRAT, "codeApprenant": 1043, "numeroContrat": "001202409010002"}]
    )
    assert [[c.numero for c in d.jeune.contrats or []] for d in result.records] == [[None], ["001202409010002"]]


def test_an_employer_without_a_valid_siret_keeps_its_name() -> None:
    result = read_all([APPRENANT], [CONTRAT], entreprises=[{**TABLES["entreprises"][0], "siret": "356 000 000 00049"}])
    (signed,) = result.records[0].jeune.contrats or []
    assert (signed.employeur, result.ignored_fields) == (Employeur(denomination="BOULANGERIE LÉA", naf="1071D"), 1)


def test_inscriptions_of_one_session_are_one_training_and_another_session_is_another() -> None:
    following = {**INSCRIPTION, "codePeriode": 4, "dateDeb": "01/09/2026", "dateFin": "31/08/2027"}
    result = read_all([{**APPRENANT, "inscriptions": [INSCRIPTION, {**INSCRIPTION, "codePeriode": 3}, following]}], [])
    formations = result.records[0].jeune.formations or []
    assert [(f.date_debut, f.date_fin) for f in formations] == [
        (date(2024, 9, 1), date(2026, 8, 31)),
        (date(2026, 9, 1), date(2027, 8, 31)),
    ]


@pytest.mark.parametrize(
    ("statut", "output", "exclusion"),
    [
        (9, "10/01/2026", date(2026, 1, 10)),
        ("9", "10/01/2026", date(2026, 1, 10)),
        (9, "", None),
        (7, "10/01/2026", None),
        (99, "10/01/2026", None),
    ],
)
def test_an_exclusion_is_told_by_the_label_of_the_clients_own_code(
    statut: object, output: str, exclusion: date | None
) -> None:
    last = {**INSCRIPTION, "codePeriode": 3, "codeStatut": statut, "dateSortie": output}
    (record,) = read_all([{**APPRENANT, "inscriptions": [INSCRIPTION, last]}], []).records
    assert [formation.exclusion for formation in record.jeune.formations or []] == [exclusion]


def test_a_list_may_come_as_an_object_keyed_by_code() -> None:
    def answer(lists: Any) -> ReadingResult:
        return drive(ypareo.records(CFA, DAY), by_operation(lists))[1]

    everything = {**TABLES, "apprenants": [APPRENANT], "contrats": [CONTRAT]}
    as_objects = {
        name: [{str(rank): line for rank, line in enumerate(list_query)}] for name, list_query in everything.items()
    }
    assert answer(as_objects) == answer({name: [list_query] for name, list_query in everything.items()})


def test_two_steps_whatever_the_size() -> None:
    lists = {**TABLES, "apprenants": [APPRENANT] * 500, "contrats": [CONTRAT] * 500}
    batches, _ = drive(
        ypareo.records(CFA, DAY), by_operation({name: [list_query] for name, list_query in lists.items()})
    )
    assert [[partner_request.operation for partner_request in batch] for batch in batches] == [
        ["periodes"],
        ["sites", "formations", "statuts", "entreprises", "apprenants", "contrats"],
    ]
    assert {r.params["codesPeriode"] for r in batches[1] if r.params} == {"2,3"}
    assert [r.path for r in batches[1][-2:]] == ["/r/v1/formation-longue/apprenants", "/r/v1/contrats"]


def test_u08_what_comes_twice_is_told_once() -> None:
    doubled = {**TABLES, "apprenants": [APPRENANT] * 2, "contrats": [CONTRAT] * 2}
    result = drive(
        ypareo.records(CFA, DAY), by_operation({name: [list_query] for name, list_query in doubled.items()})
    )[1]
    assert [len(one.jeune.contrats or []) for one in result.records] == [1, 1]  # the core keeps one record a key


def test_u04_a_cfa_without_school_years_is_not_an_answer() -> None:
    with pytest.raises(UnexpectedAnswer):
        drive(ypareo.records(CFA, DAY), by_operation({}))
