"""The matrix of rights (docs/graphe.md, Droits), row by row and record by record; and the closed world of its file."""

from pathlib import Path

import pytest

from gateway.auth.policy.policy import FILE, Relation, read_policy
from gateway.auth.policy.rules import CategorieDonnee as C
from gateway.auth.policy.rules import Finalite, Profil
from gateway.auth.policy.schema_check import check_schema
from gateway.domain.statut import StatutApprenant as S
from gateway.errors import ConfigurationError
from tests.support.access.tools import FINALITES, POLICY, SCHEMA

ML = frozenset(
    {
        C.PARCOURS,
        C.IDENTITE,
        C.CONTACT,
        C.ADRESSE,
        C.SENSIBLE,
        C.REPRESENTANT,
        C.CONTRAT,
        C.RUPTURE,
        C.SUIVI,
        C.TECHNIQUE,
    }
)
CONTROL = frozenset({C.PARCOURS, C.IDENTITE, C.CONTACT})
WITHOUT_CONTRAT = {S.INSCRIT, S.RUPTURANT, S.ABANDON}
EVERYONE = set(S)

# profile → relations, statuses, categories of a record in which nobody asked a collaboration
MATRIX = {
    Profil.MISSION_LOCALE: ({Relation.RESIDENCE, Relation.SUIVI}, EVERYONE, ML | {C.SANS_CONTRAT}),
    Profil.CFA: ({Relation.CFA}, EVERYONE, ML - {C.SUIVI} | {C.IDENTIFIANT_NATIONAL}),
    Profil.TETE_DE_RESEAU: (
        {Relation.RESEAU},
        EVERYONE,
        frozenset({C.PARCOURS, C.IDENTITE, C.IDENTIFIANT_NATIONAL, C.CONTRAT, C.RUPTURE}),
    ),
    Profil.DREETS: ({Relation.TERRITOIRE_CFA}, WITHOUT_CONTRAT, CONTROL),
    Profil.DDETS: ({Relation.TERRITOIRE_CFA}, WITHOUT_CONTRAT, CONTROL),
    Profil.ACADEMIE: ({Relation.TERRITOIRE_CFA}, WITHOUT_CONTRAT, CONTROL),
    Profil.FRANCE_TRAVAIL: (
        {Relation.RESIDENCE_REGION},
        {S.INSCRIT},
        CONTROL | {C.ADRESSE, C.SENSIBLE, C.SANS_CONTRAT},
    ),
    Profil.ARML: (set(), set(), frozenset()),
    Profil.REGION: (set(), set(), frozenset()),
    Profil.OPCO: (set(), set(), frozenset()),
    Profil.SI_PARTENAIRE: (
        {Relation.RESIDENCE, Relation.SUIVI},
        EVERYONE,
        CONTROL | {C.CONTRAT, C.RUPTURE, C.SUIVI},
    ),
    Profil.STATISTIQUES: (set(), set(), frozenset()),
    Profil.ADMINISTRATEUR: (set(), set(), frozenset()),
}


# The same of a delegate that acts as a CFA, and what a request for joint support adds.
AS_CFA = ({Relation.CFA}, EVERYONE, CONTROL | {C.CONTRAT, C.RUPTURE})
ASKED = {
    Profil.MISSION_LOCALE: {C.COLLABORATION},
    Profil.CFA: {C.SUIVI, C.COLLABORATION},
    Profil.SI_PARTENAIRE: {C.SUIVI},
}


@pytest.mark.parametrize("profil", list(Profil))
@pytest.mark.parametrize("finalite", list(Finalite))
def test_every_record(profil: Profil, finalite: Finalite) -> None:
    for relation in Relation:
        as_cfa = profil is Profil.SI_PARTENAIRE and relation is Relation.CFA
        relations, statuts, categories = AS_CFA if as_cfa else MATRIX[profil]
        for statut in S:
            opened = finalite is FINALITES[profil] and relation in relations and statut in statuts
            results = POLICY.granted(profil, finalite, frozenset({relation}), statut, collaboration=False)
            if (
                as_cfa and finalite is Finalite.GESTION_CFA
            ):  # what became of what was transmitted (docs/droits.md, Pour gérer)
                opened, categories = True, frozenset({C.TECHNIQUE})
            assert results == (categories | {C.PUBLIQUE} if opened else frozenset()), (relation, statut)


@pytest.mark.parametrize("profil", list(Profil))
def test_what_a_profil_reads(profil: Profil) -> None:
    _, statuts, categories = MATRIX[profil]
    always = {C.PUBLIQUE} | ({C.AGREGAT} if profil is not Profil.ADMINISTRATEUR else {C.TECHNIQUE})
    finalite, role = FINALITES[profil], Profil.MISSION_LOCALE if profil is Profil.SI_PARTENAIRE else profil
    assert POLICY.categories(profil, finalite, role) == categories | always | ASKED.get(profil, set())
    assert POLICY.everywhere(profil, finalite, role) == categories | always
    assert POLICY.statuts(profil, finalite) == statuts


