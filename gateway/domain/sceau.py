"""Seals what must be opaque or kept at rest: ids, cursors, the registry's rows. Pure given its key."""

import base64
import hashlib
import hmac

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers.aead import AESSIV
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

OCTETS_CLE = 32


class Sceau:
    """Deterministic authenticated encryption (AES-SIV, RFC 5297) with a key of its own for each usage."""

    def __init__(self, cle: bytes) -> None:
        if len(cle) != OCTETS_CLE:
            raise ValueError("a sealing key is 32 bytes long")
        self._cle = cle
        self._chiffres: dict[str, AESSIV] = {}

    def __repr__(self) -> str:
        return "Sceau()"

    @classmethod
    def depuis_texte(cls, texte: str) -> "Sceau":
        """From base64url text. Raises ValueError."""
        return cls(base64.urlsafe_b64decode(texte + "=" * (-len(texte) % 4)))

    def sceller(self, usage: str, clair: bytes, lie_a: bytes = b"") -> bytes:
        """Seal; readable again only for the same usage, bound to the same name."""
        return self._chiffre(usage).encrypt(clair, [lie_a]) if clair else b""

    def ouvrir(self, usage: str, scelle: bytes, lie_a: bytes = b"") -> bytes | None:
        """The clear bytes, or None for anything that was not sealed so."""
        try:
            return self._chiffre(usage).decrypt(scelle, [lie_a])
        except (InvalidTag, ValueError):
            return None

    def pseudonyme(self, usage: str, texte: str) -> str:
        """A stable stand-in of 32 hexadecimal digits, that cannot be turned back."""
        return hmac.new(self._derivee(usage, 32), texte.encode(), hashlib.sha256).hexdigest()[:32]

    def _chiffre(self, usage: str) -> AESSIV:
        if usage not in self._chiffres:
            self._chiffres[usage] = AESSIV(self._derivee(usage + "/aes-siv", 64))
        return self._chiffres[usage]

    def _derivee(self, usage: str, longueur: int) -> bytes:
        return HKDF(hashes.SHA256(), longueur, salt=None, info=usage.encode()).derive(self._cle)
