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
from tests.support.contract.connectors import CFA, DAY, MISSION, drive

CENTRE = Cfa(uai=UAI("0010856A"))
NESTED = """
chemin = "/espaces/{code}/apprentis"
parametres = { annee = "{annee_scolaire}", uai = "{uai}" }
lignes = "donnees.apprentis"
dates = "JJ/MM/AAAA"
exige = { "donnees.etab" = "{uai}" }
[pages]
curseur = "apres"
suivante = "meta.suite"
taille = "limite"
lignes_par_page = 50
[erreurs]
"erreur.code" = { refus = 401 }
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
rupture.date = { chemin = "rompu", jours = 1 }
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
        (("erreur", "code"), ("401",), "refus"),
        (("erreur", "code"), ("401",), "panne"),  # whatever else is filled there
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


def test_a_path_that_crosses_a_list_of_several_tells_what_it_loses() -> None:
    """Two breaches in a contract: neither is guessed, and that there was one is told, in the partner's words."""
    text = NESTED.replace('{ chemin = "rompu", jours = 1 }', '{ chemin = "fins.le", jours = 1 }')
    contract = {**ROW["contrats"][0], "fins": [{"le": "14/02/2026"}, {"le": "15/02/2026"}]}
    _, result = reading(text, page({**ROW, "contrats": [contract]}))
    contrats = result.records[0].jeune.contrats or []
    assert [contrat.rupture for contrat in contrats] == [None]
    assert (result.rejects, result.ignored_fields, dict(result.drifts)) == (0, 1, {"type_change": 1})
    assert result.faults[NatureDefaut.ECARTEE, "valeur", "fins.le"] == 1
    _, result = reading(text, page({**ROW, "contrats": [{**contract, "fins": [{"autre": 1}, {"le": ""}]}]}))
    assert (result.ignored_fields, dict(result.drifts)) == (0, {})  # nothing stands there: nothing is lost


def test_a_list_of_contracts_behind_a_list_of_several_is_told() -> None:
    text = NESTED.replace('lignes = "contrats"', 'lignes = "dossiers.contrats"')
    several = [{"contrats": ROW["contrats"]}, {"contrats": []}]
    _, result = reading(text, page({**ROW, "dossiers": several}))
    assert (result.records[0].jeune.contrats, result.rejects, dict(result.drifts)) == ([], 1, {"type_change": 1})
    assert result.faults[NatureDefaut.ECARTEE, "dossier", "dossiers.contrats"] == 1
    _, result = reading(text, page({**ROW, "dossiers": several[:1]}))
    assert (result.records, result.rejects) == ([TOLD], 0)


def test_what_is_put_together_of_several_is_set_aside() -> None:
    row = {**ROW, "adresse": [{"numero": 3, "rue": "rue A", "cp": "01000"}, {"numero": 4}]}
    _, result = reading(NESTED, page(row))
    assert (result.records[0].jeune.adresse, dict(result.drifts)) == (None, {"type_change": 2})


@pytest.mark.parametrize(
    "document", [{}, [], {"donnees": []}, {"donnees": {"apprentis": None}}, {"donnees": {"apprentis": {}}}]
)
def test_u04_rows_that_are_not_where_they_are_told(document: Any) -> None:
    with pytest.raises(UnexpectedAnswer):
        reading(NESTED, document)


