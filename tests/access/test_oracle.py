"""Every profile × every governed coordinate, alone, against the table of docs/graphe.md typed again here, by hand."""

import pytest
from graphql import GraphQLObjectType, get_named_type, is_object_type

from gateway.auth.policy.rules import Profil
from gateway.auth.policy.schema_check import governed
from tests.support.access.operations import GRAPH
from tests.support.access.tools import SCHEMA, decision

ML = "PARCOURS IDENTITE CONTACT ADRESSE SENSIBLE REPRESENTANT CONTRAT RUPTURE SUIVI COLLABORATION TECHNIQUE"
LECTURES = {
    "MISSION_LOCALE": ML + " SANS_CONTRAT",
    "CFA": ML + " IDENTIFIANT_NATIONAL",
    "TETE_DE_RESEAU": "PARCOURS IDENTITE IDENTIFIANT_NATIONAL CONTRAT RUPTURE",
    "DREETS": "PARCOURS IDENTITE CONTACT",
    "DDETS": "PARCOURS IDENTITE CONTACT",
    "ACADEMIE": "PARCOURS IDENTITE CONTACT",
    "FRANCE_TRAVAIL": "PARCOURS IDENTITE CONTACT ADRESSE SENSIBLE SANS_CONTRAT",
    "ARML": "",
    "REGION": "",
    "OPCO": "",
    "SI_PARTENAIRE": "PARCOURS IDENTITE CONTACT CONTRAT RUPTURE SUIVI",
    "STATISTIQUES": "",
    "ADMINISTRATEUR": "TECHNIQUE",
}
# category: the fields that carry it, noun by noun (schema.graphql)
FIELDS = {
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
        "SUIVI": "suivi etatSansContrat",
        "SANS_CONTRAT": "sansContrat",
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
OPENINGS = {"Jeune": ("jeune", "PARCOURS"), "Contrat": ("contrat", "CONTRAT"), "Rupture": ("rupture", "RUPTURE")}


def oracle(profil: str, noun: str, champ: str) -> bool:
    """Whether the profile reads the field: it opens the noun, and reads the field's category."""
    results = LECTURES[profil].split()
    for categorie, champs in FIELDS[noun].items():
        for name in champs.split():
            if name == champ:
                return OPENINGS[noun][1] in results and categorie in results
    raise AssertionError(f"{noun}.{champ} n'est pas dans la table")


def _type(nom: str) -> GraphQLObjectType:
    type_ = SCHEMA.type_map[nom]
    assert is_object_type(type_)
    return type_


# Of no category of their own: public values of the referential, or parts of what is granted as a whole; what is written through
# the gateway is asked by tests/writes.
UNDRAWN = {
    "Commune": {"codesPostaux", "departement", "missionLocale", "region"},
    "MissionLocale": {"commune", "courriel"},
    "Cfa": {"commune", "region", "siret", "source"},
    "Employeur": {"commune"},
    "Suivi": {"missionLocale", "ecriture", "version"},
    "Collaboration": {
        "encoreAuCfa",
        "precisions",
        "note",
        "reponse",
        "reponduLe",
        "commentaireReponse",
        "ecriture",
        "version",
    },
    "Provenance": {"divergente", "recueLe", "retenue", "source"},
    "IndiceRapprochement": {"accord", "niveau", "poids", "sources"},
}
COORDINATES = [(noun, champ) for noun in FIELDS for champ in governed(_type(noun))]


def test_the_table_and_the_schema_have_the_same_fields() -> None:
    table = {(noun, champ) for noun, rows in FIELDS.items() for champs in rows.values() for champ in champs.split()}
    assert set(COORDINATES) == table


@pytest.mark.parametrize("path", ["racine", "node", "fragment"])
@pytest.mark.parametrize("profil", list(Profil))
def test_every_profil_every_field(profil: Profil, path: str) -> None:
    for noun, champ in COORDINATES:
        expected = oracle(profil.value, noun, champ)
        seen = decision(profil, _request(path, noun, champ))
        assert (f"{noun}.{champ}" in seen.coordinates) is expected, (noun, champ)
        assert (len(seen.roots) == 1) is expected, (noun, champ)
        assert (seen.refusal == ()) is expected, (noun, champ)


def _request(path: str, noun: str, champ: str) -> str:
    leaf = f"a: {champ}" + _sub_selection(noun, champ)
    return {
        "racine": f'{{ {OPENINGS[noun][0]}(id: "1") {{ {leaf} }} }}',
        "node": f'{{ node(id: "1") {{ ... on {noun} {{ {leaf} }} }} }}',
        "fragment": f'{{ {OPENINGS[noun][0]}(id: "1") {{ ...F }} }} fragment F on {noun} {{ ... {{ {leaf} }} }}',
    }[path]


def _sub_selection(noun: str, champ: str) -> str:
    return " { __typename }" if is_object_type(get_named_type(_type(noun).fields[champ].type)) else ""


def test_the_graph_that_random_operations_are_drawn_from_has_every_field() -> None:
    """A field missing there is a field that no drawn operation ever asks."""
    for noun, text in GRAPH.items():
        drawn = {word.partition(":")[0] for word in text.split()}
        assert drawn == set(_type(noun).fields) - UNDRAWN.get(noun, set()), noun
