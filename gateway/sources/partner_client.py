"""One partner, asked within what we allow ourselves: places, pacing, retries, credentials, a note of every call.

Knows no noun, no cache and no reading: a page at a time.
"""

import asyncio
import logging
import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Generic, TypeVar

from gateway.connectors.base import PartnerRequest, Tenant
from gateway.errors import SourceError, SourceInvalid, SourceTimedOut
from gateway.sources.http import page_trail
from gateway.sources.http.credentials import Credential, credential
from gateway.sources.http.transport import Exchange, PartnerResponse, Transport
from gateway.sources.http.validators import PageValidator
from gateway.sources.metrics import SUCCESS, SourceMetrics
from gateway.sources.partner_state import Observations
from gateway.sources.partners.load import DEFAULT_ACCESS, Partner
from gateway.sources.resilience.clock import Clock
from gateway.sources.resilience.pacing import Pacer
from gateway.sources.resilience.retry_budget import JITTER, RetryBudget
from gateway.sources.resilience.spare_capacity import Bulkhead, SpareCapacity

T = TypeVar("T")

logger = logging.getLogger("gateway.sources")


class PartnerClient:
    """Asks one partner. One for the life of the process: its limits hold for all callers together."""

    def __init__(
        self,
        partner: Partner,
        transport: Transport,
        metrics: SourceMetrics,
        wall_clock: Callable[[], datetime],
        clock: Clock,
    ) -> None:
        self.partner = partner
        self.observations = Observations(partner.ouverture)
        self.metrics, self.wall_clock = metrics, wall_clock
        self._transport = transport
        self.clock = clock
        self._budget = RetryBudget()
        self.spare_capacity = SpareCapacity(
            partner.limites.par_seconde / clock.processus,
            partner.limites.par_minute_locataire / clock.processus,
        )
        self._bulkhead = Bulkhead(partner.limites.simultanes, shared=len(partner.abonnes or ()) > 1)
        self._pacer = Pacer(partner.nom, partner.limites, clock)
        self._credentials: dict[tuple[str, str], Credential] = {}

    async def request(
        self, partner_request: PartnerRequest, tenant: Tenant, known: PageValidator | None = None
    ) -> PartnerResponse:
        """One page; not decoded, when it is as it was known. Raises SourceError.

        A call that failed is made a second time where that may help and costs the partner little.
        """
        call, clock = self._call(partner_request, tenant, known), self.clock
        self._budget.call(clock.seconds())
        with self.spare_capacity.request(tenant.key, clock.seconds()):
            try:
                return await self._attempt(call, tenant)
            except SourceError as error:
                waiting = self._budget.waiting(call.partner_request, error, clock.seconds(), clock.randomness())
                if waiting is None:
                    raise
            await clock.sleep(waiting)
            return await self._attempt(call, tenant)

    async def decode(self, response: PartnerResponse, partner_request: PartnerRequest) -> PartnerResponse:
        """A page that was as it was known, after all. Raises SourceError."""
        return await self._transport.decode(self.partner.nom, response, partner_request)

    def without_secret(self, partner_request: PartnerRequest) -> PartnerRequest:
        """A page that the partner told, without the credential that its address may repeat: pages asked are kept."""
        secrets = {access.nom for access in (self.partner.acces or {}).values() if access.type == "parametre"}
        return replace(
            partner_request,
            params={name: value for name, value in partner_request.params.items() if name not in secrets},
        )

    async def page(self, partner_request: PartnerRequest, rank: int, read: Callable[[Any], T]) -> "HarvestPage[T]":
        """One page (from 1) of an answer too long to hold whole, read by `read` in a thread. Raises SourceError."""
        response = await self.request(page_trail.numbered(partner_request, rank), Tenant(""))
        try:
            total = page_trail.announced(partner_request, response.document)
            page_trail.PageTrail(self.partner.limites.pages_max).bound(total)
        except page_trail.InvalidPages as error:
            raise self.badly_paged(error) from None
        try:
            return HarvestPage(await asyncio.to_thread(read, response.document), total, response.digest)
        except Exception as error:
            raise self.misread(error) from None

    def misread(self, error: Exception) -> SourceInvalid:
        """The connector met what it does not know. Where is logged, what is not: it may be a person's value."""
        step = traceback.extract_tb(error.__traceback__)[-1]
        logger.error("source %s : %s (%s:%s)", self.partner.nom, type(error).__name__, step.filename, step.lineno)
        return SourceInvalid(self.partner.nom, "réponse du partenaire d'une forme inattendue")

    def badly_paged(self, error: page_trail.InvalidPages) -> SourceInvalid:
        """The partner's paging cannot be followed."""
        return SourceInvalid(self.partner.nom, f"pages du partenaire invalides : {error}")

    def overrun(self) -> SourceTimedOut:
        """The error of a reading cut at the partner's delay, which the partner's state remembers."""
        error = SourceTimedOut(self.partner.nom, "le partenaire n'a pas répondu à temps")
        self.observations.note(error, self.partner.limites.delai_secondes, self.wall_clock())
        return error

    async def _attempt(self, call: Exchange, tenant: Tenant) -> PartnerResponse:
        """One exchange, which leaves when the quotas allow. A tenant whose own is spent waits without holding a place."""
        while True:
            async with self._bulkhead.place(tenant.key):
                waiting = await self._pacer.depart(tenant.key)
                if not waiting:
                    with self._noted(call.partner_request):
                        response = await self._transport.request(call)
                    self.metrics.wall_clock(self.partner.nom, response.gap)
                    return response
            await self.clock.sleep(waiting + JITTER * self.clock.randomness())  # or all who wait would ask at once

    @contextmanager
    def _noted(self, partner_request: PartnerRequest) -> Iterator[None]:
        """Count one exchange and its outcome; one that is cancelled says nothing of the partner."""
        start = time.perf_counter()
        try:
            yield
        except SourceError as error:
            self._note(partner_request, error, time.perf_counter() - start)
            raise
        self._note(partner_request, None, time.perf_counter() - start)

    def _note(self, partner_request: PartnerRequest, error: SourceError | None, seconds: float) -> None:
        outcome = error.code.value if error else SUCCESS
        self.metrics.call(self.partner.nom, partner_request.operation, outcome, seconds)
        if partner_request.witness:
            self.observations.note(error, seconds, self.wall_clock())

    def _call(self, partner_request: PartnerRequest, tenant: Tenant, known: PageValidator | None) -> Exchange:
        limits = self.partner.limites
        return Exchange(
            source=self.partner.nom,
            url=self.partner.adresse(tenant) + page_trail.quoted_path(partner_request.path),
            partner_request=partner_request,
            credential=self._credential(partner_request.acces or DEFAULT_ACCESS, tenant.key),
            timeout=limits.delai_secondes,
            octets_max=limits.octets_max,
            known=known,
        )

    def _credential(self, name: str, key: str) -> Credential | None:
        """Made once for each secret, so that an OAuth2 token is shared by all who may use it."""
        if not self.partner.acces:
            return None
        access, tenant_config = self.partner.acces.get(name), (self.partner.abonnes or {}).get(key)
        own = access.secret if access else None
        secret = own or (tenant_config.secret if tenant_config else None)
        if access is None or secret is None:
            raise SourceInvalid(self.partner.nom, f"accès « {name} » non configuré")
        place = (name, "" if own else key)
        if place not in self._credentials:
            self._credentials[place] = credential(access, secret)
        return self._credentials[place]


@dataclass(frozen=True, slots=True)
class HarvestPage(Generic[T]):
    """One page as read, how many the partner says there are, and a digest of its body."""

    content: T
    total: int
    digest: bytes
