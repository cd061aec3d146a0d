"""The breaker against its model, and what it spares: docs/fiabilite.md, docs/security.md U10, U13, U14. Virtual time."""

import asyncio
from contextlib import nullcontext, suppress

import httpx
import pytest
import respx
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from gateway.connectors.base import PartnerRequest, Tenant
from gateway.errors import (
    OutOfFiles,
    SourceClosed,
    SourceDenied,
    SourceError,
    SourceInvalid,
    SourceQuarantined,
    SourceSuspended,
    SourceUnavailable,
)
from gateway.schema.organisations import EtatSource
from gateway.sources.partners.tenants import TenantConfig
from gateway.sources.resilience.budgets import Bulkhead, RetryBudget
from gateway.sources.resilience.circuit_breaker import CircuitBreaker, Outcome, PartnerBreakers
from gateway.sources.units import UnitFailure, UnitResult
from tests.support.figures import note
from tests.support.sources import BASE, UAI_A, UAI_B, SourcesHarness, partner, sources_harness, transport, unit

pytestmark = pytest.mark.anyio
URL_A, URL_B = f"{BASE}/liste/{UAI_A}", f"{BASE}/liste/{UAI_B}"
FAULT = SourceUnavailable("erp", "")
GET = PartnerRequest("liste", "/liste")


class BreakerModel(RuleBasedStateMachine):
    """The rules written again, over a plain history: (instant, issue) since it last closed."""

    def __init__(self) -> None:
        super().__init__()
        self.machine, self.instant = CircuitBreaker(), 0.0
        self.history: list[tuple[float, Outcome]] = []
        self.etat, self.attempt, self.setback, self.following = "fermé", 0.0, 5.0, 0
        self.probe = False

    @rule(duration=st.floats(0.0, 12.0))
    def wait(self, duration: float) -> None:
        self.instant += duration

    def _can(self) -> bool:
        return self.etat == "fermé" or (not self.probe and self.instant >= self.attempt)

    @invariant()
    def agree(self) -> None:
        assert (self.machine.waiting(self.instant) == 0) == self._can()
        assert self.machine.closed == (self.etat == "fermé")

    @precondition(lambda self: self.etat == "fermé")
    @rule(issue=st.sampled_from(Outcome), number=st.integers(1, 12))
    def read(self, issue: Outcome, number: int) -> None:
        for _ in range(number):
            if self.etat != "fermé":
                return
            self.machine.note(issue, self.instant, self.machine.depart())
            self.history.append((self.instant, issue))
            recent = [one for when, one in self.history if when > self.instant - 10]
            bad = sum(one is not Outcome.SUCCESS for one in recent)
            delays = [one for _, one in self.history][-5:] == [Outcome.TIMEOUT] * 5
            if delays or (len(recent) >= 20 and bad * 2 >= len(recent)):
                self.etat, self.setback, self.following = "ouvert", 5.0, 0
                self.attempt = self.instant + 5.0

    @precondition(lambda self: self.etat == "ouvert" and self._can())
    @rule()
    def run_probe(self) -> None:
        assert self.machine.depart()
        self.probe = True

    @precondition(lambda self: self.probe)
    @rule(issue=st.sampled_from([*Outcome, None]))
    def conclude(self, issue: Outcome | None) -> None:
        self.machine.note(issue, self.instant, True)
        self.probe = False
        if issue is Outcome.SUCCESS:
            self.following += 1
            if self.following == 3:
                self.etat, self.history = "fermé", []
        elif issue is not None:
            self.following, self.setback = 0, min(10.0, self.setback * 2)
            self.attempt = self.instant + self.setback

    @precondition(lambda self: self.etat == "ouvert")
    @rule(issue=st.sampled_from(Outcome))
    def finish_late(self, issue: Outcome) -> None:
        """A reading that left before it opened ends now: it closes nothing and opens nothing."""
        self.machine.note(issue, self.instant, False)


TestBreakerModel = BreakerModel.TestCase
TestBreakerModel.settings = settings(max_examples=60, stateful_step_count=30, deadline=None)


