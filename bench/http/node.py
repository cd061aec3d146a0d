"""Node and the locked packages of the peers, for those who have npm. Installs them once, in bench/http/pairs."""

import shutil
import subprocess
from pathlib import Path

PEERS = Path(__file__).with_name("peers")
INSTALLED = PEERS / "node_modules" / ".package-lock.json"  # npm writes it last


class PeersMissing(Exception):
    """The peers of Node cannot be run here. The message says why."""


def install() -> str:
    """The path of node, once the peers' packages are there. Raises PeersMissing."""
    node, npm = shutil.which("node"), shutil.which("npm")
    if node is None or npm is None:
        raise PeersMissing("node and npm are not both here")
    if not INSTALLED.exists() or INSTALLED.stat().st_mtime < (PEERS / "package-lock.json").stat().st_mtime:
        command = [npm, "ci", "--loglevel=error"]
        finished = subprocess.run(command, cwd=PEERS, capture_output=True, text=True, check=False)  # noqa: S603
        if finished.returncode:
            raise PeersMissing(f"npm ci failed: {finished.stderr.strip().splitlines()[-1:]}")
    return node
