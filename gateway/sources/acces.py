"""How a request proves who we are: one `httpx.Auth` a credential. Knows no partner; keeps secrets out of every repr.

Keys go in a header or in the query; Basic, Bearer and OAuth2 client credentials in Authorization.
"""

import asyncio
import base64
from collections.abc import AsyncGenerator, Generator, Mapping
from urllib.parse import quote

import httpx
from pydantic import SecretStr

from gateway.sources.decodage import DocumentInvalide, decoder_json
from gateway.sources.partenaires import Acces

Preuve = httpx.Auth


class AccesRefuse(Exception):
    """No token was granted to us. The message is French and holds no secret."""


class EnTetes(httpx.Auth):
    """Headers set on every request; one of them may be the secret."""

    def __init__(self, entetes: Mapping[str, str]) -> None:
        self._entetes = entetes

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        request.headers.update(self._entetes)
        yield request


class Parametre(EnTetes):
    """The secret in the query, in place of whatever a `next` link repeats of it."""

    def __init__(self, nom: str, secret: str, entetes: Mapping[str, str]) -> None:
        super().__init__(entetes)
        self._nom, self._secret = nom, secret

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        request.url = request.url.copy_set_param(self._nom, self._secret)
        yield from super().auth_flow(request)


class ClientOAuth2(EnTetes):
    """Client credentials: one token for concurrent requests, renewed once when the partner answers 401."""

    def __init__(self, url_jeton: str, compte: str, entetes: Mapping[str, str]) -> None:
        super().__init__(entetes)
        self._url, self._compte = url_jeton, compte
        self._verrou = asyncio.Lock()
        self._jeton = ""

    async def async_auth_flow(self, request: httpx.Request) -> AsyncGenerator[httpx.Request, httpx.Response]:
        request.headers.update(self._entetes)
        refuse = ""
        for _ in range(2):
            async with self._verrou:
                if self._jeton == refuse:
                    self._jeton = _jeton((yield self._demande()))
                refuse = self._jeton
            request.headers["Authorization"] = f"Bearer {refuse}"
            response = yield request
            if response.status_code != httpx.codes.UNAUTHORIZED:
                return

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


def _jeton(response: httpx.Response) -> str:
    try:
        document = decoder_json(response.content) if response.status_code == httpx.codes.OK else {}
    except DocumentInvalide:
        document = {}
    jeton = document.get("access_token") if isinstance(document, dict) else None
    if not isinstance(jeton, str) or not jeton or not jeton.isascii() or not jeton.isprintable():
        raise AccesRefuse("jeton refusé par le partenaire")
    return jeton
