"""S3: a CFA must not learn from an answer who has a dossier in a Mission locale, nor what only a Mission locale knows.

The truth judges: who has asked for joint support, and what each system tells of whom, are read in the population.
"""

from collections.abc import Iterator
from datetime import date
from typing import Any

import pytest

from fixtures.gateway_process import LaunchedGateway
from fixtures.population.generator import generate
from fixtures.population.model import Population
from fixtures.world import World
from tests.support.e2e.queries import until_complete
from tests.support.figures import note
from tests.support.security.crafted_world import JOINED, by_number, crafted_world, everybody, told_by

TODAY = date(2026, 10, 15)
WHO = "id nom prenom dateNaissance telephone courriel contrats { numero }"
METADATA = """rapprochements { champ sources niveau } provenance { champ source retenue divergente }
 ruptures { sources signaleeLe provenance { source } } contrats { numero provenance { source } }"""
SUIVI = "suivi { situation commentaire } collaboration { demandeeLe }"
EVERYTHING = f"""{WHO} sexe age mineur ine rqth adresse {{ voie codePostal }} commune {{ code }} statut {{ valeur depuis }}
 missionLocale {{ code }} formations {{ intitule dateDebut }} representants {{ nom }} ruptures {{ id date sources signaleeLe }}"""


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[World, LaunchedGateway]]:
    population = generate(today=TODAY)
    accounts = told_by(population, *JOINED)
    for numero in silent(population):
        for account in accounts.get(numero, []):
            account.person.telephone = account.person.courriel = ""
    with crafted_world(population, tmp_path_factory.mktemp("s3")) as opened:
        yield opened


def silent(population: Population) -> list[int]:
    """Those whose contacts we leave to their Mission locale alone: one in two of the people that it knows."""
    return sorted(told_by(population, "imilo"))[::2]


def without_request(population: Population, nodes: list[dict[str, Any]]) -> dict[int, dict[str, Any]]:
    """The nodes of those for whom nobody asked for joint support."""
    asked = {person.numero for person in population.persons if person.collaboration}
    return {numero: node for numero, node in by_number(population, nodes).items() if numero not in asked}


def test_s3_nothing_names_a_mission_locale_where_the_cfa_asked_for_no_support(
    told: tuple[World, LaunchedGateway],
) -> None:
    world, gateway = told
    nodes = everybody(world, gateway, "cfa", f"{WHO} {METADATA} {SUIVI}")
    alone = without_request(world.population, nodes)
    naming = [numero for numero, node in alone.items() if "imilo" in repr(node)]
    followed = told_by(world.population, "imilo").keys() & alone.keys()
    assert len(followed) > 20, "the control: a Mission locale knows some of them"
    note(f"S3 : {len(alone)} jeunes sans accompagnement demandé, i-milo nommé pour {len(naming)}")
    assert naming == []


def test_s3_a_search_names_no_mission_locale_either(told: tuple[World, LaunchedGateway]) -> None:
    world, gateway = told
    alone = without_request(world.population, everybody(world, gateway, "cfa", WHO))
    followed = told_by(world.population, "imilo").keys() & alone.keys()
    text = """query R($n: String!, $p: String!, $d: Date!) { rechercheJeune(nom: $n, prenom: $p, dateNaissance: $d) {
 sources score jeune { id telephone %s } } }"""
    named = []
    for numero in sorted(followed)[:40]:
        node = alone[numero]
        who = {"n": node["nom"], "p": node["prenom"], "d": node["dateNaissance"]}
        for more in ("", SUIVI):
            answer = until_complete(gateway, world.token("cfa"), text % more, **who)
            (found,) = [one for one in answer["data"]["rechercheJeune"] if one["jeune"]["id"] == node["id"]]
            named += [numero] if "imilo" in found["sources"] else []
    assert named == []


def test_s3_a_contact_that_only_a_mission_locale_has_is_not_told(told: tuple[World, LaunchedGateway]) -> None:
    world, gateway = told
    without = set(silent(world.population))
    for fields in (WHO, f"{WHO} {SUIVI}"):
        nodes = by_number(world.population, everybody(world, gateway, "cfa", fields))
        known = [node for numero, node in nodes.items() if numero in without]
        contacts = [contact for node in known for contact in (node["telephone"], node["courriel"]) if contact]
        note(f"S3 : {len(contacts)} contacts que seule une Mission locale a, pour {len(known)} jeunes")
        assert len(known) > 10
        assert contacts == []


@pytest.mark.parametrize("more", [SUIVI, METADATA, f"{SUIVI} {METADATA}", "ruptures { etat prioritaire }"])
def test_s3_no_value_depends_on_what_else_is_selected(told: tuple[World, LaunchedGateway], more: str) -> None:
    world, gateway = told
    alone = {node["id"]: node for node in everybody(world, gateway, "cfa", EVERYTHING)}
    beside = {node["id"]: node for node in everybody(world, gateway, "cfa", f"{EVERYTHING} x: age {more}")}
    assert alone.keys() == beside.keys()
    differing = [
        (key, field) for key, node in alone.items() for field in node if _same(node[field]) != _same(beside[key][field])
    ]
    note(f"S3 : {len(differing)} valeurs sur {len(alone)} jeunes changent avec « {more[:20]} »")
    assert differing == []


def _same(value: Any) -> Any:
    """Without what the other selection adds below."""
    if not isinstance(value, list) or not all(isinstance(one, dict) for one in value):
        return value
    return [{key: one[key] for key in one if key in ("id", "numero", "date", "sources", "signaleeLe")} for one in value]


def test_s3_provenance_is_the_same_with_the_follow_up_and_without(told: tuple[World, LaunchedGateway]) -> None:
    world, gateway = told
    lines = "id rapprochements { champ accord sources niveau } provenance { champ source retenue divergente }"
    alone, beside = (everybody(world, gateway, "cfa", fields) for fields in (lines, f"{lines} {SUIVI}"))
    kept = [{key: node[key] for key in ("id", "rapprochements", "provenance")} for node in beside]
    assert kept == alone
    told_there = [node for node in beside if "imilo" in repr(node["provenance"])]
    assert told_there, "the control: where the CFA asked, the Mission locale is named"
    assert all(node["suivi"] or node["collaboration"] for node in told_there)
