"""The issuer's last good key set, on disk: a process that starts while the issuer is away goes on with it. Knows no JWK.

Sealed for its issuer: whoever writes to the disk cannot make a key that signs, nor one issuer's sign for another.
"""

import logging
import os
import struct
from pathlib import Path

from gateway.domain.seal import Sealer
from gateway.errors import reason_of

USAGE = "jeu de clés"

logger = logging.getLogger("gateway.cles")


class JwksFile:
    """One file, of one issuer. What fails costs the next start with the issuer away, not this one."""

    def __init__(self, path: Path, sealer: Sealer, issuer: str = "") -> None:
        self._path, self._sealer, self._issuer = path, sealer, issuer.encode()

    def keep(self, read_at: float, plain: bytes) -> None:
        """Replace the file, whole or not at all, whichever process does it."""
        draft = self._path.with_suffix(f".{os.getpid()}")
        try:
            draft.write_bytes(self._sealer.seal(USAGE, struct.pack(">d", read_at) + plain, self._issuer))
            os.replace(draft, self._path)
        except OSError as error:
            logger.warning("jeu de clés non gardé sur disque : %s", reason_of(error))

    def resume(self) -> tuple[float, bytes] | None:
        """The instant of the reading and the bytes; None when there is nothing that this gateway sealed."""
        try:
            sealed = self._path.read_bytes()
        except OSError:
            return None
        # 0.1.0 named no issuer: it had one. What it kept serves an hour at most (`jwks.SURVIVAL`).
        plain = self._sealer.open(USAGE, sealed, self._issuer) or self._sealer.open(USAGE, sealed)
        return (struct.unpack(">d", plain[:8])[0], plain[8:]) if plain else None
