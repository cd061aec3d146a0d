"""Documents known by the SHA-256 of their text: the operator's, trusted, and those each client has taught.

Speaks Apollo's automatic persisted queries. Knows no graph: what a document may do is judged each time it is run.
"""

import json
from collections.abc import Callable, Mapping
from hashlib import sha256
from pathlib import Path

from cachetools import LRUCache

from gateway.auth.authentication.viewer import Viewer
from gateway.errors import CallerError, ConfigurationError, InvalidRequest, UnknownDocument

LEARNT_MAX = 8 * 1024 * 1024  # characters of the taught documents, all clients together


class PersistedDocuments:
    """`trusted`: text by SHA-256 in hexadecimal, usable by every client."""

    def __init__(self, trusted: Mapping[str, str]) -> None:
        self._trusted = trusted
        self._learnt: LRUCache[tuple[str, str], str] = LRUCache(LEARNT_MAX, len)

    def text(self, viewer: Viewer, text: str | None, digest: str | None) -> str:
        """The text to run. A text sent with its hash is learnt for that client only (docs/security.md G20).

        Raises UnknownDocument for a hash that this client never taught, InvalidRequest for a hash that is not the
        text's, or for a text that is not trusted when the register gives the client nothing else.
        """
        if text is None:
            return self._known(viewer, digest or "")
        own = sha256(text.encode()).hexdigest()
        if digest not in (None, own):
            raise InvalidRequest("sha256Hash n'est pas l'empreinte SHA-256 de query.")
        if not viewer.free_documents and own not in self._trusted:
            raise InvalidRequest("Ce client n'envoie que des documents enregistrés.")
        if digest and own not in self._trusted:
            self._learnt[viewer.client, own] = text
        return text

    def _known(self, viewer: Viewer, digest: str) -> str:
        if digest in self._trusted:
            return self._trusted[digest]
        if not viewer.free_documents:
            raise InvalidRequest("Ce client n'envoie que des documents enregistrés.")
        try:
            return self._learnt[viewer.client, digest]
        except KeyError:
            raise UnknownDocument from None


def read_manifests(record: Path, validate: Callable[[str], object]) -> Mapping[str, str]:
    """The trusted documents of a directory, none when it does not exist: JSON files that map a SHA-256 to a text, as
    build tools of front-ends write them. Raises ConfigurationError for a hash or a document that does not hold."""
    trusted: dict[str, str] = {}
    for path in sorted(record.glob("*.json")):
        trusted |= _manifest(path, validate)
    return trusted


def _manifest(path: Path, validate: Callable[[str], object]) -> Mapping[str, str]:
    lu = _read(path)
    for digest, text in lu.items():
        if not isinstance(text, str) or sha256(text.encode()).hexdigest() != digest:
            raise ConfigurationError(f"documents/{path.name} : {digest} n'est pas le SHA-256 de son texte")
        try:
            validate(text)
        except CallerError as error:
            raise ConfigurationError(f"documents/{path.name} : {digest} : {error}") from error
    return lu


def _read(path: Path) -> dict[str, str]:
    try:
        lu = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ConfigurationError(f"documents/{path.name} : JSON illisible") from error
    if not isinstance(lu, dict):
        raise ConfigurationError(f"documents/{path.name} : un objet {{empreinte: texte}} est attendu")
    return lu
