"""S4: what joins two records, or nearly, is told only to whoever sees both persons."""

from collections.abc import Iterator
from copy import deepcopy
from dataclasses import replace
from datetime import date
from typing import Any

import pytest

from fixtures.clients import clients_demo
from fixtures.gateway_process import LaunchedGateway
from fixtures.population.generator import generate
from fixtures.population.model import Account, Adresse, Population, ViewPerson
from fixtures.world import World
from tests.support.e2e.queries import until_complete
from tests.support.figures import note
from tests.support.security.crafted_world import crafted_world, everybody, told_by

TODAY = date(2026, 10, 15)
LINES = "id nom prenom dateNaissance rapprochements { champ accord niveau sources }"
DOUBLES = 8


def doubled(population: Population) -> dict[str, str]:
    """Of some people that one ERP alone tells of, a second record in another ERP: the same name, the day and the month of
    birth exchanged. By birth day and first name: whether the double lives in the territory of the Mission locale, or not."""
    mission = clients_demo(population)["ml"].organisation
    known = told_by(population, "imilo", "registre", "aimaira")
    alone = [found[0] for found in told_by(population, "ypareo", "gestibase").values() if len(found) == 1]
    here = [a for a in alone if a.person.mission_locale == mission and a.person.numero not in known and _eligible(a)]
    tenant = next(uai for uai, cfa in sorted(population.cfas.items()) if cfa.erp == "aimaira")
    found = {}
    for rank, account in enumerate(sorted(here, key=lambda account: account.person.numero)[: 2 * DOUBLES]):
        home = account.person.adresse.code_postal
        place = "elsewhere" if rank % 2 else "here"
        neighbours = [p for p in population.persons if (p.mission_locale == mission) is (place == "here")]
        adresse = next(p.adresse for p in neighbours if p.adresse.code_postal != home)
        person = _double(account, tenant, deepcopy(adresse))
        double = Account("aimaira", tenant, str(990_000 + rank), person)
        population.accounts["aimaira"].setdefault(tenant, []).append(double)
        found[_key(account.person.date_naissance.isoformat(), account.person.prenom)] = place
    return found


def _double(account: Account, tenant: str, adresse: Adresse) -> ViewPerson:
    person, birth = deepcopy(account.person), account.person.date_naissance
    person.date_naissance = birth.replace(month=birth.day, day=birth.month)
    person.telephone, person.courriel, person.ine, person.adresse = "", "", None, adresse
    person.contrats, person.representants = [], []
    person.formations = [replace(person.formations[0], uai=tenant)]
    return person


def _eligible(account: Account) -> bool:
    birth = account.person.date_naissance
    return 17 < (TODAY - birth).days / 365.25 < 25 and birth.day <= 12 and birth.day != birth.month


def _key(birth: str, prenom: str) -> str:
    return f"{birth} {prenom.casefold()}"


@pytest.fixture(scope="module")
def doubles(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[World, LaunchedGateway, dict[str, str]]]:
    population = generate(today=TODAY, noise=0)
    found = doubled(population)
    with crafted_world(population, tmp_path_factory.mktemp("s4")) as (world, gateway):
        yield world, gateway, found


def test_s4_a_doubtful_link_to_somebody_out_of_sight_is_not_told(
    doubles: tuple[World, LaunchedGateway, dict[str, str]],
) -> None:
    world, gateway, found = doubles
    nodes = {_key(n["dateNaissance"], n["prenom"]): n for n in everybody(world, gateway, "ml", LINES)}
    assert found.keys() <= nodes.keys()
    told = {numero: _doubts(nodes[numero]) for numero in found}
    strangers = {numero for numero, place in found.items() if place == "elsewhere"}
    note(f"S4 : {sum(bool(told[n]) for n in strangers)} doutes dits sur {len(strangers)} personnes hors de vue")
    assert strangers
    assert found.keys() - strangers
    assert all(told[numero] for numero in found.keys() - strangers), "the control: a neighbour seen is told"
    assert [numero for numero in strangers if told[numero]] == []


def test_s4_a_search_offers_nobody_out_of_sight(doubles: tuple[World, LaunchedGateway, dict[str, str]]) -> None:
    world, gateway, found = doubles
    text = """query R($n: String!, $p: String!, $d: Date!) {
 rechercheJeune(nom: $n, prenom: $p, dateNaissance: $d) { niveau jeune { id rapprochements { niveau sources } } } }"""
    nodes = {_key(n["dateNaissance"], n["prenom"]): n for n in everybody(world, gateway, "ml", LINES)}
    assert set(found.values()) == {"here", "elsewhere"}
    for key, place in found.items():
        node = nodes[key]
        who = {"n": node["nom"], "p": node["prenom"], "d": node["dateNaissance"]}
        results = until_complete(gateway, world.token("ml"), text, **who)["data"]["rechercheJeune"]
        (same,) = [one["jeune"] for one in results if one["jeune"]["id"] == node["id"]]
        assert bool(_doubts(same)) is (place == "here")


def _doubts(node: dict[str, Any]) -> list[dict[str, Any]]:
    return [line for line in node["rapprochements"] if line["niveau"] == "A_CONFIRMER"]
