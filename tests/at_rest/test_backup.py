"""A backup is made while the gateway serves, restored elsewhere, verified, and goes on: what it lost is told, and signed."""

import shutil
import sqlite3
import subprocess
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from tests.at_rest.opened import DATABASES, JEUNE, KINDS, VERSIONS, Migrated, Opened, ask, run
from tests.support.databases import read, write
from tests.support.pair import a_database

REASON = "disque perdu, sauvegarde de la veille"


@pytest.fixture(params=KINDS)
def data(tmp_path: Path, request: pytest.FixtureRequest, migrated: Migrated) -> Iterator[Opened]:
    with migrated.opened(VERSIONS / "v0.1.0", tmp_path / "service", request.param) as service:
        yield service


def made(data: Opened, folder: Path) -> Path:
    """A backup, as docs/exploitation.md has it: `VACUUM INTO`, or `pg_dump`."""
    folder.mkdir()
    if url := data.environment.get("GATEWAY_JOURNAL_URL"):
        tables = ["journal_*", "quota_*", "liens*", "statistiques_*", "receptions*", "transmissions*"]
        chosen = [f"--table={table}" for table in tables]
        file = str(folder / "base.dump")
        subprocess.run(["/usr/bin/env", "pg_dump", "-Fc", *chosen, "-f", file, url.replace("+asyncpg", "")], check=True)
    else:
        for name in ("journal", "liens"):
            with closing(sqlite3.connect(data.record / "donnees" / f"{name}.sqlite")) as connection:
                connection.execute("VACUUM INTO ?", (str(folder / f"{name}.sqlite"),))
    return folder


@contextmanager
def restored(data: Opened, backup: Path, record: Path) -> Iterator[Opened]:
    """The configuration of the service over the data of a backup."""
    shutil.copytree(data.record, record, ignore=shutil.ignore_patterns("journal.sqlite*", "liens.sqlite*"))
    environment = {**data.environment, "GATEWAY_CONFIG": str(record)}
    if not (backup / "base.dump").exists():
        for file in backup.iterdir():
            shutil.copy(file, record / "donnees")
        yield replace(data, record=record, environment=environment)
        return
    with a_database() as url:
        plain = url.replace("+asyncpg", "")
        restoring = ["pg_restore", "--no-owner", "-d", plain, str(backup / "base.dump")]
        subprocess.run(restoring, check=True)
        yield replace(data, record=record, environment={**environment, **dict.fromkeys(DATABASES, url)})


def read_more(data: Opened) -> str:
    """Have somebody read, and tell the anchor of the journal then."""
    with data.gateway() as gateway:
        ask(gateway, data.expected["cle_api"], JEUNE, id=data.expected["ids"]["jeunes"][0])
    return data.command("journal", "verifier").split()[-1]


def test_a_backup_restored_elsewhere_goes_on_behind_a_signed_gap(data: Opened, tmp_path: Path) -> None:
    at_backup = data.command("journal", "verifier").split()[-1]
    backup = made(data, tmp_path / "sauvegarde")
    lost = read_more(data)
    with restored(data, backup, tmp_path / "ailleurs") as other:
        checked = other.command("sauvegarde", "verifier", "--ancre", at_backup).splitlines()
        assert checked[:2] == ["journal : rendrait le service", "liens : rendrait le service"]
        refused = run(other.environment, "journal", "verifier", "--ancre", lost)
        first_lost = int(at_backup.partition(":")[0]) + 1
        assert (refused.returncode, refused.stdout.split(" : ")[0]) == (1, f"entrée {first_lost}")
        gap = f"entrées {first_lost} à {lost.partition(':')[0]} perdues ({REASON})"
        assert other.command("journal", "reprise", "--ancre", lost, "--motif", REASON) == f"journal repris : {gap}"
        again = read_more(other)
        told = other.command("journal", "verifier", "--ancre", lost)
        assert told.endswith(f"; {gap} ; ancre {again}")
        assert other.command("journal", "verifier", "--ancre", at_backup) == told
        other_end = lost.partition(":")[0] + ":" + "0" * 64
        assert run(other.environment, "journal", "verifier", "--ancre", other_end).returncode == 1


def test_nothing_is_resumed_where_nothing_is_lost(data: Opened) -> None:
    end = data.command("journal", "verifier").split()[-1]
    done = run(data.environment, "journal", "reprise", "--ancre", end, "--motif", REASON)
    assert (done.returncode, done.stderr) == (
        2,
        "erreur : rien n'est perdu : le journal va jusqu'à cette ancre, ou plus loin\n",
    )


def test_organisations_start_again_from_their_alert(data: Opened, tmp_path: Path) -> None:
    """Read persons are counted again from nine tenths of the quota: less would give a second month of readings."""
    read_more(data)
    url = _journal_of(data)
    populations = read(url, "SELECT qui, max(nombre) FROM quota_populations GROUP BY qui")
    write(url, "DELETE FROM quota_lues")
    lost = "999:" + "0" * 64
    data.command("journal", "reprise", "--ancre", lost, "--motif", REASON)
    counted = read(
        url, "SELECT qui, count(*) FROM quota_lues WHERE entree IS NULL AND portee = 'ORGANISATION' GROUP BY qui"
    )
    assert sorted(counted) == [(who, int(0.9 * int(1.2 * population))) for who, population in sorted(populations)]


def test_a_backup_without_its_keys_or_without_a_file_is_told(data: Opened, tmp_path: Path) -> None:
    backup = made(data, tmp_path / "sauvegarde")
    if (backup / "base.dump").exists():
        pytest.skip("files of SQLite only")
    (backup / "liens.sqlite").unlink()
    other_key = {**data.environment, "GATEWAY_CLES_JOURNAL": "b" * 42 + "A"}
    done = run(other_key, "sauvegarde", "verifier", str(backup))
    assert done.returncode == 1
    assert done.stdout.splitlines()[:2] == [
        "journal : une borne du journal manque ou n'est pas signée par cette clé",
        f"liens : {backup / 'liens.sqlite'} manque",
    ]


def _journal_of(data: Opened) -> str:
    sqlite = f"sqlite+aiosqlite:///{data.record / 'donnees' / 'journal.sqlite'}"
    return data.environment.get("GATEWAY_JOURNAL_URL", sqlite)
