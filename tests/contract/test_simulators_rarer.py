"""The two rarer vendors: what they change in a population, and what their simulators refuse."""

from collections.abc import Iterator
from datetime import date
from typing import Any
from xml.etree import ElementTree

import pytest

from fixtures.clients import clients_demo
from fixtures.population.generator import generate
from fixtures.population.model import Population
from fixtures.population.truth import truth
from fixtures.population.vendors import RARER
from fixtures.simulators.common import basic_account, tenants
from fixtures.simulators.digiforma import client_of
from fixtures.simulators.scform import PER_PAGE, account_of
from tests.support.contract.simulators import RunningSimulators, running_simulators

TODAY = date(2026, 10, 15)
REQUEST: dict[str, Any] = {"seed": 3, "jeunes": 2000, "departements": ("02",), "today": TODAY}


@pytest.fixture(scope="module")
def population() -> Population:
    return generate(**REQUEST)


@pytest.fixture(scope="module")
def simulators(population: Population) -> Iterator[RunningSimulators]:
    with running_simulators(population) as opened:
        yield opened


def common_names(told: Any) -> Any:
    """What is told, under the names of the common vendors."""
    if isinstance(told, dict):
        renamed: dict[str, Any] = {}
        for name, inside in told.items():
            common, value = RARER.get(str(name), str(name)), common_names(inside)
            renamed[common] = [*renamed[common], *value] if common in renamed else value
        return renamed
    if isinstance(told, list):
        return [common_names(one) for one in told]
    return RARER.get(told, told) if isinstance(told, str) else told


def sorted_records(told: dict[str, Any]) -> dict[str, Any]:
    return {**told, "enregistrements": {name: sorted(own) for name, own in told["enregistrements"].items()}}


def test_people_truth_and_clients_are_those_of_the_six_systems(population: Population) -> None:
    six = generate(**REQUEST, rarer=False)
    assert not {*RARER} & {*six.accounts}
    assert population.persons == six.persons
    assert clients_demo(population) == clients_demo(six)
    assert [sorted_records(common_names(one)) for one in truth(population)] == [
        sorted_records(one) for one in truth(six)
    ]


def test_each_rarer_vendor_serves_one_cfa_that_had_another(population: Population) -> None:
    six = generate(**REQUEST, rarer=False)
    for rarer, common in RARER.items():
        (uai,) = population.accounts[rarer]
        assert (population.cfas[uai].erp, six.cfas[uai].erp) == (rarer, common)
        assert len(population.accounts[rarer][uai]) == min(map(len, six.accounts[common].values()))


def test_a_vendor_of_one_cfa_keeps_it() -> None:
    alone = generate(**{**REQUEST, "jeunes": 3})
    served = [len(own) for name in ("ypareo", "digiforma") if (own := alone.accounts[name])]
    assert sum(served) <= 1 or len(served) == 2


def scform(simulators: RunningSimulators, **told: Any) -> ElementTree.Element:
    (tenant,) = tenants(simulators.population, "scform")
    account = told.pop("account", account_of(tenant))
    answer = simulators.http.post(
        f"/scform/{tenant.code}/ws/ListeApprentis",
        json={"Annee": "2025", **told},
        headers={"Authorization": basic_account(account)},
    )
    assert answer.status_code == 200
    return ElementTree.fromstring(answer.content)  # noqa: S314 - ours


def test_scform_refuses_under_a_200(simulators: RunningSimulators) -> None:
    assert scform(simulators, account="cfa:faux").attrib == {"Resultat": "KO", "Code": "1401"}
    assert scform(simulators, Jeton="autre").attrib == {"Resultat": "KO", "Code": "1403"}


def test_scform_gives_pages_by_a_token_and_tells_their_total(simulators: RunningSimulators) -> None:
    seen, token = [], ""
    while True:
        page = scform(simulators, **({"Jeton": token} if token else {}))
        rows = [row.findtext("Guid") for row in page.iter("Apprenti")]
        seen += rows
        token = page.findtext("JetonSuite") or ""
        if not token:
            break
        assert len(rows) == PER_PAGE
    assert len(seen) == len(set(seen)) == int(page.attrib["Total"]) > PER_PAGE


def test_scform_tells_a_rupture_by_the_last_day_worked(simulators: RunningSimulators) -> None:
    (own,) = simulators.population.accounts["scform"].values()
    effective = {c.numero: c.rupture.date for account in own for c in account.person.contrats if c.rupture}
    for contract in scform(simulators).iter("Contrat"):
        if (last := contract.findtext("Avenants/Avenant[@Type='R']/DernierJour")) is not None:
            day = date.fromisoformat(last[:10])
            assert (effective[contract.findtext("NumeroDeca") or ""] - day).days == 1


def test_digiforma_gives_a_token_to_who_proves_it_is_the_cfa(simulators: RunningSimulators) -> None:
    (tenant,) = tenants(simulators.population, "digiforma")
    asked = {"grant_type": "client_credentials", "client_id": client_of(tenant), "client_secret": tenant.secret}
    granted = simulators.http.post("/digiforma/oauth/token", data=asked)
    assert (granted.status_code, granted.json()["expires_in"]) == (200, 600)
    denied = simulators.http.post("/digiforma/oauth/token", data={**asked, "client_secret": "faux"})
    assert (denied.status_code, denied.json()) == (401, {"error": "invalid_client"})
    query = {"query": "{ learners(after: null) { totalCount } }", "variables": {}}
    token = {"Authorization": f"Bearer {granted.json()['access_token']}"}
    assert simulators.http.post("/digiforma/graphql", json=query).status_code == 401
    told = simulators.http.post("/digiforma/graphql", json=query, headers=token).json()["data"]["learners"]
    assert (told["school"]["uai"], told["totalCount"]) == (
        tenant.uai,
        len(simulators.population.accounts["digiforma"][tenant.uai]),
    )
    wrong = simulators.http.post("/digiforma/graphql", json={"query": "{ other }"}, headers=token)
    assert (wrong.status_code, wrong.json()["data"]) == (200, None)
