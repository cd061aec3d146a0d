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

from gateway.cache.seam import Entry
from gateway.domain.seal import Sealer

NAMES = "cache/noms"
NAMES_MAX = 20_000


@dataclass(frozen=True, slots=True)
class Codec:
    """How a value is written. Another `version` is another format: what it wrote is not read."""

    version: str
    write: Callable[[Any], bytes]
    read: Callable[[bytes], Any]


class SealedCodec:
    """Seals and opens. `sealers`: the current key first, then those that still open."""

    def __init__(self, sealers: Sequence[Sealer], codec: Codec) -> None:
        self._sealers, self._codec = tuple(sealers), codec
        self._usage = f"cache/{codec.version}"
        self._name = lru_cache(NAMES_MAX)(partial(self._sealers[-1].pseudonym, NAMES))  # each read names its keys twice

    def name(self, key: str) -> str:
        """The name a key has outside: an HMAC, that tells nothing to who does not hold our keys."""
        return self._name(key)

    def close(self, name: str, kept: Entry) -> bytes:
        facts = [kept.version, kept.ne_a, kept.expires_at, kept.generation, kept.bytes_, kept.mark]
        head = json.dumps(facts).encode()
        plain = zlib.compress(head + b"\n" + self._codec.write(kept.value), 1)
        return self._sealers[0].seal(self._usage, plain, name.encode())

    def open(self, name: str, sealed: bytes) -> Entry | None:
        """What was sealed under that name, None for anything else."""
        plain_texts = (sealer.open(self._usage, sealed, name.encode()) for sealer in self._sealers)
        plain = next((plain for plain in plain_texts if plain is not None), None)
        try:
            return self._read(plain) if plain else None
        except (ValueError, TypeError, LookupError, AttributeError):  # ours, but of a code that no longer is
            return None

    def _read(self, plain: bytes) -> Entry:
        head, _, body = zlib.decompress(plain).partition(b"\n")
        return Entry(self._codec.read(body), *json.loads(head))
