"""A dialect as a table: what its rows become, what is set aside and counted, and what is asked (docs/partenaires.md)."""

import tomllib
from datetime import date, datetime
from typing import Any

import pytest
from pydantic import ValidationError

from gateway.connectors.base import BodyFormat, PartnerRequest, ReadingResult, Record, Tenant, UnexpectedAnswer
from gateway.connectors.table.dialect import Dialect
from gateway.connectors.table.engine import connector
from gateway.domain.days import PARIS
from gateway.schema.nouns import (
    Adresse,
    Collaboration,
    Contrat,
    Employeur,
    Formation,
    Jeune,
    Representant,
    Rupture,
    Sexe,
    SituationSuivi,
    Suivi,
)
from gateway.schema.organisations import Cfa, ModeSource, NatureDefaut, TypeSource
from gateway.schema.scalars import SIRET, UAI, CodePostal
from gateway.schema.write_states import MotifAccompagnement
from tests.support.contract.connectors import CFA, DAY, drive

CENTRE = Cfa(uai=UAI("0010856A"))
NESTED = """
systeme = "cfa"
chemin = "/espaces/{code}/apprentis"
parametres = { annee = "{annee_scolaire}", uai = "{uai}" }
lignes = "donnees.apprentis"
dates = "JJ/MM/AAAA"
rupture = "dernier_jour_travaille"
exige = { "donnees.etab" = "{uai}" }
[pages]
curseur = "apres"
suivante = "meta.suite"
taille = "limite"
lignes_par_page = 50
[[erreurs]]
chemin = "erreur.code"
valeurs = ["401"]
sens = "refus"
[jeune]
cle = "id"
nom = "etat_civil.nom"
prenom = "etat_civil.prenom"
date_naissance = "etat_civil.naissance"
sexe = { chemin = "etat_civil.civilite", codes = { "M." = "M", "MME" = "F" } }
telephone = ["contacts[type=MOB].valeur", "contacts[type=FIXE].valeur"]
courriel = "contacts[type=MEL].valeur"
adresse.voie = { joint = ["adresse.numero", "adresse.rue"] }
adresse.code_postal = "adresse.cp"
representant.nom = "tuteurs[0].nom"
modifie_le = { chemin = "maj", dates = "AAAA-MM-JJ" }
[contrat]
lignes = "contrats"
numero = "no"
date_debut = "du"
date_fin = "au"
employeur.siret = "entreprise.siret"
employeur.denomination = "entreprise.nom"
rupture.date = "rompu"
rupture.cause = "motif"
[formation]
lignes = "sessions"
intitule = "titre"
date_debut = "du"
"""
ROW: dict[str, Any] = {
    "id": 12,
    "etat_civil": {"nom": "LEÏ", "prenom": "Zoé", "naissance": "07/03/2006", "civilite": "MME"},
    "contacts": [
        {"type": "FIXE", "valeur": "0199000001"},
        {"type": "MOB", "valeur": "06 39 98 00 01"},
        {"type": "MEL", "valeur": "zoe@jeune.invalid"},
    ],
    "adresse": {"numero": 3, "rue": "rue des Écoles", "cp": "01000"},
    "tuteurs": [{"nom": "LEÏ Luz"}],
    "maj": "2026-02-20T14:05:00+01:00",
    "contrats": [
        {
            "no": "001202409010001",
            "du": "01/09/2024",
            "au": "31/08/2026",
            "entreprise": {"siret": "35600000000048", "nom": "BOULANGERIE LÉA"},
            "rompu": "14/02/2026",
            "motif": "Démission",
        }
    ],
    "sessions": [{"titre": "CAP Boulanger", "du": "01/09/2024"}],
}
TOLD = Record(
    "12",
    Jeune(
        nom="LEÏ",
        prenom="Zoé",
        date_naissance=date(2006, 3, 7),
        sexe=Sexe.F,
        telephone="0639980001",
        courriel="zoe@jeune.invalid",
        adresse=Adresse(voie="3 rue des Écoles", code_postal=CodePostal("01000")),
        representants=[Representant(nom="LEÏ Luz")],
        formations=[Formation(intitule="CAP Boulanger", date_debut=date(2024, 9, 1), cfa=CENTRE)],
        contrats=[
            Contrat(
                numero="001202409010001",
                date_debut=date(2024, 9, 1),
                date_fin=date(2026, 8, 31),
                employeur=Employeur(siret=SIRET("35600000000048"), denomination="BOULANGERIE LÉA"),
                cfa=CENTRE,
                rupture=Rupture(date=date(2026, 2, 15), cause="Démission"),
            )
        ],
    ),
    datetime(2026, 2, 20, 14, 5, tzinfo=PARIS),
)


