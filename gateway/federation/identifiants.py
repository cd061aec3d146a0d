"""Ids and cursors of the graph: opaque, authenticated, not enumerable. Know no noun."""

import base64
import binascii
import json
from functools import lru_cache
from typing import Any

from gateway.domain.sceau import Sceau

_ID = "identifiant"
_CURSEUR = "curseur"
TAILLE_MAX = 2048
CLES_MAX = 65_536


class Identifiants:
    """Seals and opens ids (kind and key) and cursors (position, bound to what the list was)."""

    def __init__(self, sceau: Sceau) -> None:
        self._sceau = sceau
        self.cle = lru_cache(CLES_MAX)(self._cle)  # the same persons are shown again and again

    def pseudonyme(self, cle: str) -> str:
        """Stands for the secret key of a person or a contract; cannot be turned back."""
        return self._sceau.pseudonyme(_ID, cle)

    def sceller(self, nature: str, cle: str) -> str:
        """The public id of an object: the same for the same object, meaningless to whoever holds it."""
        return _texte(self._sceau.sceller(_ID, f"{nature}:{cle}".encode()))

    def ouvrir(self, identifiant: str) -> tuple[str, str] | None:
        """Kind and key of an id of ours; None for anything else."""
        clair = self._ouvrir(_ID, identifiant, b"")
        if clair is None:
            return None
        nature, _, cle = clair.decode().partition(":")
        return nature, cle

    def _cle(self, identifiant: str) -> str:
        """The key behind an id that we made. Raises KeyError for anything else."""
        lu = self.ouvrir(identifiant)
        if lu is None:
            raise KeyError("not an id of ours")
        return lu[1]

    def sceller_curseur(self, position: list[Any], lie_a: str) -> str:
        """A position, readable again only for the same list asked by the same perimeter (`lie_a`)."""
        return _texte(self._sceau.sceller(_CURSEUR, json.dumps(position).encode(), lie_a.encode()))

    def ouvrir_curseur(self, curseur: str, lie_a: str) -> list[Any] | None:
        """The position, or None when the cursor is not ours or belongs to another list."""
        clair = self._ouvrir(_CURSEUR, curseur, lie_a.encode())
        return None if clair is None else list(json.loads(clair))

    def _ouvrir(self, usage: str, texte: str, lie_a: bytes) -> bytes | None:
        if len(texte) > TAILLE_MAX:
            return None
        try:
            scelle = base64.b64decode(texte + "=" * (-len(texte) % 4), altchars=b"-_", validate=True)
        except (binascii.Error, ValueError):
            return None
        return self._sceau.ouvrir(usage, scelle, lie_a)


def _texte(scelle: bytes) -> str:
    return base64.urlsafe_b64encode(scelle).rstrip(b"=").decode()
