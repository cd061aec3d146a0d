"""One reading of one tenant: the requests of a connector, batch after batch, each with its pages.

What was read before tells what to ask, all at once; what came back another serves the reading. Knows no noun and no cache.
"""

import asyncio
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from gateway.concurrency import gather_or_fail
from gateway.connectors.base import Documents, PartnerRequest, ReadingSteps, Tenant
from gateway.errors import SourceInvalid
from gateway.sources.http import page_trail
from gateway.sources.http.transport import PartnerResponse
from gateway.sources.http.validators import PageValidator, RequestedPage, all_, chain, chains, requested_page
from gateway.sources.partner_client import PartnerClient

T = TypeVar("T")
AT_ONCE = 16_384  # bytes of bodies mapped on the event loop: a millisecond or two


class ReadingRun:
    """A reading to make at a partner, for a tenant."""

    def __init__(self, partner_client: PartnerClient, tenant: Tenant) -> None:
        self._client, self._tenant = partner_client, tenant
        self._arrived: dict[
            RequestedPage, PartnerResponse | SourceInvalid
        ] = {}  # asked again already: not to be asked by the reading

    async def unchanged(self, validators: Sequence[PageValidator]) -> bool:
        """Whether each page of a reading is as it was.

        They are asked together, but for those that follow each other: a long list must not take the places of who waits for
        another. Where the partner gives validators the last one is asked first, alone: people come last in what is read, and
        the pages that a partner only says unchanged would be asked a second time. Raises SourceError.
        """
        *others, last = validators
        steps = ([last], others) if last.conditions else (validators,)
        same = True
        for step in steps:
            same = same and all(await gather_or_fail(self._is_same(chain) for chain in chains(step)))
        self._client.metrics.revalidation(self._client.partner.nom, same)
        return same

    async def _is_same(self, chain: Iterable[PageValidator]) -> bool:
        for page_validator in chain:
            if not await self._unchanged_page(page_validator):
                return False
        return True

    async def _unchanged_page(self, page_validator: PageValidator) -> bool:
        page = requested_page(page_validator.partner_request)
        try:
            response = await self._client.request(page_validator.partner_request, self._tenant, page_validator)
        except SourceInvalid as error:  # it may be no more: the reading tells what there is
            self._arrived[page] = error
            return False
        if not response.unchanged or response.body is not None:
            self._arrived[page] = response
        return response.unchanged

    async def run(self, reading: ReadingSteps[T]) -> "FinishedReading[T]":
        """Drive a reading to its end: the requests of a batch run together, each with its pages. Raises SourceError."""
        validators: list[PageValidator | None] = []
        step = await self._advance(reading, None, 0)
        while not isinstance(step, _End):
            rows_read = await gather_or_fail(self._responses(partner_request) for partner_request in step)
            for partner_request, own in zip(step, rows_read, strict=True):
                validators += chain(partner_request, [page.page_validator for page in own])
            bytes_ = sum(page.bytes_ for page_trail in rows_read for page in page_trail)
            step = await self._advance(reading, [_documents(page_trail) for page_trail in rows_read], bytes_)
        return FinishedReading(step.value, all_(validators))

    async def _advance(
        self, reading: ReadingSteps[T], documents: Documents | None, bytes_: int
    ) -> "Sequence[PartnerRequest] | _End[T]":
        """One step of the connector; in a thread when it has much to map: a whole CFA would hold the event loop for a tenth
        of a second. A small answer is mapped in less time than a thread takes to be woken under load."""
        try:
            if bytes_ <= AT_ONCE:
                return _step(reading, documents)
            return await asyncio.to_thread(_step, reading, documents)
        except Exception as error:
            raise self._client.misread(error) from None

    async def _responses(self, partner_request: PartnerRequest) -> list[PartnerResponse]:
        """All the pages of a request, in order; one without document is the last, or says that there is nothing."""
        try:
            head = page_trail.first(partner_request)
            response = await self._page(head)
            if response.document is None:
                return [response]
            if partner_request.pages in page_trail.ANNOUNCED:
                return await self._announced(partner_request, response)
            return await self._chained(head, response)
        except page_trail.InvalidPages as error:
            raise self._client.badly_paged(error) from None

    async def _chained(self, partner_request: PartnerRequest, response: PartnerResponse) -> list[PartnerResponse]:
        """Each page tells the next one."""
        base = self._client.partner.adresse(self._tenant)
        following = self._rest(response)
        responses = [response]
        while (
            next_ := page_trail.next_(partner_request, base, response.link, response.document, len(responses))
        ) is not None:
            partner_request = self._client.without_secret(next_)
            response = await self._page(partner_request)
            responses.append(response)
            if response.document is None:
                break
            following.add(response.digest)
        return responses

    async def _announced(self, partner_request: PartnerRequest, response: PartnerResponse) -> list[PartnerResponse]:
        """The first page tells how many there are: the others are asked together, then those a grown total adds."""
        following = self._rest(response)
        responses, total = [response], page_trail.announced(partner_request, response.document)
        while len(responses) < total:
            following.bound(total)
            ranks = range(len(responses) + 1, total + 1)
            for page in await gather_or_fail(self._page(page_trail.numero(partner_request, rank)) for rank in ranks):
                following.add(page.digest)
                responses.append(page)
                total = max(total, page_trail.announced(partner_request, page.document))
        return responses

    def _rest(self, response: PartnerResponse) -> page_trail.PageTrail:
        following = page_trail.PageTrail(self._client.partner.limites.pages_max)
        following.add(response.digest)
        return following

    async def _page(self, partner_request: PartnerRequest) -> PartnerResponse:
        arrived = self._arrived.pop(requested_page(partner_request), None)
        if arrived is None:
            return await self._client.request(partner_request, self._tenant)
        if isinstance(arrived, SourceInvalid):
            raise arrived
        return await self._client.decoder(arrived, partner_request) if arrived.unchanged else arrived


@dataclass(frozen=True, slots=True)
class FinishedReading(Generic[T]):
    """What a reading gave, and what tells whether it would give the same; nothing, when that cannot be told."""

    value: T
    validators: tuple[PageValidator, ...]


@dataclass(frozen=True, slots=True)
class _End(Generic[T]):
    """What a reading returned."""

    value: T


def _step(reading: ReadingSteps[T], documents: Documents | None) -> Sequence[PartnerRequest] | _End[T]:
    try:
        return next(reading) if documents is None else reading.send(documents)
    except StopIteration as fin:
        return _End(fin.value)


def _documents(responses: Sequence[PartnerResponse]) -> list[Any]:
    return [response.document for response in responses if response.document is not None]
