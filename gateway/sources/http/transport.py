"""The one guarded HTTP client: httpx's requests and transports, without its client. Knows how to ask safely, and nothing of
what is asked nor of paging, caching or pacing.

Total deadline, bounded decoded size, no redirect followed, no environment proxy, no cookie kept, TLS verified, strict
decoding, no URL in any log. What fails is a SourceError that names the partner and holds no address, body or value.
"""

import asyncio
import errno
import logging
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import AbstractAsyncContextManager, contextmanager, nullcontext
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import lru_cache, partial
from typing import Any, cast

import aiohttp
import httpx

from gateway.connectors.base import PartnerRequest
from gateway.correlation import CURRENT
from gateway.errors import OutOfFiles, SourceDenied, SourceInvalid, SourceTimedOut, SourceUnavailable
from gateway.sources.http.credentials import NO_TOKEN, AccessDenied, Credential, ExchangeFn, RawResponse
from gateway.sources.http.decode import (
    AnnouncedError,
    InvalidDocument,
    decode,
    error_for_status,
    instant_http,
    read_body,
    told_wait,
)
from gateway.sources.http.outbound import TransportFactory, aiohttp_transport, network_factory
from gateway.sources.http.page_answer import PageValidator, checked, digest_of, page_validator
from gateway.sources.partners.network import OwnNetwork

TokenTurn = Callable[[], AbstractAsyncContextManager[None]]

HEADERS = {"Accept-Encoding": "gzip", "User-Agent": "passerelle-apprentissage"}
HEADERS_READ = {
    name.lower().encode(): name
    for name in (
        "Link",
        "X-Total-Count",
        "Retry-After",
        "RateLimit-Reset",
        "X-RateLimit-Reset",
        "ETag",
        "Last-Modified",
        "Date",
        "Content-Encoding",
    )
}
ADDRESSES_MAX = 1024  # parsed addresses kept
DECODE_APART = 262_144  # bytes; above, decoding would hold the event loop for milliseconds
REACHED_MAX = 20_000_000  # bytes that whoever is only looked for may answer


@dataclass(frozen=True, slots=True)
class Exchange:
    """One HTTP exchange: the absolute URL without query, the connector's request, how to prove who we are, the bounds.

    `timeout` is in seconds, from the connection to the last byte; `octets_max` counts decoded bytes. `known` is the page as it
    was answered before. `token_turn` is entered around each token that has to be asked for first. `trace`: the partner goes on
    with the trace of a request; any other is told the id of the request alone.
    """

    source: str
    url: str
    partner_request: PartnerRequest
    credential: Credential | None = field(repr=False)
    timeout: float
    octets_max: int
    known: PageValidator | None = None
    token_turn: TokenTurn | None = field(default=None, repr=False)
    trace: bool = False


@dataclass(frozen=True, slots=True)
class PartnerResponse:
    """A decoded answer. `document` is None for an empty body that means absence; `digest` is a digest of the body,
    `page_validator` what the same page can be compared by, `gap` the seconds the partner's clock is ahead of ours, if it tells,
    `size` how long the body was, `total` how many rows a header says there are in all.

    `unchanged`: as it was known, and not decoded; `body` is then the body, None when the partner sent none again (304).
    """

    document: Any
    link: str = ""
    digest: bytes = b""
    page_validator: PageValidator | None = None
    gap: float | None = None
    size: int = 0
    total: str = ""
    unchanged: bool = False
    body: bytes | None = None


