"""Seals what must be opaque or kept at rest: ids, cursors, the registry's rows. Pure given its key."""

import base64
import hmac

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers.aead import AESSIV
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

OCTETS_CLE = 32


class Sceau:
    """Deterministic authenticated encryption (AES-SIV, RFC 5297) with a key of its own for each usage (HKDF, RFC 5869).

    Usages are names written in code: each has its keys, derived once and kept.
    """

    def __init__(self, cle: bytes) -> None:
        if len(cle) != OCTETS_CLE:
            raise ValueError("a sealing key is 32 bytes long")
        self._cle = cle
        self._chiffres: dict[str, AESSIV] = {}
        self._empreintes: dict[str, bytes] = {}

    def __repr__(self) -> str:
        return "Sceau()"

    @classmethod
    def depuis_texte(cls, texte: str) -> "Sceau":
        """From base64url text, padded or not. Raises ValueError, whose message holds nothing of the text."""
        try:
            return cls(base64.b64decode(texte + "=" * (-len(texte) % 4), altchars=b"-_", validate=True))
        except ValueError:
            raise ValueError("a sealing key is 32 bytes written in base64url") from None

    def sceller(self, usage: str, clair: bytes, lie_a: bytes = b"") -> bytes:
        """Seal: readable again only for the same usage and `lie_a`. The same bytes always give the same seal."""
        return self._chiffre(usage).encrypt(clair, [lie_a])

    def ouvrir(self, usage: str, scelle: bytes, lie_a: bytes = b"") -> bytes | None:
        """The clear bytes, or None for anything that was not sealed so."""
        try:
            return self._chiffre(usage).decrypt(scelle, [lie_a])
        except (InvalidTag, ValueError):
            return None

    def pseudonyme(self, usage: str, texte: str) -> str:
        """A stable stand-in of 32 hexadecimal digits (HMAC-SHA256, cut), that cannot be turned back without the key."""
        return self.empreinte(usage, texte.encode()).hex()[:32]

    def empreinte(self, usage: str, octets: bytes) -> bytes:
        """32 bytes that only the key can make again (HMAC-SHA256)."""
        if usage not in self._empreintes:
            self._empreintes[usage] = self._derivee(f"hmac-sha256/{usage}", 32)
        return hmac.digest(self._empreintes[usage], octets, "sha256")

    def _chiffre(self, usage: str) -> AESSIV:
        if usage not in self._chiffres:
            self._chiffres[usage] = AESSIV(self._derivee(f"aes-siv/{usage}", 64))
        return self._chiffres[usage]

    def _derivee(self, info: str, longueur: int) -> bytes:
        return HKDF(hashes.SHA256(), longueur, salt=None, info=info.encode()).derive(self._cle)
