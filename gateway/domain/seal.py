"""Encrypts what must be opaque or kept at rest: ids and cursors of the graph, rows of stores. Pure given its key.

The chain of entries: each digest binds the whole past, so that none is changed, moved or taken away unseen. Digests are HMAC:
who writes in the store without the key of the gateway cannot make the chain again.
"""

import base64
import hmac
import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers.aead import AESSIV
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

KEY_BYTES = 32
_ID = "identifiant"
_CURSOR = "curseur"
CURSOR_BLOCK = 128  # bytes
SIZE_MAX = 2048
KEYS_MAX = 65_536
NAME_LENGTH = 16  # of a key: enough to tell a few of them apart
HALF, WHOLE = 1 << 63, 1 << 64


def key_bytes(text: str) -> bytes:
    """A key of KEY_BYTES from base64url text, padded or not. Raises ValueError, whose message holds nothing of the text."""
    try:
        key = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except ValueError:
        key = b""
    if len(key) != KEY_BYTES:
        raise ValueError("a sealing key is 32 bytes written in base64url")
    return key


class Sealer:
    """Deterministic authenticated encryption (AES-SIV, RFC 5297) with a key of its own for each usage (HKDF, RFC 5869).

    Usages are names written in code: each has its keys, derived once and kept.
    """

    def __init__(self, key: bytes) -> None:
        if len(key) != KEY_BYTES:
            raise ValueError("a sealing key is 32 bytes long")
        self._key = key
        self._cipher = cache(lambda usage: AESSIV(self._derived(f"aes-siv/{usage}", 64)))
        self._mac_key = cache(lambda usage: self._derived(f"hmac-sha256/{usage}", 32))

    def __repr__(self) -> str:
        return "Sceau()"

    @classmethod
    def from_text(cls, text: str) -> "Sealer":
        """From base64url text, padded or not. Raises ValueError, whose message holds nothing of the text."""
        return cls(key_bytes(text))

    @property
    def stable(self) -> "Sealer":
        """What seals ids, which others keep: it does not turn."""
        return self

    @property
    def ring(self) -> "tuple[Sealer, ...]":
        """The keys that open: the first one seals."""
        return (self,)

    @property
    def name(self) -> str:
        """Tells its key from others, and nothing of it."""
        return self.pseudonym("cle/nom", "")[:NAME_LENGTH]

    def seal(self, usage: str, plain: bytes, bound_to: bytes = b"") -> bytes:
        """Seal: readable again only for the same usage and `bound_to`. The same bytes always give the same seal."""
        return self._cipher(usage).encrypt(plain, [bound_to])

    def open(self, usage: str, sealed: bytes, bound_to: bytes = b"") -> bytes | None:
        """The clear bytes, or None for anything that was not sealed so."""
        try:
            return self._cipher(usage).decrypt(sealed, [bound_to])
        except (InvalidTag, ValueError):
            return None

    def is_current(self, usage: str, sealed: bytes, bound_to: bytes = b"") -> bool:
        """Whether the key that seals now sealed this."""
        return self.open(usage, sealed, bound_to) is not None

    def pseudonym(self, usage: str, text: str) -> str:
        """A stable stand-in of 32 hexadecimal digits (HMAC-SHA256, cut), that cannot be turned back without the key."""
        return self.mac(usage, text.encode("utf-8", "surrogatepass")).hex()[:32]

    def mac(self, usage: str, content: bytes) -> bytes:
        """32 bytes that only the key can make again (HMAC-SHA256)."""
        return hmac.digest(self._mac_key(usage), content, "sha256")

    def _derived(self, info: str, length: int) -> bytes:
        return HKDF(hashes.SHA256(), length, salt=None, info=info.encode()).derive(self._key)


class TurningSealer(Sealer):
    """Seals with the first key of a ring, and opens with each. Stand-ins and ids come from a key of its own, which does not turn:
    others keep them, or look for them."""

    def __init__(self, stable: Sealer, ring: Sequence[Sealer]) -> None:
        super().__init__(stable._key)
        self._stable, self._ring = stable, tuple(ring)

    @property
    def stable(self) -> Sealer:
        return self._stable

    @property
    def ring(self) -> tuple[Sealer, ...]:
        return self._ring

    def seal(self, usage: str, plain: bytes, bound_to: bytes = b"") -> bytes:
        return self._ring[0].seal(usage, plain, bound_to)

    def open(self, usage: str, sealed: bytes, bound_to: bytes = b"") -> bytes | None:
        for sealer in self._ring:
            if (plain := sealer.open(usage, sealed, bound_to)) is not None:
                return plain
        return None

    def is_current(self, usage: str, sealed: bytes, bound_to: bytes = b"") -> bool:
        return self._ring[0].is_current(usage, sealed, bound_to)


