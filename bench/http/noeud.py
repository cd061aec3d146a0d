"""Node and the locked packages of the peers, for those who have npm. Installs them once, in bench/http/pairs."""

import shutil
import subprocess
from pathlib import Path

PAIRS = Path(__file__).with_name("pairs")
INSTALLES = PAIRS / "node_modules" / ".package-lock.json"  # npm writes it last


class PairsAbsents(Exception):
    """The peers of Node cannot be run here. The message says why."""


def installer() -> str:
    """The path of node, once the peers' packages are there. Raises PairsAbsents."""
    noeud, npm = shutil.which("node"), shutil.which("npm")
    if noeud is None or npm is None:
        raise PairsAbsents("node and npm are not both here")
    if not INSTALLES.exists() or INSTALLES.stat().st_mtime < (PAIRS / "package-lock.json").stat().st_mtime:
        fini = subprocess.run([npm, "ci", "--loglevel=error"], cwd=PAIRS, capture_output=True, text=True, check=False)  # noqa: S603
        if fini.returncode:
            raise PairsAbsents(f"npm ci failed: {fini.stderr.strip().splitlines()[-1:]}")
    return noeud
