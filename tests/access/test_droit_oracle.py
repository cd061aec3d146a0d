"""The oracle of access says what docs/droits.md says: its sentences, by examples, and its table, cell by cell."""

import inspect
import re
from dataclasses import replace
from pathlib import Path

import pytest

from tests.support.access import droit_oracle as oracle
from tests.support.access.droit_oracle import Demandeur, Personne, lit, temoins, voit

DOCUMENT = (Path(__file__).parents[2] / "docs" / "droits.md").read_text(encoding="utf-8")
PROSE = " ".join(DOCUMENT.split())
RELATIONS = ("RESIDENCE", "SUIVI", "CFA", "RESEAU", "TERRITOIRE_CFA", "REGION_RESIDENCE")
HERE = {relation: frozenset({f"{relation}-1"}) for relation in RELATIONS}
ELSEWHERE = {relation: frozenset({f"{relation}-2"}) for relation in RELATIONS}
# Known by every nominative profile: each of their links, and a statut and an age that all of them accept.
KNOWN = Personne(statut="INSCRIT", age=20, liens=HERE)
ASKED = replace(KNOWN, demandes=HERE["CFA"])
UNKNOWN = replace(ASKED, liens=ELSEWHERE)
ML_AND_ERP = frozenset({"ERP", "REGISTRE", "MISSION_LOCALE"})
ERP_ONLY = frozenset({"ERP", "REGISTRE"})
MAIN = re.compile(
    r"^\| (?P<profil>[A-Z_]+)(?: comme (?P<comme>[A-Z_]+))? \| (?P<cells>hors personne .*) \|$", re.MULTILINE
)


def asks(profil: str, comme: str | None = None, *relations: str) -> Demandeur:
    """A requester under the purpose of its profile, holding the organisations of these relations, or of all."""
    held = {relation: HERE[relation] for relation in relations or RELATIONS}
    return Demandeur(profil, oracle.FINALITES[profil], held, comme)


ML = asks("MISSION_LOCALE", None, "RESIDENCE", "SUIVI")
OWN_CFA = asks("CFA", None, "CFA")
NETWORK = asks("TETE_DE_RESEAU", None, "RESEAU")
STATE = asks("DREETS", None, "TERRITOIRE_CFA")
JOBS = asks("FRANCE_TRAVAIL", None, "REGION_RESIDENCE")
FOR_ML = asks("SI_PARTENAIRE", "MISSION_LOCALE", "RESIDENCE", "SUIVI")
FOR_CFA = asks("SI_PARTENAIRE", "CFA", "CFA")
ADMIN = asks("ADMINISTRATEUR")


def linked_by(relation: str) -> Personne:
    return replace(KNOWN, liens={relation: HERE[relation]})


def table() -> list[tuple[Demandeur, str, str]]:
    """Each cell of « Tableau »: who, which category, and what the document says."""
    header = next(line for line in DOCUMENT.splitlines() if line.startswith("| profil |"))
    categories = [name.strip() for name in header.strip("|").split("|")][1:]
    rows = [(asks(row["profil"], row["comme"]), row["cells"].split(" | ")) for row in MAIN.finditer(DOCUMENT)]
    return [(who, name, cell) for who, cells in rows for name, cell in zip(categories, cells, strict=True)]


# What the oracle says of a person out of reach, in reach, and in reach after a request for joint support.
MEANING = {
    "hors personne": (True, True, True),
    "oui": (False, True, True),
    "si demande": (False, False, True),
    "non": (False, False, False),
}


@pytest.mark.parametrize(
    ("who", "categorie", "cell"), table(), ids=lambda value: value if isinstance(value, str) else value.profil
)
def test_each_cell_of_the_table_is_what_the_oracle_says(who: Demandeur, categorie: str, cell: str) -> None:
    said = (lit(who, UNKNOWN, categorie), lit(who, KNOWN, categorie), lit(who, ASKED, categorie))
    assert said == MEANING[cell]


