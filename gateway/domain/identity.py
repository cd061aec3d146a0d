"""The identity of a person as text that can be compared. Pure.

Exact only: typos, truncated, inverted or usage names are other identities here. Likeness will be scored beside `cle_identite`,
and joined where records are (`gateway.federation.rapprochement`); nothing else compares names.
"""

import re
from datetime import date

from anyascii import anyascii

_AUTRES = re.compile(r"[^A-Z]+")


def normaliser_nom(nom: str) -> str:
    """Letters only, upper case, no accent, ligatures opened: LE GOFF, Le-Goff and LEGOFF are one name.

    Empty for a text without letters: such a name identifies nobody, and its record is the caller's to refuse.
    """
    texte = nom if nom.isascii() else anyascii(nom)
    return _AUTRES.sub("", texte.upper())


def cle_identite(nom: str, prenom: str, date_naissance: date) -> str:
    """Exact key of a person; length-prefixed, so that two different triples never give one text. Never logged."""
    parties = (normaliser_nom(nom), normaliser_nom(prenom), date_naissance.isoformat())
    return "".join(f"{len(partie)}:{partie}" for partie in parties)
