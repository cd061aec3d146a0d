"""How an issuer of tokens is asked: what it publishes of itself, its keys, and what it says of a token; and its last good key
set, kept. Believes nothing of it beyond that its name is its own (RFC 8414 §3.3), and knows no JWK."""

import logging
import os
import struct
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

import httpx
from pydantic import HttpUrl

from gateway.concurrency import SingleFlight
from gateway.domain.seal import Sealer
from gateway.errors import SourceInvalid
from gateway.issuer_settings import IssuerSettings
from gateway.sources.http.credentials import basic
from gateway.sources.http.decode import InvalidDocument, decode_json, error_for_status
from gateway.sources.http.transport import Transport
from gateway.sources.partners.file_format import base_url_of
from gateway.system_reasons import reason_of

NAME = "identite"  # what an error calls any issuer
TIMEOUT = 3.0  # a start without the issuer nor a kept set must end within five
BYTES_MAX = 65_536  # of a key set, of metadata, of an answer
PUBLISHED_FOR = 600.0  # seconds for which what an issuer publishes of itself is not read again
USAGE = "jeu de clés"  # what a kept key set is sealed for
TOKEN_INTROSPECTION = "application/token-introspection+jwt"  # noqa: S105 - RFC 9701 §4

logger = logging.getLogger("gateway.cles")


class IssuerClient:
    """Asks one issuer. `secret` is what it knows us by; `seconds` is a clock."""

    def __init__(
        self, settings: IssuerSettings, secret: str, transport: Transport, seconds: Callable[[], float]
    ) -> None:
        self._settings, self._secret, self._transport = settings, secret, transport
        self._seconds = seconds
        self._metadata: dict[str, Any] = {}
        self._read_at = float("-inf")
        self._flights: SingleFlight[str, dict[str, Any]] = SingleFlight()

    async def keys(self) -> Any:
        """The document of its key set. Raises SourceError."""
        address = await self._address(self._settings.jwks_url, "jwks_uri")
        return await self._read(address)

    async def introspect(self, token: str) -> bytes | None:
        """Its answer about a token, as it came (RFC 7662, RFC 9701); None when it finds that it is no request (400), which a
        text that is no token of its own may be. Raises SourceError."""
        settings = self._settings.introspection
        if settings is None:
            raise SourceInvalid(NAME, "l'émetteur n'est pas interrogé")
        address = _safe(await self._address(settings.url, "introspection_endpoint"), "introspection_endpoint")
        form = {"token": token, "token_type_hint": "access_token"}
        headers = {"Accept": "application/json" if settings.reponse == "json" else TOKEN_INTROSPECTION}
        if settings.authentification == "basic":
            headers["Authorization"] = basic(f"{quote(settings.client, safe='')}:{quote(self._secret, safe='')}")
        else:
            form |= {"client_id": settings.client, "client_secret": self._secret}
        return await self._ask(httpx.Request("POST", address, data=form, headers=headers), httpx.codes.BAD_REQUEST)

    async def aclose(self) -> None:
        await self._transport.aclose()

    async def _address(self, own: HttpUrl | None, name: str) -> str:
        """The configured address, else the one that is published under that name."""
        if own is not None:
            return str(own)
        if self._seconds() - self._read_at > PUBLISHED_FOR:
            self._metadata = await self._flights.run(name, self._discover)
            self._read_at = self._seconds()
        return _safe(str(self._metadata.get(name)), name)

    async def _discover(self) -> dict[str, Any]:
        """What it publishes of itself, by OpenID Connect Discovery else by RFC 8414."""
        name = _safe(self._settings.emetteur, "emetteur").rstrip("/")
        parts = urlsplit(name)
        try:
            document = await self._read(f"{name}/.well-known/openid-configuration")
        except SourceInvalid:
            root = f"{parts.scheme}://{parts.netloc}"
            document = await self._read(f"{root}/.well-known/oauth-authorization-server{parts.path}")
        if not isinstance(document, dict) or document.get("issuer") != self._settings.emetteur:
            raise SourceInvalid(NAME, "ce que l'émetteur publie est d'un autre (issuer)")
        return document

    async def _read(self, address: str) -> Any:
        try:
            return decode_json(await self._ask(httpx.Request("GET", address)) or b"")
        except InvalidDocument as error:
            raise SourceInvalid(NAME, f"réponse invalide : {error}") from None

    async def _ask(self, request: httpx.Request, nothing: int | None = None) -> bytes | None:
        """The body of a 200, None for the status `nothing`. Raises SourceError for any other."""
        received = await self._transport.send(NAME, request, TIMEOUT, BYTES_MAX)
        if received.statut == nothing:
            return None
        if error := error_for_status(NAME, received.statut, "", datetime.now(UTC)):
            raise error
        return received.body


class JwksFile:
    """The last good key set of one issuer, on disk: a process that starts while the issuer is away goes on with it.

    Sealed for its issuer: whoever writes to the disk cannot make a key that signs, nor one issuer's sign for another. What
    fails costs the next start with the issuer away, not this one.
    """

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


def _safe(address: str, name: str) -> str:
    """An address that a token may be sent to, or that keys may be believed from: partners' rule. Raises SourceInvalid."""
    try:
        return base_url_of(address)
    except ValueError as error:
        raise SourceInvalid(NAME, f"{name} de l'émetteur : {error}") from None