FLAT = """
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
graphql = "query($ml: String!, $apres: String) { suivis(ml: $ml, apres: $apres) { noeuds {champs} page { fin encore } } }"
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
    ("form", "written"),
    [
        ("AAAA-MM-JJThh:mm:ssZ", "2026-10-15T12:04:09Z"),
        ("AAAA-MM-JJThh:mm:ss", "2026-10-15T14:04:09"),
        ("AAAAMMJJhhmm", "202610151404"),
        ("JJ/MM/AAAA", "15/10/2026"),
        ("secondes", "1792065849"),
    ],
)
def test_only_what_changed_is_asked_in_the_partner_s_form(form: str, written: str) -> None:
    since = datetime(2026, 10, 15, 14, 4, 9, tzinfo=PARIS)
    asked = f'[changements]\nparametres = {{ depuis = "{{depuis}}" }}\nforme = "{form}"\n[jeune]'
    read = connector(dialect(NESTED.replace("[jeune]", asked, 1)))
    assert read.changes
    (request,) = next(read.changes(CFA, DAY, since))
    (whole,) = next(read.cfa_records(CFA, DAY)) if read.cfa_records else ()
    assert request.params == {**whole.params, "depuis": written}
    assert (request.path, request.rows, request.operation) == (whole.path, whole.rows, "changements")


def test_only_what_changed_is_asked_in_the_variables_of_graphql() -> None:
    asked = '[changements]\nvariables = { depuis = "{depuis}" }\n[jeune]'
    text = ASKED.replace("$ml: String!", "$ml: String!, $depuis: String").replace(
        "(ml: $ml", "(ml: $ml, depuis: $depuis"
    )
    read = connector(dialect(text.replace("[jeune]", asked, 1)))
    assert read.changes
    (request,) = next(read.changes(CFA, DAY, datetime(2026, 10, 15, 14, tzinfo=PARIS)))
    assert (request.body or {})["variables"]["depuis"] == "2026-10-15T12:00:00Z"


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
        ('"erreur.code" =', '"erreurs[0].code" =', r"s'arrêter à la liste, « erreurs »"),
        ('{ "donnees.etab" =', '{ "donnees[type=A].etab" =', r"s'arrêter à la liste, « donnees »"),
        ('suivante = "meta.suite"', 'suivante = "liens[rel=next].href"', r"s'arrêter à la liste, « liens »"),
        ('lignes = "donnees.apprentis"', 'lignes = "donnees[0].apprentis"', r"s'arrêter à la liste, « donnees »"),
        ('lignes = "donnees.apprentis"', 'lignes = "donnees.apprentis"\nencodage = "klingon"', "encodage inconnu"),
        ('lignes = "donnees.apprentis"', 'lignes = "donnees.apprentis"\ngraphql = "q"\ncorps = {}', "un seul"),
        ("[jeune]", "[changements]\nparametres = { depuis = 'x' }\n[jeune]", r"\{depuis\} attendu"),
        ("[jeune]", "[changements]\nparametres = { d = '{depuis}', u = '{uia}' }\n[jeune]", r"\{uai\} \?"),
        ("refus = 401", 'succes = 0, tout = "panne"', "succes et tout : l'un des deux"),
        ('curseur = "apres"', "lien = true", "lien et suivante : l'un des deux"),
        ('curseur = "apres"', 'nombre_pages = "n"', "nombre_pages demande « numero »"),
        ('rupture.date = { chemin = "rompu", jours = 1 }\n', "", "contrat.rupture : « date » attendu"),
        ("[jeune]", "[changements]\nparametres = { d = '{depuis}' }\nforme = 'ISO'\n[jeune]", "forme d'instant"),
        ("[pages]", "annees = 2\nchangements = { parametres = { d = '{depuis}' } }\n[pages]", "redit en entier"),
    ],
)
def test_a_mistake_in_a_table_is_told(before: str, after: str, reason: str) -> None:
    assert before in NESTED
    with pytest.raises(ValidationError, match=reason):
        dialect(NESTED.replace(before, after, 1))


@pytest.mark.parametrize(
    ("form", "written", "day"),
    [
        ("JJ/MM/AAAA", "07/03/2006", date(2006, 3, 7)),
        ("JJ/MM/AAAA", "07/03/2006 00:00", date(2006, 3, 7)),
        ("JJ/MM/AAAA", "06/03/2006 23:00", None),
        ("JJ/MM/AAAAZ", "06/03/2006 23:00", date(2006, 3, 7)),
        ("JJ/MM/AAAAZ", "06/07/2006 22:00:00", date(2006, 7, 7)),
        ("JJ/MM/AAAAZ", "07/03/2006", date(2006, 3, 7)),
        ("AAAA-MM-JJ", "2006-03-06T23:00:00Z", date(2006, 3, 7)),
        ("AAAA-MM-JJZ", "2006-03-06T23:00:00", date(2006, 3, 7)),
        ("millisecondes", 1141686000000, date(2006, 3, 7)),
        ("secondes", "1141686000", date(2006, 3, 7)),
        ("secondes", "-157766400", date(1965, 1, 1)),
        ("secondes", "1141686000.5", None),
        ("millisecondes", "07/03/2006", None),
        ("millisecondes", 99999999999999, None),
    ],
)
def test_a_day_in_the_hours_and_the_form_of_a_partner(form: str, written: object, day: date | None) -> None:
    text = NESTED.replace('modifie_le = { chemin = "maj", dates = "AAAA-MM-JJ" }', "")
    text = text.replace('date_fin = "au"', f'date_fin = {{ chemin = "au", dates = "{form}" }}')
    _, result = reading(text, page({**ROW, "contrats": [{**ROW["contrats"][0], "au": written}]}))
    (contrat,) = result.records[0].jeune.contrats or []
    assert (contrat.date_fin, result.ignored_fields) == (day, 0 if day else 1)


@pytest.mark.parametrize(
    ("form", "written", "instant"),
    [
        ("AAAA-MM-JJ", "2026-02-20T14:05:00", datetime(2026, 2, 20, 14, 5, tzinfo=PARIS)),
        ("AAAA-MM-JJZ", "2026-02-20T13:05:00", datetime(2026, 2, 20, 14, 5, tzinfo=PARIS)),
        ("AAAA-MM-JJZ", "2026-02-20T14:05:00+01:00", datetime(2026, 2, 20, 14, 5, tzinfo=PARIS)),
        ("JJ/MM/AAAAZ", "20/02/2026 13:05", datetime(2026, 2, 20, 14, 5, tzinfo=PARIS)),
        ("millisecondes", 1771592700000, datetime(2026, 2, 20, 14, 5, tzinfo=PARIS)),
    ],
)
def test_an_instant_in_the_hours_of_a_partner(form: str, written: object, instant: datetime) -> None:
    text = NESTED.replace('{ chemin = "maj", dates = "AAAA-MM-JJ" }', f'{{ chemin = "maj", dates = "{form}" }}')
    _, result = reading(text, page({**ROW, "maj": written}))
    assert result.records[0].modified_at == instant


@pytest.mark.parametrize(("moved", "day"), [(1, date(2024, 9, 2)), (-1, date(2024, 8, 31)), (0, date(2024, 9, 1))])
def test_a_day_is_moved_by_one(moved: int, day: date) -> None:
    text = NESTED.replace('date_debut = "du"', f'date_debut = {{ chemin = "du", jours = {moved} }}', 1)
    _, result = reading(text, page(ROW))
    (contrat,) = result.records[0].jeune.contrats or []
    assert contrat.date_debut == day


QUERY = """
systeme = "mission_locale"
chemin = "/graphql"
graphql = "query($ml: ID!, $apres: String) { suivis(ml: $ml, apres: $apres) { noeuds {champs} fin } }"
variables = { ml = "{mission_locale}" }
lignes = "data.suivis.noeuds"
pages = { curseur = "variables.apres", suivante = "data.suivis.fin" }
[jeune]
cle = "id"
nom = "personne.nom"
prenom = "personne.prenom"
date_naissance = "personne.naissance"
telephone = ["contacts[type=MOB].valeur", "contacts[0].valeur"]
[suivi]
date = "suivi.le"
conseiller = "suivi.referent.nom"
"""


def test_a_query_asks_for_what_the_table_reads_and_nothing_more() -> None:
    (asked,), _ = reading(QUERY, {"data": {"suivis": {"noeuds": [], "fin": None}}}, tenant=MISSION)
    fields = "{ id personne { nom prenom naissance } contacts { type valeur } suivi { le referent { nom } } }"
    text = f"query($ml: ID!, $apres: String) {{ suivis(ml: $ml, apres: $apres) {{ noeuds {fields} fin }} }}"
    assert asked.body == {"query": text, "variables": {"ml": MISSION.key}}
    assert (asked.method, asked.pages.in_body) == ("POST", True)


@pytest.mark.parametrize(
    ("before", "after", "reason"),
    [
        ("{champs}", "{ champ }", r"\{champs\} attendu à la place de \{ champ \}"),
        ("{champs} fin }", "{champs} fin", "requête illisible"),
        ('"personne.nom"', '"personne.nom-usage"', "GraphQL n'a pas de tel nom"),
        ('ml = "{mission_locale}"', 'm = "{mission_locale}"', "« m » n'est pas une variable de la requête"),
        ('variables = { ml = "{mission_locale}" }', "", "« ml » attendu, que la requête demande"),
        ('"variables.apres"', '"apres"', "« apres » : « variables. » et une variable de la requête attendus"),
        ('"variables.apres"', '"variables.suite"', r"attendus \(\$ml, \$apres\)"),
        (
            "{champs}",
            "{ id }",
            r"« data.suivis.noeuds.personne.nom » n'est pas demandé, que jeune.nom lit ; « {champs} »",
        ),
        ("{champs}", "{ ...f }", r"« data.suivis.noeuds.id » n'est pas demandé, que jeune.cle lit"),
        ("noeuds {champs} fin", "noeuds {champs}", "« data.suivis.fin » n'est pas demandé, que suivante lit"),
        ('"data.suivis.noeuds"', '"suivis.noeuds"', "que lignes lit ; « data.suivis.noeuds »"),
        ('"data.suivis.noeuds"', '"data.suivis.neuds"', "que lignes lit ; « data.suivis.noeuds »"),
        ("$ml: ID!, ", "$ml: ID!, $site: String, ", "« site » attendu, que la requête demande"),
        (
            "(ml: $ml,",
            r"(ml: \"{mission_locale}\",",
            r"{mission_locale} n'y est pas remplacé ; une variable, et variables",
        ),
        ('ml = "{mission_locale}"', 'ml = "{mision_locale}"', r"{mision_locale} inconnu ; {mission_locale} \?"),
        ('ml = "{mission_locale}"', 'ml = "{depuis}"', r"{depuis} inconnu"),
    ],
)
def test_a_mistake_in_a_query_is_told(before: str, after: str, reason: str) -> None:
    assert before in QUERY
    with pytest.raises(ValidationError, match=reason):
        dialect(QUERY.replace(before, after, 1))


def test_a_query_written_by_hand_is_read_with_its_fragments_and_aliases() -> None:
    own = "suivi { ... on Suivi { le: maj referent { nom } } }"
    fields = f"id personne {{ ...nomme }} personne {{ naissance }} contacts {{ type valeur }} {own}"
    text = QUERY.replace("{champs}", f"{{ {fields} }}").replace(
        "fin } }", "fin } } fragment nomme on Personne { nom prenom }"
    )
    assert dialect(text).graphql
    with pytest.raises(ValidationError, match=r"« data\.suivis\.noeuds\.suivi\.le » n'est pas demandé"):
        dialect(text.replace("le: maj", "maj"))


@pytest.mark.parametrize(
    ("errors", "known"),
    [
        ("{ refus = [401, 403], succes = 0 }", ("0", "401", "403")),
        ('{ succes = ["OK", "PARTIEL"] }', ("OK", "PARTIEL")),
        ("{ panne = false }", ("false", "true")),  # of a boolean, the other one is known
        ('{ tout = "panne" }', None),
    ],
)
def test_a_code_that_no_list_has_is_an_error_after_all_others(errors: str, known: tuple[str, ...] | None) -> None:
    """An empty list under a code of which the table says nothing read as nobody."""
    text = NESTED.replace('"erreur.code" = { refus = 401 }', f'"erreur.code" = {errors}\nalerte = "quota"', 1)
    (asked,), _ = reading(text, page())
    others = [(error.path, error.values, error.meaning.value) for error in asked.told_errors if error.others]
    assert others == ([(("erreur", "code"), known, "panne")] if known else [])
    assert not known or asked.told_errors[-1].others


def test_a_body_is_sent_and_errors_are_told_by_path() -> None:
    text = NESTED.replace('chemin = "/espaces', 'corps = { a = "{uai}" }\nchemin = "/espaces', 1)
    text = text.replace('"erreur.code" = { refus = 401 }', 'ok = { panne = false }\nalerte = "quota"', 1)
    (asked,), _ = reading(text, page())
    assert (asked.method, asked.body) == ("POST", {"a": "0010856A"})
    assert [(error.path, error.values, error.meaning.value) for error in asked.told_errors] == [
        (("ok",), ("false",), "panne"),
        (("alerte",), (), "quota"),
        (("ok",), ("false", "true"), "panne"),
    ]
