"""One run, all of it drawn from a seed: a partner, processes over one cache, askers, events, a process that is killed."""

import asyncio
import random
from dataclasses import dataclass
from datetime import timedelta

import httpx
from aiocache.backends.memory import SimpleMemoryBackend
from prometheus_client import CollectorRegistry

from gateway.cache.interface import Cache, LocalCache, MemoryBackend
from gateway.cache.sealed import SealedCodec
from gateway.cache.shared import SharedCache
from gateway.connectors.base import Connector, PagingStyle, PartnerRequest, ReadingResult, ReadingSteps, Record, Tenant
from gateway.domain.seal import Sealer
from gateway.schema.nouns import Formation, Jeune
from gateway.schema.organisations import Cfa, ModeSource, TypeSource
from gateway.schema.scalars import UAI
from gateway.sources.codec import codec
from gateway.sources.fetch import SourceDeps, Sources
from gateway.sources.http.transport import Transport
from gateway.sources.metrics import SourceMetrics
from gateway.sources.partners.file_format import CacheTable, LimitsTable
from gateway.sources.partners.tenants import TenantConfig
from gateway.sources.resilience.budgets import Clock
from gateway.sources.units import Unit, UnitResult
from tests.simulation.invariants import DecisionCache, GraphQLRequest, judge_partner, single_reading
from tests.simulation.loop import VirtualLoop, run
from tests.simulation.world import EPOCH, SIZE, UAIS, Character, Memory, Partner, RegistryStore
from tests.support.redis_server import redis_breaker
from tests.support.sources import INSTANT, partner, unit

CONCURRENT_MAX = 4
CALLERS, LECTURES, EVENTS = 5, 4, 4
CACHE = CacheTable(
    duree_secondes=5.0, perime_secondes=15.0, secours_secondes=60.0, absence_secondes=2.0, plancher_secondes=1.0
)
CODEC = codec(UnitResult)
SEALER = Sealer(bytes(32))
REST = 2.0  # seconds an answer serves whatever is told of it since
RESPITE = 0.25 * 3 + 0.1  # seconds that a shared cache which does not answer may cost an asker


def _read(tenant: Tenant, _day: object) -> ReadingSteps[ReadingResult]:
    """One request of several pages."""
    (pages,) = yield [PartnerRequest("liste", f"/liste/{tenant.code}", pages=PagingStyle.SIZE, size=SIZE)]
    return ReadingResult([_record(line["cle"], line["uai"]) for page in pages for line in page])


def _record(key: str, uai: str) -> Record:
    return Record(key, Jeune(formations=[Formation(cfa=Cfa(uai=UAI(uai)))]))


CONNECTOR = Connector("erp", TypeSource.ERP_CFA, ModeSource.INTERROGATION, cfa_records=_read)


@dataclass
class Processes:
    """A gateway process of the run."""

    sources: Sources
    distant: Memory | None

    @property
    def dead(self) -> bool:
        return self.distant is not None and self.distant.dead


