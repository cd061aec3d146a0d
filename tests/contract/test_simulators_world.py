"""A world: its clients, the configuration it writes, its clock; and the demo as a developer runs it."""

import os
import signal
import sqlite3
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from contextlib import closing
from datetime import date, datetime
from pathlib import Path

import httpx
import pytest

from fixtures import demo
from fixtures.clients import clients_demo
from fixtures.configuration import write_configuration
from fixtures.front_example import is_built
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
    fixes = "ml ml-voisine ml-deux-finalites ml-quota dreets ddets academie region opco france-travail arml cfa reseau"
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
    with reserve(0) as taken, pytest.raises(PortInUse, match=r"^port \d+ de 127.0.0.1 déjà pris : [^\n]+$"):
        World(smaller.population(), ports=Ports(simulators=taken.getsockname()[1])).__enter__()


# Figures are counted after the answer, and tried by tests/statistics: Ctrl-C would come while they are announced.
DEMO = (sys.executable, "-m", "fixtures", "demo", "--jeunes=400", "--sans-statistiques")


def _demo(record: Path, *options: str, **env: str) -> "subprocess.Popen[str]":
    ports = [f"--port-simulateurs={free_port()}", f"--port-identite={free_port()}"]
    return subprocess.Popen(
        [*DEMO, f"--dossier={record}", *ports, *options],
        cwd=ROOT,
        env={**os.environ, "ADMIN_PORT": str(free_port()), "FRONT_PORT": str(free_port()), **env},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def _played(record: Path, *options: str, **env: str) -> str:
    """What a demo prints until it answered, then it is ended as by Ctrl-C."""
    results: list[str] = []
    with _demo(record, *options, **env) as processes:
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
    return "".join(results)


def test_demo_answers_a_real_query_then_ends_all_it_started(tmp_path: Path) -> None:
    port, front, record = free_port(), free_port(), tmp_path / "une démo"
    text = _played(record, PORT=str(port), ADMIN_PORT=str(free_port()), FRONT_PORT=str(front))
    told = f"http://127.0.0.1:{front} (« Se connecter »" if is_built() else "pas construit : make front"
    assert f"Exemple de front   {told}" in text
    assert '"totalCount": ' in text
    assert '"denomination": ' in text
    assert f"http://127.0.0.1:{port}/graphql" in text
    assert f"set -a; . '{record}/.env'; set +a" in text
    assert (record / ".env").stat().st_mode & 0o777 == 0o600
    reserve(port).close()  # the gateway is gone


@pytest.mark.chaos  # three starts; in short, the next test
def test_d9_a_demo_started_again_goes_on_with_its_data(tmp_path: Path) -> None:
    """It has the registry, the journal and the ids of the first; another population is refused, and the folder left as it is."""
    record, ports = (
        tmp_path / "une démo",
        {"PORT": str(free_port()), "ADMIN_PORT": str(free_port()), "FRONT_PORT": str(free_port())},
    )
    _played(record, **ports)
    kept = {
        name: (record / "donnees" / name).stat().st_ino
        for name in ("journal.sqlite", "registre.sqlite", "liens.sqlite")
    }
    entries = _entries(record)
    assert entries > 0
    again = _played(record, **ports)
    assert again.startswith("Registre, journal et liens du ")
    assert _entries(record) > entries
    assert {name: (record / "donnees" / name).stat().st_ino for name in kept} == kept
    with _demo(record, "--graine=2", **ports) as other:
        output, errors = other.communicate(timeout=60)
    assert (other.returncode, output) == (1, "")
    assert errors.startswith(f"fixtures : {record} garde une autre population : --neuf l'oublie")
    assert _entries(record) > entries


TAKEN = "déjà pris : arrêter ce qui y écoute, ou en choisir un autre"


def _entries(record: Path) -> int:
    with closing(sqlite3.connect(record / "donnees" / "journal.sqlite")) as base:
        return int(base.execute("SELECT count(*) FROM journal_entrees").fetchone()[0])


def test_d9_a_demo_told_to_begin_anew_forgets_what_was_kept_and_nothing_else(tmp_path: Path) -> None:
    request = {"seed": 1, "noise": 1.0, "today": date(2026, 10, 15)}
    assert demo._keep(tmp_path, request, False) == date(2026, 10, 15)
    (tmp_path / "donnees").mkdir()
    (tmp_path / "notes.txt").write_text("à garder")
    assert demo._keep(tmp_path, {**request, "today": None}, False) == date(2026, 10, 15)
    assert (tmp_path / "donnees").is_dir()
    with pytest.raises(ValueError, match="garde une autre population"):
        demo._keep(tmp_path, {**request, "today": date(2026, 10, 16)}, False)
    assert (tmp_path / "donnees").is_dir()
    assert demo._keep(tmp_path, {**request, "seed": 2}, True) == date(2026, 10, 15)
    assert (sorted(path.name for path in tmp_path.iterdir())) == ["notes.txt", "population.json"]


@pytest.mark.parametrize(
    ("taken_port", "remedy"),
    [
        ("PORT", "(make run PORT=8001)"),
        ("ADMIN_PORT", "(make run ADMIN_PORT=9091)"),
        ("FRONT_PORT", "(make run FRONT_PORT=8031)"),
        ("--port-simulateurs", "(make run OPTIONS='--port-simulateurs 8021')"),
        ("--port-identite", "(make run OPTIONS='--port-identite 8011')"),
    ],
)
def test_d9_the_demo_says_how_to_move_each_port(taken_port: str, remedy: str, tmp_path: Path) -> None:
    with reserve(0) as taken:
        number = str(taken.getsockname()[1])
        env = {"PORT": str(free_port()), "ADMIN_PORT": str(free_port()), "FRONT_PORT": str(free_port())}
        options = [f"{taken_port}={number}"] if taken_port.startswith("--") else []
        with _demo(tmp_path, *options, **(env if options else {**env, taken_port: number})) as processes:
            _, errors = processes.communicate(timeout=60)
    assert processes.returncode == 1
    assert errors == f"fixtures : port {number} de 127.0.0.1 {TAKEN} {remedy}\n"
