"""Answers that were recorded, given in the place of a partner: the gateway reads them as it would the partner's. Does no HTTP."""

import asyncio
import copy
import json
from collections.abc import AsyncIterator, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from gateway.cli.kit.case_files import Case
from gateway.cli.kit.told_encoding import misread
from gateway.connectors.base import BodyFormat, PartnerRequest
from gateway.connectors.values import at, rows_at
from gateway.errors import SourceInvalid
from gateway.sources.http.credentials import RawResponse
from gateway.sources.http.decode import read_body
from gateway.sources.http.page_trail import rows_in
from gateway.sources.http.transport import Exchange, PartnerResponse, Transport, answer_of, translated

OTHER_UAI, OTHER_MISSION = "9990001X", "99901"  # served by somebody else, as the gateway believes
DRIP = 0.02  # seconds between two bytes


def in_order(pages: Sequence[bytes], rank: int) -> bytes | None:
    """The page of a rank; None beyond the last one."""
    return pages[rank] if rank < len(pages) else None


@dataclass(frozen=True, slots=True)
class Behaviour:
    """Which page a partner gives, what it makes of its answer, and of the rows that it holds. `drips`: a byte at a time."""

    given: Callable[[Sequence[bytes], int], bytes | None] = in_order
    answer: Callable[[RawResponse, PartnerRequest], RawResponse] = lambda response, _: response
    rows: Callable[[list[Any]], list[Any]] | None = None
    drips: bool = False


@dataclass(slots=True)
class Heard:
    """What a partner answered, page by page."""

    pages: list[tuple[PartnerRequest, Any]] = field(default_factory=list)

    def rows(self) -> int:
        """How many rows there were, where that can be told."""
        return sum(rows_in(document, request) or 0 for request, document in self.pages)


class ListeningTransport(Transport):
    """The real one, which notes what was answered."""

    heard: Heard

    async def request(self, call: Exchange) -> PartnerResponse:
        response = await super().request(call)
        if response.document is not None:
            self.heard.pages.append((call.partner_request, response.document))
        return response


class RecordedTransport(Transport):
    """Gives the pages of a case in their order; beyond the last one, a page without rows."""

    def __init__(self, case: Case, behaviour: Behaviour) -> None:
        self._case, self._behaviour = case, behaviour
        self._streams: dict[tuple[Any, ...], list[int]] = {}
        self._asked: dict[str, list[tuple[Any, ...]]] = {}  # the requests of each name, in order
        self._given: set[tuple[str, int]] = set()  # the pages asked: of which name, and which of its own
        self.heard = Heard()
        self.beyond = 0  # pages asked that the case does not have
        self.misread: dict[str, str] = {}  # the pages that are not of the encoding that is told, and what to write
        self.absences = 0  # empty answers that, by what the connector says, tell that there is nobody

    async def request(self, call: Exchange) -> PartnerResponse:
        request = call.partner_request
        name = self._name(request)
        pages = self._case.pages.get(name, ())
        rank = self._rank(request)
        self._given.add((name, rank))
        body = self._behaviour.given(pages, rank) if pages else None
        if body is None:
            self.beyond += 1
            return await self._after(call, pages)
        if rank < len(pages) and body is pages[rank] and (why := misread(body, request)):
            self.misread[self._case.files[name][rank]] = why
        link = (
            f'<{call.url}?page-de-cas={rank + 2}>; rel="next"' if request.pages.link and rank + 1 < len(pages) else ""
        )
        raw = self._behaviour.answer(RawResponse(200, {"Link": link} if link else {}, body), request)
        if self._behaviour.drips:
            raw = replace(raw, body=await _received(raw.body, call))
        if len(raw.body) > call.octets_max:
            raise SourceInvalid(call.source, "réponse du partenaire invalide : réponse trop volumineuse")
        response = await answer_of(raw, call, self._case.now)
        if self._behaviour.rows and response.document is not None:
            response = replace(response, document=_with_rows(response.document, request, self._behaviour.rows))
        if response.document is None:
            self.absences += 1
        else:
            self.heard.pages.append((request, response.document))
        return response

    async def decode(self, source: str, response: PartnerResponse, request: PartnerRequest) -> PartnerResponse:
        return response

    async def aclose(self) -> None:
        """Nothing is open."""

    def never_asked(self) -> list[str]:
        """The files of the case that nothing asked for."""
        return [
            file
            for name, files in self._case.files.items()
            for rank, file in enumerate(files)
            if (name, rank) not in self._given
        ]

    def _name(self, request: PartnerRequest) -> str:
        """By which name the case has the pages of a request; that of none, where it has not."""
        name, stream = request.operation.replace(".", "-"), stream_of(request)
        same = self._asked.setdefault(name, [])
        if stream not in same:
            same.append(stream)
        names = (f"{name}~{same.index(stream) + 1}", name, "")
        return next((one for one in names if one in self._case.pages), name)

    def _rank(self, request: PartnerRequest) -> int:
        """Which page of which request: by its number where it has one, else the one after those given."""
        style = request.pages
        given = self._streams.setdefault(stream_of(request), [])
        if style.page:
            told = at(request.body, tuple(style.page.split("."))) if style.in_body else request.params.get(style.page)
            rank = int(told or style.first_page) - style.first_page
        else:
            rank = len(given)
        given.append(rank)
        return rank

    async def _after(self, call: Exchange, pages: Sequence[bytes]) -> PartnerResponse:
        if not pages:
            return PartnerResponse(None)
        last = await answer_of(RawResponse(200, {}, pages[-1]), call, self._case.now)
        return PartnerResponse(_emptied(last.document, call.partner_request), digest=b"beyond%d" % self.beyond)


