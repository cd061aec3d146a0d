"""A start that cannot succeed is one line on standard error and an exit code, never a trace (docs/fiabilite.md, start)."""

import base64
import logging
import os
import re
import shutil
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from fixtures import gateway_process
from fixtures.world import World
from gateway.__main__ import main
from tests.support.e2e.queries import until_complete
from tests.support.figures import note

Broken = Callable[[Path, dict[str, str]], None]
OTHER_KEY = base64.urlsafe_b64encode(b"7" * 32).decode()
# All that a start logs before the line that says why it failed.
LOGGED = re.compile(
    r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}\+00:00 "
    r"(INFO gateway\.vie écoute : http://127\.0\.0\.1:\d+ ; administration : http://127\.0\.0\.1:\d+"
    r"|WARNING gateway\.auth\.cles jeu de clés illisible \(http://127\.0\.0\.1:\d+ : partenaire injoignable\)"
    r" : le dernier bon est gardé)"
)


@pytest.fixture
def attempt(world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Path, dict[str, str]]:
    """A configuration that would start, with data of its own, and its environment."""
    assert world.record is not None
    shutil.copytree(world.record / "partenaires", tmp_path / "partenaires")
    for file in ("gateway.toml", "clients.toml"):
        shutil.copy(world.record / file, tmp_path)
    return tmp_path, {**world.environment, "GATEWAY_CONFIG": str(tmp_path), "PORT": "0", "ADMIN_PORT": "0"}


@pytest.fixture
def busy() -> Iterator[str]:
    """A port where somebody listens."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        yield str(taken.getsockname()[1])


def replacing(file: str, before: str, after: str) -> Broken:
    def spoil(record: Path, _: dict[str, str]) -> None:
        text = (record / file).read_text(encoding="utf-8")
        assert before in text
        (record / file).write_text(text.replace(before, after, 1), encoding="utf-8")

    return spoil


def set_pragmas(**env: str) -> Broken:
    return lambda _, environ: environ.update(env)


def remove(nom: str) -> Broken:
    return lambda _, environ: environ.__delitem__(nom)


def _without_issuer(record: Path, _: dict[str, str]) -> None:
    text = (record / "gateway.toml").read_text(encoding="utf-8")
    (line,) = [line for line in text.splitlines() if line.startswith("jwks_url")]
    (record / "gateway.toml").write_text(text.replace(line, 'jwks_url = "http://127.0.0.1:9/jwks"'))


def _directory_that_is_none(record: Path, _: dict[str, str]) -> None:
    (record / "donnees").write_text("")


def _partner_secret(_: Path, environ: dict[str, str]) -> None:
    del environ[next(name for name in environ if "IMILO" in name)]


def _database_of_another_key(record: Path, environ: dict[str, str]) -> None:
    with pytest.MonkeyPatch.context() as near:
        for name, value in (environ | {"GATEWAY_CLE": OTHER_KEY}).items():
            near.setenv(name, value)
        assert main(["journal", "verifier"]) == 0


BROKEN: dict[str, tuple[Broken, str]] = {
    "invalid TOML": (replacing("gateway.toml", "[jetons]", "[jetons"), "gateway.toml : TOML invalide"),
    "unknown key": (replacing("gateway.toml", "[donnees]", "[donnees]\ninconnue = 1"), "donnees.inconnue"),
    "register of clients": (replacing("clients.toml", "profil", "profile"), "clients.toml"),
    "no configuration": (set_pragmas(GATEWAY_CONFIG="/nulle/part"), "/nulle/part/gateway.toml"),
    "no sealing key": (remove("GATEWAY_CLE"), "GATEWAY_CLE : absente"),
    "no partner's secret": (_partner_secret, "imilo.toml"),
    "verify = false": (replacing("partenaires/imilo.toml", "base_url", "verify = false\nbase_url"), "verify"),
    "missing policy": (set_pragmas(GATEWAY_POLITIQUE_CANDIDATE="/nulle/part.toml"), "part.toml"),
    "unreachable key set": (_without_issuer, "jetons.jwks_url"),
    "no directory for data": (_directory_that_is_none, "donnees.dossier"),
    "sealed by another key": (_database_of_another_key, "autre GATEWAY_CLE"),
    "GATEWAY_CACHE_URL": (set_pragmas(GATEWAY_CACHE_URL="ftp://cache"), "GATEWAY_CACHE_URL"),
    "GATEWAY_DATABASE_URL": (set_pragmas(GATEWAY_DATABASE_URL="mysql://base"), "GATEWAY_DATABASE_URL"),
    "GATEWAY_JOURNAL_URL": (set_pragmas(GATEWAY_JOURNAL_URL="rien"), "GATEWAY_JOURNAL_URL"),
    "PostgreSQL down": (set_pragmas(GATEWAY_JOURNAL_URL="postgresql+asyncpg://u:p@127.0.0.1:9/b"), "journal"),
    "an address of another": (set_pragmas(HOST="192.0.2.1"), "HOST et PORT : 192.0.2.1:0"),
}


def launch(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], environ: dict[str, str]) -> list[str]:
    """The lines of a start that fails, as a process of its own writes them."""
    for name in [name for name in os.environ if name.startswith("GATEWAY_")]:
        monkeypatch.delenv(name)
    for name, value in environ.items():
        monkeypatch.setenv(name, value)
    capsys.readouterr()
    with _no_log_of_the_tests():
        assert main(["serve"]) == 2
    return capsys.readouterr().err.splitlines()


@contextmanager
def _no_log_of_the_tests() -> Iterator[None]:
    """Who runs the tests listens to all logs: a process then writes none on its standard error."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    root.handlers.clear()
    try:
        yield
    finally:
        root.handlers[:] = handlers
        root.setLevel(level)


