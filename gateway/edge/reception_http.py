"""Serves the v3 contract of ERPs (docs/reception.md): its address, its texts, its limits, as they know them. Knows no field.

An ERP changes one thing: the host that it calls. Statuses and bodies are therefore those of the service that the contract comes
from, where they are of use; the query string is never read, nor written.
"""

import asyncio
import logging
import time
import zlib
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any

import brotli
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from gateway.config import HttpSettings
from gateway.edge.connection_table import PROXY, ClientAddresses
from gateway.edge.graphql_http import MalformedRequest, read_body
from gateway.errors import ClientsUnavailable, Overloaded
from gateway.reception.reception import Reception, Transmitter
from gateway.reception.transmission import InvalidTransmission
from gateway.stores.quota_counters import Allowance, Balance, RateLimits
from gateway.stores.receptions import ReceptionUnavailable

PATH = "/api/v3/dossiers-apprenants"
BYTES_MAX = 10 * 1024 * 1024  # of a body, as it came and once it is inflated
BODY_TIMEOUT = 60.0  # seconds for a body to arrive
RETRY_AFTER = 5  # seconds
ALLOWED = Allowance("transmissions", 3000)  # of one organisation
GUESSES = Allowance("cles-fausses", 300)  # of one address
ERRORS = {  # the name that the contract gives a status
    400: "Bad Request",
    403: "Forbidden",
    408: "Request Time-out",
    413: "Request Entity Too Large",
    415: "Unsupported Media Type",
    429: "Too Many Requests",
    503: "Service Unavailable",
}
TOO_MANY = "Trop de requêtes, veuillez réessayer plus tard."
CHARSETS = {"utf-8": "utf-8", "utf8": "utf-8", "utf-16": "utf-16", "utf-16le": "utf-16-le", "utf-16be": "utf-16-be"}
INFLATED = {"gzip": zlib.MAX_WBITS | 16, "deflate": zlib.MAX_WBITS}
BROTLI, PART = "br", 64 * 1024  # bytes inflated at a time
TOO_LONG, CUT = f"Corps trop long : {BYTES_MAX} octets au plus.", "Le corps compressé est coupé."
NOT_AS_TOLD = "Le corps n'est pas compressé comme il le dit."
logger = logging.getLogger("gateway.reception")