def test_the_table_has_every_profile_a_delegate_twice_and_every_category_that_the_document_defines() -> None:
    cells = table()
    assert {who.profil for who, _, _ in cells} == set(oracle.FINALITES)
    assert {who.comme for who, _, _ in cells} == {None, "MISSION_LOCALE", "CFA"}
    defined = re.findall(r"^\| `([A-Z_]+)` \| ", DOCUMENT, re.MULTILINE)
    assert [name for _, name, _ in cells] == defined * (len(oracle.FINALITES) + 1)


def test_without_its_purpose_a_profile_reads_public_information_only() -> None:
    sentence = "un demandeur ne lit que les informations publiques et les comptes qui lui sont ouverts."
    assert f"Sans la finalité de son profil, {sentence}" in PROSE
    for who, categorie, _ in table():
        for finalite in (None, "PILOTAGE" if who.finalite != "PILOTAGE" else "ACCOMPAGNEMENT"):
            astray = replace(who, finalite=finalite)
            counts = categorie == "AGREGAT" and who.profil != "ADMINISTRATEUR"
            assert lit(astray, ASKED, categorie) is (categorie == "PUBLIQUE" or counts)
            assert temoins(astray, ASKED) == frozenset()


SECTIONS = {
    "Mission locale": ("MISSION_LOCALE",),
    "CFA": ("CFA",),
    "Tête de réseau": ("TETE_DE_RESEAU",),
    "DREETS, DDETS et académie": ("DREETS", "DDETS", "ACADEMIE"),
    "France Travail": ("FRANCE_TRAVAIL",),
    "Système délégué": ("SI_PARTENAIRE",),
    "ARML": ("ARML",),
    "Région et opérateur de compétences": ("REGION", "OPCO"),
    "Statistiques": ("STATISTIQUES",),
    "Administrateur": ("ADMINISTRATEUR",),
}


def test_each_profile_has_the_purpose_that_the_document_says() -> None:
    said = dict(re.findall(r"^## (.+)\n\n\*\*Finalité\.\*\* .*\(`([A-Z_]+)`\)", DOCUMENT, re.MULTILINE))
    assert {profil: said[title] for title, profils in SECTIONS.items() for profil in profils} == oracle.FINALITES


def test_nobody_reads_the_nir_nor_a_category_that_the_document_does_not_name() -> None:
    assert "Tout ce qui n'est pas permis ici est refusé." in PROSE
    assert "n'existe nulle part dans la passerelle" in PROSE
    assert not any(lit(who, ASKED, name) for who, _, _ in table() for name in ("NIR", "", "identite"))


