"""The promises of docs/fiabilite.md in virtual time: what one partner does to the readers of another, exactly, without a clock.

The real-time form of each is in `test_promises.py`.
"""

import asyncio
import threading
from collections import Counter
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass, field
from datetime import date
from random import Random
from typing import Any

import httpx
import pytest
from prometheus_client import CollectorRegistry

from gateway.cache.interface import LocalCache, MemoryBackend
from gateway.connectors.base import Connector, PartnerRequest, ReadingResult, ReadingSteps, Record, Tenant
from gateway.schema.nouns import Formation, Jeune
from gateway.schema.organisations import Cfa, EtatSource, ModeSource, TypeSource
from gateway.schema.scalars import UAI
from gateway.sources.fetch import SourceDeps, Sources
from gateway.sources.http.transport import Transport
from gateway.sources.metrics import SourceMetrics
from gateway.sources.partners.file_format import CacheTable, LimitsTable
from gateway.sources.partners.tenants import TenantConfig
from gateway.sources.resilience.budgets import Clock
from gateway.sources.shared_single_flight import INSTANT, WAITERS_MAX
from gateway.sources.units import CacheStatus, Resource, Unit, UnitFailure, UnitResult
from tests.simulation.loop import VirtualLoop, run
from tests.support.figures import note
from tests.support.sources import CONNECTOR, UAI_A, partner, sources_harness, unit, wall_clock

SLOTS = 20  # docs/fiabilite.md
LATENCE = 0.02
WITHOUT_MEMORY = CacheTable(duree_secondes=0.001, perime_secondes=0.001, plancher_secondes=0)
EVERYONE = 1000  # tenants of each


class Constant(Random):
    """What runs beside the loop takes the same time whenever it does."""

    def random(self) -> float:
        return 0.5


@dataclass
class Network:
    """Two partners, `a` that is played with and `b`: how long each takes to answer, whether it fails, what reached it."""

    latences: dict[str, float] = field(default_factory=lambda: dict.fromkeys("ab", LATENCE))
    faults: set[str] = field(default_factory=set)
    requests: Counter[str] = field(default_factory=Counter)
    in_flight: Counter[str] = field(default_factory=Counter)
    highest: Counter[str] = field(default_factory=Counter)

    async def answer(self, partner_request: httpx.Request) -> httpx.Response:
        name, uai = partner_request.url.path.split("/")[1::2]
        self.requests[name] += 1
        self.in_flight[name] += 1
        self.highest[name] = max(self.highest[name], self.in_flight[name])
        try:
            await asyncio.sleep(self.latences[name])
        finally:
            self.in_flight[name] -= 1
        return httpx.Response(503) if name in self.faults else httpx.Response(200, json=[{"cle": "1", "uai": uai}])


@dataclass(frozen=True)
class Probe:
    """The sources of one process over that network."""

    loop: VirtualLoop
    sources: Sources

    async def read(self, *units: Unit) -> "ReadOne":
        """One asker, that waits three seconds at most."""
        debut = self.loop.time()
        results = await self.sources.read(units, 3.0)
        return ReadOne(self.loop.time() - debut, results)

    async def readers(self, par_seconde: float, seconds: float, *units: Sequence[Unit]) -> "list[ReadOne]":
        """Askers that come at fixed instants, each for the next units of the list, whatever became of those before."""
        tasks = []
        for rank in range(int(par_seconde * seconds)):
            tasks.append(asyncio.create_task(self.read(*units[rank % len(units)])))
            await asyncio.sleep(1 / par_seconde)
        return [await task for task in tasks]


@dataclass(frozen=True)
class ReadOne:
    """What an asker got, and after how long."""

    seconds: float
    results: list[UnitResult | UnitFailure]

    @property
    def complete(self) -> bool:
        return not any(isinstance(one, UnitFailure) for one in self.results)


def about(source: str, rank: int = 0) -> Unit:
    return Unit(source, Resource.CFA, f"{source.upper()}{rank:04d}")


def play(
    make: Callable[[Sequence[Probe], Network], Coroutine[Any, Any, None]],
    rules: CacheTable = WITHOUT_MEMORY,
    processus: int = 1,
) -> None:
    """Play over a new network, from so many processes that share nothing else."""

    async def opened(loop: VirtualLoop) -> None:
        network = Network()
        attempts = [Probe(loop, _sources(loop, network, rules)) for _ in range(processus)]
        try:
            await make(attempts, network)
        finally:
            for attempt in attempts:
                await attempt.sources.aclose()

    run(Constant(), opened)


