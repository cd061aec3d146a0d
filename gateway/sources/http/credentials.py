"""How a request proves who we are. Knows no partner and no transport; keeps secrets out of every repr.

Keys go in a header or in the query; Basic, Bearer and OAuth2 client credentials in Authorization.
"""

import asyncio
import base64
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from urllib.parse import quote

import httpx
from pydantic import SecretStr

from gateway.sources.http.decode import InvalidDocument, decode_json
from gateway.sources.partners.load import AccessConfig


@dataclass(frozen=True, slots=True)
class RawResponse:
    """An answer as it came: the headers that we read, and the decoded body of a 200."""

    statut: int
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""


ExchangeFn = Callable[[httpx.Request], Awaitable[RawResponse]]


class AccessDenied(Exception):
    """No token was granted to us. The message is French and holds no secret."""


class Credential:
    """Proves who we are on a request, once before it is sent and, if `renewable`, once more after a 401: by headers set on
    every request, one of which may be the secret, or by more."""

    renewable = False

    def __init__(self, headers: Mapping[str, str]) -> None:
        self._headers = headers

    async def sign(self, request: httpx.Request, exchange: ExchangeFn) -> None:
        """Put the proof on a request; what must be asked for first is asked by `exchange`. Raises AccessDenied."""
        request.headers.update(self._headers)


class QueryCredential(Credential):
    """The secret in the query, in place of whatever a `next` link repeats of it."""

    def __init__(self, name: str, secret: str, headers: Mapping[str, str]) -> None:
        super().__init__(headers)
        self._name, self._secret = name, secret

    async def sign(self, request: httpx.Request, exchange: ExchangeFn) -> None:
        request.url = request.url.copy_set_param(self._name, self._secret)
        request.headers.update(self._headers)


class OAuth2Credential(Credential):
    """Client credentials: one token for concurrent requests, renewed once when the partner answers 401."""

    renewable = True

    def __init__(self, token_url: str, account: str, headers: Mapping[str, str]) -> None:
        super().__init__(headers)
        self._url, self._account = token_url, account
        self._lock = asyncio.Lock()
        self._bearer = ""  # the value of Authorization; empty before the first token

    async def sign(self, request: httpx.Request, exchange: ExchangeFn) -> None:
        # What the request already bears was refused. Whoever comes second finds the token that the first one asked for.
        refused = request.headers.get("Authorization", "")
        async with self._lock:
            if self._bearer == refused:
                self._bearer = "Bearer " + _token(await exchange(self._token_request()))
            request.headers.update({**self._headers, "Authorization": self._bearer})

    def _token_request(self) -> httpx.Request:
        data = {"grant_type": "client_credentials"}
        return httpx.Request("POST", self._url, data=data, headers={"Authorization": basic(self._account)})


def credential(acces: AccessConfig, secret: SecretStr) -> Credential:
    """The proof for a credential; `secret` is the access's own or its tenant's."""
    value = secret.get_secret_value()
    if acces.type == "oauth2":
        account = f"{quote(acces.nom, safe='')}:{quote(value, safe='')}"  # RFC 6749 §2.3.1
        return OAuth2Credential(acces.url_jeton, account, acces.headers)
    if acces.type == "parametre":
        return QueryCredential(acces.nom, value, acces.headers)
    name = acces.nom if acces.type == "entete" else "Authorization"
    shape = {"entete": value, "porteur": f"Bearer {value}", "basic": basic(value)}[acces.type]
    return Credential({**acces.headers, name: shape})


def basic(account: str) -> str:
    """The header of a Basic account, `name:password`."""
    return "Basic " + base64.b64encode(account.encode()).decode()


def _token(received: RawResponse) -> str:
    try:
        document = decode_json(received.body) if received.statut == httpx.codes.OK else {}
    except InvalidDocument:
        document = {}
    token = document.get("access_token") if isinstance(document, dict) else None
    if not isinstance(token, str) or not token or not token.isascii() or not token.isprintable():
        raise AccessDenied("jeton refusé par le partenaire")
    return token
