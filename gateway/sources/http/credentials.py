"""How a request proves who we are. Knows no partner and no transport; keeps secrets out of every repr.

Keys go in a header or in the query; Basic, Bearer and OAuth2 client credentials in Authorization.
"""

import asyncio
import base64
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from urllib.parse import quote

import httpx
from pydantic import SecretStr

from gateway.sources.http.decode import InvalidDocument, decode_json
from gateway.sources.partners.load import AccessConfig

NO_TOKEN = "jeton refusé par le partenaire"  # noqa: S105 - a message
MARGIN = 30.0  # seconds before its end from which a token is no longer sent


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
    """Client credentials: one token for concurrent requests, renewed a little before it expires, and once when the partner
    answers 401. `client`: its id and secret; `seconds` is a clock."""

    renewable = True

    def __init__(self, acces: AccessConfig, client: tuple[str, str], seconds: Callable[[], float]) -> None:
        super().__init__(acces.headers)
        self._access, self._client, self._seconds = acces, client, seconds
        self._lock = asyncio.Lock()
        self._bearer = ""  # the value of Authorization; empty before the first token
        self._until = float("inf")

    async def sign(self, request: httpx.Request, exchange: ExchangeFn) -> None:
        # What the request already bears was refused. Whoever comes second finds the token that the first one asked for.
        refused = request.headers.get("Authorization", "")
        async with self._lock:
            if self._bearer == refused or self._seconds() >= self._until:
                token, lasts = _token(await exchange(self._token_request()))
                self._bearer, self._until = f"Bearer {token}", self._seconds() + max(lasts - MARGIN, lasts / 2)
            request.headers.update({**self._headers, "Authorization": self._bearer})

    def _token_request(self) -> httpx.Request:
        data, (name, secret) = {"grant_type": "client_credentials"}, self._client
        if self._access.scope:
            data["scope"] = self._access.scope
        if self._access.in_form:
            return httpx.Request(
                "POST", self._access.url_jeton, data={**data, "client_id": name, "client_secret": secret}
            )
        account = f"{quote(name, safe='')}:{quote(secret, safe='')}"  # RFC 6749 §2.3.1
        return httpx.Request("POST", self._access.url_jeton, data=data, headers={"Authorization": basic(account)})


def credential(
    acces: AccessConfig, secret: SecretStr, client: str = "", seconds: Callable[[], float] = time.monotonic
) -> Credential:
    """The proof for a credential; `secret` and `client` are the access's own or its tenant's."""
    value = secret.get_secret_value()
    if acces.type == "oauth2":
        return OAuth2Credential(acces, (client or acces.nom, value), seconds)
    if acces.type == "parametre":
        return QueryCredential(acces.nom, value, acces.headers)
    name = acces.nom if acces.type == "entete" else "Authorization"
    shape = {"entete": value, "porteur": f"Bearer {value}", "basic": basic(value)}[acces.type]
    return Credential({**acces.headers, name: shape})


def basic(account: str) -> str:
    """The header of a Basic account, `name:password`."""
    return "Basic " + base64.b64encode(account.encode()).decode()


def _token(received: RawResponse) -> tuple[str, float]:
    """The token, and for how many seconds; for ever, where the issuer does not say."""
    try:
        document = decode_json(received.body) if received.statut == httpx.codes.OK else {}
    except InvalidDocument:
        document = {}
    told = document if isinstance(document, dict) else {}
    token, lasts = told.get("access_token"), str(told.get("expires_in") or "")
    if not isinstance(token, str) or not token or not token.isascii() or not token.isprintable():
        raise AccessDenied(NO_TOKEN)
    return token, float(lasts[:9]) if lasts.isascii() and lasts.isdigit() else float("inf")