def dialect(text: str) -> Dialect:
    return Dialect.model_validate(tomllib.loads(text))


def reading(text: str, *documents: Any, tenant: Tenant = CFA) -> tuple[list[PartnerRequest], ReadingResult]:
    own = connector(dialect(text))
    read = own.cfa_records or own.structure_records
    assert read is not None
    batches, result = drive(read(tenant, DAY), lambda _: list(documents))
    return [request for batch in batches for request in batch], result


def page(*rows: Any) -> dict[str, Any]:
    return {"donnees": {"etab": "0010856A", "apprentis": list(rows)}, "meta": {"suite": None}}


def test_a_row_becomes_nouns() -> None:
    _, result = reading(NESTED, page(ROW))
    assert result == ReadingResult([TOLD])


def test_what_is_asked() -> None:
    (asked,), _ = reading(NESTED, page())
    assert (asked.path, dict(asked.params)) == ("/espaces/cfa-un/apprentis", {"annee": "2025", "uai": "0010856A"})
    assert (asked.pages.cursor, asked.pages.next, asked.size, asked.rows) == (
        "apres",
        ("meta", "suite"),
        50,
        ("donnees", "apprentis"),
    )
    assert asked.expected == ((("donnees", "etab"), "0010856A"),)
    assert [(error.path, error.values, error.meaning.value) for error in asked.told_errors] == [
        (("erreur", "code"), ("401",), "refus")
    ]


@pytest.mark.parametrize("field", ["nom", "prenom", "naissance"])
@pytest.mark.parametrize("value", [None, "", "  "])
def test_nobody_is_shown_without_an_identity(field: str, value: object) -> None:
    row = {**ROW, "etat_civil": {**ROW["etat_civil"], field: value}}
    _, result = reading(NESTED, page(row, ROW))
    assert (result.records, result.rejects) == ([TOLD], 1)
    assert result.faults[NatureDefaut.ECARTEE, "dossier", f"etat_civil.{field}"] == 1


def test_a_bad_value_is_set_aside_alone_in_the_partner_s_words() -> None:
    row = {
        **ROW,
        "contacts": [{"type": "MOB", "valeur": "chez sa tante"}],
        "etat_civil": {**ROW["etat_civil"], "civilite": "X"},
    }
    _, result = reading(NESTED, page(row))
    (record,) = result.records
    assert (record.jeune.telephone, record.jeune.sexe, result.ignored_fields) == (None, None, 2)
    assert result.faults[NatureDefaut.DERIVE, "code_inconnu", "etat_civil.civilite"] == 1
    assert result.faults[NatureDefaut.ECARTEE, "valeur", "contacts[type=MOB].valeur / contacts[type=FIXE].valeur"] == 1


def test_a_contract_without_a_first_day_is_set_aside_alone() -> None:
    row = {**ROW, "contrats": [{**ROW["contrats"][0], "du": ""}, *ROW["contrats"]]}
    _, result = reading(NESTED, page(row))
    assert (result.records, result.rejects) == ([TOLD], 1)


def test_one_key_for_two_people_is_nobody_s() -> None:
    other = {**ROW, "etat_civil": {"nom": "AUTRE", "prenom": "Paul", "naissance": "01/01/2001"}}
    _, result = reading(NESTED, page(ROW, other))
    assert (result.records, result.rejects, dict(result.drifts)) == ([], 2, {"identite_double": 1})


