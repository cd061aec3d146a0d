"""Encrypts what must be opaque or kept at rest: ids, cursors, the registry's rows. Pure given its key."""

import base64
import hmac

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers.aead import AESSIV
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

KEY_BYTES = 32


class Sealer:
    """Deterministic authenticated encryption (AES-SIV, RFC 5297) with a key of its own for each usage (HKDF, RFC 5869).

    Usages are names written in code: each has its keys, derived once and kept.
    """

    def __init__(self, key: bytes) -> None:
        if len(key) != KEY_BYTES:
            raise ValueError("a sealing key is 32 bytes long")
        self._key = key
        self._ciphers: dict[str, AESSIV] = {}
        self._macs: dict[str, bytes] = {}

    def __repr__(self) -> str:
        return "Sceau()"

    @classmethod
    def from_text(cls, text: str) -> "Sealer":
        """From base64url text, padded or not. Raises ValueError, whose message holds nothing of the text."""
        try:
            return cls(base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True))
        except ValueError:
            raise ValueError("a sealing key is 32 bytes written in base64url") from None

    def seal(self, usage: str, plain: bytes, bound_to: bytes = b"") -> bytes:
        """Seal: readable again only for the same usage and `bound_to`. The same bytes always give the same seal."""
        return self._cipher(usage).encrypt(plain, [bound_to])

    def open(self, usage: str, sealed: bytes, bound_to: bytes = b"") -> bytes | None:
        """The clear bytes, or None for anything that was not sealed so."""
        try:
            return self._cipher(usage).decrypt(sealed, [bound_to])
        except (InvalidTag, ValueError):
            return None

    def pseudonym(self, usage: str, text: str) -> str:
        """A stable stand-in of 32 hexadecimal digits (HMAC-SHA256, cut), that cannot be turned back without the key."""
        return self.mac(usage, text.encode()).hex()[:32]

    def mac(self, usage: str, content: bytes) -> bytes:
        """32 bytes that only the key can make again (HMAC-SHA256)."""
        if usage not in self._macs:
            self._macs[usage] = self._derived(f"hmac-sha256/{usage}", 32)
        return hmac.digest(self._macs[usage], content, "sha256")

    def _cipher(self, usage: str) -> AESSIV:
        if usage not in self._ciphers:
            self._ciphers[usage] = AESSIV(self._derived(f"aes-siv/{usage}", 64))
        return self._ciphers[usage]

    def _derived(self, info: str, length: int) -> bytes:
        return HKDF(hashes.SHA256(), length, salt=None, info=info.encode()).derive(self._key)
