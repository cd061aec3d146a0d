"""Every profile × every governed coordinate, alone, against a table of ANSWERS 11 typed again here, by hand."""

import pytest
from graphql import GraphQLObjectType, get_named_type, is_object_type

from gateway.auth.rules import Profil
from gateway.auth.verification import gouvernes
from tests.access.outils import SCHEMA, decision

ML = "PARCOURS IDENTITE CONTACT ADRESSE SENSIBLE REPRESENTANT CONTRAT RUPTURE SUIVI COLLABORATION TECHNIQUE"
LECTURES = {
    "MISSION_LOCALE": ML,
    "CFA": ML + " IDENTIFIANT_NATIONAL",
    "TETE_DE_RESEAU": "PARCOURS IDENTITE IDENTIFIANT_NATIONAL CONTRAT RUPTURE",
    "DREETS": "PARCOURS IDENTITE CONTACT",
    "DDETS": "PARCOURS IDENTITE CONTACT",
    "ACADEMIE": "PARCOURS IDENTITE CONTACT",
    "FRANCE_TRAVAIL": "PARCOURS IDENTITE CONTACT ADRESSE SENSIBLE",
    "ARML": "",
    "SI_PARTENAIRE": "PARCOURS IDENTITE CONTACT CONTRAT RUPTURE SUIVI",
    "STATISTIQUES": "",
    "ADMINISTRATEUR": "TECHNIQUE",
}
# category: the fields that carry it, noun by noun (GRAPH.graphql)
CHAMPS = {
    "Jeune": {
        "IDENTITE": "nom prenom dateNaissance sexe",
        "PARCOURS": "age mineur missionLocale missionsLocalesPossibles statut parcours formations",
        "IDENTIFIANT_NATIONAL": "ine",
        "SENSIBLE": "rqth",
        "CONTACT": "telephone courriel",
        "ADRESSE": "adresse commune",
        "REPRESENTANT": "representants",
        "CONTRAT": "contrats",
        "RUPTURE": "ruptures",
        "SUIVI": "suivi",
        "COLLABORATION": "collaboration",
        "TECHNIQUE": "provenance rapprochements",
    },
    "Contrat": {
        "CONTRAT": "numero type dateDebut dateFin employeur",
        "PARCOURS": "formation cfa jeune",
        "RUPTURE": "rupture",
        "TECHNIQUE": "provenance",
    },
    "Rupture": {
        "RUPTURE": "date signaleeLe delaiSignalementJours avanceSurRegistreJours joursDepuis sources",
        "COLLABORATION": "cause",
        "SUIVI": "etat prioritaire motifsPriorite",
        "CONTRAT": "contrat",
        "PARCOURS": "jeune nouveauContrat",
        "TECHNIQUE": "provenance",
    },
}
OUVERTURES = {"Jeune": ("jeune", "PARCOURS"), "Contrat": ("contrat", "CONTRAT"), "Rupture": ("rupture", "RUPTURE")}


def oracle(profil: str, noun: str, champ: str) -> bool:
    """Whether the profile reads the field: it opens the noun, and reads the field's category."""
    lues = LECTURES[profil].split()
    for categorie, champs in CHAMPS[noun].items():
        for nom in champs.split():
            if nom == champ:
                return OUVERTURES[noun][1] in lues and categorie in lues
    raise AssertionError(f"{noun}.{champ} n'est pas dans la table")


def _type(nom: str) -> GraphQLObjectType:
    type_ = SCHEMA.type_map[nom]
    assert is_object_type(type_)
    return type_


COORDONNEES = [(noun, champ) for noun in CHAMPS for champ in gouvernes(_type(noun))]


def test_la_table_et_le_schema_ont_les_memes_champs() -> None:
    table = {(noun, champ) for noun, lignes in CHAMPS.items() for champs in lignes.values() for champ in champs.split()}
    assert set(COORDONNEES) == table


@pytest.mark.parametrize("chemin", ["racine", "node", "fragment"])
@pytest.mark.parametrize("profil", list(Profil))
def test_chaque_profil_chaque_champ(profil: Profil, chemin: str) -> None:
    for noun, champ in COORDONNEES:
        attendu = oracle(profil.value, noun, champ)
        vu = decision(profil, _requete(chemin, noun, champ))
        assert (f"{noun}.{champ}" in vu.coordonnees) is attendu, (noun, champ)
        assert (len(vu.racines) == 1) is attendu, (noun, champ)
        assert (vu.refus == ()) is attendu, (noun, champ)


def _requete(chemin: str, noun: str, champ: str) -> str:
    feuille = f"a: {champ}" + _sous_selection(noun, champ)
    return {
        "racine": f'{{ {OUVERTURES[noun][0]}(id: "1") {{ {feuille} }} }}',
        "node": f'{{ node(id: "1") {{ ... on {noun} {{ {feuille} }} }} }}',
        "fragment": f'{{ {OUVERTURES[noun][0]}(id: "1") {{ ...F }} }} fragment F on {noun} {{ ... {{ {feuille} }} }}',
    }[chemin]


def _sous_selection(noun: str, champ: str) -> str:
    return " { __typename }" if is_object_type(get_named_type(_type(noun).fields[champ].type)) else ""
