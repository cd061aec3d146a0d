"""The issuer's last good key set, on disk: a process that starts while the issuer is away goes on with it. Knows no JWK.

Sealed: whoever writes to the disk cannot make a key that signs.
"""

import logging
import os
import struct
from pathlib import Path

from gateway.domain.sceau import Sceau

USAGE = "jeu de clés"

journal = logging.getLogger("gateway.cles")


class ReserveDeCles:
    """One file. What fails costs the next start with the issuer away, not this one."""

    def __init__(self, chemin: Path, sceau: Sceau) -> None:
        self._chemin, self._sceau = chemin, sceau

    def garder(self, lu_a: float, octets: bytes) -> None:
        """Replace the file, whole or not at all, whichever process does it."""
        brouillon = self._chemin.with_suffix(f".{os.getpid()}")
        try:
            brouillon.write_bytes(self._sceau.sceller(USAGE, struct.pack(">d", lu_a) + octets))
            os.replace(brouillon, self._chemin)
        except OSError as erreur:
            journal.warning("jeu de clés non gardé sur disque : %s", erreur.strerror)

    def reprendre(self) -> tuple[float, bytes] | None:
        """The instant of the reading and the bytes; None when there is nothing that this gateway sealed."""
        try:
            clair = self._sceau.ouvrir(USAGE, self._chemin.read_bytes())
        except OSError:
            return None
        return (struct.unpack(">d", clair[:8])[0], clair[8:]) if clair else None