@pytest.mark.parametrize("case", BROKEN)
def test_a_wrong_start_is_one_line(
    case: str,
    attempt: tuple[Path, dict[str, str]],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    record, environ = attempt
    spoil, told = BROKEN[case]
    spoil(record, environ)
    *logged, line = told_lines = launch(monkeypatch, capsys, environ)
    assert [one for one in logged if not LOGGED.fullmatch(one)] == []
    assert line.startswith("configuration : ")
    assert told in line
    for secret in (environ.get("GATEWAY_CLE", OTHER_KEY), "u:p@"):
        assert secret not in "\n".join(told_lines)


def test_a_port_that_is_taken_is_one_line(
    attempt: tuple[Path, dict[str, str]],
    busy: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    (line,) = launch(monkeypatch, capsys, attempt[1] | {"PORT": busy})
    assert line.startswith(f"configuration : variables d'environnement HOST et PORT : 127.0.0.1:{busy} : ")


def test_r2_an_admin_port_that_is_taken_is_one_line(
    attempt: tuple[Path, dict[str, str]],
    busy: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    record, environ = attempt
    del environ["ADMIN_PORT"]
    with (record / "gateway.toml").open("a", encoding="utf-8") as file:
        file.write(f"[admin]\nport = {busy}\n")
    (line,) = launch(monkeypatch, capsys, environ)
    assert line.startswith(f"configuration : [admin] hote et port, ou ADMIN_HOST et ADMIN_PORT : 127.0.0.1:{busy} : ")


@pytest.mark.chaos
def test_each_wrong_start_ends_by_itself(world: World, tmp_path: Path) -> None:
    """The whole process, as an operator starts it."""
    assert world.record is not None
    durations = {}
    for rank, (case, (spoil, told)) in enumerate(BROKEN.items()):
        record = shutil.copytree(world.record, tmp_path / str(rank), ignore=shutil.ignore_patterns("donnees"))
        environ = {**world.environment, "GATEWAY_CONFIG": str(record), "PORT": "0", "ADMIN_PORT": "0"}
        spoil(record, environ)
        debut = time.monotonic()
        finished = gateway_process.run(["serve"], environ)
        durations[case] = time.monotonic() - debut
        assert (finished.returncode, told in finished.stderr, "Traceback" in finished.stderr) == (2, True, False), case
    worst = max(durations, key=durations.__getitem__)
    note(f"départ : {len(durations)} configurations cassées, fini en {durations[worst]:.1f} s au plus ({worst}) (< 5)")


@pytest.mark.chaos
def test_without_redis_it_starts_slower(world: World, patient: str) -> None:
    with world.gateway(GATEWAY_CONFIG=patient, GATEWAY_CACHE_URL="redis://127.0.0.1:9/0") as alone:
        response = until_complete(alone, world.token("ml"), "{ ruptures(first: 1) { totalCount complet } }")
    assert response["data"]["ruptures"]["complet"] is True
