"""Answers that were recorded, given in the place of a partner: the gateway reads them as it would the partner's. Does no HTTP."""

import copy
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from gateway.cli.kit.case_files import Case
from gateway.connectors.base import PartnerRequest
from gateway.connectors.values import at
from gateway.errors import SourceInvalid
from gateway.sources.http.credentials import RawResponse
from gateway.sources.http.page_trail import rows_in
from gateway.sources.http.transport import Exchange, PartnerResponse, Transport, answer_of


def in_order(pages: Sequence[bytes], rank: int) -> bytes | None:
    """The page of a rank; None beyond the last one."""
    return pages[rank] if rank < len(pages) else None


@dataclass(frozen=True, slots=True)
class Behaviour:
    """Which page a partner gives, and what it makes of its answer."""

    given: Callable[[Sequence[bytes], int], bytes | None] = in_order
    answer: Callable[[RawResponse], RawResponse] = lambda response: response


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
        self.heard = Heard()
        self.beyond = 0  # pages asked that the case does not have

    async def request(self, call: Exchange) -> PartnerResponse:
        request = call.partner_request
        pages = self._pages(request)
        rank = self._rank(request)
        body = self._behaviour.given(pages, rank) if pages else None
        if body is None:
            self.beyond += 1
            return await self._after(call, pages)
        link = (
            f'<{call.url}?page-de-cas={rank + 2}>; rel="next"' if request.pages.link and rank + 1 < len(pages) else ""
        )
        raw = self._behaviour.answer(RawResponse(200, {"Link": link} if link else {}, body))
        if len(raw.body) > call.octets_max:
            raise SourceInvalid(call.source, "réponse du partenaire invalide : réponse trop volumineuse")
        response = await answer_of(raw, call, self._case.now)
        if response.document is not None:
            self.heard.pages.append((request, response.document))
        return response

    async def decode(self, source: str, response: PartnerResponse, request: PartnerRequest) -> PartnerResponse:
        return response

    async def aclose(self) -> None:
        """Nothing is open."""

    def _pages(self, request: PartnerRequest) -> Sequence[bytes]:
        named = self._case.pages.get(request.operation.replace(".", "-"))
        return named if named is not None else self._case.pages.get("", ())

    def _rank(self, request: PartnerRequest) -> int:
        """Which page of which request: by its number where it has one, else the one after those given."""
        style = request.pages
        given = self._streams.setdefault(_stream(request), [])
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


def _stream(request: PartnerRequest) -> tuple[Any, ...]:
    """What tells one request from another, wherever its pages are."""
    style = request.pages
    own = {style.page, style.offset, style.cursor, style.size, "page-de-cas"}
    return request.operation, request.path, tuple(sorted(item for item in request.params.items() if item[0] not in own))


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
