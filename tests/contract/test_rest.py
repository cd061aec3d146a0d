"""The REST rendering of the population: the same ids in both services, the last ruptures first, documented calls."""

from collections.abc import Iterator
from datetime import date

import httpx
import pytest

from fixtures.population.generateur import generer
from fixtures.population.modele import Population
from fixtures.rest import PREFIXE, Rest
from fixtures.rest_openapi import CONTRATS, SUIVIS
from fixtures.serveurs import HOTE, Serveurs, reserver
from fixtures.telecommande import client_http

JOUR = date(2026, 10, 15)


@pytest.fixture(scope="module")
def population() -> Population:
    return generer(jeunes=400, aujourdhui=JOUR)


@pytest.fixture(scope="module")
def http(population: Population) -> Iterator[httpx.Client]:
    prise = reserver(0)
    base = f"http://{HOTE}:{prise.getsockname()[1]}{PREFIXE}"
    with Serveurs([(prise, Rest(population).application())]), client_http(base) as client:
        yield client


def test_each_mission_locale_has_its_own_ruptures_the_last_first(population: Population, http: httpx.Client) -> None:
    vrais = {str(p.numero): p for p in population.personnes}
    vues = 0
    for code in population.geographie.missions_locales:
        ruptures = http.get(f"contrats/structures/{code}/ruptures").json()
        dates = [ligne["date"] for ligne in ruptures]
        assert dates == sorted(dates, reverse=True)
        assert http.get(f"contrats/structures/{code}/ruptures?limite=1").json() == ruptures[:1]
        for ligne in ruptures:
            (vraie,) = [c.rupture.date for c in vrais[ligne["jeuneId"]].contrats if c.rupture]
            assert vrais[ligne["jeuneId"]].mission_locale == code
            assert ligne["date"] == vraie.isoformat()
        vues += len(ruptures)
    assert vues > 20


def test_both_services_answer_the_ids_asked_in_their_order(population: Population, http: httpx.Client) -> None:
    code = next(c for c in population.geographie.missions_locales if _ids(http, c))
    ids = list(reversed(_ids(http, code)))
    for chemin in ("contrats/jeunes", "suivis/suivis"):
        assert [un["id"] for un in http.get(chemin, params={"ids": ",".join(ids)}).json()] == ids


def test_every_documented_call_is_served(population: Population, http: httpx.Client) -> None:
    code = next(iter(population.geographie.missions_locales))
    for nom, document in (("contrats", CONTRATS), ("suivis", SUIVIS)):
        assert http.get(f"{nom}/openapi.json").json() == document
        for chemin in document["paths"]:
            assert http.get(nom + chemin.replace("{code}", code)).status_code == 200


def _ids(http: httpx.Client, code: str) -> list[str]:
    return [ligne["jeuneId"] for ligne in http.get(f"contrats/structures/{code}/ruptures").json()]
