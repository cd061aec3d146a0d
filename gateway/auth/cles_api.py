"""API keys of machine partners, and the door that takes a token or a key. Knows no HTTP: header values are passed in.

A key is 256 random bits, shown once. The register holds its HMAC under a key derived from the gateway's own (the pepper),
so that a stolen register opens nothing and a guess is worth nothing without that key.
"""

import hmac
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date

from gateway.auth.cles import REFUS
from gateway.auth.clients import Client
from gateway.auth.jetons import Verificateur
from gateway.auth.viewer import Jeton
from gateway.domain.sceau import Sceau
from gateway.errors import AuthentificationForteRequise, NonAuthentifie

PREFIXE = "pa_"  # lets scanners of repositories recognise a lost key
LONGUEUR = len(PREFIXE) + 43
USAGE = "clé d'API"


def creer_cle() -> str:
    """A new key: 256 random bits in base64url, under the prefix of the house."""
    return PREFIXE + secrets.token_urlsafe(32)


def empreinte(sceau: Sceau, cle: str) -> str:
    """What the register holds of a key."""
    return sceau.pseudonyme(USAGE, cle)


@dataclass(frozen=True, slots=True)
class Porte:
    """Who is calling, by one credential and only one. `jour` gives today's date."""

    verificateur: Verificateur
    clients: Mapping[str, Client]
    sceau: Sceau
    jour: Callable[[], date]

    async def identifier(self, autorisation: str | None, cle: str | None) -> tuple[Jeton, Client]:
        """The bearer of an Authorization or of an X-Cle-Api header. Raises NonAuthentifie, the same whatever is wrong,
        AuthentificationForteRequise, or ClesIndisponibles."""
        if cle is None:
            jeton = await self.verificateur.verifier(autorisation)
        elif autorisation is None:
            jeton = Jeton(self._client_de(cle))
        else:
            raise NonAuthentifie(REFUS)
        client = self.clients.get(jeton.client)
        if client is None:
            raise NonAuthentifie(REFUS)
        if client.mfa and not jeton.mfa:
            raise AuthentificationForteRequise("Une authentification à deux facteurs est requise pour ce client.")
        return jeton, client

    def _client_de(self, cle: str) -> str:
        """Every key of the register is compared, in constant time."""
        if len(cle) != LONGUEUR or not cle.isascii():
            raise NonAuthentifie(REFUS)
        presentee, jour = empreinte(self.sceau, cle), self.jour()
        trouves = [
            nom
            for nom, client in self.clients.items()
            for connue in client.cles
            if hmac.compare_digest(connue.empreinte, presentee) and jour <= connue.expire
        ]
        if not trouves:
            raise NonAuthentifie(REFUS)
        return trouves[0]
