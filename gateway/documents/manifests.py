"""The trusted documents of the operator, as the tools that build interfaces write them. Read at the start; knows no caller.

graphql-codegen and Relay write an object of texts by hash, Apollo a list of operations with their hashes. A hash is checked,
whatever its algorithm: a manifest that was cut or mixed up stops the start.
"""

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from gateway.errors import CallerError, ConfigurationError

APOLLO = "apollo-persisted-query-manifest"
ALGORITHMS = {32: "md5", 40: "sha1", 64: "sha256"}  # by the length of a hash in hexadecimal: Relay, codegen, all others


def read_manifests(directory: Path, validate: Callable[[str], object]) -> Mapping[str, str]:
    """The texts of a directory by identifier, as written and by SHA-256; none when it does not exist.

    Raises ConfigurationError for a hash or a document that does not hold.
    """
    trusted: dict[str, str] = {}
    for path in sorted(directory.glob("*.json")):
        for identifier, text in _texts(path):
            _check(path, identifier, text, validate)
            trusted |= {identifier: text, hashlib.sha256(text.encode()).hexdigest(): text}
    return trusted


def _texts(path: Path) -> Iterator[tuple[str, Any]]:
    """The identifiers of a manifest, without the name of their algorithm, and what stands as their text."""
    content = _read(path)
    if content.get("format") != APOLLO:
        yield from ((_hash(identifier), text) for identifier, text in content.items())
        return
    operations = content.get("operations")
    if not isinstance(operations, list) or not all(isinstance(one, dict) for one in operations):
        raise ConfigurationError(f"documents/{path.name} : operations est une liste d'objets")
    yield from ((_hash(str(one.get("id"))), one.get("body")) for one in operations)


def _hash(identifier: str) -> str:
    return identifier.rpartition(":")[2]


def _check(path: Path, identifier: str, text: Any, validate: Callable[[str], object]) -> None:
    algorithm = ALGORITHMS.get(len(identifier))
    if not isinstance(text, str) or not algorithm or _digest(algorithm, text) != identifier:
        raise ConfigurationError(f"documents/{path.name} : {identifier} n'est pas l'empreinte de son texte")
    try:
        validate(text)
    except CallerError as error:
        raise ConfigurationError(f"documents/{path.name} : {identifier} : {error}") from error


def _digest(algorithm: str, text: str) -> str:
    return hashlib.new(algorithm, text.encode(), usedforsecurity=False).hexdigest()


def _read(path: Path) -> dict[str, Any]:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ConfigurationError(f"documents/{path.name} : JSON illisible") from error
    if not isinstance(content, dict):
        raise ConfigurationError(
            f"documents/{path.name} : un objet {{empreinte: texte}} est attendu, ou un manifeste d'Apollo"
        )
    return content
