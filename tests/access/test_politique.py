"""The matrix of ANSWERS 11, row by row and record by record; and the closed world of its file."""

from pathlib import Path

import pytest

from gateway.auth.perimetre import Relation
from gateway.auth.politique import FICHIER, lire_politique
from gateway.auth.rules import CategorieDonnee as C
from gateway.auth.rules import Finalite, Profil
from gateway.auth.verification import verifier_schema
from gateway.domain.statut import StatutApprenant as S
from gateway.errors import ErreurConfiguration
from tests.access.outils import FINALITES, POLITIQUE, SCHEMA

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
        C.COLLABORATION,
        C.TECHNIQUE,
    }
)
CONTROLE = frozenset({C.PARCOURS, C.IDENTITE, C.CONTACT})
SANS_CONTRAT = {S.INSCRIT, S.RUPTURANT, S.ABANDON}
TOUS = set(S)

# profile → relations, statuses, categories of a record in which nobody asked a collaboration
MATRICE = {
    Profil.MISSION_LOCALE: ({Relation.RESIDENCE, Relation.SUIVI}, TOUS, ML),
    Profil.CFA: ({Relation.CFA}, TOUS, ML - {C.SUIVI} | {C.IDENTIFIANT_NATIONAL}),
    Profil.TETE_DE_RESEAU: (
        {Relation.RESEAU},
        TOUS,
        frozenset({C.PARCOURS, C.IDENTITE, C.IDENTIFIANT_NATIONAL, C.CONTRAT, C.RUPTURE}),
    ),
    Profil.DREETS: ({Relation.TERRITOIRE_CFA}, SANS_CONTRAT, CONTROLE),
    Profil.DDETS: ({Relation.TERRITOIRE_CFA}, SANS_CONTRAT, CONTROLE),
    Profil.ACADEMIE: ({Relation.TERRITOIRE_CFA}, SANS_CONTRAT, CONTROLE),
    Profil.FRANCE_TRAVAIL: ({Relation.RESIDENCE_REGION}, {S.INSCRIT}, CONTROLE | {C.ADRESSE, C.SENSIBLE}),
    Profil.ARML: (set(), set(), frozenset()),
    Profil.SI_PARTENAIRE: (
        {Relation.RESIDENCE, Relation.SUIVI, Relation.CFA},
        TOUS,
        CONTROLE | {C.CONTRAT, C.RUPTURE, C.SUIVI},
    ),
    Profil.STATISTIQUES: (set(), set(), frozenset()),
    Profil.ADMINISTRATEUR: (set(), set(), frozenset()),
}


@pytest.mark.parametrize("profil", list(Profil))
@pytest.mark.parametrize("finalite", list(Finalite))
def test_chaque_dossier(profil: Profil, finalite: Finalite) -> None:
    relations, statuts, categories = MATRICE[profil]
    for relation in Relation:
        for statut in S:
            ouvert = finalite is FINALITES[profil] and relation in relations and statut in statuts
            lues = POLITIQUE.accordees(profil, finalite, frozenset({relation}), statut, collaboration=False)
            assert lues == (categories | {C.PUBLIQUE} if ouvert else frozenset()), (relation, statut)


@pytest.mark.parametrize("profil", list(Profil))
def test_ce_que_lit_un_profil(profil: Profil) -> None:
    _, statuts, categories = MATRICE[profil]
    toujours = {C.PUBLIQUE} | ({C.AGREGAT} if profil is not Profil.ADMINISTRATEUR else {C.TECHNIQUE})
    sous_condition = {C.SUIVI} if profil is Profil.CFA else set()
    finalite = FINALITES[profil]
    assert POLITIQUE.categories(profil, finalite) == categories | toujours | sous_condition
    assert POLITIQUE.partout(profil, finalite) == categories | toujours
    assert POLITIQUE.statuts(profil, finalite) == statuts


@pytest.mark.parametrize("profil", list(Profil))
def test_sans_finalite_ni_personne_ni_source(profil: Profil) -> None:
    attendu = {C.PUBLIQUE} if profil is Profil.ADMINISTRATEUR else {C.PUBLIQUE, C.AGREGAT}
    assert POLITIQUE.categories(profil, None) == attendu
    assert POLITIQUE.accordees(profil, None, frozenset(Relation), S.INSCRIT, collaboration=True) == frozenset()


def test_le_suivi_d_un_cfa_demande_une_collaboration() -> None:
    def lues(collaboration: bool) -> frozenset[C]:
        relations = frozenset({Relation.CFA})
        return POLITIQUE.accordees(Profil.CFA, Finalite.GESTION_CFA, relations, S.RUPTURANT, collaboration)

    assert lues(collaboration=True) - lues(collaboration=False) == {C.SUIVI}


def test_un_statut_inconnu_n_ouvre_que_ce_qui_est_ouvert_a_tous() -> None:
    territoire, residence = frozenset({Relation.TERRITOIRE_CFA}), frozenset({Relation.RESIDENCE})
    accordees = POLITIQUE.accordees
    assert not accordees(Profil.DREETS, Finalite.CONTROLE_OBLIGATION, territoire, None, collaboration=False)
    assert accordees(Profil.MISSION_LOCALE, Finalite.ACCOMPAGNEMENT, residence, None, collaboration=False)


def test_sans_relation_rien() -> None:
    vues = POLITIQUE.accordees(
        Profil.MISSION_LOCALE, Finalite.ACCOMPAGNEMENT, frozenset(), S.INSCRIT, collaboration=True
    )
    assert vues == frozenset()