async def _received(body: bytes, call: Exchange) -> bytes:
    """The right answer, a byte at a time, read as the transport reads any. Raises SourceTimedOut at the delay of the call."""
    with translated(call.source):
        async with asyncio.timeout(call.timeout):
            return await read_body(_bytes_of(body), "", call.octets_max)


async def _bytes_of(body: bytes) -> AsyncIterator[bytes]:
    for one in body:
        yield bytes((one,))
        await asyncio.sleep(DRIP)


def _with_rows(document: Any, request: PartnerRequest, change: Callable[[list[Any]], list[Any]]) -> Any:
    """A document whose rows are changed, wherever its list is; as it is, where there is none."""
    rows = rows_at(document, request.rows, request.shape is BodyFormat.XML) if request.rows else None
    if isinstance(document, list):
        return change(document)
    own = copy.deepcopy(document)
    above = at(own, request.rows[:-1]) if request.rows else own
    if isinstance(above, dict):
        for name in request.rows[-1:] or [key for key, value in above.items() if isinstance(value, list)]:
            above[name] = change(rows if rows is not None else above[name])
    return own


def stream_of(request: PartnerRequest) -> tuple[Any, ...]:
    """What tells one request from another, wherever its pages are."""
    style = request.pages
    own = {style.page, style.offset, style.cursor, style.size, "page-de-cas"}
    params = tuple(sorted(item for item in request.params.items() if item[0] not in own))
    return request.operation, request.path, params, json.dumps(_without(request.body, own), sort_keys=True)


def _without(body: Any, places: Collection[str], above: str = "") -> Any:
    """A body without what stands at some places, paths with dots."""
    if not isinstance(body, Mapping):
        return body
    return {
        name: _without(inside, places, f"{above}{name}.")
        for name, inside in body.items()
        if f"{above}{name}" not in places
    }


def _emptied(document: Any, request: PartnerRequest) -> Any:
    """A page as the partner writes them, without rows nor a page behind it."""
    if isinstance(document, list):
        return []
    own = copy.deepcopy(document)
    above = at(own, request.rows[:-1]) if request.rows else own
    if isinstance(above, dict):
        for name in request.rows[-1:] or [key for key, value in above.items() if isinstance(value, list)]:
            above[name] = []
    _set(own, request.pages.next, None)
    _set(own, request.pages.more, False)
    return own


def _set(document: Any, path: Sequence[str], value: Any) -> None:
    above = at(document, tuple(path[:-1])) if path else None
    if isinstance(above, dict) and path[-1] in above:
        above[path[-1]] = value