class Transport:
    """What every partner is asked through. `factory` gives the network; tests pass their own."""

    def __init__(self, wall_clock: Callable[[], datetime], factory: TransportFactory | None = None) -> None:
        _silence()
        self._wall_clock = wall_clock
        self._network = (factory or aiohttp_transport)()

    def through(self, network: OwnNetwork | None) -> "Transport":
        """What a partner that is reached otherwise is asked through; this one, where it is not."""
        if network is None:
            return self
        return Transport(self._wall_clock, network_factory(network))

    async def request(self, call: Exchange) -> PartnerResponse:
        """Ask once, and decode what is not as it was known.

        Raises SourceUnavailable, SourceClosed, SourceTimedOut or SourceInvalid.
        """
        with translated(call.source):
            async with asyncio.timeout(call.timeout):
                exchange = partial(_exchange, self._network, call.octets_max)
                request, credential = _request(call), call.credential
                ask_token = partial(_token_answer, call, exchange)
                if credential:
                    await credential.sign(request, ask_token)
                received = await exchange(request)
                if received.statut == httpx.codes.UNAUTHORIZED and credential and credential.renewable:
                    await credential.sign(request, ask_token)
                    received = await exchange(request)
                if received.statut == httpx.codes.NOT_MODIFIED and call.known and call.known.conditions:
                    return PartnerResponse(None, unchanged=True)
                return await answer_of(received, call, self._wall_clock())

    async def send(self, source: str, request: httpx.Request, timeout: float, octets_max: int) -> RawResponse:
        """Ask once, as it is. Raises SourceUnavailable, SourceTimedOut or SourceInvalid; a status is for who asked to read."""
        with translated(source):
            async with asyncio.timeout(timeout):
                request.headers.update(HEADERS)
                return await _exchange(self._network, octets_max, request)

    async def reach(self, source: str, url: str, timeout: float) -> None:
        """Ask an address, without a credential: whoever answers, and whatever, is there. Raises as `send`."""
        await self.send(source, httpx.Request("GET", url), timeout, REACHED_MAX)

    async def give(self, source: str, url: str, timeout: float, content: bytes) -> int:
        """Give an address a JSON document; the status. Raises as `send`."""
        return (await self.post(source, url, timeout, content, {})).statut

    async def post(
        self, source: str, url: str, timeout: float, content: bytes, headers: Mapping[str, str]
    ) -> RawResponse:
        """Give an address a JSON document; what it answers. Raises as `send`."""
        told = {**headers, "Content-Type": "application/json"}
        return await self.send(source, httpx.Request("POST", url, content=content, headers=told), timeout, REACHED_MAX)

    async def decode(self, source: str, response: PartnerResponse, request: PartnerRequest) -> PartnerResponse:
        """An answer that was as it was known, decoded: another page of the same reading is not. Raises SourceError: what
        decoded it the first time may be an earlier version of this code."""
        with translated(source):
            document = await _document(response.body or b"", request)
            return replace(response, document=checked(source, document, request), body=None)

    async def aclose(self) -> None:
        """Close the connections."""
        await self._network.aclose()


def _request(call: Exchange) -> httpx.Request:
    requested, conditions = call.partner_request, call.known.conditions if call.known else {}
    current = CURRENT.get()
    ids = current.headers(call.trace) if current else {}
    adresse = _address(call.url, tuple(requested.params.items()))
    headers = {**HEADERS, **conditions, **ids, **requested.headers}
    if requested.is_form:
        form = {name: str(value) for name, value in (requested.body or {}).items()}
        return httpx.Request(requested.method, adresse, headers=headers, data=form)
    return httpx.Request(requested.method, adresse, headers=headers, json=requested.body)


@lru_cache(ADDRESSES_MAX)
def _address(url: str, params: tuple[tuple[str, str], ...]) -> httpx.URL:
    """The same pages are asked again and again, and httpx reads each character of an address. No secret is part of it."""
    return httpx.URL(url, params=params)


async def _token_answer(call: Exchange, exchange: ExchangeFn, request: httpx.Request) -> RawResponse:
    """Ask for a token, in its turn. Raises SourceError."""
    async with call.token_turn() if call.token_turn else nullcontext():
        with translated(call.source):
            received = await exchange(request)
            if received.statut != httpx.codes.OK:
                raise AccessDenied(NO_TOKEN)
            return received


