"""What a level shows of an object that no longer changes: its bytes, kept with the object. Knows no view and no caller."""

from typing import Any

import orjson

from gateway.auth.sentinelle import fuite
from gateway.errors import FuiteArretee
from gateway.execution.lecture import Arguments, Chemin, Rendu

FRAGMENTS_MAX = 4  # of one object, a level each


def fragment(objet: Any, niveau: Rendu, chemin: Chemin, arguments: Arguments) -> Any:
    """What `niveau` shows of an object: encoded once where its bytes may be kept, as a value everywhere else.

    Bytes cannot be looked into any more: the sentinel reads them before they are. Raises FuiteArretee.
    """
    gardes = getattr(objet, "kept_bytes", None) if arguments.figes else None
    if gardes is None:
        return niveau(objet, arguments)
    garde = gardes.get(niveau)
    if garde is None:
        rendu = _verifie(niveau(objet, arguments), chemin, arguments)
        if len(gardes) >= FRAGMENTS_MAX:
            gardes.clear()
        garde = gardes[niveau] = orjson.Fragment(orjson.dumps(rendu))
    return garde


def _verifie(rendu: Any, chemin: Chemin, arguments: Arguments) -> Any:
    interdits: Any = arguments.interdits
    for cle in chemin:
        interdits = interdits.get(cle, {})
    if trouvee := fuite(rendu, interdits):
        raise FuiteArretee(".".join((*chemin, *trouvee)))
    return rendu