def test_a_list_that_nothing_chooses_from_is_no_value() -> None:
    """Which of several values is meant is not guessed."""
    text = NESTED.replace('courriel = "contacts[type=MEL].valeur"', 'courriel = "mels"')
    _, result = reading(text, page({**ROW, "mels": ["a@a.invalid", "b@b.invalid"]}))
    assert (result.records[0].jeune.courriel, dict(result.drifts)) == (None, {"type_change": 1})
    _, result = reading(text, page({**ROW, "mels": ["a@a.invalid"]}))
    assert result.records[0].jeune.courriel == "a@a.invalid"


@pytest.mark.parametrize(
    "document", [{}, [], {"donnees": []}, {"donnees": {"apprentis": None}}, {"donnees": {"apprentis": {}}}]
)
def test_u04_rows_that_are_not_where_they_are_told(document: Any) -> None:
    with pytest.raises(UnexpectedAnswer):
        reading(NESTED, document)


FLAT = """
systeme = "cfa"
chemin = "/export.csv"
format = "csv"
separateur = ","
encodage = "iso-8859-15"
dates = "AAAAMMJJ"
annees = 2
[pages]
numero = "p"
[jeune]
cle = "N° élève"
nom = "Nom"
prenom = "Prénom"
date_naissance = "Né(e) le."
[contrat]
numero = "Contrat.n°"
date_debut = "Contrat début"
rupture.date = "Rupture"
[formation]
intitule = "Formation"
date_debut = "Session"
"""


def line(**cells: str) -> dict[str, str]:
    row = {
        "N° élève": "7",
        "Nom": "LEÏ",
        "Prénom": "Zoé",
        "Né(e) le.": "20060307",
        "Contrat.n°": "",
        "Contrat début": "",
    }
    return {**row, "Rupture": "00000000", "Formation": "CAP", "Session": "20240901", **cells}


def test_a_line_a_contract_is_one_person() -> None:
    """The columns are names, whatever signs are in them; a training told on each line is one, and both years tell the same."""
    first, second = line(**{"Contrat début": "20240901", "Rupture": "20250301"}), line(**{"Contrat début": "20250401"})
    asked, result = reading(FLAT, [first, second])
    (record,) = result.records
    assert [contrat.date_debut for contrat in record.jeune.contrats or []] == [date(2024, 9, 1), date(2025, 4, 1)]
    assert [contrat.rupture for contrat in record.jeune.contrats or []] == [Rupture(date=date(2025, 3, 1)), None]
    assert record.jeune.formations == [Formation(intitule="CAP", date_debut=date(2024, 9, 1), cfa=CENTRE)]
    assert (len(asked), asked[0].separator, asked[0].encoding) == (2, ",", "iso-8859-15")
    _, result = reading(FLAT, [line()])
    assert result.records[0].jeune.contrats == []


def test_a_line_wider_than_its_header_is_set_aside() -> None:
    _, result = reading(FLAT, [{**line(), None: ["x"]}, line(**{"N° élève": "8"})])
    assert ([record.key for record in result.records], dict(result.drifts)) == (["8"], {"colonnes_en_trop": 1})


ASKED = """
systeme = "mission_locale"
chemin = "/graphql"
graphql = "query($ml: String!, $apres: String) { suivis(ml: $ml, apres: $apres) { noeuds { id } } }"
variables = { ml = "{mission_locale}" }
lignes = "data.suivis.noeuds"
[pages]
curseur = "variables.apres"
suivante = "data.suivis.page.fin"
encore = "data.suivis.page.encore"
dans = "corps"
[jeune]
cle = "id"
nom = "nom"
prenom = "prenom"
date_naissance = "naissance"
structure = "ml"
[suivi]
situation = { chemin = "suivi.etat", codes = { rdv = "RDV_PRIS" } }
date = "suivi.le"
souhaite_rdv = "suivi.rappeler"
[collaboration]
demandee_le = "demande.le"
motifs = { chemin = "demande.motifs", codes = { logement = "LOGEMENT", sante = "SANTE" } }
"""


