"""Calls by which a partner says that a tenant's data changed: verified, then believed of nothing but what to ask again.

Knows no HTTP. A signature is the HMAC-SHA256 of `<seconds>.<body>`; within the window, a call shown again invalidates again,
which costs the partner a request at most every `fraicheur.REPOS`.
"""

import hashlib
import hmac
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any

from pydantic import SecretStr

from gateway.connectors.base import Avis, ReponseInattendue
from gateway.sources.decodage import DocumentInvalide, decoder_json
from gateway.sources.evenements import unite_du_code
from gateway.sources.fetch import Sources
from gateway.sources.mesures import Mesures
from gateway.sources.partenaires import Partenaire

FENETRE = 300  # seconds, of clocks that differ and of networks that wait
INCONNU = "inconnu"  # whom nobody configured, in the figures


class Issue(Enum):
    """What became of a call; the value is its name in the figures."""

    INVALIDE = "invalide"
    SANS_OBJET = "sans_objet"  # of a tenant we do not read
    REFUSE = "refuse"
    ILLISIBLE = "illisible"  # signed, and not understood
    MUET = "muet"  # the cache does not answer: to be sent again


@dataclass(frozen=True, slots=True)
class Appel:
    """A call as it came."""

    horodatage: str
    signature: str
    corps: bytes


def authentique(secret: bytes, appel: Appel, secondes: float) -> bool:
    """Whether who knows the secret signed these bytes, no longer ago than the window."""
    signe = hmac.new(secret, f"{appel.horodatage}.".encode() + appel.corps, hashlib.sha256).hexdigest()
    valide = hmac.compare_digest(f"v1={signe}".encode(), appel.signature.encode(errors="replace"))
    lisible = appel.horodatage.isascii() and appel.horodatage.isdecimal() and len(appel.horodatage) <= 12
    return valide and lisible and abs(secondes - int(appel.horodatage)) <= FENETRE


@dataclass(frozen=True, slots=True)
class Ecoute:
    """A partner that calls, and how its calls are read."""

    partenaire: Partenaire
    avis: Callable[[Any], Avis]
    secret: SecretStr


class Receveur:
    """The partners that call, by name. `secondes`: since 1970."""

    def __init__(
        self, ecoutes: Mapping[str, Ecoute], sources: Sources, mesures: Mesures, secondes: Callable[[], float]
    ) -> None:
        self._ecoutes, self._sources, self._mesures, self._secondes = ecoutes, sources, mesures, secondes
        self._leurre = SecretStr(secrets.token_hex(32))  # an unknown partner takes the time of a known one

    async def recevoir(self, nom: str, appel: Appel) -> Issue:
        """Invalidate what a call names. Asks nothing of anybody."""
        ecoute = self._ecoutes.get(nom)
        secret = (ecoute.secret if ecoute else self._leurre).get_secret_value().encode()
        issue = Issue.REFUSE
        if authentique(secret, appel, self._secondes()) and ecoute:
            issue = await self._invalider(ecoute, appel.corps)
        self._mesures.evenement(nom if ecoute else INCONNU, issue.value)
        return issue

    async def _invalider(self, ecoute: Ecoute, corps: bytes) -> Issue:
        try:
            avis = ecoute.avis(decoder_json(corps))
        except (DocumentInvalide, ReponseInattendue):
            return Issue.ILLISIBLE
        unite = unite_du_code(ecoute.partenaire, avis.locataire)
        if unite is None:
            return Issue.SANS_OBJET
        return Issue.INVALIDE if await self._sources.invalider(unite) else Issue.MUET