async def read(attempt: SourcesHarness, uai: str = UAI_A) -> UnitResult | UnitFailure:
    (result,) = await attempt.sources.read([unit(uai)], 5.0)
    return result


async def error(attempt: SourcesHarness, uai: str = UAI_A) -> type[SourceError]:
    result = await read(attempt, uai)
    assert isinstance(result, UnitFailure), result
    return type(result.error)


async def test_u14_a_fault_of_a_minute_causes_no_storm(router: respx.MockRouter) -> None:
    """Twenty readings a second for a minute: each would be a request. Then the partner comes back."""
    route = router.get(URL_A).respond(500)
    async with sources_harness(transport(router)) as attempt:
        is_open = 0
        for _ in range(1200):
            attempt.seconds[0] += 0.05
            is_open += await error(attempt) is SourceSuspended
        during = route.call_count
        router.get(URL_A).respond(json=[{"cle": "1", "uai": UAI_A}])
        debut = attempt.seconds[0]
        while isinstance(await read(attempt), UnitFailure):
            attempt.seconds[0] += 0.05
    note(
        f"panne de 60 s : {during} demandes au partenaire pour 1200 lectures (≤ 1440), {is_open} sans l'appeler ; "
        f"de retour, servi en {attempt.seconds[0] - debut:.1f} s (≤ 10)"
    )
    assert during <= 1.2 * 20 + 60 / 5
    assert attempt.seconds[0] - debut <= 10


async def test_a_failing_tenant_does_not_close_its_neighbours(router: respx.MockRouter) -> None:
    router.get(URL_A).respond(500)
    router.get(URL_B).respond(json=[{"cle": "9", "uai": UAI_B}])
    async with sources_harness(transport(router)) as attempt:
        for _ in range(25):
            await read(attempt)
        assert await error(attempt) is SourceSuspended
        assert isinstance(await read(attempt, UAI_B), UnitResult)
        (state,) = attempt.sources.states()
        assert state.etat is not EtatSource.FERMEE


async def test_a_failing_tenant_read_as_much_as_its_neighbour_does_not_close_it(router: respx.MockRouter) -> None:
    """Half of all that is read fails, and all of it is one tenant's."""
    router.get(URL_A).respond(500)
    router.get(URL_B).respond(json=[{"cle": "9", "uai": UAI_B}])
    async with sources_harness(transport(router)) as attempt:
        for _ in range(25):
            await read(attempt)
            assert isinstance(await read(attempt, UAI_B), UnitResult)
            await attempt.sources.purge("erp")
        assert await error(attempt) is SourceSuspended


async def test_a_partner_with_many_tenants_falling_is_left_whole(
    router: respx.MockRouter,
) -> None:
    router.get(url__startswith=BASE).respond(500)
    uais = [f"059{numero:04d}X" for numero in range(25)]
    async with sources_harness(
        transport(router), partner(abonnes={u: TenantConfig(Tenant(u, code=u)) for u in uais})
    ) as attempt:
        errors = [await error(attempt, uai) for uai in uais]
        (state,) = attempt.sources.states()
    assert errors == [SourceUnavailable] * 20 + [SourceSuspended] * 5
    assert state.etat is EtatSource.INDISPONIBLE


def test_a_much_read_partner_that_falls_is_left_whole() -> None:
    """Twenty readings a second of fifty tenants, none of which is read often: what went well a moment ago hides nothing."""
    instant, openings = [0.0], 0
    breakers = PartnerBreakers("erp", lambda: instant[0])
    for numero in range(1000):
        instant[0] += 0.05
        with suppress(SourceError), breakers.pass_(str(numero % 50)):
            if instant[0] > 20:
                raise FAULT
        openings += breakers.opened
    note(f"partenaire de 50 établissements en panne : laissé entier {50 - openings / 20 - 20:.1f} s après")
    assert 50 - openings / 20 - 20 <= 10


