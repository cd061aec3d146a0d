"""How a received dossier is written at rest: small, sealed, and readable under its own key only. Knows no field and no SQL."""

import json
import zlib
from collections.abc import Mapping
from typing import Any

from gateway.domain.seal import Sealer
from gateway.stores.reception_tables import ReceivedDossier

USAGE = "reception"


def sealed_dossier(key: str, uai: str, record: Mapping[str, Any], sealer: Sealer) -> ReceivedDossier:
    """A dossier of a CFA as it is kept."""
    plain = json.dumps(record, sort_keys=True, ensure_ascii=False).encode()
    return ReceivedDossier(
        key=key,
        uai=uai,
        digest=sealer.mac(f"{USAGE}/contenu", plain).hex()[:32],
        sealed=sealer.seal(USAGE, zlib.compress(plain), key.encode()),
    )


def opened(key: str, sealed: bytes, sealer: Sealer) -> dict[str, Any] | None:
    """What a kept dossier says; None for what was not sealed so."""
    plain = sealer.open(USAGE, sealed, key.encode())
    record: dict[str, Any] | None = json.loads(zlib.decompress(plain)) if plain is not None else None
    return record