SEES = [
    ("Une Mission locale connaît les personnes qui habitent son territoire", ML, linked_by("RESIDENCE"), True),
    ("et celles qu'elle suit déjà", ML, linked_by("SUIVI"), True),
    ("Il faut que la personne ait l'âge d'accompagnement.", ML, replace(KNOWN, age=15), False),
    ("Il faut que la personne ait l'âge d'accompagnement.", ML, replace(KNOWN, age=16), True),
    ("de 16 ans à la veille de ses 26 ans", ML, replace(KNOWN, age=25), True),
    ("de 16 ans à la veille de ses 26 ans", ML, replace(KNOWN, age=26), False),
    ("à partir de 16 ans sans limite pour une personne reconnue", ML, replace(KNOWN, age=41, rqth=True), True),
    ("à partir de 16 ans sans limite pour une personne reconnue", ML, replace(KNOWN, age=15, rqth=True), False),
    ("dont l'âge n'est pas connu ne remplit pas la condition", ML, replace(KNOWN, age=None, rqth=True), False),
    ("Aucun statut n'est exigé.", ML, replace(KNOWN, statut="APPRENTI"), True),
    ("Un CFA connaît les personnes qui y sont inscrites", OWN_CFA, linked_by("CFA"), True),
    ("Un CFA connaît les personnes qui y sont inscrites", OWN_CFA, linked_by("RESEAU"), False),
    ("Aucun âge ni statut n'est exigé.", OWN_CFA, replace(KNOWN, statut=None, age=15), True),
    ("dans les CFA dont son réseau est responsable", NETWORK, linked_by("RESEAU"), True),
    ("dans les CFA dont son réseau est responsable", NETWORK, UNKNOWN, False),
    (
        "Une tête de réseau qui n'en est pas responsable n'est liée à personne",
        replace(NETWORK, organisations={}),
        KNOWN,
        False,
    ),
    ("ne connaît que des personnes sans contrat", STATE, replace(KNOWN, statut="RUPTURANT"), True),
    ("ne connaît que des personnes sans contrat", STATE, replace(KNOWN, statut="ABANDON"), True),
    ("Un apprenti, ou une personne qui a fini sa formation", STATE, replace(KNOWN, statut="APPRENTI"), False),
    ("Un apprenti, ou une personne qui a fini sa formation", STATE, replace(KNOWN, statut="FIN_DE_FORMATION"), False),
    ("Le domicile de la personne ne compte pas.", STATE, linked_by("REGION_RESIDENCE"), False),
    ("le statut est `INSCRIT`, et lui seul.", JOBS, replace(KNOWN, statut="RUPTURANT"), False),
    ("qui habitent sa région", JOBS, linked_by("REGION_RESIDENCE"), True),
    ("qui habitent sa région", JOBS, linked_by("TERRITOIRE_CFA"), False),
    ("et ont l'âge d'accompagnement", JOBS, replace(KNOWN, age=26), False),
    ("et ont l'âge d'accompagnement", JOBS, replace(KNOWN, age=26, rqth=True), True),
    ("que celui pour qui il agit ne connaît pas", FOR_ML, replace(KNOWN, age=15), False),
    ("que celui pour qui il agit ne connaît pas", FOR_CFA, linked_by("RESIDENCE"), False),
    ("Un délégué qui n'agit pour personne ne connaît personne.", replace(FOR_ML, comme=None), KNOWN, False),
    ("agit comme Mission locale ou comme CFA", asks("SI_PARTENAIRE", "DREETS"), KNOWN, False),
    ("l'exception d'âge des personnes handicapées ne lui ouvre rien", FOR_ML, replace(KNOWN, age=26, rqth=True), False),
    ("Une association régionale des Missions locales ne connaît personne", asks("ARML"), ASKED, False),
    ("Une région et un opérateur de compétences ne connaissent personne", asks("REGION"), ASKED, False),
    ("Une région et un opérateur de compétences ne connaissent personne", asks("OPCO"), ASKED, False),
    ("Le profil des statistiques ne connaît personne", asks("STATISTIQUES"), ASKED, False),
    ("Un administrateur ne connaît personne", ADMIN, ASKED, False),
]


@pytest.mark.parametrize(("sentence", "who", "personne", "expected"), SEES)
def test_who_is_known_is_what_the_sentence_says(
    sentence: str, who: Demandeur, personne: Personne, expected: bool
) -> None:
    assert sentence in PROSE
    assert voit(who, personne) is expected
    assert lit(who, personne, "PARCOURS") is expected


