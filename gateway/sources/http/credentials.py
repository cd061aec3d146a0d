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

from gateway.sources.http.decode import InvalidDocument, decoder_json
from gateway.sources.partners.load import AccessConfig


@dataclass(frozen=True, slots=True)
class RawResponse:
    """An answer as it came: the headers that we read, and the decoded body of a 200."""

    statut: int
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""


ExchangeFn = Callable[[httpx.Request], Awaitable[RawResponse]]


class Credential(Protocol):
    """Sends a request by `exchange`, with the proof."""

    async def send(self, partner_request: httpx.Request, exchange: ExchangeFn) -> RawResponse: ...


class AccessDenied(Exception):
    """No token was granted to us. The message is French and holds no secret."""


class HeaderCredential:
    """Headers set on every request; one of them may be the secret."""

    def __init__(self, headers: Mapping[str, str]) -> None:
        self._headers = headers

    async def send(self, partner_request: httpx.Request, exchange: ExchangeFn) -> RawResponse:
        partner_request.headers.update(self._headers)
        return await exchange(partner_request)


class QueryCredential(HeaderCredential):
    """The secret in the query, in place of whatever a `next` link repeats of it."""

    def __init__(self, nom: str, secret: str, headers: Mapping[str, str]) -> None:
        super().__init__(headers)
        self._name, self._secret = nom, secret

    async def send(self, partner_request: httpx.Request, exchange: ExchangeFn) -> RawResponse:
        partner_request.url = partner_request.url.copy_set_param(self._name, self._secret)
        return await super().send(partner_request, exchange)


class OAuth2Credential(HeaderCredential):
    """Client credentials: one token for concurrent requests, renewed once when the partner answers 401."""

    def __init__(self, url_jeton: str, account: str, headers: Mapping[str, str]) -> None:
        super().__init__(headers)
        self._url, self._account = url_jeton, account
        self._lock = asyncio.Lock()
        self._token = ""

    async def send(self, partner_request: httpx.Request, exchange: ExchangeFn) -> RawResponse:
        partner_request.headers.update(self._headers)
        token = await self._other_than("", exchange)
        received = await self._carry(token, partner_request, exchange)
        if received.statut == httpx.codes.UNAUTHORIZED:
            received = await self._carry(await self._other_than(token, exchange), partner_request, exchange)
        return received

    async def _other_than(self, refuses: str, exchange: ExchangeFn) -> str:
        """The token of the moment, asked for when it is the one that was refused."""
        async with self._lock:
            if self._token == refuses:
                self._token = _token(await exchange(self._request()))
            return self._token

    async def _carry(self, token: str, partner_request: httpx.Request, exchange: ExchangeFn) -> RawResponse:
        partner_request.headers["Authorization"] = f"Bearer {token}"
        return await exchange(partner_request)

    def _request(self) -> httpx.Request:
        data = {"grant_type": "client_credentials"}
        return httpx.Request("POST", self._url, data=data, headers={"Authorization": _basic(self._account)})


def credential(acces: AccessConfig, secret: SecretStr) -> Credential:
    """The proof for a credential; `secret` is the access's own or its tenant's."""
    value = secret.get_secret_value()
    if acces.type == "oauth2":
        account = f"{quote(acces.nom, safe='')}:{quote(value, safe='')}"  # RFC 6749 §2.3.1
        return OAuth2Credential(acces.url_jeton, account, acces.headers)
    if acces.type == "parametre":
        return QueryCredential(acces.nom, value, acces.headers)
    name = acces.nom if acces.type == "entete" else "Authorization"
    shape = {"entete": value, "porteur": f"Bearer {value}", "basic": _basic(value)}[acces.type]
    return HeaderCredential({**acces.headers, name: shape})


def _basic(account: str) -> str:
    return "Basic " + base64.b64encode(account.encode()).decode()


def _token(received: RawResponse) -> str:
    try:
        document = decoder_json(received.body) if received.statut == httpx.codes.OK else {}
    except InvalidDocument:
        document = {}
    token = document.get("access_token") if isinstance(document, dict) else None
    if not isinstance(token, str) or not token or not token.isascii() or not token.isprintable():
        raise AccessDenied("jeton refusé par le partenaire")
    return token