def _sources(loop: VirtualLoop, network: Network, rules: CacheTable) -> Sources:
    limits = LimitsTable(simultanes=SLOTS, par_seconde=10_000, delai_secondes=2.0)
    partners = {
        name: partner(
            nom=name,
            base_url=f"http://127.0.0.1:9/{name}",
            abonnes={
                about(name, n).key: TenantConfig(Tenant(about(name, n).key, code=about(name, n).key))
                for n in range(EVERYONE)
            },
            limites=limits,
            cache=rules,
        )
        for name in "ab"
    }
    deps = SourceDeps(
        Transport(wall_clock, lambda: httpx.MockTransport(network.answer)),
        LocalCache(MemoryBackend(10_000, 10**9, loop.time), loop.time),
        SourceMetrics(CollectorRegistry()),
        wall_clock,
        Clock(loop.time, asyncio.sleep, Random(1).random),
    )
    return Sources(partners, {"erp": CONNECTOR}, deps)


def test_the_isolation_of_a_hung_partner() -> None:
    """Those who ask `b` wait as long while `a` hangs as before, to the last microsecond."""

    async def make(attempts: Sequence[Probe], network: Network) -> None:
        (attempt,) = attempts
        groups = [(about("b", n),) for n in range(50)]
        await attempt.readers(20, 5, *groups)  # the first reading of all takes a step more, whoever hangs
        before = await attempt.readers(20, 5, *groups)
        network.latences["a"] = 3600.0
        hung = asyncio.create_task(attempt.readers(20, 10, *((about("a", n),) for n in range(50))))
        during = await attempt.readers(20, 10, *groups)
        assert not any(result.complete for result in await hung)
        assert all(result.complete for result in before + during)
        worst, worst_during = (max(result.seconds for result in results) for results in (before, during))
        note(
            f"isolement, temps virtuel : p100 {worst * 1000:.0f} ms avant, {worst_during * 1000:.0f} pendant (≤ +10 %)"
        )
        assert worst_during == pytest.approx(worst)

    play(make)


def test_a_source_slow_by_ten_seconds() -> None:
    """Cut at its two seconds while its breaker is closed; open, nobody waits for it, not even for a probe."""

    async def make(attempts: Sequence[Probe], network: Network) -> None:
        (attempt,) = attempts
        two = about("a"), about("b")
        healthy = max(result.seconds for result in await attempt.readers(2, 10, two))
        network.latences["a"] = 10.0
        debut = await attempt.readers(0.4, 15, two)
        assert max(result.seconds for result in debut) < 2.5
        is_open = await attempt.readers(4, 60, two)
        more = max(result.seconds for result in is_open) - healthy
        note(
            f"source lente de 10 s, temps virtuel : composite {max(result.seconds for result in debut):.2f} s (≤ 2.5), "
            f"disjoncteur ouvert {more * 1000:+.0f} ms (≤ +50)"
        )
        assert more <= 0.05
        assert all(isinstance(result.results[1], UnitResult) for result in debut + is_open)

    play(make)


def test_a_thousand_readers_of_a_hung_partner() -> None:
    """They take half of the places of the process, and twenty of the partner's."""

    async def make(attempts: Sequence[Probe], network: Network) -> None:
        (attempt,) = attempts
        groups = [(about("b", n),) for n in range(50)]
        await attempt.readers(40, 5, *groups)  # the first reading of all takes a step more, whoever hangs
        before = max(result.seconds for result in await attempt.readers(40, 5, *groups))
        network.latences["a"] = 3600.0
        thousand = asyncio.gather(*(attempt.read(about("a", n)) for n in range(1000)))
        during = max(result.seconds for result in await attempt.readers(40, 5, *groups))
        results = await thousand
        seated = sum(result.seconds > INSTANT for result in results)
        note(
            f"mille lecteurs d'un partenaire pendu : {network.highest['a']} en vol (≤ {SLOTS}), {seated} attendent "
            f"{max(result.seconds for result in results):.1f} s ; "
            f"les autres {before * 1000:.0f} ms avant, {during * 1000:.0f} pendant"
        )
        assert network.highest["a"] <= SLOTS
        assert seated == WAITERS_MAX
        assert during == pytest.approx(before)

    play(make)


@pytest.mark.parametrize("processus", [1, pytest.param(3, marks=pytest.mark.chaos)])
def test_a_minute_of_fault_then_the_return_without_a_rush(processus: int) -> None:
    """Thirty tenants, five readings a second and a process: what the outage adds, then how the partner is found again."""

    async def make(attempts: Sequence[Probe], network: Network) -> None:
        groups = [(about("a", n),) for n in range(30)]

        async def readers(seconds: float) -> list[ReadOne]:
            group = await asyncio.gather(*(attempt.readers(5, seconds, *groups) for attempt in attempts))
            return [result for results in group for result in results]

        await readers(60)
        healthy = network.requests["a"]
        network.faults.add("a")
        await readers(60)
        during = network.requests["a"] - healthy
        network.faults.clear()
        network.highest.clear()
        comeback = await asyncio.gather(*(_until_return(attempt, groups) for attempt in attempts))
        note(
            f"panne de 60 s, {processus} processus : {during} demandes pour {healthy} saines (≤ 1.2 ×) ; "
            f"retour en {max(comeback):.1f} s (≤ 10), {network.highest['a']} en vol (≤ {SLOTS})"
        )
        assert during <= 1.2 * healthy
        assert max(comeback) <= 10
        assert network.highest["a"] <= SLOTS

    play(make, processus=processus)


