"""One partner, asked within what we allow ourselves: places, pacing, retries, credentials, a note of every call.

Its state is computed from its recent calls. Knows no noun, no cache and no reading: a page at a time.
"""

import asyncio
import logging
from collections import deque
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, replace
from datetime import datetime, time, timedelta
from functools import partial
from time import perf_counter
from typing import Any, Generic, TypeVar
from urllib.parse import quote

from gateway.connectors.base import PartnerRequest, Tenant, UnexpectedAnswer
from gateway.domain.days import PARIS
from gateway.error_places import place_of
from gateway.errors import OutOfFiles, SourceClosed, SourceError, SourceInvalid, SourceTimedOut
from gateway.schema.organisations import EtatSource
from gateway.sources.connector_runs import ConnectorFailed, ConnectorRuns
from gateway.sources.http import page_trail
from gateway.sources.http.credentials import Credential, credential
from gateway.sources.http.page_answer import PageValidator
from gateway.sources.http.transport import Exchange, PartnerResponse, Transport
from gateway.sources.metrics import CANCELLED, SUCCESS, SourceMetrics
from gateway.sources.partners.file_format import DEFAULT_ACCESS
from gateway.sources.partners.load import Partner
from gateway.sources.resilience.budgets import JITTER, Bulkhead, Clock, Pacer, RetryBudget, SpareCapacity

CALLS_KEPT = 50
STOPPED_REST = 60.0  # seconds
# Labels of the figures: a connector that makes names makes no figure of each.
OPERATIONS_MAX, OTHER_OPERATION = 50, "autre"
FAILURES_IN_A_ROW = 3  # last calls, all failed: the partner is down
RATE_TO_DEGRADE = 0.1  # share of failed calls
REJECTS_TO_DEGRADE = 0.01  # share of records lost (docs/security.md U09)
DRIFTS_TO_DEGRADE = 0.05  # values a record that the format does not foresee
_TOKEN = PartnerRequest("jeton", "", witness=False)  # what the asking of a token is counted as
T = TypeVar("T")
logger = logging.getLogger("gateway.sources")


class Observations:
    """The recent calls to one partner, and the quality of its last answers."""

    def __init__(self, ouverture: tuple[time, time] | None = None) -> None:
        self._opening = ouverture
        self._successes: deque[bool] = deque(maxlen=CALLS_KEPT)
        self._losses: deque[tuple[int, int, int]] = deque(maxlen=CALLS_KEPT)
        self._degraded_quality = False
        self._said_by_calls = EtatSource.DISPONIBLE
        self._closed_until: datetime | None = None
        self.derniere_reponse: datetime | None = None
        self.latence_ms: float | None = None

    def note(self, error: SourceError | None, seconds: float, instant: datetime) -> None:
        """One call has ended. A closed partner is not a failing one: its refusals do not count as errors, nor what we lacked."""
        if isinstance(error, OutOfFiles):
            return
        if isinstance(error, SourceClosed):
            self._closed_until = instant + timedelta(seconds=error.retry_after or 0.0)
            return
        self._successes.append(error is None)
        self._said_by_calls = self._state_of_calls()  # here, once a call: each answer asks for the state of each source
        if error is None:
            self._closed_until = None
            self.derniere_reponse, self.latence_ms = instant, seconds * 1000

    def note_quality(self, kept: int, lost: int, drifts: int) -> None:
        """One answer was read: records kept, records lost, and what drifted from the format."""
        self._losses.append((kept, lost, drifts))
        kept, lost, drifts = (sum(values) for values in zip(*self._losses, strict=True))
        total = kept + lost
        self._degraded_quality = lost > REJECTS_TO_DEGRADE * total or drifts > DRIFTS_TO_DEGRADE * total

    @property
    def taux_erreur(self) -> float | None:
        """Share of the recent calls that failed, None when there was none."""
        return self._successes.count(False) / len(self._successes) if self._successes else None

    def etat(self, instant: datetime) -> EtatSource:
        """The state at `instant`."""
        if self._is_closed(instant):
            return EtatSource.FERMEE
        if self._degraded_quality and self._said_by_calls is EtatSource.DISPONIBLE:
            return EtatSource.DEGRADEE
        return self._said_by_calls

    def _state_of_calls(self) -> EtatSource:
        if not any(list(self._successes)[-FAILURES_IN_A_ROW:]):
            return EtatSource.INDISPONIBLE
        return EtatSource.DEGRADEE if (self.taux_erreur or 0.0) >= RATE_TO_DEGRADE else EtatSource.DISPONIBLE

    def _is_closed(self, instant: datetime) -> bool:
        if self._closed_until is not None and instant < self._closed_until:
            return True
        return self._opening is not None and not is_open(self._opening, instant)


