"""The commands of an operator and of a DPO on a whole world: who read whom, by id or by identity; a registry that is closed."""

import csv
import io
import json
import os
import re
import shlex
import shutil
import subprocess
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from fixtures.demo_commands import commands, how_to, write_environment
from fixtures.gateway_process import LaunchedGateway
from fixtures.simulators.clock import PARIS
from fixtures.world import World
from gateway.__main__ import main
from gateway.domain.seal import OpaqueIds, Sealer
from tests.support.e2e.queries import until_complete
from tests.support.e2e.readings import contents, journal_de, request
from tests.unit.test_public_names import COMMANDS

WHO = "{ ruptures(first: 20) { edges { node { jeune { id nom prenom dateNaissance } } } } }"
Command = Callable[..., tuple[int, str, str]]


@pytest.fixture
def command(world: World, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Command:
    """`python -m gateway …` in this process: exit code, standard output and error."""

    def launch(*arguments: str, **env: str) -> tuple[int, str, str]:
        for name, value in {**world.environment, **env}.items():
            monkeypatch.setenv(name, value)
        capsys.readouterr()
        return main(list(arguments)), *capsys.readouterr()

    return launch


def somebody(world: World, gateway: LaunchedGateway, agent: str) -> tuple[dict[str, Any], str]:
    """A young person whom `ml` reads as this agent, and the id of that request."""
    token = world.token("ml", agent=agent)
    edges = until_complete(gateway, token, WHO)["data"]["ruptures"]["edges"]
    person: dict[str, Any] = edges[0]["node"]["jeune"]
    response = request(gateway, token, f'{{ jeune(id: "{person["id"]}") {{ nom }} }}')
    assert response.json()["data"]["jeune"]
    return person, response.headers["x-request-id"]


def identity(person: dict[str, Any]) -> list[str]:
    return ["--nom", person["nom"], "--prenom", person["prenom"], "--naissance", person["dateNaissance"]]


def test_d4_an_id_that_begins_with_a_mark_is_an_id(world: World, command: Command) -> None:
    opaque_ids = OpaqueIds(Sealer.from_text(world.environment["GATEWAY_CLE"]))
    sealed = (opaque_ids.seal("Jeune", f"{rank:032x}") for rank in range(100_000))
    dashed = next(one for one in sealed if one.startswith("-"))
    for arguments in ((dashed,), (dashed, "--format", "json"), ("--format", "json", dashed)):
        code, told, error = command("journal", "personne", *arguments)
        assert (code, error) == (0, "")
        assert told.strip() in {"[]", "quand\tprofil\torganisation\tcompte\tclient\tfinalite\tchamps\trequete\tnom"}


def test_d5_who_read_is_told_with_names_in_the_time_of_paris(
    world: World, gateway: LaunchedGateway, command: Command
) -> None:
    person, read_by = somebody(world, gateway, "dpo un")
    code, told, _ = command("journal", "personne", person["id"], "--format", "json")
    (reading,) = [reading for reading in json.loads(told) if reading["requete"] == read_by]
    assert code == 0
    assert reading.pop("quand") == datetime.combine(world.population.today, datetime.min.time(), PARIS).replace(
        hour=14
    ).isoformat(timespec="seconds")  # noon of Greenwich, where the world stands
    assert reading == {
        "profil": "MISSION_LOCALE",
        "organisation": world.clients["ml"].organisation,
        "compte": "dpo un",
        "client": "ml",
        "finalite": "ACCOMPAGNEMENT",
        "champs": ["Jeune.nom"],
        "requete": read_by,
        "nom": world.clients["ml"].nom,
    }
    _, table, _ = command("journal", "personne", person["id"], "--format", "csv")
    rows = list(csv.DictReader(io.StringIO(table)))
    assert [(row["compte"], row["nom"]) for row in rows if row["requete"] == read_by] == [
        ("dpo un", world.clients["ml"].nom)
    ]


def test_d5_a_person_is_found_by_name_and_birth_date_and_each_question_is_written(
    world: World, gateway: LaunchedGateway, command: Command
) -> None:
    person, read_by = somebody(world, gateway, "dpo deux")
    before = len(questions(world))
    loud = {**person, "nom": person["nom"].upper().replace("-", " "), "prenom": person["prenom"].lower()}
    code, by_name, error = command("journal", "personne", *identity(loud))
    assert (code, error) == (0, "")
    assert read_by in by_name
    assert len(questions(world)) == before + 2  # whom the identity designates, then who read her
    _, by_id, _ = command("journal", "personne", person["id"])
    assert by_name == by_id
    written = json.dumps(questions(world), ensure_ascii=False).casefold()
    assert [value for value in identity(person) if value.casefold() in written and not value.startswith("--")] == []


def test_d5_who_is_unknown_is_told_so_and_the_question_is_written(world: World, command: Command) -> None:
    before = len(questions(world))
    code, told, error = command("journal", "personne", "--nom", "Nemo", "--prenom", "Ada", "--naissance", "2006-01-02")
    assert (code, told) == (2, "")
    assert error.startswith("erreur : personne de connu sous ce nom")
    assert len(questions(world)) == before + 1


def questions(world: World) -> list[dict[str, Any]]:
    return [content for content in contents(journal_de(world)) if content["acte"] == "CONSULTATION"]


def test_d8_a_harvest_of_a_closed_registry_says_until_when(world: World, command: Command, tmp_path: Path) -> None:
    """Data of its own, where all is due; the world stands at noon, and the registry opens at seven in the evening."""
    assert world.record is not None
    record = shutil.copytree(world.record, tmp_path / "a part", ignore=shutil.ignore_patterns("donnees*", "*.log"))
    own = f"sqlite+aiosqlite:///{tmp_path / 'registre.sqlite'}"
    code, _, error = command("moisson", GATEWAY_CONFIG=os.fspath(record), GATEWAY_DATABASE_URL=own)
    evening = datetime.combine(world.population.today, datetime.min.time(), PARIS) + timedelta(hours=19)
    assert code == 2
    last = error.splitlines()[-1]
    found = re.fullmatch(
        r"erreur : moisson arrêtée, à reprendre plus tard : registre est fermé, et dit rouvrir le (.+)", last
    )
    assert found is not None, last
    # The simulators' clock runs on from noon; the gateway's stands there: they differ by what the tests took.
    opening = datetime.strptime(found[1], "%d/%m/%Y à %H:%M").replace(tzinfo=PARIS)
    assert evening - timedelta(hours=2) < opening <= evening


NOT_HERE = {
    "serve": "listens for ever",
    "rapprochements": "tried by the evaluation",
    "cache": "needs a Redis",
    "abonnements": "needs somebody to call; tried by tests/unit/test_webhook_endpoints.py",
    "init": "tried by tests/unit/test_first_configuration.py",
    "partenaire": "needs a page; tried by the tests of the kit",
    "verifier": "needs that partner",
    "statistiques exporter chiffres.csv dimensions=DEPARTEMENT,MOIS": "tried by tests/e2e/test_statistics.py",
    "statistiques relever": "tried by tests/statistics, over fewer people",
}


def test_d9_each_command_that_the_demo_prints_runs_with_the_environment_that_it_wrote(
    world: World, gateway: LaunchedGateway, command: Command, tmp_path: Path
) -> None:
    person, _ = somebody(world, gateway, "dpo trois")
    file = write_environment(tmp_path, world.environment)
    assert file.stat().st_mode & 0o777 == 0o600
    told = subprocess.run(
        ["/usr/bin/env", "-i", "/bin/sh", "-c", f"set -a; . {file}; set +a; env -0"], stdout=subprocess.PIPE, check=True
    )
    environment = dict(line.split("=", 1) for line in told.stdout.decode().rstrip("\0").split("\0"))
    assert world.environment.items() <= environment.items()
    played = []
    for line, _ in commands(person):
        arguments = shlex.split(line)
        if NOT_HERE.keys().isdisjoint({arguments[0], line}):
            code, output, error = command(*arguments, **world.environment)
            assert (code, bool(output)) == (0, True), (line, error)
            played.append(arguments[0])
        assert f"-m gateway {line}" in how_to(file, person)
    printed = {shlex.split(line)[0] for line, _ in commands(person)}
    assert printed == {words[0] for words in COMMANDS if words}
    assert set(played) == printed - NOT_HERE.keys()