class Turned(Exception):
    """A request that goes no further."""

    def __init__(self, status: int, message: str, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(message)
        self.status, self.headers = status, headers


@dataclass(frozen=True)
class ReceptionDoor:
    """What the routes share: the reception, who stands behind a connection, how much each may ask."""

    reception: Reception
    addresses: ClientAddresses
    rates: RateLimits

    async def identify(self, request: Request, told: str) -> tuple[Transmitter, dict[str, str]]:
        """Who transmits by what it tells of itself, and the headers that tell what is left to it. Raises Turned."""
        address = self._address(request)
        guesses = await self.rates.balance(GUESSES, address)
        if guesses.left == 0:
            raise Turned(429, TOO_MANY, _spent(guesses))
        transmitter = await self._transmitter(told)
        if isinstance(transmitter, str):
            await self.rates.spend(GUESSES, address, 1)
            raise Turned(403, transmitter)
        if over := await self.rates.spend(ALLOWED, transmitter.uai, 1):
            raise Turned(429, TOO_MANY, _spent(over))
        return transmitter, _left(await self.rates.balance(ALLOWED, transmitter.uai))

    async def _transmitter(self, told: str) -> Transmitter | str:
        """Who transmits, or why nobody is known."""
        if not told:
            return "Clé API manquante"
        if not told.startswith("Bearer "):
            return "La clé API doit etre au format Bearer"
        return await self.reception.transmitter(told.removeprefix("Bearer ")) or "La clé API n'est pas valide"

    def _address(self, request: Request) -> str:
        peer = self.addresses.of_peer(request.client.host if request.client else "")
        forwarded = (value for name, value in request.headers.raw if name == b"x-forwarded-for")
        return self.addresses.forwarded(forwarded) if peer == PROXY else peer


def _left(balance: Balance) -> dict[str, str]:
    return {
        "ratelimit-limit": str(balance.limit),
        "ratelimit-remaining": str(balance.left),
        "ratelimit-reset": str(balance.seconds),
        "ratelimit-policy": f"{balance.limit};w=60",
    }


def _spent(balance: Balance) -> dict[str, str]:
    return {**_left(balance), "retry-after": str(balance.seconds)}


def reception_door(reception: Reception | None, http: HttpSettings, rates: RateLimits) -> ReceptionDoor | None:
    """What the routes share; None where nothing is received."""
    return ReceptionDoor(reception, ClientAddresses(http.mandataires), rates) if reception else None


def reception_routes(door: ReceptionDoor | None) -> list[Route]:
    """The routes of ERPs; none where nothing is received."""
    if door is None:
        return []
    paths = [(path, serve) for path, serve in ((PATH, _receive), (f"{PATH}/test", _test))]
    return [
        Route(f"{path}{end}", _answering(door, serve), methods=["POST"]) for path, serve in paths for end in ("", "/")
    ]


Serve = Callable[[ReceptionDoor, Request, Transmitter], Awaitable[Response]]


def _answering(door: ReceptionDoor, serve: Serve) -> Callable[[Request], Awaitable[Response]]:
    """A route: whoever transmits is identified first, whatever fails is told as the contract tells it, and all is counted."""

    async def answer(request: Request) -> Response:
        start = time.monotonic()
        client, response = await _answer(door, serve, request)
        door.reception.metrics.answered(response.status_code)
        seconds = round(time.monotonic() - start, 3)
        logger.info("transmission : client=%s statut=%d secondes=%s", client, response.status_code, seconds)
        return response

    return answer


async def _answer(door: ReceptionDoor, serve: Serve, request: Request) -> tuple[str, Response]:
    client, left = "", dict[str, str]()
    try:
        transmitter, left = await door.identify(request, request.headers.get("authorization", ""))
        client = transmitter.client
        response = await serve(door, request, transmitter)
    except InvalidTransmission as error:
        response = _refusal(400, str(error), details=error.details)
    except (Turned, MalformedRequest) as error:
        response = _refusal(error.status, str(error), getattr(error, "headers", None))
    except Overloaded as error:
        response = _refusal(503, str(error), {"retry-after": str(RETRY_AFTER)})
    except (ReceptionUnavailable, ClientsUnavailable) as error:
        # Not the 400 that the contract knows here: an ERP would give up, and what it transmits be lost.
        logger.error("réception indisponible : %s", error)
        response = _refusal(503, "La réception est momentanément indisponible.", {"retry-after": str(RETRY_AFTER)})
    response.headers.update({name: value for name, value in left.items() if name not in response.headers})
    return client, response


async def _receive(door: ReceptionDoor, request: Request, transmitter: Transmitter) -> Response:
    async with door.reception.places.hold():  # before the body is read: those who wait hold none
        body = await asyncio.to_thread(_decoded, request, await read_body(request, BYTES_MAX, seconds=BODY_TIMEOUT))
        return Response(await door.reception.receive(transmitter, body), media_type="application/json")


async def _test(_: ReceptionDoor, __: Request, ___: Transmitter) -> Response:
    return JSONResponse({"msg": "ok"})


def _decoded(request: Request, raw: bytes) -> bytes:
    """The body as UTF-8, inflated within its bound; nothing where it is no JSON. Raises Turned."""
    nature, _, parameters = request.headers.get("content-type", "").partition(";")
    if nature.strip().lower() != "application/json":
        return b""
    body = _inflated(request.headers.get("content-encoding", "identity").strip().lower(), raw)
    written = parameters.strip().lower().replace('"', "").removeprefix("charset=") or "utf-8"
    charset = CHARSETS.get(written.strip())
    if charset is None:
        raise Turned(415, "Jeu de caractères non lu : envoyer de l'UTF-8.")
    if charset == "utf-8":
        return body.removeprefix(b"\xef\xbb\xbf")
    try:
        # Half a character is of one value, which is told.
        return body.decode(charset, "surrogatepass").encode(errors="surrogatepass")
    except UnicodeError:
        raise Turned(400, "Le corps n'est pas écrit dans le jeu de caractères qu'il dit.") from None


def _inflated(encoding: str, raw: bytes) -> bytes:
    if encoding == "identity":
        return raw
    if encoding == BROTLI:
        return _inflated_brotli(raw)
    if encoding not in INFLATED:
        raise Turned(415, "Compression non lue : envoyer gzip, deflate, br, ou rien.")
    whole = bytearray()
    try:
        while raw:
            inflater = zlib.decompressobj(INFLATED[encoding])
            whole += inflater.decompress(raw, BYTES_MAX + 1 - len(whole))
            if len(whole) > BYTES_MAX:
                raise Turned(413, TOO_LONG)
            if not inflater.eof:
                raise Turned(400, CUT)
            raw = inflater.unused_data  # gzip: several may follow each other
    except zlib.error:
        raise Turned(400, NOT_AS_TOLD) from None
    return bytes(whole)


def _inflated_brotli(raw: bytes) -> bytes:
    """The same, a part at a time: a hundred bytes may say a hundred megabytes."""
    inflater, whole = brotli.Decompressor(), bytearray()
    try:
        whole += inflater.process(raw, output_buffer_limit=PART)
        while len(whole) <= BYTES_MAX and not inflater.can_accept_more_data():
            whole += inflater.process(b"", output_buffer_limit=PART)
    except brotli.error:
        raise Turned(400, NOT_AS_TOLD) from None
    if len(whole) > BYTES_MAX:
        raise Turned(413, TOO_LONG)
    if not inflater.is_finished():
        raise Turned(400, CUT)
    return bytes(whole)


def _refusal(
    status: int, message: str, headers: Mapping[str, str] | None = None, details: list[dict[str, Any]] | None = None
) -> Response:
    body: dict[str, Any] = {"error": ERRORS.get(status, "Bad Request"), "message": message}
    return JSONResponse({**body, **({"details": details} if details else {})}, status, headers)