async def test_a_hung_tenant_leaves_slots_to_its_neighbours() -> None:
    """Of four places, one tenant holds two: its third request waits, and a neighbour's goes."""
    bulkhead, kept_versions = Bulkhead(4, shared=True), []

    async def keep(key: str) -> None:
        async with bulkhead.place(key):
            kept_versions.append(key)
            await asyncio.sleep(3600)

    tasks = [asyncio.create_task(keep(key)) for key in ("A", "A", "A", "B")]
    await asyncio.sleep(0.01)
    assert kept_versions == ["A", "A", "B"]
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


async def test_u10_who_answers_for_others_is_put_in_quarantine(router: respx.MockRouter) -> None:
    """Its own rows of before are not shown either: whose they are is no longer sure."""
    route = router.get(URL_A).respond(json=[{"cle": "1", "uai": UAI_A}, {"cle": "9", "uai": UAI_B}])
    async with sources_harness(transport(router)) as attempt:
        for _ in range(2):
            result = await read(attempt)
            assert isinstance(result, UnitFailure)
            assert result.fallback is not None
            assert [record.key for record in result.fallback.records] == ["1"]
        result = await read(attempt)
        assert isinstance(result, UnitFailure)
        assert (type(result.error), result.fallback) == (SourceQuarantined, None)
        attempt.seconds[0] += 899
        assert await error(attempt) is SourceQuarantined
        assert route.call_count == 3
        router.get(URL_A).respond(json=[{"cle": "1", "uai": UAI_A}])
        attempt.seconds[0] += 1
        assert isinstance(await read(attempt), UnitResult)


@pytest.mark.parametrize(
    ("fault", "waiting"),
    [
        (FAULT, 0.125),
        (SourceUnavailable("erp", "", 1.0), 1.125),
        (SourceUnavailable("erp", "", 3.0), None),
        (SourceClosed("erp", "", 1.0), None),
        (SourceDenied("erp", ""), None),
        (SourceInvalid("erp", ""), None),
    ],
)
def test_u13_what_is_asked_again(fault: SourceError, waiting: float | None) -> None:
    budget = RetryBudget()
    for _ in range(5):
        budget.call(0.0)
    assert budget.waiting(GET, fault, 0.0, 0.5) == waiting


def test_only_a_reading_is_asked_again() -> None:
    budget = RetryBudget()
    for _ in range(5):
        budget.call(0.0)
    assert budget.waiting(PartnerRequest("l", "/l", "POST"), FAULT, 0.0, 0.5) is None


def test_u14_retries_do_not_exceed_a_fifth() -> None:
    budget, retries = RetryBudget(), 0
    for numero in range(1000):
        budget.call(numero / 100)
        retries += budget.waiting(GET, FAULT, numero / 100, 0.0) is not None
    assert retries == 200


async def test_a_retry_is_asked_for_and_served(router: respx.MockRouter) -> None:
    good = httpx.Response(200, json=[{"cle": "1", "uai": UAI_A}])
    route = router.get(URL_A).mock(side_effect=[good] * 4 + [httpx.Response(502), good])
    async with sources_harness(transport(router)) as attempt:
        for _ in range(5):
            assert isinstance(await read(attempt), UnitResult)
            await attempt.sources.purge("erp")
    assert (route.call_count, attempt.sleeps) == (6, [0.125])


def test_what_this_process_may_not_open_says_nothing_of_the_partner() -> None:
    """Neither a failure, by which it would be left alone, nor a success, by which a probe would bring it back."""
    instant = [0.0]
    breakers = PartnerBreakers("erp", lambda: instant[0])

    def read(error: SourceError | None) -> None:
        with suppress(type(error)) if error else nullcontext(), breakers.pass_(UAI_A):
            if error:
                raise error

    for _ in range(100):
        read(OutOfFiles("erp", ""))
    assert breakers.closed(UAI_A)
    for _ in range(20):
        read(FAULT)
    assert not breakers.closed(UAI_A)
    for _ in range(9):
        instant[0] += 10.0
        read(OutOfFiles("erp", ""))
    assert not breakers.closed(UAI_A)
