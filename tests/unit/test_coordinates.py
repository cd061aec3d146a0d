"""What is derived from the rules beside the fields of the graph: the tables that once were written by hand, name for name."""

import pytest
from strawberry import ID

from gateway.auth.authorization.mask import mask
from gateway.auth.authorization.sentinel import excess
from gateway.auth.policy.rules import BY_FIELD, SortKey, Telling, openings, required_by_field, sort_orders
from gateway.auth.policy.rules import CategorieDonnee as C
from gateway.documents import limits
from gateway.schema import connections, coordinates
from gateway.schema.filters import PRIORITE
from gateway.schema.nouns import Contrat, Jeune, MotifPriorite, Rupture
from gateway.schema.query import build, core_schema

SCHEMA = core_schema(build())
TOLD = {
    "RQTH": C.SENSIBLE,
    "ACCOMPAGNEMENT_CONJOINT": C.COLLABORATION,
    "MINEUR": C.PARCOURS,
    "SOUHAITE_RDV": C.SUIVI,
}
BY_NAME = dict.fromkeys(("NOM_ASC", "NOM_DESC"), ({C.IDENTITE}, ("Jeune.nom", "Jeune.prenom")))
BY_AGE = dict.fromkeys(("AGE_ASC", "AGE_DESC"), ({C.PARCOURS}, ("Jeune.age",)))
BY_RUPTURE = dict.fromkeys(("RUPTURE_DESC", "RUPTURE_ASC"), ({C.RUPTURE}, ("Rupture.date",)))
BY_CHANGE = dict.fromkeys(("MODIFIE_DESC", "MODIFIE_ASC"), ({C.TECHNIQUE}, ("Jeune.provenance",)))
HIDDEN = {"RQTH": C.SENSIBLE, "ACCOMPAGNEMENT_CONJOINT": C.COLLABORATION}


def test_types_and_roots() -> None:
    assert list(openings(SCHEMA).items()) == [
        ("Jeune", C.PARCOURS),
        ("Contrat", C.CONTRAT),
        ("Rupture", C.RUPTURE),
        ("Cfa", C.PUBLIQUE),
        ("Ecriture", C.PUBLIQUE),
        ("MissionLocale", C.PUBLIQUE),
    ]
    assert {"Jeune", "Contrat", "Rupture"} == coordinates.PERSONAL_TYPES
    assert {"Jeune", "Contrat", "Rupture", "Node", "Rapprochement", "Evenement"} == coordinates.SHOWN_TYPES
    assert {
        "node",
        "jeune",
        "jeunes",
        "inscritsSansContrat",
        "evenements",
        "rechercheJeune",
        "contrat",
        "contrats",
        "rupture",
        "ruptures",
    } == coordinates.VIEW_ROOTS


def test_what_only_a_mission_locale_tells() -> None:
    assert {
        "Jeune.suivi",
        "Jeune.collaboration",
        "Jeune.etatSansContrat",
        "FiltreSansContrat.etat",
        "Query.evenements",  # some tell of a follow-up: what is asked for them must not depend on what else is selected
        "Subscription.evenements",
        "Subscription.ruptures",
        "Rupture.etat",
        "Rupture.prioritaire",
        "Rupture.motifsPriorite",
        "FiltreRuptures.etat",
        "FiltreRuptures.prioritaire",
        "TriRuptures.PRIORITE",
    } == coordinates.TOLD_BY_MISSION_LOCALE


def test_sizes_and_pages() -> None:
    assert coordinates.LIST_SIZES == {
        "contrats": 4,
        "ruptures": 4,
        "formations": 4,
        "parcours": 10,
        "representants": 2,
        "missionsLocalesPossibles": 3,
        "historique": 10,
        "precisions": 9,
        "provenance": 20,
        "qualite": 20,
        "defauts": 20,
        "erreurs": 20,
        "messages": 10,
    }
    assert {"ruptures", "jeunes", "inscritsSansContrat", "contrats", "evenements"} == coordinates.PAGED_ROOTS
    menus = dict.fromkeys(("cfas", "communes", "missionsLocales"), 500)
    others = {"statistiques": 1000, "ecritures": 20, "transmissions": 20}
    assert dict.fromkeys(coordinates.PAGED_ROOTS, 20) | menus | others == coordinates.DEFAULT_SIZES
    assert coordinates.LARGEST_PAGES == {"statistiques": 5000}
    assert coordinates.ROWS_BELOW == {"statistiques": "lignes"}
    assert {"__schema", "__type"} == limits.META
    assert (connections.DEFAULT_PAGE, connections.PAGE_MAX) == (20, 500)


def test_cursors_and_explanations() -> None:
    assert {"RuptureEdge.cursor", "JeuneEdge.cursor", "ContratEdge.cursor"} == coordinates.ROW_CURSORS
    assert {"PageInfo.startCursor", "PageInfo.endCursor"} == coordinates.END_CURSORS
    assert {"Jeune.provenance", "Contrat.provenance", "Rupture.provenance"} == coordinates.PROVENANCES
    assert coordinates.PROVENANCES | {"Jeune.rapprochements"} == coordinates.EXPLANATIONS