class Scenario:
    """`seed` decides of everything. `trace` tells what happened, in order and to the nanosecond."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)

    @property
    def trace(self) -> list[str]:
        return self._seen.trace

    def play(self) -> list[str]:
        """The trace of the run. Raises Violated when a promise is broken, EndlessWait when somebody is forgotten."""
        return run(self._random, self._play)

    async def _play(self, loop: VirtualLoop) -> list[str]:
        randomness = self._random
        self._seen = RegistryStore(randomness, Character.drawn(randomness), loop)
        self._told: list[tuple[float, str, int]] = []  # when an event had been told, of whom, and which change
        self._cache_fault = randomness.choice((0.0, 0.0, 0.0, 0.1))
        shared = SimpleMemoryBackend()
        number = randomness.choice((1, 1, 2))
        processes = [self._processes(rank, number, shared) for rank in range(number)]
        self._decision_cache = DecisionCache(self._seen, CACHE, 3 * RESPITE if self._cache_fault else RESPITE)
        doomed = processes[-1] if number > 1 and randomness.random() < 0.2 else None
        askers = [self._caller(randomness.choice(processes), LECTURES) for _ in range(CALLERS)]
        await asyncio.gather(*askers, self._events(processes), self._kill(doomed))
        await asyncio.sleep(4 * self._seen.character.timeout + 1)  # flights outlive their askers
        exact = not self._cache_fault and doomed is None
        single_reading(self._seen, 1 if exact else number)
        limits = (self._seen.character.quota, 1.0), (self._seen.character.tenant_quota, 60.0)
        judge_partner(self._seen, limits, CONCURRENT_MAX)
        for one in processes:
            await one.sources.aclose()
        return self._seen.trace

    def _processes(self, rank: int, number: int, shared: SimpleMemoryBackend) -> Processes:
        character, times = self._seen.character, self._seen.loop.time
        seconds = lambda: EPOCH + times()  # noqa: E731
        wall_clock = lambda: INSTANT + timedelta(seconds=times())  # noqa: E731
        local = LocalCache(MemoryBackend(100, 10_000_000, seconds), seconds)
        distant = Memory(shared, self._random, self._cache_fault) if number > 1 else None
        cache: Cache = (
            SharedCache(distant, SealedCodec([SEALER], CODEC), local, redis_breaker(seconds)) if distant else local
        )
        network: httpx.AsyncBaseTransport = Partner(self._seen, rank)
        limits = LimitsTable(
            simultanes=CONCURRENT_MAX,
            par_seconde=character.quota,
            par_minute_locataire=character.tenant_quota,
            delai_secondes=character.timeout,
        )
        erp = partner(abonnes={uai: TenantConfig(Tenant(uai, code=uai)) for uai in UAIS}, limites=limits, cache=CACHE)
        clock = Clock(times, asyncio.sleep, self._random.random, number)
        deps = SourceDeps(
            Transport(wall_clock, lambda: network), cache, SourceMetrics(CollectorRegistry()), wall_clock, clock
        )
        return Processes(Sources({"erp": erp}, {"erp": CONNECTOR}, deps), distant)

    async def _caller(self, processus: Processes, readings_journal: int) -> None:
        """Reads some tenants again and again, and leaves early now and then."""
        randomness = self._random
        for _ in range(readings_journal):
            await asyncio.sleep(randomness.choice((0.0, 0.1, 1.0, 8.0)) * randomness.random())
            uais = randomness.sample(UAIS, randomness.randrange(1, 4))
            reading = asyncio.create_task(self._read(processus, [unit(uai) for uai in uais]))
            if randomness.random() < 0.15:
                await asyncio.sleep(randomness.random())
                reading.cancel()
            await asyncio.gather(reading, return_exceptions=reading.cancelling() > 0)

    async def _read(self, processus: Processes, units: list[Unit]) -> None:
        randomness, times = self._random, self._seen.loop.time
        debut, timeout, age_max = times(), randomness.choice((0.3, 1.0, 4.0)), randomness.choice((None, None, 0.0, 3.0))
        known = {one.key: self._seen_by_all(one.key, debut) for one in units}
        results = await processus.sources.read(units, timeout, age_max)
        assert len(results) == len(units)
        if processus.dead:  # what it answers reaches nobody; cut from the others, it heard of no event
            known = dict.fromkeys(known, 0)
        for one, rendered in zip(units, results, strict=True):
            self._seen.note(f"{type(rendered).__name__} {one.key} {getattr(rendered, 'erreur', '')}")
            self._decision_cache.judge(GraphQLRequest(one.key, debut, times(), timeout, known[one.key]), rendered)

    async def _events(self, processus: list[Processes]) -> None:
        """The partner changes, then tells some process, which invalidates for all."""
        randomness = self._random
        for _ in range(EVENTS):
            await asyncio.sleep(randomness.random() * 4)
            uai = randomness.choice(UAIS)
            self._seen.change[uai] += 1
            told = await randomness.choice(processus).sources.invalidate(unit(uai))
            if told and (len(processus) == 1 or not self._cache_fault):
                self._told.append((self._seen.loop.time(), uai, self._seen.change[uai]))

    def _seen_by_all(self, uai: str, instant: float) -> int:
        """The last change of a tenant that readings begun at `instant` must see: a flight that had left before it was told
        may end after it, and serves for a while."""
        timeout = REST + self._seen.character.timeout + self._decision_cache.tolerance
        return max((change for when, who, change in self._told if who == uai and when + timeout <= instant), default=0)

    async def _kill(self, processus: Processes | None) -> None:
        """A process is killed: what it held in the shared cache stays there until it expires."""
        if processus is not None and processus.distant is not None:
            await asyncio.sleep(self._random.random() * 5)
            processus.distant.dead = True
