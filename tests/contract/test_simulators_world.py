"""A world: its clients, the configuration it writes, its clock; and the demo as a developer runs it."""

import os
import signal
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from datetime import date, datetime
from pathlib import Path

import httpx
import pytest

from fixtures.clients import clients_demo
from fixtures.configuration import write_configuration
from fixtures.gateway_process import ROOT
from fixtures.population.generator import generate
from fixtures.population.model import Population
from fixtures.servers import PortInUse, free_port, reserve
from fixtures.simulators.clock import PARIS
from fixtures.world import Ports, World
from tests.support.contract import simulated_population as smaller


@pytest.fixture(scope="module")
def population() -> Population:
    return generate(jeunes=400, today=date(2026, 10, 15))


@pytest.fixture(scope="module")
def world(population: Population) -> Iterator[World]:
    with World(population) as opened:
        yield opened


def test_every_client_is_bound_to_an_organisation_of_the_population(population: Population) -> None:
    clients, geo = clients_demo(population), population.geographie
    fixes = "ml ml-voisine ml-deux-finalites ml-quota dreets ddets academie france-travail arml cfa reseau"
    delegates = ("si-partenaire", "si-partenaire-cfa")
    assert set(clients) == {
        *fixes.split(),
        *delegates,
        "statistiques",
        "admin",
        *(f"ml-{code}" for code in geo.missions_locales),
    }
    assert {clients[name].organisation for name in ("ml", "ml-deux-finalites", "ml-quota", "si-partenaire")} == {
        clients["ml"].organisation
    }
    assert clients["ml-voisine"].organisation in set(geo.missions_locales) - {clients["ml"].organisation}
    assert population.cfas[clients["cfa"].organisation].erp == "ypareo"
    assert any(clients["reseau"].organisation in cfa.reseaux for cfa in population.cfas.values())
    assert (clients["dreets"].organisation, clients["academie"].organisation) == ("32", "20")
    assert clients["ddets"].organisation in geo.departements
    delegate = clients["si-partenaire-cfa"]
    assert (delegate.organisation, delegate.comme) == (clients["cfa"].organisation, "CFA")
    assert (clients["ml-quota"].quota, clients["si-partenaire"].comme) == (None, "MISSION_LOCALE")
    assert clients["ml-deux-finalites"].finalites == ("ACCOMPAGNEMENT", "PILOTAGE")


def test_the_demos_mission_locale_has_the_most_recent_ruptures(population: Population) -> None:
    debut, counts = date(2026, 4, 18), dict.fromkeys(population.geographie.missions_locales, 0)
    for person in population.persons:
        dates = [contrat.rupture.date for contrat in person.contrats if contrat.rupture]
        counts[person.mission_locale] += sum(debut <= day <= population.today for day in dates)
    assert counts[clients_demo(population)["ml"].organisation] == max(counts.values()) > 0


def test_configuration_names_secrets_and_holds_none(tmp_path: Path) -> None:
    env = write_configuration(tmp_path, smaller.population(), simulators_port=8020, identity_port=8010)
    assert env["GATEWAY_CONFIG"] == str(tmp_path)
    static_routes = {path.name: path.read_text(encoding="utf-8") for path in tmp_path.rglob("*.*")}
    secrets = {name: value for name, value in env.items() if name != "GATEWAY_CONFIG"}
    assert len(set(secrets.values())) == len(secrets)
    assert not [value for value in secrets.values() for text in static_routes.values() if value in text]
    ypareo = tomllib.loads(static_routes["ypareo.toml"])
    assert ypareo["base_url"] == "http://127.0.0.1:8020/ypareo/{code}/index.php"
    rows = static_routes["ypareo.locataires.csv"].splitlines()
    assert rows[0] == "uai,siret,code,base_url,secret"
    assert rows[1] == f"{smaller.YPAREO},35600000000048,{smaller.YPAREO.lower()},,YPAREO_CLE_{smaller.YPAREO}"
    assert tomllib.loads(static_routes["registre.toml"])["moisson"] == {
        "depuis": date(2025, 9, 10),
        "fenetre_jours": 59,
    }
    assert set(tomllib.loads(static_routes["clients.toml"])["clients"]) == set(clients_demo(smaller.population()))


