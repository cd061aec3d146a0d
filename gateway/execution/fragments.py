"""What a level shows of an object that no longer changes: its bytes, kept with the object. Knows no view and no caller."""

from typing import Any

import orjson

from gateway.auth.sentinelle import fuite
from gateway.errors import FuiteArretee
from gateway.execution.lecture import Arguments, Chemin, Rendu
from gateway.schema.contexte import FRAGMENTS

FRAGMENTS_MAX = 4096  # of the objects shown to the same rights, for all plans


def fragment(objet: Any, niveau: Rendu, chemin: Chemin, arguments: Arguments) -> Any:
    """What `niveau` shows of an object: encoded once where its bytes may be kept, as a value everywhere else.

    Bytes cannot be looked into any more: the sentinel reads them before they are. Raises FuiteArretee.
    """
    gardes = objet.__dict__.get(FRAGMENTS) if arguments.figes else None
    if gardes is None:
        return niveau(objet, arguments)
    cle = (niveau, objet.id)
    rendu = gardes.get(cle)
    return rendu if rendu is not None else _garder(gardes, cle, _verifie(niveau(objet, arguments), chemin, arguments))


def _verifie(rendu: Any, chemin: Chemin, arguments: Arguments) -> Any:
    interdits: Any = arguments.interdits
    for cle in chemin:
        interdits = interdits.get(cle, {})
    if trouvee := fuite(rendu, interdits):
        raise FuiteArretee(".".join((*chemin, *trouvee)))
    return rendu


def _garder(gardes: dict[Any, Any], cle: tuple[Rendu, str], rendu: Any) -> Any:
    if len(gardes) >= FRAGMENTS_MAX:
        gardes.clear()
    gardes[cle] = orjson.Fragment(orjson.dumps(rendu))
    return gardes[cle]