def test_a_mission_locale_is_asked_by_graphql() -> None:
    row = {
        "id": "a1",
        "nom": "LEÏ",
        "prenom": "Zoé",
        "naissance": "2006-03-07",
        "ml": "01001",
        "suivi": {"etat": "rdv", "le": "2026-02-20T10:00:00", "rappeler": True},
        "demande": {"le": "2026-02-18", "motifs": ["logement", "sante"]},
    }
    (asked,), result = reading(ASKED, {"data": {"suivis": {"noeuds": [row]}}}, tenant=Tenant("01001"))
    assert (asked.method, asked.body and asked.body["variables"]) == ("POST", {"ml": "01001"})
    assert [error.meaning.value for error in asked.told_errors] == ["panne"]
    assert result.records == [
        Record(
            "a1",
            Jeune(
                nom="LEÏ",
                prenom="Zoé",
                date_naissance=date(2006, 3, 7),
                suivi=Suivi(
                    situation=SituationSuivi.RDV_PRIS, date=datetime(2026, 2, 20, 10, tzinfo=PARIS), souhaite_rdv=True
                ),
                collaboration=Collaboration(
                    demandee_le=datetime(2026, 2, 18, tzinfo=PARIS),
                    motifs=[MotifAccompagnement.LOGEMENT, MotifAccompagnement.SANTE],
                ),
            ),
            structure="01001",
        )
    ]


def test_what_a_table_makes_is_a_connector_as_another() -> None:
    erp, suivi = connector(dialect(NESTED)), connector(dialect(ASKED))
    assert (erp.type, erp.mode, erp.structure_records) == (TypeSource.ERP_CFA, ModeSource.INTERROGATION, None)
    assert (suivi.type, suivi.cfa_records, dialect(FLAT).shape) == (TypeSource.MISSION_LOCALE, None, BodyFormat.CSV)


@pytest.mark.parametrize(
    ("before", "after", "reason"),
    [
        ('cle = "id"', "", "Field required"),
        ('prenom = "etat_civil.prenom"', 'prenom = "etat_civil.nom"', "nom et prenom lisent le même chemin"),
        ('numero = "no"', 'numero = "no..x"', "mal formé"),
        ('numero = "no"', 'numero = "no["', "mal formé"),
        ("JJ/MM/AAAA", "DD/MM/YYYY", "forme de date"),
        ("JJ/MM/AAAA", "MM/MM/AAAA", "forme de date"),
        ("{annee_scolaire}", "{annee}", "inconnu"),
        ("/espaces/{code}", "espaces/{code}", "commençant par /"),
        ("/espaces/{code}", "/e?x=", "parametres"),
        ('curseur = "apres"', 'curseur = "apres"\nnumero = "p"', "un seul"),
        ('curseur = "apres"', 'curseur = "apres"\ndecalage = "d"', "un seul"),
        ('suivante = "meta.suite"', "", "suivante"),
        ("lignes_par_page = 50", "", "lignes_par_page"),
        ('sexe = { chemin = "etat_civil.civilite", codes', "sexe = { codes", "chemin"),
        (
            'voie = { joint = ["adresse.numero", "adresse.rue"] }',
            'voie = { joint = ["a"], chemin = "b" }',
            "l'un des deux",
        ),
        ("[contrat]", "[suivi]\ndate = 'x'\n[contrat]", "Mission locale"),
        ('lignes = "donnees.apprentis"', 'lignes = "donnees.apprentis"\nencodage = "klingon"', "encodage inconnu"),
        ('lignes = "donnees.apprentis"', 'lignes = "donnees.apprentis"\ngraphql = "q"\ncorps = {}', "un seul"),
    ],
)
def test_a_mistake_in_a_table_is_told(before: str, after: str, reason: str) -> None:
    assert before in NESTED
    with pytest.raises(ValidationError, match=reason):
        dialect(NESTED.replace(before, after, 1))
