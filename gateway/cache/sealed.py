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

from gateway.cache.interface import Entry
from gateway.domain.seal import Sealer

NAMES = "cache/noms"  # a usage of the key: another text would lose all that is kept
NAMES_MAX = 40_000


@dataclass(frozen=True, slots=True)
class Codec:
    """The writing of values. Another `version` is another format: what it wrote is not read."""

    version: str
    write: Callable[[Any], bytes]
    read: Callable[[bytes], Any]


class SealedCodec:
    """Seals and opens. `sealers`: the current key first, then those that still open."""

    def __init__(self, sealers: Sequence[Sealer], codec: Codec) -> None:
        self._sealers, self._codec = tuple(sealers), codec
        self.form = codec.version
        self._usage = f"cache/{codec.version}"
        # The name of a key outside this process: an HMAC, which tells nothing to whoever does not hold our keys.
        # Each read names its keys twice, and the same keys are read again and again: an HMAC each time would be felt.
        self.name = lru_cache(NAMES_MAX)(partial(self._sealers[-1].pseudonym, NAMES))

    def close(self, name: str, entry: Entry) -> bytes:
        """The sealed bytes of an entry, which open under that name only."""
        facts = [entry.version, entry.said_at, entry.expires_at, entry.generation, entry.size, entry.mark]
        plain = zlib.compress(json.dumps(facts).encode() + b"\n" + self._codec.write(entry.value), 1)
        return self._sealers[0].seal(self._usage, plain, name.encode())

    def open(self, name: str, sealed: bytes) -> Entry | None:
        """The entry that was sealed under that name, None for anything else."""
        attempts = (sealer.open(self._usage, sealed, name.encode()) for sealer in self._sealers)
        plain = next((plain for plain in attempts if plain is not None), None)
        if not plain:
            return None
        try:
            head, _, body = zlib.decompress(plain).partition(b"\n")
            return Entry(self._codec.read(body), *json.loads(head))
        except (ValueError, TypeError, LookupError, AttributeError):  # sealed by us, under another form of the values
            return None
