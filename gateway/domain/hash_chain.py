"""A chain of entries: each digest binds the whole past, so that none is changed, moved or taken away unseen. Pure.

Digests are HMAC: who writes in the store without the key of the gateway cannot make the chain again.
"""

from dataclasses import dataclass

from gateway.domain.seal import Sealer


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