def test_une_ligne_sous_condition_n_ouvre_pas_un_dossier_a_elle_seule(tmp_path: Path) -> None:
    texte = FICHIER.read_text(encoding="utf-8")
    debut, fin = texte.index("# Le CFA lit"), texte.index("# Le suivi appartient")
    politique = lire_politique(_ecrire(tmp_path, texte[:debut] + texte[fin:]))
    relations = frozenset({Relation.CFA})
    vues = politique.accordees(Profil.CFA, Finalite.GESTION_CFA, relations, S.INSCRIT, collaboration=True)
    assert vues == frozenset()


@pytest.mark.parametrize(
    ("ancien", "nouveau", "dit"),
    [
        ('profils = ["CFA"]', 'profils = ["CFAS"]', "regle.1.profils.0 : valeur inconnue « CFAS »"),
        ('"REPRESENTANT", "IDENTIFIANT', '"NIR", "IDENTIFIANT', "valeur inconnue « NIR »"),
        ('relations = ["RESEAU"]', 'relations = ["AMITIE"]', "regle.3.relations.0 : valeur inconnue « AMITIE »"),
        ('statuts = ["INSCRIT"]', 'statuts = ["PARTI"]', "regle.5.statuts.0 : valeur inconnue « PARTI »"),
        ('finalite = "PILOTAGE"', 'finalite = "CURIOSITE"', "regle.3.finalite : valeur inconnue « CURIOSITE »"),
        ('condition = "collaboration_demandee"', 'condition = "amitie"', "regle.2.condition : "),
        ('condition = "collaboration_demandee"', 'sauf = "minuit"', "regle.2.sauf : clé inconnue"),
        ('finalite = "PILOTAGE"\n', "", "regle.3.finalite : clé absente"),
        ('relations = ["RESEAU"]', "relations = []", "regle.3.relations : "),
        ('categories = ["TECHNIQUE"]', 'categories = ["IDENTITE"]', "exploitation.categories : sans relation"),
        (', "STATISTIQUES",\n]', ",\n]", "aucune ligne ne dit ce que lisent STATISTIQUES"),
        ("[agregat]", "[agregat", "TOML invalide"),
    ],
)
def test_monde_clos(tmp_path: Path, ancien: str, nouveau: str, dit: str) -> None:
    texte = FICHIER.read_text(encoding="utf-8")
    assert ancien in texte
    chemin = _ecrire(tmp_path, texte.replace(ancien, nouveau, 1))
    with pytest.raises(ErreurConfiguration) as leve:
        lire_politique(chemin)
    assert str(leve.value).startswith("policy.toml : ")
    assert dit in str(leve.value)
    assert "\n" not in str(leve.value)


DU_CFA = 'finalite = "GESTION_CFA"\ncategories = [\n'
CFA_SEUL = """
[[regle]]
profils = ["CFA"]
relations = ["CFA"]
statuts = ["INSCRIT"]
finalite = "GESTION_CFA"
categories = ["PARCOURS"]
"""


@pytest.mark.parametrize(
    ("ancien", "nouveau", "dit"),
    [
        ('relations = ["RESEAU"]', 'relations = ["RESEAU", "SUIVI"]', "regle.3 : aucun de ces profils n'a la relation SUIVI"),
        ('relations = ["RESEAU"]', 'relations = ["RESIDENCE"]', "regle.3 : TETE_DE_RESEAU n'a aucune de ces relations"),
        ('["DREETS", "DDETS", "ACADEMIE"]\nrel', '["DREETS", "CFA"]\nrel', "regle.4 : CFA n'a aucune de ces relations"),
        ('"PARCOURS", "IDENTITE", "CONTACT"]', '"PARCOURS", "AGREGAT"]', "regle.4 : AGREGAT ne dépend pas d'une relation"),
        ('"PARCOURS", "IDENTITE", "CONTACT"]', '"PARCOURS", "PUBLIQUE"]', "regle.4 : PUBLIQUE ne dépend pas d'une relation"),
        ("[agregat]", CFA_SEUL + "[agregat]", "regle.7 : une autre ligne accorde déjà tout cela"),
        (f'statuts = "TOUS"\n{DU_CFA}', f'statuts = ["INSCRIT"]\n{DU_CFA}',
         "regle.2 : sa condition complète des dossiers qu'aucune ligne n'ouvre"),
    ],
)  # fmt: skip
def test_une_ligne_sans_effet_arrete_le_demarrage(tmp_path: Path, ancien: str, nouveau: str, dit: str) -> None:
    texte = FICHIER.read_text(encoding="utf-8")
    assert ancien in texte
    politique = lire_politique(_ecrire(tmp_path, texte.replace(ancien, nouveau, 1)))
    with pytest.raises(ErreurConfiguration) as leve:
        verifier_schema(SCHEMA, politique)
    assert str(leve.value).startswith(f"politique d'accès : {dit}")
    assert "\n" not in str(leve.value)


def test_fichier_absent(tmp_path: Path) -> None:
    with pytest.raises(ErreurConfiguration, match=r"policy\.toml : fichier illisible"):
        lire_politique(tmp_path / "policy.toml")


def _ecrire(dossier: Path, texte: str) -> Path:
    chemin = dossier / "policy.toml"
    chemin.write_text(texte, encoding="utf-8")
    return chemin