def test_an_erp_without_cfa_has_no_file(tmp_path: Path) -> None:
    population = smaller.population()
    population.cfas = {uai: cfa for uai, cfa in population.cfas.items() if cfa.erp != "aimaira"}
    write_configuration(tmp_path, population, simulators_port=1, identity_port=2)
    assert {path.stem for path in (tmp_path / "partenaires").glob("*.toml")} == {
        *("ypareo", "gestibase", "registre", "imilo", "referentiel")
    }


def test_a_world_of_another_day_lives_on_that_day(world: World) -> None:
    assert world.environment["GATEWAY_NOW"] == "2026-10-15"
    assert world.check.now().date() == date(2026, 10, 15)
    with world.night():
        night = world.check.now()
        assert (night.date(), night.hour, night.astimezone(PARIS).utcoffset()) == (
            date(2026, 10, 15),
            3,
            night.utcoffset(),
        )
    assert world.check.now().astimezone(PARIS).hour == 14


def test_a_world_of_today_keeps_the_systems_time() -> None:
    population = smaller.population(today=datetime.now(PARIS).date())
    with World(population) as opened:
        assert "GATEWAY_NOW" not in opened.environment
        with opened.night():
            assert opened.check.now().hour == 3
        assert abs((opened.check.now() - datetime.now(PARIS)).total_seconds()) < 60


def test_truth_and_tokens_of_a_world(world: World) -> None:
    persons = list(world.check.truth())
    assert len(persons) == 400
    assert {"nom", "prenom", "date_naissance", "insee", "mission_locale", "contrats", "enregistrements"} <= set(
        persons[0]
    )
    assert world.token("ml").count(".") == 2
    with pytest.raises(httpx.HTTPStatusError):
        world.token("inconnu")


def test_a_busy_port_is_one_clear_line() -> None:
    with reserve(0) as taken, pytest.raises(PortInUse, match=r"^port \d+ on 127.0.0.1 is already in use: [^\n]+$"):
        World(smaller.population(), ports=Ports(simulators=taken.getsockname()[1])).__enter__()


def _demo(record: Path, **env: str) -> "subprocess.Popen[str]":
    ports = [f"--port-simulateurs={free_port()}", f"--port-identite={free_port()}"]
    return subprocess.Popen(
        [sys.executable, "-m", "fixtures", "demo", "--jeunes=400", f"--dossier={record}", *ports],
        cwd=ROOT,
        env={**os.environ, "ADMIN_PORT": str(free_port()), **env},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def test_demo_refuses_to_start_on_a_busy_port(tmp_path: Path) -> None:
    with reserve(0) as taken, _demo(tmp_path, PORT=str(taken.getsockname()[1])) as processes:
        output, errors = processes.communicate(timeout=60)
    assert (processes.returncode, output) == (1, "")
    assert errors.startswith("fixtures: port ")
    assert errors.count("\n") == 1


def test_demo_answers_a_real_query_then_ends_all_it_started(tmp_path: Path) -> None:
    port = free_port()
    results: list[str] = []
    with _demo(tmp_path / "une démo", PORT=str(port)) as processes:
        assert processes.stdout is not None
        for line in processes.stdout:
            results.append(line)
            if line.startswith("Ctrl-C"):
                break
        processes.send_signal(signal.SIGINT)
        try:
            rest, errors = processes.communicate(timeout=60)
        except subprocess.TimeoutExpired:  # told to ignore it by what started these tests in the background
            processes.terminate()
            raise
    assert (processes.returncode, rest, errors) == (0, "", "")
    text = "".join(results)
    assert '"totalCount": ' in text
    assert '"denomination": ' in text
    assert f"http://127.0.0.1:{port}/graphql" in text
    reserve(port).close()  # the gateway is gone
