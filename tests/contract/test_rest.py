"""The REST rendering of the population: the same ids in both services, the last ruptures first, documented calls."""

from collections.abc import Iterator
from datetime import date

import httpx
import pytest

from fixtures.population.generator import generate
from fixtures.population.model import Population
from fixtures.remote_control import client_http
from fixtures.rest import PREFIX, Rest
from fixtures.rest_openapi import CONTRATS, FOLLOWED
from fixtures.servers import HOST, Servers, reserve

DAY = date(2026, 10, 15)


@pytest.fixture(scope="module")
def population() -> Population:
    return generate(jeunes=400, today=DAY)


@pytest.fixture(scope="module")
def http(population: Population) -> Iterator[httpx.Client]:
    taken = reserve(0)
    base = f"http://{HOST}:{taken.getsockname()[1]}{PREFIX}"
    with Servers([(taken, Rest(population).application())]), client_http(base) as client:
        yield client


def test_each_mission_locale_has_its_own_ruptures_the_last_first(population: Population, http: httpx.Client) -> None:
    true_values = {str(p.numero): p for p in population.persons}
    views = 0
    for code in population.geographie.missions_locales:
        ruptures = http.get(f"contrats/structures/{code}/ruptures").json()
        dates = [line["date"] for line in ruptures]
        assert dates == sorted(dates, reverse=True)
        assert http.get(f"contrats/structures/{code}/ruptures?limite=1").json() == ruptures[:1]
        for line in ruptures:
            (owner,) = [c.rupture.date for c in true_values[line["jeuneId"]].contrats if c.rupture]
            assert true_values[line["jeuneId"]].mission_locale == code
            assert line["date"] == owner.isoformat()
        views += len(ruptures)
    assert views > 20


def test_both_services_answer_the_ids_asked_in_their_order(population: Population, http: httpx.Client) -> None:
    code = next(c for c in population.geographie.missions_locales if _ids(http, c))
    ids = list(reversed(_ids(http, code)))
    for path in ("contrats/jeunes", "suivis/suivis"):
        assert [one["id"] for one in http.get(path, params={"ids": ",".join(ids)}).json()] == ids


def test_every_documented_call_is_served(population: Population, http: httpx.Client) -> None:
    code = next(iter(population.geographie.missions_locales))
    for name, document in (("contrats", CONTRATS), ("suivis", FOLLOWED)):
        assert http.get(f"{name}/openapi.json").json() == document
        for path in document["paths"]:
            assert http.get(name + path.replace("{code}", code)).status_code == 200


def _ids(http: httpx.Client, code: str) -> list[str]:
    return [line["jeuneId"] for line in http.get(f"contrats/structures/{code}/ruptures").json()]
