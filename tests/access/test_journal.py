"""The entry of a reading: names of fields by category, persons by what may be read of each, never a value."""

import json
from datetime import UTC, datetime

from gateway.auth.journal import Lecture, acte, ecrite_le, entree, gouvernees, lignes
from gateway.auth.rules import CategorieDonnee as C
from gateway.auth.rules import Profil
from gateway.federation.plan import montre_des_personnes
from tests.access.outils import SCHEMA, decision, viewer

REGLES = gouvernees(SCHEMA)
QUAND = datetime(2026, 10, 15, 12, tzinfo=UTC)
TOUTES = frozenset({C.PARCOURS, C.IDENTITE, C.SUIVI})
MOINS = frozenset({C.PARCOURS, C.IDENTITE})


def lue(requete: str, profil: Profil = Profil.MISSION_LOCALE) -> Lecture:
    personnes = {"p1": TOUTES, "p2": MOINS, "p3": TOUTES}
    sources = {"registre": "FERMEE"}
    return Lecture(QUAND, "r1", viewer(profil), "empreinte", decision(profil, requete), personnes, sources)


def test_an_entry_tells_references_and_no_value() -> None:
    requete = '{ contrat(numero: "SECRET-1") { numero jeune { id nom telephone ine suivi { commentaire } } } }'
    contenu, personnes = entree(lue(requete), REGLES)
    assert b"SECRET" not in contenu
    assert personnes == ("p1", "p3", "p2")
    assert json.loads(contenu) == {
        "acte": "LECTURE",
        "quand": "2026-10-15T12:00:00+00:00",
        "requete": "r1",
        "client": "client",
        "compte": "client",
        "profil": "MISSION_LOCALE",
        "organisation": "59010",
        "finalite": "ACCOMPAGNEMENT",
        "document": "empreinte",
        "coordonnees": {
            "CONTRAT": ["Contrat.numero"],
            "PARCOURS": ["Contrat.jeune"],
            "IDENTITE": ["Jeune.nom"],
            "SUIVI": ["Jeune.suivi"],
            "CONTACT": ["Jeune.telephone"],
        },
        "refus": ["Jeune.ine"],
        "groupes": [
            {"categories": ["IDENTITE", "PARCOURS", "SUIVI"], "personnes": 2},
            {"categories": ["IDENTITE", "PARCOURS"], "personnes": 1},
        ],
        "sources": {"registre": "FERMEE"},
    }
    assert ecrite_le(contenu) == QUAND


def test_l08_a_person_is_told_her_own_fields() -> None:
    contenu, _ = entree(lue("{ jeunes { edges { node { nom suivi { date } } } } }"), REGLES)
    champs = [lignes(contenu, rang).split("\t")[6] for rang in range(3)]
    assert champs == ["Jeune.nom,Jeune.suivi", "Jeune.nom,Jeune.suivi", "Jeune.nom"]


def test_every_governed_field_of_a_person_is_known_to_the_journal() -> None:
    assert {"Jeune.telephone", "Contrat.numero", "Rupture.cause", "Jeune.suivi"} <= REGLES.keys()
    assert not [nom for nom in REGLES if nom.startswith(("Query.", "Source.", "Cfa."))]


def test_counting_people_shows_nobody_and_an_id_shows_somebody() -> None:
    def montre(requete: str) -> bool:
        return montre_des_personnes(decision(Profil.MISSION_LOCALE, requete))

    assert montre("{ jeunes { edges { node { id } } } }")
    assert montre('{ node(id: "x") { id } }')
    assert montre("{ ruptures { edges { node { __typename date } } } }")
    assert not montre("{ jeunes { totalCount pageInfo { hasNextPage } } }")
    assert not montre("{ moi { profil } sources { nom } }")


def test_an_act_on_the_journal_is_an_entry_too() -> None:
    assert json.loads(acte("PURGE", QUAND, entrees=3)) == {"acte": "PURGE", "quand": QUAND.isoformat(), "entrees": 3}
