"""One reading of one tenant: the requests of a connector, batch after batch, each with its pages.

What was read before tells what to ask, all at once; what came back another serves the reading. Knows no noun and no cache.
"""

import inspect
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, Generic, TypeVar

from gateway.concurrency import gather_or_fail
from gateway.connectors.base import BodyFormat, Documents, PartnerRequest, ReadingSteps, Tenant, UnexpectedAnswer
from gateway.errors import OutOfFiles, SourceClosed, SourceError, SourceInvalid, SourceSuspended
from gateway.sources.connector_runs import STEPS_MAX, requests_of
from gateway.sources.http import page_trail
from gateway.sources.http.page_answer import (
    PageValidator,
    RequestedPage,
    all_validators,
    chain,
    chains,
    requested_page,
)
from gateway.sources.http.transport import DECODE_APART, PartnerResponse
from gateway.sources.partner_client import PartnerClient, address_of

T = TypeVar("T")
READING_MAX = 64 * 1024 * 1024  # bytes of the bodies of one reading, or one body if the partner may send longer ones


class ReadingRun:
    """A reading to make at a partner, for a tenant."""

    def __init__(self, partner_client: PartnerClient, tenant: Tenant) -> None:
        self._client, self._tenant = partner_client, tenant
        # What `unchanged` asked for and the reading need not ask for again.
        self._arrived: dict[RequestedPage, PartnerResponse | SourceInvalid] = {}
        self._left = max(READING_MAX, partner_client.partner.limites.octets_max)
        self._missing: list[tuple[str, SourceError]] = []  # what is secondary and was not given

    async def unchanged(self, validators: Sequence[PageValidator]) -> bool:
        """Whether each page of a reading is as it was. Raises SourceError.

        The pages are asked for together, but for those that follow each other: a long list must not take the places of
        readers who wait for another. Where the partner gives validators, the last page is asked for first, alone: people come
        last in what is read, and the pages that a partner only says unchanged would be asked for a second time.
        """
        *others, last = validators
        steps = ([last], others) if last.conditions else (validators,)
        same = True
        for step in steps:
            same = same and all(await gather_or_fail(self._unchanged_chain(chain) for chain in chains(step)))
        self._client.metrics.revalidation(self._client.partner.nom, same)
        return same

    async def _unchanged_chain(self, chain: Iterable[PageValidator]) -> bool:
        """Whether pages that follow each other are as they were; stops at the first that is not."""
        for known in chain:
            page = requested_page(known.partner_request)
            try:
                response = await self._client.request(known.partner_request, self._tenant, known)
            except SourceInvalid as error:  # the page may exist no more: the reading tells what there is
                self._arrived[page] = error
                return False
            if not response.unchanged or response.body is not None:
                self._arrived[page] = response
            if not response.unchanged:
                return False
        return True

    async def run(self, reading: ReadingSteps[T]) -> "FinishedReading[T]":
        """Drive a reading to its end: the requests of a batch run together, each with its pages. Raises SourceError.

        Each step of the connector is run beside the loop: what it does with what it is given is not known.
        """
        validators: list[PageValidator | None] = []
        documents: Documents | None = None
        with self._client.blamed(), self._closed(reading):
            for _ in range(STEPS_MAX):
                step = await self._client.runs.run(partial(_step, reading, documents))
                if isinstance(step, FinishedReading):
                    # Without what is missing, unchanged pages would say for ever that nothing changed.
                    certain = () if self._missing else all_validators(validators)
                    return replace(step, validators=certain, missing=tuple(self._missing))
                answers = await gather_or_fail(self._pages(request) for request in step)
                for request, pages in zip(step, answers, strict=True):
                    validators += chain(request, [page.page_validator for page in pages])
                documents = [_documents(pages) for pages in answers]
            raise UnexpectedAnswer(f"more than {STEPS_MAX} steps")

    @contextmanager
    def _closed(self, reading: ReadingSteps[T]) -> Iterator[None]:
        """A reading left open is closed in the end, beside the loop too: what a generator does at its end is the connector's."""
        try:
            yield
        finally:
            if inspect.isgenerator(reading) and inspect.getgeneratorstate(reading) == inspect.GEN_SUSPENDED:
                self._client.runs.forget(reading.close)

    async def _pages(self, request: PartnerRequest) -> list[PartnerResponse]:
        """All the pages of a request, in order; one without document is the last, or says that there is nothing.

        Where the first page tells how many there are, the others are asked for together, then those that a grown total adds;
        else each page tells the next one.
        """
        trail = page_trail.PageTrail(self._client.partner.limites.pages_max)
        base, pages = address_of(self._client.partner, self._tenant), list[PartnerResponse]()
        following: PartnerRequest | None = page_trail.first(request)
        with self._may_lack(request):
            while following is not None:
                page = await self._page(following)
                pages.append(page)
                if page.document is None:
                    break
                trail.add(page.digest, page_trail.placed_rows(request, page.document))
                if page_trail.announces_pages(request.pages):
                    await self._announced(page_trail.clamped(request, page.document), pages, trail)
                    break
                step = partial(page_trail.next_, following, base, page.link, page.document, len(pages))
                # Where rows are skipped, every one is compared: beside the loop, when that is as long as to decode them.
                is_long = request.pages.offset and page.size > DECODE_APART
                following = await self._client.apart(step) if is_long else step()
                following = following and self._client.without_secret(following)
            _prove_whole(request, pages)
            return pages
        return []

    @contextmanager
    def _may_lack(self, request: PartnerRequest) -> Iterator[None]:
        """What is secondary may be refused: it is noted, and has no page. Raises SourceError for the rest."""
        try:
            try:
                yield
            except page_trail.InvalidPages as error:
                raise self._client.badly_paged(error) from None
        except (SourceClosed, SourceSuspended, OutOfFiles):
            raise
        except SourceError as error:
            if not request.secondary:
                raise
            self._missing.append((request.operation, error))

    async def _announced(
        self, request: PartnerRequest, pages: list[PartnerResponse], trail: page_trail.PageTrail
    ) -> None:
        """Add to the first page those that it announces, and that the others do."""
        counted = request
        if not request.pages.pages:  # beside the loop: every row is compared
            counted = await self._client.apart(lambda: page_trail.without_repeats(request, pages[0].document))
        total = page_trail.announced(counted, pages[0].document)
        while len(pages) < total:
            trail.bound(total)
            ranks = range(len(pages) + 1, total + 1)
            for page in await gather_or_fail(self._page(page_trail.numbered(request, n)) for n in ranks):
                trail.add(page.digest, page_trail.placed_rows(request, page.document))
                pages.append(page)
                total = max(total, page_trail.announced(counted, page.document))

    async def _page(self, request: PartnerRequest) -> PartnerResponse:
        """The page as `unchanged` received it, else asked for now."""
        arrived = self._arrived.pop(requested_page(request), None)
        if isinstance(arrived, SourceInvalid):
            raise arrived
        page = arrived or await self._client.request(request, self._tenant)
        self._left -= page.size
        if self._left < 0:
            raise page_trail.InvalidPages("lecture trop volumineuse")
        return await self._client.decode(page, request) if page.unchanged else page


@dataclass(frozen=True, slots=True)
class FinishedReading(Generic[T]):
    """What a reading gave, and what tells whether it would give the same; nothing, when that cannot be told. `missing`: what is
    secondary and was not given, by operation, and why."""

    value: T
    validators: tuple[PageValidator, ...] = ()
    missing: tuple[tuple[str, SourceError], ...] = ()


def _step(reading: ReadingSteps[T], documents: Documents | None) -> Sequence[PartnerRequest] | FinishedReading[T]:
    try:
        return requests_of(next(reading) if documents is None else reading.send(documents))
    except StopIteration as end:
        return FinishedReading(end.value)


def _prove_whole(request: PartnerRequest, pages: Sequence[PartnerResponse]) -> None:
    """Raises InvalidPages when the partner announced other rows than it gave. A CSV counts its own (partenaires-python.md)."""
    if request.shape is not BodyFormat.CSV:
        filled = [page for page in pages if page.document is not None]
        totals = [page_trail.total_rows(request, page.document, page.total) for page in filled]
        page_trail.prove_whole([page_trail.rows_in(page.document, request) for page in filled], totals)


def _documents(responses: Sequence[PartnerResponse]) -> list[Any]:
    return [response.document for response in responses if response.document is not None]