def test_s1_a_delegate_chooses_by_what_its_principal_reads_everywhere() -> None:
    profil, finalite = Profil.SI_PARTENAIRE, Finalite.ACCOMPAGNEMENT
    as_cfa = AS_CFA[2] | {C.PUBLIQUE, C.AGREGAT}
    assert POLICY.categories(profil, finalite, Profil.CFA) == as_cfa | {C.SUIVI}
    assert POLICY.everywhere(profil, finalite, Profil.CFA) == POLICY.filterable(profil, finalite, Profil.CFA) == as_cfa


@pytest.mark.parametrize("profil", list(Profil))
def test_a_category_under_condition_is_a_criterion_only_where_the_condition_tells_it(profil: Profil) -> None:
    finalite, role = FINALITES[profil], Profil.MISSION_LOCALE if profil is Profil.SI_PARTENAIRE else profil
    told = {C.COLLABORATION} if profil in (Profil.MISSION_LOCALE, Profil.CFA) else set()
    assert POLICY.filterable(profil, finalite, role) == POLICY.everywhere(profil, finalite, role) | told


def test_a_condition_tried_on_some_records_only_tells_nothing_of_the_others() -> None:
    own, asked = (row for row in POLICY.regle if Profil.MISSION_LOCALE in row.profils)
    for part in ({"relations": frozenset({Relation.SUIVI})}, {"statuts": frozenset({S.INSCRIT})}):
        policy = POLICY.model_copy(update={"regle": (own, asked.model_copy(update=part))})
        chosen = policy.filterable(Profil.MISSION_LOCALE, Finalite.ACCOMPAGNEMENT, Profil.MISSION_LOCALE)
        assert C.COLLABORATION not in chosen


@pytest.mark.parametrize("profil", list(Profil))
def test_without_a_finalite_neither_person_nor_source(profil: Profil) -> None:
    expected = {C.PUBLIQUE} if profil is Profil.ADMINISTRATEUR else {C.PUBLIQUE, C.AGREGAT}
    assert POLICY.categories(profil, None) == expected
    assert POLICY.granted(profil, None, frozenset(Relation), S.INSCRIT, collaboration=True) == frozenset()


def test_the_suivi_of_a_cfa_requires_a_collaboration() -> None:
    def granted_categories(collaboration: bool) -> frozenset[C]:
        relations = frozenset({Relation.CFA})
        return POLICY.granted(Profil.CFA, Finalite.GESTION_CFA, relations, S.RUPTURANT, collaboration)

    asked = granted_categories(collaboration=True) - granted_categories(collaboration=False)
    assert asked == {C.SUIVI, C.COLLABORATION}


def test_an_unknown_statut_opens_only_what_is_open_to_all() -> None:
    territoire, residence = frozenset({Relation.TERRITOIRE_CFA}), frozenset({Relation.RESIDENCE})
    granted = POLICY.granted
    assert not granted(Profil.DREETS, Finalite.CONTROLE_OBLIGATION, territoire, None, collaboration=False)
    assert granted(Profil.MISSION_LOCALE, Finalite.ACCOMPAGNEMENT, residence, None, collaboration=False)


def test_without_a_relation_nothing() -> None:
    views = POLICY.granted(Profil.MISSION_LOCALE, Finalite.ACCOMPAGNEMENT, frozenset(), S.INSCRIT, collaboration=True)
    assert views == frozenset()


def test_a_conditional_row_does_not_open_a_record_by_itself(tmp_path: Path) -> None:
    text = FILE.read_text(encoding="utf-8")
    debut, fin = text.index("# Le CFA lit"), text.index("# Le suivi et la demande")
    policy = read_policy(_write(tmp_path, text[:debut] + text[fin:]))
    relations = frozenset({Relation.CFA})
    views = policy.granted(Profil.CFA, Finalite.GESTION_CFA, relations, S.INSCRIT, collaboration=True)
    assert views == frozenset()


