"""The small world behind the sources as they are: partners over a counted transport, flights, cache, validators, upkeep's
clock. What is asked of the same world without any cache is what it must answer."""

import asyncio
import hashlib
import json
from collections.abc import Callable
from datetime import date
from typing import Any

import httpx
from prometheus_client import CollectorRegistry

from gateway.auth.authentication.clients import Viewer
from gateway.cache.interface import Cache, cache_local
from gateway.connectors.base import Connector, PartnerRequest, ReadingResult, ReadingSteps, Record, Tenant
from gateway.schema.organisations import ModeSource, TypeSource
from gateway.sources.fetch import SourceDeps, Sources
from gateway.sources.http.transport import Transport
from gateway.sources.metrics import SourceMetrics
from gateway.sources.partners.file_format import CacheTable, LimitsTable
from gateway.sources.partners.load import Partner
from gateway.sources.partners.tenants import TenantConfig
from gateway.sources.resilience.budgets import Clock
from gateway.sources.units import Resource, Unit
from tests.support.access.small_world import CFAS, RECEIVED, REGIONS, Inhabitant, SmallWorld, known, record

UNITES = [
    *(Unit("erp", Resource.CFA, uai) for uai in CFAS),
    *(Unit("imilo", Resource.STRUCTURE, code) for codes in REGIONS.values() for code in codes),
]


class CachedWorld:
    """People who may change, and the gateway that keeps what it was told of them. `minute[0]`: seconds since 1970."""

    def __init__(
        self, inhabitants: list[Inhabitant], cache: Callable[[Callable[[], float]], Cache] = cache_local
    ) -> None:
        self.inhabitants, self.minute = inhabitants, [1_000_000.0]
        self.requests = 0
        self.cache = cache(lambda: self.minute[0])
        transport = Transport(lambda: RECEIVED, lambda: httpx.MockTransport(self._answer))
        clock = Clock(lambda: self.minute[0], lambda _duration: asyncio.sleep(0), lambda: 0.5)
        deps = SourceDeps(transport, self.cache, SourceMetrics(CollectorRegistry()), lambda: RECEIVED, clock)
        connectors = {"erp": self._connector("erp", record), "imilo": self._connector("imilo", known)}
        self.sources = Sources({name: _partner(name) for name in connectors}, connectors, deps)
        # what is judged is what it answers, not how busy this machine is
        self.world = SmallWorld(inhabitants, live_sources=self.sources, seconds=lambda: self.minute[0], timeout=60.0)

    async def request(self, viewer: Viewer, text: str, **variables: Any) -> str:
        """What is judged of the answer: its data and its errors."""
        return response_bytes(await self.world.request(viewer, text, **variables))

    async def without_cache(self, viewer: Viewer, text: str, **variables: Any) -> str:
        """What a gateway that has just started, and keeps nothing, answers: the model."""
        return response_bytes(await SmallWorld(self.inhabitants).request(viewer, text, **variables))

    async def grow_older(self, seconds: float) -> None:
        """Time passes."""
        self.minute[0] += seconds

    async def event(self) -> None:
        """Partners tell that something changed; what was read just before serves two seconds more."""
        for unit in UNITES:
            await self.sources.invalidate(unit)
        await self.grow_older(3.0)

    async def settle(self) -> None:
        """Let what is asked behind come."""
        await asyncio.gather(*self.sources._flights._flights._flights.values())

    def _answer(self, request: httpx.Request) -> httpx.Response:
        self.requests += 1
        own = {one.numero for one in self._de(request.url.path.rpartition("/")[2])}
        rows = [{"numero": one.numero, "dit": repr(one)} for one in self.inhabitants if one.numero in own]
        mark = f'"{hashlib.sha256(json.dumps(rows).encode()).hexdigest()}"'
        if request.headers.get("If-None-Match") == mark:
            return httpx.Response(304)
        return httpx.Response(200, json=rows, headers={"ETag": mark} if "/erp/" in request.url.path else {})

    def _de(self, key: str) -> list[Inhabitant]:
        return [one for one in self.inhabitants if key == one.cfa or key in one.followed_by]

    def _connector(self, nom: str, tell: Callable[[Inhabitant], Record]) -> Connector:
        def reading(tenant: Tenant, _day: date) -> ReadingSteps[ReadingResult]:
            ((rows,),) = yield [PartnerRequest("liste", f"/liste/{tenant.key}")]
            numeros = {line["numero"] for line in rows}
            return ReadingResult([tell(one) for one in self.inhabitants if one.numero in numeros])

        if nom == "erp":
            return Connector(nom, TypeSource.ERP_CFA, ModeSource.INTERROGATION, cfa_records=reading)
        return Connector(nom, TypeSource.MISSION_LOCALE, ModeSource.INTERROGATION, structure_records=reading)


def _partner(nom: str) -> Partner:
    return Partner(
        nom=nom,
        genre=nom,
        read_by=nom,
        base_url=f"http://127.0.0.1:9/{nom}",
        acces={},
        abonnes={uai: TenantConfig(Tenant(uai, code=uai)) for uai in CFAS} if nom == "erp" else None,
        limites=LimitsTable(par_seconde=100_000, par_minute_locataire=1_000_000, simultanes=50),
        cache=CacheTable(),
    )


def response_bytes(reponse: dict[str, Any]) -> str:
    return json.dumps({key: reponse.get(key) for key in ("data", "errors")}, ensure_ascii=False)
