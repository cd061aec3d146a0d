"""How a request proves who we are. Knows no partner and no transport; keeps secrets out of every repr.

Keys go in a header or in the query; Basic, Bearer and OAuth2 client credentials in Authorization.
"""

import asyncio
import base64
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Protocol
from urllib.parse import quote

import httpx
from pydantic import SecretStr

from gateway.sources.decodage import DocumentInvalide, decoder_json
from gateway.sources.partenaires import Acces


@dataclass(frozen=True, slots=True)
class Recue:
    """An answer as it came: the headers that we read, and the decoded body of a 200."""

    statut: int
    entetes: Mapping[str, str] = field(default_factory=dict)
    corps: bytes = b""


Echanger = Callable[[httpx.Request], Awaitable[Recue]]


class Preuve(Protocol):
    """Sends a request by `echanger`, with the proof."""

    async def envoyer(self, requete: httpx.Request, echanger: Echanger) -> Recue: ...


class AccesRefuse(Exception):
    """No token was granted to us. The message is French and holds no secret."""


class EnTetes:
    """Headers set on every request; one of them may be the secret."""

    def __init__(self, entetes: Mapping[str, str]) -> None:
        self._entetes = entetes

    async def envoyer(self, requete: httpx.Request, echanger: Echanger) -> Recue:
        requete.headers.update(self._entetes)
        return await echanger(requete)


class Parametre(EnTetes):
    """The secret in the query, in place of whatever a `next` link repeats of it."""

    def __init__(self, nom: str, secret: str, entetes: Mapping[str, str]) -> None:
        super().__init__(entetes)
        self._nom, self._secret = nom, secret

    async def envoyer(self, requete: httpx.Request, echanger: Echanger) -> Recue:
        requete.url = requete.url.copy_set_param(self._nom, self._secret)
        return await super().envoyer(requete, echanger)


class ClientOAuth2(EnTetes):
    """Client credentials: one token for concurrent requests, renewed once when the partner answers 401."""

    def __init__(self, url_jeton: str, compte: str, entetes: Mapping[str, str]) -> None:
        super().__init__(entetes)
        self._url, self._compte = url_jeton, compte
        self._verrou = asyncio.Lock()
        self._jeton = ""

    async def envoyer(self, requete: httpx.Request, echanger: Echanger) -> Recue:
        requete.headers.update(self._entetes)
        jeton = await self._autre_que("", echanger)
        recue = await self._porter(jeton, requete, echanger)
        if recue.statut == httpx.codes.UNAUTHORIZED:
            recue = await self._porter(await self._autre_que(jeton, echanger), requete, echanger)
        return recue

    async def _autre_que(self, refuse: str, echanger: Echanger) -> str:
        """The token of the moment, asked for when it is the one that was refused."""
        async with self._verrou:
            if self._jeton == refuse:
                self._jeton = _jeton(await echanger(self._demande()))
            return self._jeton

    async def _porter(self, jeton: str, requete: httpx.Request, echanger: Echanger) -> Recue:
        requete.headers["Authorization"] = f"Bearer {jeton}"
        return await echanger(requete)

    def _demande(self) -> httpx.Request:
        data = {"grant_type": "client_credentials"}
        return httpx.Request("POST", self._url, data=data, headers={"Authorization": _basic(self._compte)})


def preuve(acces: Acces, secret: SecretStr) -> Preuve:
    """The proof for a credential; `secret` is the access's own or its tenant's."""
    valeur = secret.get_secret_value()
    if acces.type == "oauth2":
        compte = f"{quote(acces.nom, safe='')}:{quote(valeur, safe='')}"  # RFC 6749 §2.3.1
        return ClientOAuth2(acces.url_jeton, compte, acces.entetes)
    if acces.type == "parametre":
        return Parametre(acces.nom, valeur, acces.entetes)
    nom = acces.nom if acces.type == "entete" else "Authorization"
    forme = {"entete": valeur, "porteur": f"Bearer {valeur}", "basic": _basic(valeur)}[acces.type]
    return EnTetes({**acces.entetes, nom: forme})


def _basic(compte: str) -> str:
    return "Basic " + base64.b64encode(compte.encode()).decode()


def _jeton(recue: Recue) -> str:
    try:
        document = decoder_json(recue.corps) if recue.statut == httpx.codes.OK else {}
    except DocumentInvalide:
        document = {}
    jeton = document.get("access_token") if isinstance(document, dict) else None
    if not isinstance(jeton, str) or not jeton or not jeton.isascii() or not jeton.isprintable():
        raise AccesRefuse("jeton refusé par le partenaire")
    return jeton
