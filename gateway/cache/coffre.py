"""Values as sealed bytes: what a shared cache may hold at rest. Knows neither what a value is nor where it is kept.

Sealed with authenticated encryption, bound to the name of the key, so that bytes moved to another key open as nothing.
Keys rotate: the first seals, all of them open. Names are given by the last, so that what was kept survives a rotation.
"""

import json
import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache, partial
from typing import Any

from gateway.cache.seam import Garde
from gateway.domain.sceau import Sceau

NOMS = "cache/noms"
NOMS_MAX = 20_000


@dataclass(frozen=True, slots=True)
class Codec:
    """How a value is written. Another `version` is another format: what it wrote is not read."""

    version: str
    ecrire: Callable[[Any], bytes]
    lire: Callable[[bytes], Any]


class Coffre:
    """Seals and opens. `sceaux`: the current key first, then those that still open."""

    def __init__(self, sceaux: Sequence[Sceau], codec: Codec) -> None:
        self._sceaux, self._codec = tuple(sceaux), codec
        self._usage = f"cache/{codec.version}"
        self._nom = lru_cache(NOMS_MAX)(partial(self._sceaux[-1].pseudonyme, NOMS))  # each read names its keys twice

    def nom(self, cle: str) -> str:
        """The name a key has outside: an HMAC, that tells nothing to who does not hold our keys."""
        return self._nom(cle)

    def fermer(self, nom: str, garde: Garde) -> bytes:
        faits = [garde.version, garde.ne_a, garde.expire_a, garde.generation, garde.octets, garde.marque]
        tete = json.dumps(faits).encode()
        clair = zlib.compress(tete + b"\n" + self._codec.ecrire(garde.valeur), 1)
        return self._sceaux[0].sceller(self._usage, clair, nom.encode())

    def ouvrir(self, nom: str, scelle: bytes) -> Garde | None:
        """What was sealed under that name, None for anything else."""
        clairs = (sceau.ouvrir(self._usage, scelle, nom.encode()) for sceau in self._sceaux)
        clair = next((clair for clair in clairs if clair is not None), None)
        try:
            return self._lire(clair) if clair else None
        except (ValueError, TypeError, LookupError, AttributeError):  # ours, but of a code that no longer is
            return None

    def _lire(self, clair: bytes) -> Garde:
        tete, _, corps = zlib.decompress(clair).partition(b"\n")
        return Garde(self._codec.lire(corps), *json.loads(tete))
