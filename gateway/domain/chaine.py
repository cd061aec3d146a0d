"""A chain of entries: each imprint binds the whole past, so that none is changed, moved or taken away unseen. Pure.

Imprints are HMAC: who writes in the store without the key of the gateway cannot make the chain again.
"""

from dataclasses import dataclass

from gateway.domain.sceau import Sceau


@dataclass(frozen=True, slots=True)
class Borne:
    """A place in the chain: the number of the entry before it, and the imprint of everything up to that entry."""

    numero: int
    empreinte: bytes

    def __str__(self) -> str:
        return f"{self.numero}:{self.empreinte.hex()}"

    @classmethod
    def lire(cls, texte: str) -> "Borne":
        """From its written form. Raises ValueError."""
        numero, _, empreinte = texte.partition(":")
        return cls(int(numero), bytes.fromhex(empreinte))


GENESE = Borne(0, bytes(32))


def suivante(sceau: Sceau, borne: Borne, contenu: bytes, personnes: bytes) -> Borne:
    """The place after one more entry."""
    numero = borne.numero + 1
    entree = numero.to_bytes(8, "big") + len(contenu).to_bytes(8, "big") + contenu + personnes
    return Borne(numero, sceau.empreinte("journal/entree", borne.empreinte + entree))


def sceau_de_borne(sceau: Sceau, nom: str, borne: Borne) -> bytes:
    """Signs a place under a name, "debut" or "fin": neither can be moved, nor stand for the other."""
    return sceau.empreinte(f"journal/{nom}", borne.numero.to_bytes(8, "big") + borne.empreinte)