class OpaqueIds:
    """Seals and opens ids (kind and key) and cursors (position, bound to what the list was)."""

    def __init__(self, sealer: Sealer) -> None:
        self._sealer = sealer.stable
        self.key = lru_cache(KEYS_MAX)(self._key)  # kept: the same persons are shown again and again
        self.stand_in = lru_cache(KEYS_MAX)(self.pseudonym)  # kept: the same accounts ask again and again

    def pseudonym(self, key: str) -> str:
        """A stand-in for the secret key of a person or a contract, which cannot be turned back."""
        return self._sealer.pseudonym(_ID, key)

    def account(self, client: str, agent: str) -> str:
        """A stand-in for whoever acts through a client."""
        # The length says where the client ends: two clients never share an account, whatever they are called.
        return self.pseudonym(f"compte/{len(client)}/{client}{agent}")

    def document(self, text: str) -> str:
        """A stand-in for the text of an operation, which may hold a name that somebody is looked for by."""
        return self.pseudonym(f"document/{text}")

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
        plain = json.dumps(position).encode()
        # To a whole number of blocks: a sealed text is as long as its own, and a position may hold a name.
        padded = plain.ljust(-(-len(plain) // CURSOR_BLOCK) * CURSOR_BLOCK)
        return _text(self._sealer.seal(_CURSOR, padded, bound_to.encode()))

    def open_cursor(self, cursor: str, bound_to: str) -> list[Any] | None:
        """The position, or None when the cursor is not ours or belongs to another list."""
        plain = self._open(_CURSOR, cursor, bound_to.encode())
        return None if plain is None else list(json.loads(plain))

    def _open(self, usage: str, text: str, bound_to: bytes) -> bytes | None:
        if len(text) > SIZE_MAX:
            return None
        try:
            sealed = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
        except ValueError:
            return None
        return self._sealer.open(usage, sealed, bound_to)


def _text(sealed: bytes) -> str:
    return base64.urlsafe_b64encode(sealed).rstrip(b"=").decode()


@dataclass(frozen=True, slots=True)
class Anchor:
    """A place in the chain: the number of the entry before it, and the digest of everything up to that entry."""

    numero: int
    digest: bytes

    def __str__(self) -> str:
        return f"{self.numero}:{self.digest.hex()}"

    @classmethod
    def read(cls, text: str) -> "Anchor":
        """From its written form. Raises ValueError."""
        numero, _, digest = text.partition(":")
        return cls(int(numero), bytes.fromhex(digest))


GENESIS = Anchor(0, bytes(32))


def next_(sealer: Sealer, anchor: Anchor, content: bytes, persons: bytes) -> Anchor:
    """The place after one more entry."""
    numero = anchor.numero + 1
    entry = numero.to_bytes(8, "big") + len(content).to_bytes(8, "big") + content + persons
    return Anchor(numero, sealer.mac("journal/entree", anchor.digest + entry))


def anchor_mac(sealer: Sealer, name: str, anchor: Anchor) -> bytes:
    """Signs a place under a name, "debut" or "fin": neither can be moved, nor stand for the other."""
    return sealer.mac(f"journal/{name}", anchor.numero.to_bytes(8, "big") + anchor.digest)


class ChainKeys:
    """The keys that sign a chain, one at a time: the end of the chain tells which. The others verify what they signed."""

    def __init__(self, ring: Sequence[Sealer]) -> None:
        self._ring = tuple(ring)

    @property
    def wanted(self) -> Sealer:
        """The one that is to sign."""
        return self._ring[0]

    def signer(self, name: str, anchor: Anchor, seal: bytes) -> Sealer | None:
        """Which of them signed a place under a name; None for none."""
        return next((sealer for sealer in self._ring if anchor_mac(sealer, name, anchor) == seal), None)

    def named(self, name: str) -> Sealer | None:
        return next((sealer for sealer in self._ring if sealer.name == name), None)


def number_of(code: str) -> int:
    """A code of an account as counters number what they count: its first 64 bits, signed as SQL wants them."""
    return (int(code[:16], 16) + HALF) % WHOLE - HALF
