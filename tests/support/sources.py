"""What tests of the sources share: a partner, a transport over a mock or a loopback server, a connector of two requests."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from typing import Any

import httpx
import respx
from prometheus_client import CollectorRegistry
from pydantic import SecretStr

from gateway.cache.interface import Cache, LocalCache, MemoryBackend
from gateway.connectors.base import Connector, PartnerRequest, ReadingResult, ReadingSteps, Record, Tenant
from gateway.schema.nouns import Formation, Jeune
from gateway.schema.organisations import Cfa, ModeSource, TypeSource
from gateway.schema.scalars import UAI
from gateway.sources.fetch import SourceDeps, Sources
from gateway.sources.http.transport import Exchange, Transport
from gateway.sources.metrics import SourceMetrics
from gateway.sources.partners.file_format import CacheTable, LimitsTable
from gateway.sources.partners.load import AccessConfig, Partner
from gateway.sources.partners.tenants import TenantConfig
from gateway.sources.resilience.budgets import Clock, SharedPacing
from gateway.sources.units import Resource, Unit

BASE = "http://127.0.0.1:9/erp"
UAI_A, UAI_B, UAI_SITE = "0590001F", "0590002G", "0590003H"
INSTANT = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
SECRET = "cle-tres-secrete"

Handle = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


def wall_clock() -> datetime:
    return INSTANT


def transport(router: respx.MockRouter) -> Transport:
    return Transport(wall_clock, lambda: httpx.MockTransport(router.async_handler))


def call(partner_request: PartnerRequest | None = None, **champs: Any) -> Exchange:
    request = Exchange(
        "erp", BASE + "/liste", partner_request or PartnerRequest("liste", "/liste"), None, 5.0, 1_000_000
    )
    return replace(request, **champs)


def partner(**champs: Any) -> Partner:
    """The partner « erp », with two CFAs and fast limits."""
    default = Partner(
        nom="erp",
        genre="erp",
        read_by="erp",
        base_url=BASE,
        acces={"defaut": AccessConfig("entete", "X-Cle", SecretStr(SECRET))},
        abonnes={uai: TenantConfig(Tenant(uai, code=uai)) for uai in (UAI_A, UAI_B)},
        limites=LimitsTable(par_seconde=10_000, simultanes=50),
        cache=CacheTable(),
    )
    return replace(default, **champs)


def _reading(tenant: Tenant, _day: date) -> ReadingSteps[ReadingResult]:
    """One call: a list of {"cle", "uai"}."""
    ((rows,),) = yield [PartnerRequest("liste", f"/liste/{tenant.code}")]
    return ReadingResult([_record(line) for line in rows], rejects=int(bool(rows)), ignored_fields=2)


def _record(line: Mapping[str, str]) -> Record:
    cfa = Cfa(uai=UAI(line["uai"])) if line.get("uai") else None
    return Record(line["cle"], Jeune(formations=[Formation(cfa=cfa)]))


CONNECTOR = Connector(
    "erp", TypeSource.ERP_CFA, ModeSource.INTERROGATION, cfa_records=_reading, structure_records=_reading
)


@dataclass
class SourcesHarness:
    """Sources over one partner, with the minute hand of their cache."""

    sources: Sources
    registry: CollectorRegistry
    seconds: list[float]  # of the cache and of the machines that spare the partner
    sleeps: list[float]

    def counter(self, nom: str, **labels: str) -> float:
        return self.registry.get_sample_value(f"{nom}_total", labels) or 0.0


@asynccontextmanager
async def sources_harness(
    network: Transport,
    configure: Partner | None = None,
    connector: Connector = CONNECTOR,
    cache: Cache | None = None,
    instant: Callable[[], datetime] = wall_clock,
    shared: SharedPacing | None = None,
) -> AsyncIterator[SourcesHarness]:
    registry, seconds = CollectorRegistry(), [1_000_000.0]
    timer = lambda: seconds[0]  # noqa: E731
    cache = cache or LocalCache(MemoryBackend(100, 10_000_000, timer), timer)
    sleeps: list[float] = []

    async def sleep(duration: float) -> None:
        sleeps.append(duration)
        await asyncio.sleep(0)

    deps = SourceDeps(network, cache, SourceMetrics(registry), instant, Clock(timer, sleep, lambda: 0.5, shared=shared))
    sources = Sources({"erp": configure or partner()}, {"erp": connector}, deps)
    try:
        yield SourcesHarness(sources, registry, seconds, sleeps)
    finally:
        await sources.aclose()


def unit(uai: str = UAI_A) -> Unit:
    return Unit("erp", Resource.CFA, uai)


@asynccontextmanager
async def server(handle: Handle) -> AsyncIterator[str]:
    """A loopback server that reads one request head, then does as told; yields its URL."""

    async def one(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await reader.readuntil(b"\r\n\r\n")
            await handle(reader, writer)
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()

    subscription = await asyncio.start_server(one, "127.0.0.1", 0)
    port = subscription.sockets[0].getsockname()[1]
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        subscription.close()