async def _exchange(network: httpx.AsyncBaseTransport, octets_max: int, request: httpx.Request) -> RawResponse:
    """Send, and read the body within its bound (httpx decodes without one); only a 200 has a body for us."""
    response = await network.handle_async_request(request)
    try:
        headers = _headers_read(response.headers.raw)
        body = b""
        if response.status_code == httpx.codes.OK:
            stream = cast("httpx.AsyncByteStream", response.stream)
            body = await read_body(stream, headers.get("Content-Encoding", ""), octets_max)
    finally:
        await response.aclose()
    return RawResponse(response.status_code, headers, body)


def _headers_read(raw_items: Iterable[tuple[bytes, bytes]]) -> dict[str, str]:
    """The headers that we read; one that comes twice is a list (RFC 9110 §5.3)."""
    found: dict[str, str] = {}
    for raw, value in raw_items:
        if name := HEADERS_READ.get(raw.lower()):
            text = value.decode("latin-1")
            found[name] = f"{found[name]}, {text}" if name in found else text
    return found


def _silence() -> None:
    """These loggers print URLs, and a query may hold a key."""
    for name in ("httpx", "httpcore", "aiohttp"):
        logging.getLogger(name).setLevel(logging.CRITICAL)


async def answer_of(received: RawResponse, call: Exchange, now: datetime) -> PartnerResponse:
    """What an answer says, decoded. Raises SourceError."""
    with translated(call.source):
        own = instant_http(received.headers.get("Date", ""))
        # A date to come back at is told by the partner's clock.
        waiting = told_wait(received.headers, own or now)
        if error := error_for_status(call.source, received.statut, waiting, own or now):
            raise error
        return await _read(received, call, (own - now).total_seconds() if own else None)


async def _read(received: RawResponse, call: Exchange, gap: float | None) -> PartnerResponse:
    body, request, known = received.body, call.partner_request, call.known
    digest = digest_of(body)
    page = page_validator(request, digest, received.headers)
    told = (received.headers.get("Link", ""), digest, page, gap, len(body), received.headers.get("X-Total-Count", ""))
    if known and page and known.digest == page.digest:
        return PartnerResponse(None, *told, unchanged=True, body=body)
    return PartnerResponse(checked(call.source, await _document(body, request), request), *told)


async def _document(body: bytes, request: PartnerRequest) -> Any:
    if not body.strip():
        if request.empty_is_absence:
            return None
        raise InvalidDocument("vide")
    if len(body) > DECODE_APART:
        return await asyncio.to_thread(decode, body, request)
    return decode(body, request)


@contextmanager
def translated(source: str) -> Iterator[None]:
    """Every failure below becomes ours; the cause is cut off, for it holds the URL."""
    try:
        yield
    except TimeoutError:
        raise SourceTimedOut(source, "le partenaire n'a pas répondu à temps") from None
    except InvalidDocument as error:
        raise SourceInvalid(source, f"réponse du partenaire invalide : {error}") from None
    except AnnouncedError as error:
        raise SourceUnavailable(source, f"refus du partenaire : {error}") from None
    except AccessDenied as error:
        raise SourceDenied(source, f"refus du partenaire : {error}") from None
    except (httpx.HTTPError, aiohttp.ClientError, OSError) as error:
        if isinstance(error.__cause__, aiohttp.ClientPayloadError):  # an answer begun and not finished
            raise SourceInvalid(source, "réponse du partenaire tronquée") from None
        if _lacks_files(error):
            raise OutOfFiles(source, "la passerelle ne peut plus ouvrir de connexion") from None
        unknown = isinstance(error.__cause__ or error, aiohttp.ClientConnectorCertificateError)
        raise SourceUnavailable(source, "certificat non reconnu" if unknown else "partenaire injoignable") from None


def _lacks_files(error: BaseException | None) -> bool:
    """Whether it is our system that refused to open a connection, or a file of the look-up of a name."""
    return error is not None and (
        getattr(error, "errno", None) in (errno.EMFILE, errno.ENFILE) or _lacks_files(error.__cause__)
    )
