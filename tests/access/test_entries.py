"""The entry of a reading: names of fields by category, persons by what may be read of each, never a value."""

import json
from datetime import UTC, datetime

from gateway.audit.entries import AccessRecord, Governed, act, entry, reading_of, written_at
from gateway.auth.authentication.clients import DEFAULTS, caps
from gateway.auth.policy.rules import CategorieDonnee as C
from gateway.auth.policy.rules import Profil
from gateway.domain.quota_rules import CountUnder
from gateway.federation.collect.plan import shows_persons
from tests.support.access.tools import SCHEMA, decision, viewer
from tests.support.unit.accounts import account

GOVERNED = Governed(SCHEMA)
RULES = GOVERNED.categories
WHEN = datetime(2026, 10, 15, 12, tzinfo=UTC)
ALL_ONES = frozenset({C.PARCOURS, C.IDENTITE, C.SUIVI})
LESS = frozenset({C.PARCOURS, C.IDENTITE})
UNDER = CountUnder(caps(DEFAULTS, Profil.MISSION_LOCALE, account(), "ML/59010", WHEN.date()), "ML/59010", 3)


def read_entry(partner_request: str, profil: Profil = Profil.MISSION_LOCALE) -> AccessRecord:
    persons: dict[frozenset[C], tuple[str, ...]] = {ALL_ONES: ("p1", "p3"), LESS: ("p2",)}
    records = (("d1", "d2"), ("d4",), ("d3",))
    asked = decision(profil, partner_request)
    read = GOVERNED.read_in(asked.coordinates)
    sources = {"registre": "FERMEE"}
    return AccessRecord(WHEN, "r1", viewer(profil), "empreinte", asked, persons, records, read, sources, UNDER)


def test_an_entry_tells_references_and_no_value() -> None:
    partner_request = '{ contrat(numero: "SECRET-1") { numero jeune { id nom telephone ine suivi { commentaire } } } }'
    written = entry(read_entry(partner_request))
    assert b"SECRET" not in written.content
    assert written.persons == ("p1", "p3", "p2")
    assert written.records == (("d1", "d2"), ("d4",), ("d3",))
    assert json.loads(written.content) == {
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
        "fiches": True,
        "comptes": {
            "COMPTE": account().code,
            "ORGANISATION": "ML/59010",
            "CLIENT": account().client_code,
            "AGENTS": account().client_code,
        },
        "sources": {"registre": "FERMEE"},
    }
    assert written_at(written.content) == WHEN


def test_l08_a_person_is_told_her_own_fields() -> None:
    content = entry(read_entry("{ jeunes { edges { node { nom suivi { date } } } } }")).content
    champs = [reading_of(content, [rank])["champs"] for rank in range(3)]
    assert champs == [["Jeune.nom", "Jeune.suivi"], ["Jeune.nom", "Jeune.suivi"], ["Jeune.nom"]]
    assert reading_of(content, [2, 0]) == reading_of(content, [0]), "two ids that are hers: what was read of either"


def test_every_governed_field_of_a_person_is_known_to_the_journal() -> None:
    assert {"Jeune.telephone", "Contrat.numero", "Rupture.cause", "Jeune.suivi"} <= RULES.keys()
    assert not [name for name in RULES if name.startswith(("Query.", "Source.", "Cfa."))]


def test_counting_people_shows_nobody_and_an_id_shows_somebody() -> None:
    def shown(partner_request: str) -> bool:
        return shows_persons(decision(Profil.MISSION_LOCALE, partner_request).coordinates)

    assert shown("{ jeunes { edges { node { id } } } }")
    assert shown('{ node(id: "x") { id } }')
    assert shown("{ ruptures { edges { node { __typename date } } } }")
    assert not shown("{ jeunes { totalCount pageInfo { hasNextPage } } }")
    assert not shown("{ moi { profil } sources { nom } }")


def test_an_act_on_the_journal_is_an_entry_too() -> None:
    assert json.loads(act("PURGE", WHEN, entrees=3)) == {"acte": "PURGE", "quand": WHEN.isoformat(), "entrees": 3}