JOINT = "Un CFA ne lit le suivi et la collaboration que d'une personne pour laquelle il a lui-même demandé"
OTHER = "La demande d'un autre CFA, même lié par responsabilité, n'ouvre rien."
BY_ANOTHER = replace(KNOWN, liens={**HERE, "CFA": frozenset({"CFA-1", "CFA-2"})}, demandes=frozenset({"CFA-2"}))
ASKED_THEN_LEFT = replace(ASKED, liens={**HERE, "CFA": frozenset({"CFA-2"})})
TWO_CFAS = replace(OWN_CFA, organisations={"CFA": frozenset({"CFA-1", "CFA-3"})})
READS = [
    (JOINT, OWN_CFA, ASKED, "SUIVI", True),
    (JOINT, OWN_CFA, KNOWN, "SUIVI", False),
    (JOINT, OWN_CFA, KNOWN, "COLLABORATION", False),
    (OTHER, OWN_CFA, BY_ANOTHER, "SUIVI", False),
    (OTHER, OWN_CFA, BY_ANOTHER, "COLLABORATION", False),
    (OTHER, FOR_CFA, BY_ANOTHER, "SUIVI", False),
    (OTHER, TWO_CFAS, replace(KNOWN, demandes=frozenset({"CFA-3"})), "SUIVI", False),
    (JOINT, OWN_CFA, ASKED_THEN_LEFT, "SUIVI", False),
    ("Comme CFA, il ne lit le suivi que d'une personne pour laquelle ce CFA a demandé", FOR_CFA, ASKED, "SUIVI", True),
    (
        "Un délégué lit le parcours, l'identité, le contact, les contrats, les ruptures et le suivi",
        FOR_ML,
        KNOWN,
        "SUIVI",
        True,
    ),
    ("et le suivi, et rien de plus.", FOR_CFA, ASKED, "COLLABORATION", False),
    ("et le suivi, et rien de plus.", FOR_ML, ASKED, "SENSIBLE", False),
    ("qu'après qu'un CFA a demandé l'accompagnement conjoint", ML, KNOWN, "COLLABORATION", False),
    ("qu'après qu'un CFA a demandé l'accompagnement conjoint", ML, BY_ANOTHER, "COLLABORATION", True),
    ("Une Mission locale lit tout de ses jeunes, sauf l'INE.", ML, ASKED, "IDENTIFIANT_NATIONAL", False),
    ("Une Mission locale lit tout de ses jeunes, sauf l'INE.", ML, KNOWN, "REPRESENTANT", True),
    ("sans l'employeur ni le contrat", STATE, KNOWN, "CONTRAT", False),
]


@pytest.mark.parametrize(("sentence", "who", "personne", "categorie", "expected"), READS)
def test_what_is_read_is_what_the_sentence_says(
    sentence: str, who: Demandeur, personne: Personne, categorie: str, expected: bool
) -> None:
    assert sentence in PROSE
    assert lit(who, personne, categorie) is expected


HEARD = [
    (ML, KNOWN, ML_AND_ERP),
    (FOR_ML, KNOWN, ML_AND_ERP),
    (OWN_CFA, KNOWN, ERP_ONLY),
    (OWN_CFA, ASKED, ML_AND_ERP),
    (OWN_CFA, BY_ANOTHER, ERP_ONLY),
    (FOR_CFA, KNOWN, ERP_ONLY),
    (FOR_CFA, ASKED, ML_AND_ERP),
    (NETWORK, ASKED, ERP_ONLY),
    (STATE, ASKED, ERP_ONLY),
    (JOBS, ASKED, ERP_ONLY),
    (ADMIN, ASKED, frozenset()),
    (OWN_CFA, UNKNOWN, frozenset()),
    (ML, UNKNOWN, frozenset()),
]


@pytest.mark.parametrize(("who", "personne", "expected"), HEARD)
def test_no_record_of_a_mission_locale_is_heard_where_its_follow_up_is_closed(
    who: Demandeur, personne: Personne, expected: frozenset[str]
) -> None:
    sentence = "une réponse ne dépend d'aucun dossier de Mission locale, sauf si le suivi ou la collaboration"
    assert sentence in PROSE
    assert temoins(who, personne) == expected


def test_a_delegate_never_knows_more_than_its_principal() -> None:
    for delegate, principal in ((FOR_ML, ML), (FOR_CFA, OWN_CFA)):
        for personne in (KNOWN, ASKED, UNKNOWN, BY_ANOTHER, ASKED_THEN_LEFT, replace(ASKED, age=30, rqth=True)):
            for _, categorie, _ in table():
                assert lit(delegate, personne, categorie) <= lit(principal, personne, categorie)
            assert temoins(delegate, personne) <= temoins(principal, personne)


def test_each_heading_that_the_oracle_cites_stands_in_the_document() -> None:
    cited = set(re.findall(r"« ([^»]+) »", inspect.getsource(oracle)))
    headings = set(re.findall(r"^## (.+)$", DOCUMENT, re.MULTILINE))
    assert cited
    assert cited <= headings
