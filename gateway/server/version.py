"""Which code this is, for who asks what runs where: its version, its commit, and digests of what callers and lawyers read."""

import hashlib
import tomllib
from functools import cache
from importlib import metadata
from pathlib import Path

from gateway.auth.policy.policy import FILE
from gateway.schema.query import build, text

PACKAGE = Path(__file__).resolve().parent.parent
PROJECT = "passerelle-apprentissage"
DIGEST = 12  # characters


def version() -> dict[str, str]:
    """The version, the commit, the digests of the published schema and of the access policy."""
    return {
        "version": _number(),
        "commit": _commit(),
        "schema": _schema(),
        "politique": _digest(FILE.read_bytes()),
    }


@cache
def _schema() -> str:
    """Printed once a process: that takes as long as opening a store."""
    return _digest(text(build()).encode())


def _number() -> str:
    """Of the checkout this runs from, else of the package installed."""
    file = PACKAGE.parent / "pyproject.toml"
    if file.is_file():
        return str(tomllib.loads(file.read_text(encoding="utf-8"))["project"]["version"])
    return metadata.version(PROJECT)


def _commit() -> str:
    """What `make wheel` wrote; a checkout's is for git to tell."""
    file = PACKAGE / "COMMIT"
    return file.read_text(encoding="ascii").strip() if file.is_file() else "non écrit (« make wheel » l'écrit)"


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()[:DIGEST]
