"""The identity of a person as text that can be compared. Pure; exact only: likeness is scored elsewhere, later."""

import re
from datetime import date
from functools import lru_cache

from anyascii import anyascii

_LETTRES = re.compile(r"[^A-Z]")


@lru_cache(maxsize=65_536)
def normaliser_nom(nom: str) -> str:
    """Letters only, upper case, no accent: what case, hyphens, apostrophes and spacing change is one name."""
    return _LETTRES.sub("", anyascii(nom).upper())


def cle_identite(nom: str, prenom: str, date_naissance: date) -> str:
    """Exact key of a person; length-prefixed, so that two different triples never give one text. Never logged."""
    parties = (normaliser_nom(nom), normaliser_nom(prenom), date_naissance.isoformat())
    return "".join(f"{len(partie)}:{partie}" for partie in parties)