def is_open(hours: tuple[time, time], instant: datetime) -> bool:
    """Whether `instant` falls in opening hours told in Paris time; hours may run past midnight, their end is excluded."""
    start, end = hours
    moment = instant.astimezone(PARIS).time()
    return start <= moment < end if start <= end else moment >= start or moment < end


class PartnerClient:
    """Asks one partner. One for the life of the process: its limits hold for all callers together."""

    def __init__(
        self, partner: Partner, transport: Transport, metrics: SourceMetrics, now: Callable[[], datetime], clock: Clock
    ) -> None:
        self.partner = partner
        self.observations = Observations(partner.ouverture)
        self.metrics, self.wall_clock, self.clock = metrics, now, clock
        self._transport = transport
        self.runs = ConnectorRuns()
        self._operations: set[str] = set()
        self._budget = RetryBudget()
        self.spare_capacity = SpareCapacity(
            partner.limites.par_seconde / clock.processus, partner.limites.par_minute_locataire / clock.processus
        )
        self._bulkhead = Bulkhead(partner.limites.simultanes, shared=len(partner.abonnes or ()) > 1)
        self._pacer = Pacer(partner.nom, partner.limites, clock)
        self._credentials: dict[tuple[str, str], Credential] = {}

    async def request(
        self, request: PartnerRequest, tenant: Tenant, known: PageValidator | None = None
    ) -> PartnerResponse:
        """One page; not decoded, when it is as it was known. Raises SourceError.

        A call that failed is made a second time where that may help and costs the partner little.
        """
        with self.blamed():
            call, clock = self._call(request, tenant, known), self.clock
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

    async def decode(self, response: PartnerResponse, request: PartnerRequest) -> PartnerResponse:
        """A page that was as it was known, after all. Raises SourceError."""
        with self.blamed():
            return await self._transport.decode(self.partner.nom, response, request)

    def without_secret(self, request: PartnerRequest) -> PartnerRequest:
        """A page that the partner told, without the credential that its address may repeat: pages asked are kept."""
        secrets = {access.nom for access in (self.partner.acces or {}).values() if access.type == "parametre"}
        return replace(request, params={name: value for name, value in request.params.items() if name not in secrets})

    async def page(self, request: PartnerRequest, rank: int, read: Callable[[Any], T]) -> "HarvestPage[T]":
        """One page (from 1) of an answer too long to hold whole, read by `read` in a thread. Raises SourceError."""
        with self.blamed():
            response = await self.request(page_trail.numbered(request, rank), Tenant(""))
            total = page_trail.announced(request, response.document)
            page_trail.PageTrail(self.partner.limites.pages_max).bound(total)
            rows, announced = (
                page_trail.rows_in(response.document, request),
                page_trail.total_rows(request, response.document),
            )
        return HarvestPage(await self.apart(lambda: read(response.document)), total, response.digest, rows, announced)

    async def apart(self, call: Callable[[], T]) -> T:
        """What a connector's own code returns, run beside the loop. Raises SourceInvalid when it fails, whatever it does."""
        with self.blamed():
            return await self.runs.run(call)

    @contextmanager
    def blamed(self) -> Iterator[None]:
        """Whatever goes wrong with what a connector gave is its partner's failure, and nobody else's. Raises SourceError."""
        try:
            yield
        except SourceError:
            raise
        except page_trail.InvalidPages as error:
            raise self.badly_paged(error) from None
        except Exception as error:
            raise self.misread(error) from None

    def misread(self, error: Exception) -> SourceInvalid:
        """The connector met what it does not know. Where is logged, what is not: it may be a person's value. One that had to be
        stopped would take as much again: it is left alone for a while."""
        logger.error("source %s : %s", self.partner.nom, place_of(error))
        rest = STOPPED_REST if isinstance(error, ConnectorFailed) else None
        told = SourceInvalid(self.partner.nom, "réponse du partenaire d'une forme inattendue", rest)
        # For the connector's author.
        told.add_note(str(error) if isinstance(error, UnexpectedAnswer) else place_of(error))
        return told

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
                    with self._noted(call.partner_request), self.blamed():
                        response = await self._transport.request(call)
                    self.metrics.wall_clock(self.partner.nom, response.gap)
                    return response
            await self.clock.sleep(waiting + JITTER * self.clock.randomness())  # or all who wait would ask at once

    @asynccontextmanager
    async def _token_turn(self, key: str) -> AsyncIterator[None]:
        """Around the asking of a token: it departs when the quotas allow, as anything else, and is counted by a name of its own.
        The place of the request that needs it is held meanwhile."""
        while waiting := await self._pacer.depart(key):
            await self.clock.sleep(waiting + JITTER * self.clock.randomness())
        with self._noted(_TOKEN):
            yield

    @contextmanager
    def _noted(self, request: PartnerRequest) -> Iterator[None]:
        """Count one exchange and its outcome. One that is cancelled says nothing of the partner's state: it is counted only."""
        start = perf_counter()
        try:
            yield
        except SourceError as error:
            self._note(request, error, perf_counter() - start)
            raise
        except asyncio.CancelledError:  # the reading's delay is over, or the process stops
            self.metrics.call(self.partner.nom, self._operation(request), CANCELLED, perf_counter() - start)
            raise
        self._note(request, None, perf_counter() - start)

    def _note(self, request: PartnerRequest, error: SourceError | None, seconds: float) -> None:
        outcome = error.code.value if error else SUCCESS
        self.metrics.call(self.partner.nom, self._operation(request), outcome, seconds)
        if request.witness:
            self.observations.note(error, seconds, self.wall_clock())

    def _operation(self, request: PartnerRequest) -> str:
        """The name of a request in the figures, of a bounded number."""
        if len(self._operations) < OPERATIONS_MAX:
            self._operations.add(request.operation)
        return request.operation if request.operation in self._operations else OTHER_OPERATION

    def _call(self, request: PartnerRequest, tenant: Tenant, known: PageValidator | None) -> Exchange:
        return Exchange(
            source=self.partner.nom,
            url=address_of(self.partner, tenant) + page_trail.quoted_path(request.path),
            partner_request=request,
            credential=self._credential(request.acces or DEFAULT_ACCESS, tenant.key),
            timeout=self.partner.limites.delai_secondes,
            octets_max=self.partner.limites.octets_max,
            known=known,
            token_turn=partial(self._token_turn, tenant.key),
            trace=self.partner.trace,
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
        client = tenant_config.client if tenant_config else ""
        place = (name, "" if own and not client else key)
        if place not in self._credentials:
            self._credentials[place] = credential(access, secret, client, self.clock.seconds)
        return self._credentials[place]


@dataclass(frozen=True, slots=True)
class HarvestPage(Generic[T]):
    """One page as read, of how many; a digest of its body; how many rows it holds, of how many that the partner announces."""

    content: T
    total: int
    digest: bytes
    rows: int | None = None
    announced: int | None = None


def address_of(partner: Partner, tenant: Tenant) -> str:
    """Base URL of a tenant, without a final slash. The code the partner gave it is percent-encoded."""
    tenant_config = (partner.abonnes or {}).get(tenant.key)
    model = tenant_config.base_url if tenant_config and tenant_config.base_url else partner.base_url
    return model.replace("{code}", quote(tenant.code, safe="")).rstrip("/")