@pytest.mark.parametrize(
    ("former", "new", "told"),
    [
        ('profils = ["CFA"]', 'profils = ["CFAS"]', "regle.2.profils.0 : valeur inconnue « CFAS »"),
        ('"REPRESENTANT", "IDENTIFIANT', '"NIR", "IDENTIFIANT', "valeur inconnue « NIR »"),
        ('relations = ["RESEAU"]', 'relations = ["AMITIE"]', "regle.4.relations.0 : valeur inconnue « AMITIE »"),
        ('statuts = ["INSCRIT"]', 'statuts = ["PARTI"]', "regle.6.statuts.0 : valeur inconnue « PARTI »"),
        ('finalite = "PILOTAGE"', 'finalite = "CURIOSITE"', "regle.4.finalite : valeur inconnue « CURIOSITE »"),
        ('condition = "collaboration_demandee"', 'condition = "amitie"', "regle.1.condition : "),
        ('condition = "collaboration_demandee"', 'sauf = "minuit"', "regle.1.sauf : clé inconnue"),
        ('fondement = "code', '# "code', "regle.0.fondement : clé absente"),
        ('fondement = "code', 'motif = "code', "regle.0.motif : clé inconnue"),
        ('conservation = "aucune', '# "aucune', "regle.0.conservation : clé absente"),
        ('conservation = "aucune', 'duree = "aucune', "regle.0.duree : clé inconnue"),
        ('fondement = "secret statistique', 'fondement = " " #', "agregat.fondement : "),
        ('finalite = "PILOTAGE"\n', "", "regle.4.finalite : clé absente"),
        ('relations = ["RESEAU"]', "relations = []", "regle.4.relations : "),
        (
            'categories = ["TECHNIQUE"]\nfondement = "rôle',
            'categories = ["IDENTITE"]\nfondement = "rôle',
            "exploitation.categories : sans relation",
        ),
        (', "STATISTIQUES",\n]', ",\n]", "agregat : profils et lecture ne disent pas les mêmes : STATISTIQUES"),
        ('lieux = "FRANCE"', 'lieux = "MONDE"', "agregat.lecture.6.lieux : "),
        ("[agregat]", "[agregat", "TOML invalide"),
    ],
)
def test_the_file_is_a_closed_world(tmp_path: Path, former: str, new: str, told: str) -> None:
    text = FILE.read_text(encoding="utf-8")
    assert former in text
    path = _write(tmp_path, text.replace(former, new, 1))
    with pytest.raises(ConfigurationError) as raised:
        read_policy(path)
    assert str(raised.value).startswith("policy.toml : ")
    assert told in str(raised.value)
    assert "\n" not in str(raised.value)


FOR_THE_CFA = 'finalite = "ACCOMPAGNEMENT"\ncategories = ["PARCOURS", "IDENTITE", "CONTACT", "CONTRAT", "RUPTURE"]\n'
CFA_ALONE = """
[[regle]]
profils = ["CFA"]
relations = ["CFA"]
statuts = ["INSCRIT"]
finalite = "GESTION_CFA"
categories = ["PARCOURS"]
fondement = "essai"
conservation = "essai"
"""


@pytest.mark.parametrize(
    ("former", "new", "told"),
    [
        ('relations = ["RESEAU"]', 'relations = ["RESEAU", "SUIVI"]', "regle.4 : aucun de ces profils n'a la relation SUIVI"),
        ('relations = ["RESEAU"]', 'relations = ["RESIDENCE"]', "regle.4 : TETE_DE_RESEAU n'a aucune de ces relations"),
        ('["DREETS", "DDETS", "ACADEMIE"]\nrel', '["DREETS", "CFA"]\nrel', "regle.5 : CFA n'a aucune de ces relations"),
        ('"PARCOURS", "IDENTITE", "CONTACT"]', '"SANS_CONTRAT"]', "regle.5 : SANS_CONTRAT mène à Jeune, que PARCOURS ouvre"),
        ('"PARCOURS", "IDENTITE", "CONTACT"]', '"PARCOURS", "AGREGAT"]', "regle.5 : AGREGAT ne dépend pas d'une relation"),
        ('"PARCOURS", "IDENTITE", "CONTACT"]', '"PARCOURS", "PUBLIQUE"]', "regle.5 : PUBLIQUE ne dépend pas d'une relation"),
        ("[agregat]", CFA_ALONE + "[agregat]", "regle.11 : une autre ligne accorde déjà tout cela"),
        (f'statuts = "TOUS"\n{FOR_THE_CFA}', f'statuts = ["INSCRIT"]\n{FOR_THE_CFA}',
         "regle.9 : sa condition complète des dossiers qu'aucune ligne n'ouvre"),
    ],
)  # fmt: skip
def test_a_row_without_effect_stops_the_startup(tmp_path: Path, former: str, new: str, told: str) -> None:
    text = FILE.read_text(encoding="utf-8")
    assert former in text
    policy = read_policy(_write(tmp_path, text.replace(former, new, 1)))
    with pytest.raises(ConfigurationError) as raised:
        check_schema(SCHEMA, policy)
    assert str(raised.value).startswith(f"politique d'accès : {told}")
    assert "\n" not in str(raised.value)


def test_absent_file(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"policy\.toml : fichier illisible"):
        read_policy(tmp_path / "policy.toml")


def _write(record: Path, text: str) -> Path:
    path = record / "policy.toml"
    path.write_text(text, encoding="utf-8")
    return path


def test_a_condition_tried_on_every_record_of_whom_a_delegate_acts_for_is_a_criterion() -> None:
    """What a row opens by a tie that its principal cannot have is no record of the delegate's."""
    profil, finalite = Profil.SI_PARTENAIRE, Finalite.ACCOMPAGNEMENT
    own, asked = (row for row in POLICY.regle if Profil.MISSION_LOCALE in row.profils)
    both = own.model_copy(update={"profils": (profil,), "relations": own.relations | {Relation.CFA}})
    policy = POLICY.model_copy(update={"regle": (both, asked.model_copy(update={"profils": (profil,)}))})
    assert C.COLLABORATION in policy.filterable(profil, finalite, Profil.MISSION_LOCALE)
    assert C.COLLABORATION not in policy.filterable(profil, finalite, Profil.CFA)