async def _until_return(attempt: Probe, groups: Sequence[Sequence[Unit]]) -> float:
    """Seconds until a second of readings is all served, five a second."""
    debut = attempt.loop.time()
    while True:
        depuis = attempt.loop.time() - debut
        if all(result.complete for result in await attempt.readers(5, 1, *groups)):
            return depuis


def test_nothing_is_served_older_than_promised() -> None:
    """Three hours of readings, a partner that comes and goes: how old what was served had become, by state of the cache."""
    ages: dict[CacheStatus | None, float] = {}

    async def make(attempts: Sequence[Probe], network: Network) -> None:
        (attempt,), randomness = attempts, Random(7)
        for sweep in range(1000):
            await asyncio.sleep(randomness.expovariate(1 / 11))
            if sweep % 50 == 0:
                network.faults ^= {"a"} if randomness.random() < 0.6 else set()
            (result,) = (await attempt.read(about("a", randomness.randrange(5)))).results
            served_at = result if isinstance(result, UnitResult) else result.fallback
            state = None if isinstance(result, UnitFailure) else result.cache
            if served_at is not None:
                ages[state] = max(ages.get(state, 0.0), served_at.age)

    play(make, CacheTable())
    seen = ", ".join(f"{state.value if state else 'en panne'} {age:.0f} s" for state, age in ages.items())
    note(f"âges servis : {seen} (frais ≤ 300, périmé ≤ 900, en panne ≤ 3600)")
    assert ages[CacheStatus.HIT] < 300
    assert 300 <= ages[CacheStatus.STALE] < 900
    assert 900 <= ages[None] < 3600


@pytest.mark.anyio
@pytest.mark.parametrize("bytes_", [10, 16_384])
async def test_what_computes_for_long_does_not_hold_the_loop(bytes_: int) -> None:
    """Mapping runs beside the loop; decoding does above a quarter of a megabyte."""
    threads: list[threading.Thread] = []

    def reading(tenant: Tenant, _day: date) -> ReadingSteps[ReadingResult]:
        (documents,) = yield [PartnerRequest("liste", f"/liste/{tenant.code}")]
        threads.append(threading.current_thread())
        return ReadingResult([], rejects=len(documents))

    def answer(_: httpx.Request) -> httpx.Response:
        return httpx.Response(200, json=["x" * bytes_])

    connector = Connector("erp", TypeSource.ERP_CFA, ModeSource.INTERROGATION, cfa_records=reading)
    async with sources_harness(
        Transport(wall_clock, lambda: httpx.MockTransport(answer)), connector=connector
    ) as attempt:
        await attempt.sources.read([unit()], 5.0)
    assert [thread is not threading.current_thread() for thread in threads] == [True]


@pytest.mark.anyio
async def test_u09_a_drift_is_seen_at_the_first_answer() -> None:
    """A partner that renames a field: told at once, counted by kind, and the answer is what it was."""
    documents = [[{"cle": "1", "uai": UAI_A}], [{"id": "1", "uai": UAI_A}]]

    def reading(tenant: Tenant, _day: date) -> ReadingSteps[ReadingResult]:
        ((rows,),) = yield [PartnerRequest("liste", f"/liste/{tenant.code}")]
        absent = sum("cle" not in line for line in rows)
        records = [Record("1", Jeune(formations=[Formation(cfa=Cfa(uai=UAI(UAI_A)))])) for _ in rows]
        return ReadingResult(records, drifts={"champ_absent": absent} if absent else {})

    def answer(_: httpx.Request) -> httpx.Response:
        return httpx.Response(200, json=documents.pop(0))

    connector = Connector("erp", TypeSource.ERP_CFA, ModeSource.INTERROGATION, cfa_records=reading)
    states, records = [], []
    async with sources_harness(
        Transport(wall_clock, lambda: httpx.MockTransport(answer)), connector=connector
    ) as attempt:
        for _ in range(2):
            (result,) = await attempt.sources.read([unit()], 5.0)
            assert isinstance(result, UnitResult)
            records.append(result.records)
            states += [state.etat for state in attempt.sources.states()]
            await attempt.sources.purge("erp")
        counted = attempt.counter("passerelle_derives", partenaire="erp", ressource="cfa", genre="champ_absent")
    assert states == [EtatSource.DISPONIBLE, EtatSource.DEGRADEE]
    assert counted == 1
    assert records[0] == records[1]
    note("dérive d'un format : vue à la première réponse (≤ 1), 0 réponse perdue")