@pytest.mark.parametrize(
    ("type_", "lines"),
    [(Jeune, {"provenance", "rapprochements"}), (Contrat, {"provenance"}), (Rupture, {"provenance"})],
)
def test_fields_of_lines(type_: type, lines: set[str]) -> None:
    champs = type_.__strawberry_definition__.fields  # type: ignore[attr-defined]
    assert {champ.python_name for champ in champs if champ.metadata.get(BY_FIELD)} == lines


def test_sort_keys_and_filters() -> None:
    assert {C.SUIVI, C.SENSIBLE, C.COLLABORATION} == PRIORITE
    assert {
        name: {key.name: (set(key.asks), key.compares) for key in order} for name, order in sort_orders().items()
    } == {
        "TriRuptures": {
            **BY_NAME,
            **BY_AGE,
            **BY_CHANGE,
            "SIGNALEE_DESC": ({C.RUPTURE}, ("Rupture.signaleeLe",)),
            "SIGNALEE_ASC": ({C.RUPTURE}, ("Rupture.signaleeLe",)),
            "DATE_DESC": ({C.RUPTURE}, ("Rupture.date",)),
            "DATE_ASC": ({C.RUPTURE}, ("Rupture.date",)),
            "PRIORITE": (
                {C.SUIVI, C.SENSIBLE, C.COLLABORATION, C.RUPTURE},
                ("Rupture.motifsPriorite", "Rupture.date"),
            ),
        },
        "TriJeunes": {
            "STATUT_RECENT": ({C.PARCOURS}, ("Jeune.statut",)),
            "STATUT_ANCIEN": ({C.PARCOURS}, ("Jeune.statut",)),
            **BY_NAME,
            **BY_AGE,
            **BY_CHANGE,
            **BY_RUPTURE,
        },
        "TriSansContrat": {"ECHEANCE": ({C.SANS_CONTRAT}, ("Jeune.sansContrat",))},
        "TriContrats": {
            "DEBUT_DESC": ({C.CONTRAT}, ("Contrat.dateDebut",)),
            "DEBUT_ASC": ({C.CONTRAT}, ("Contrat.dateDebut",)),
            "FIN_DESC": ({C.CONTRAT}, ("Contrat.dateFin",)),
            "FIN_ASC": ({C.CONTRAT}, ("Contrat.dateFin",)),
            **BY_NAME,
            **BY_CHANGE,
            **BY_RUPTURE,
        },
    }
    asked = {
        f"{type_}.{name}": required_by_field(champ)
        for type_ in ("FiltreRuptures", "FiltreJeunes", "FiltreContrats")
        for name, champ in SCHEMA.type_map[type_].fields.items()  # type: ignore[attr-defined]
    }
    assert {name: required for name, required in asked.items() if len(required) > 1} == {
        "FiltreRuptures.prioritaire": {C.SUIVI, C.SENSIBLE, C.COLLABORATION}
    }
    new = {
        name: required for name, required in asked.items() if name.partition(".")[2] in ("recherche", "modifieDepuis")
    }
    assert new == {
        f"{filtre}.{name}": {category}
        for filtre in ("FiltreRuptures", "FiltreJeunes", "FiltreContrats")
        for name, category in (("recherche", C.IDENTITE), ("modifieDepuis", C.TECHNIQUE))
    }


def test_what_names_sources_and_all_that_follows_who_says_what() -> None:
    """Their values ask every source that may be named, whatever else is selected (docs/decisions/0049)."""
    by_change = {
        f"{of}.{name}"
        for of, names in (
            *(
                (filtre, ("modifieDepuis",))
                for filtre in ("FiltreRuptures", "FiltreJeunes", "FiltreContrats", "FiltreSansContrat")
            ),
            *((order, BY_CHANGE) for order in ("TriRuptures", "TriJeunes", "TriContrats")),
        )
        for name in names
    }
    assert by_change <= coordinates.NAMING_SOURCES
    assert {name for name in coordinates.NAMING_SOURCES if name.startswith(("Filtre", "Tri"))} == by_change


def test_what_the_reasons_of_a_priority_tell() -> None:
    assert {reason.name: reason.tells for reason in MotifPriorite} == TOLD
    assert [reason.value for reason in MotifPriorite] == ["ACCOMPAGNEMENT_CONJOINT", "SOUHAITE_RDV", "RQTH", "MINEUR"]
    for reason in MotifPriorite:
        rupture = Rupture(id=ID("R"), motifs_priorite=[reason], prioritaire=True)
        masque = mask(rupture, frozenset({C.SUIVI}))
        shown = reason.name not in HIDDEN
        assert (masque.motifs_priorite, masque.prioritaire) == ([reason] if shown else [], shown)
        assert excess(rupture, frozenset({C.SUIVI})) == (None if shown else "Rupture.motifs_priorite")
        if not shown:
            assert excess(rupture, frozenset({C.SUIVI, HIDDEN[reason.name]})) is None


def test_no_other_enumeration_carries_rules() -> None:
    assert Telling.__subclasses__() == [MotifPriorite]
    assert set(SortKey.__subclasses__()) == set(sort_orders().values())
