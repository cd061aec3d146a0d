"""The ids and cursors of the graph: opaque, authenticated, not enumerable. Knows no noun."""

import base64
import binascii
import json
from functools import lru_cache
from typing import Any

from gateway.domain.seal import Sealer

_ID = "identifiant"
_CURSOR = "curseur"
SIZE_MAX = 2048
KEYS_MAX = 65_536


class OpaqueIds:
    """Seals and opens ids (kind and key) and cursors (position, bound to what the list was)."""

    def __init__(self, sealer: Sealer) -> None:
        self._sealer = sealer
        self.key = lru_cache(KEYS_MAX)(self._key)  # kept: the same persons are shown again and again

    def pseudonym(self, key: str) -> str:
        """A stand-in for the secret key of a person or a contract, which cannot be turned back."""
        return self._sealer.pseudonym(_ID, key)

    def seal(self, nature: str, key: str) -> str:
        """The public id of an object: the same for the same object, meaningless to whoever holds it."""
        return _text(self._sealer.seal(_ID, f"{nature}:{key}".encode()))

    def open(self, identifier: str) -> tuple[str, str] | None:
        """Kind and key of an id of ours; None for anything else."""
        plain = self._open(_ID, identifier, b"")
        if plain is None:
            return None
        nature, _, key = plain.decode().partition(":")
        return nature, key

    def _key(self, identifier: str) -> str:
        """The key behind an id that we made. Raises KeyError for anything else."""
        opened = self.open(identifier)
        if opened is None:
            raise KeyError("not an id of ours")
        return opened[1]

    def seal_cursor(self, position: list[Any], bound_to: str) -> str:
        """A position, readable again only for the same list asked by the same perimeter (`bound_to`)."""
        return _text(self._sealer.seal(_CURSOR, json.dumps(position).encode(), bound_to.encode()))

    def open_cursor(self, cursor: str, bound_to: str) -> list[Any] | None:
        """The position, or None when the cursor is not ours or belongs to another list."""
        plain = self._open(_CURSOR, cursor, bound_to.encode())
        return None if plain is None else list(json.loads(plain))

    def _open(self, usage: str, text: str, bound_to: bytes) -> bytes | None:
        if len(text) > SIZE_MAX:
            return None
        try:
            sealed = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
        except (binascii.Error, ValueError):
            return None
        return self._sealer.open(usage, sealed, bound_to)


def _text(sealed: bytes) -> str:
    return base64.urlsafe_b64encode(sealed).rstrip(b"=").decode()
