"""What was received, read as a source: versions, freshness, what is no longer sent; two processes on one store."""

import asyncio
from collections import Counter
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest

from gateway.auth.policy.policy import Perimetre
from gateway.auth.policy.rules import Finalite, Profil
from gateway.domain.days import paris_day
from gateway.domain.links import KnownLinks
from gateway.errors import SourceUnavailable
from gateway.federation.collect.collector import Collector
from gateway.federation.collect.plan import SourcePlan
from gateway.federation.ids.id_assigner import AssignedIds
from gateway.federation.ids.keep_or_create import keep_or_create
from gateway.federation.views.build import ViewCache, find_view
from gateway.federation.views.view import Rights
from gateway.schema.organisations import EtatSource, ModeSource, TypeSource
from gateway.sources.received import NAME, AskedAndReceived, ReceivedDossiers
from gateway.sources.units import CacheStatus, PushState, Resource, Unit, UnitFailure, UnitResult
from gateway.stores.reception_tables import KeptDossier
from gateway.stores.receptions import ReceptionStore
from tests.reception.test_store import push
from tests.support.access.small_world import RegistryStore
from tests.support.access.tools import POLICY
from tests.support.reception.facts import UAI, item
from tests.support.reception.world import NOW, SEALER, SITE_UAI
from tests.support.unit.federation import DIRECTORY

pytestmark = pytest.mark.anyio
DAY = timedelta(days=1)
UNIT = Unit(NAME, Resource.CFA, UAI)
NOBODY = Unit(NAME, Resource.CFA, SITE_UAI)


class Process:
    """What one process makes of the store; its clocks are moved from outside."""

    def __init__(self, store: ReceptionStore) -> None:
        self.now, self.seconds = NOW, 0.0
        self.received = ReceivedDossiers(store, SEALER, lambda: self.now, self.tick)

    def tick(self) -> float:
        self.seconds += 1.0  # each look is a new one
        return self.seconds

    async def read(self, unit: Unit = UNIT) -> UnitResult:
        (result,) = await self.received.read([unit], 5.0)
        assert isinstance(result, UnitResult)
        return result

    async def version(self, unit: Unit = UNIT) -> str:
        (result,) = await self.received.kept_versions([unit])
        assert result is not None
        return result.version


def keys(result: UnitResult) -> list[str]:
    return sorted(record.key for record in result.records)


async def test_what_one_process_receives_shows_in_another(store: ReceptionStore) -> None:
    one, other = Process(store), Process(store)
    before = await other.version()
    assert keys(await other.read()) == []
    await push(store, item())
    assert await other.version() == await one.version() != before
    assert keys(await other.read()) == keys(await one.read()) == ["E-1"]


async def test_a_process_that_opens_knows_who_has_transmitted(store: ReceptionStore) -> None:
    """Before anybody reads: a night that counts asks who serves each CFA first."""
    await push(store, item())
    process = Process(store)
    assert not process.received.has_transmitted(UAI)
    await process.received.open()
    assert process.received.has_transmitted(UAI)


async def test_a_nightly_resend_of_the_same_freshens_and_changes_no_version(store: ReceptionStore) -> None:
    process = Process(store)
    await push(store, item(), item(id_erp_apprenant="E-2"))
    before = await process.read()
    for night in range(1, 40):
        process.now = NOW + night * DAY
        await push(store, item(), item(id_erp_apprenant="E-2"), at=process.now)
        after = await process.read()
        assert (after.version, after.cache) == (before.version, CacheStatus.HIT)
        assert after.records is before.records  # nothing was opened again
        assert after.received_at == process.now.replace(microsecond=0)


async def test_a_nightly_resend_of_the_same_rebuilds_no_view(store: ReceptionStore) -> None:
    """Counted: what a change rebuilds, a night that says the same does not."""
    process, built = Process(store), Counter[str]()
    both = AskedAndReceived(Nobody(), process.received)  # type: ignore[arg-type]
    instant = 0.0
    collector = Collector(both, RegistryStore(), "registre", 5.0, lambda: instant, lambda _source, _number: None)
    views, rights = (
        ViewCache(),
        Rights(POLICY, Profil.CFA, Finalite.GESTION_CFA, Perimetre(Profil.CFA, UAI, frozenset({UAI}))),
    )

    class Counting:
        async def assign(self, key_sets: Any, _facts: object, _base: object) -> AssignedIds:
            built["vues"] += 1
            return AssignedIds(keep_or_create(key_sets, KnownLinks(), DIRECTORY.pseudonym, NOW).objects, {}, {}, False)

    async def seen() -> list[str]:
        nonlocal instant
        instant += 10.0
        readings = await collector.collect(SourcePlan(view=True, uais=(UAI,)), DIRECTORY)
        view, _ = await find_view(views, Counting(), readings, rights, DIRECTORY, paris_day(NOW))  # type: ignore[arg-type]
        return sorted(person.jeune.prenom or "" for person in view.persons.values())

    await push(store, item())
    assert await seen() == ["Gaston"]
    for hour in range(1, 20):
        await push(store, item(), at=NOW + timedelta(minutes=hour))
        assert await seen() == ["Gaston"]
    assert built["vues"] == 1
    await push(store, item(prenom_apprenant="Auguste"))
    assert await seen() == ["Auguste"]
    assert built["vues"] == 2


async def test_its_age_is_that_of_the_last_transmission(store: ReceptionStore) -> None:
    process = Process(store)
    await push(store, item())
    process.now = NOW + timedelta(hours=5)
    result = await process.read()
    assert result.pushed == PushState(NOW.replace(microsecond=0), EtatSource.DISPONIBLE)
    assert int(result.age) == 5 * 3600


@pytest.mark.parametrize(
    ("days", "etat"),
    [
        (0, EtatSource.DISPONIBLE),
        (3, EtatSource.DISPONIBLE),
        (4, EtatSource.DEGRADEE),
        (90, EtatSource.DEGRADEE),
        (91, EtatSource.INDISPONIBLE),
    ],
)
async def test_its_state_is_told_by_its_silence(store: ReceptionStore, days: int, etat: EtatSource) -> None:
    process = Process(store)
    at = NOW.replace(microsecond=0)
    await push(store, item(), at=at)
    process.now = at + days * DAY
    result = await process.read()
    assert result.pushed == PushState(at, etat)
    source = process.received.source_of(UAI)
    assert source is not None
    assert (source.nom, source.type, source.mode) == (NAME, TypeSource.ERP_CFA, ModeSource.RECEPTION)
    assert (source.etat, source.derniere_reponse, source.fraicheur_secondes) == (etat, at, days * 86400)
    assert process.received.source().etat is etat
    assert process.received.silent() == (etat is EtatSource.DEGRADEE)


async def test_whoever_never_transmitted_has_no_age_and_is_seen_when_it_does(store: ReceptionStore) -> None:
    process = Process(store)
    result = await process.read(NOBODY)
    assert (result.records, result.pushed and result.pushed.as_of) == ((), None)
    assert process.received.source_of(SITE_UAI) is None
    assert process.received.source().derniere_reponse is None


async def attested(process: Process) -> dict[str, bool]:
    records = (await process.read()).records
    return {record.key: all(one.is_attested for one in record.jeune.formations or []) for record in records}


async def night(store: ReceptionStore, process: Process, day: int, *items: dict[str, Any]) -> None:
    process.now = NOW + day * DAY
    await push(store, *items, at=process.now)


async def test_a_dossier_left_out_of_three_later_transmissions_for_three_weeks_attests_nothing(
    store: ReceptionStore,
) -> None:
    process, other = Process(store), item(id_erp_apprenant="E-2")
    await night(store, process, 0, item(), other)
    for day in (1, 2, 3, 20):
        await night(store, process, day, other)
        assert await attested(process) == {"E-1": True, "E-2": True}
    before = await process.version()
    await night(store, process, 21, other)
    assert await attested(process) == {"E-1": False, "E-2": True}
    assert await process.version() != before
    await night(store, process, 22, item(), other)
    assert await attested(process) == {"E-1": True, "E-2": True}


async def test_a_cfa_that_stopped_transmitting_says_nothing_of_anybody(store: ReceptionStore) -> None:
    """Two later days prove nothing either: what was left out twice may be a transmission in two parts."""
    process, other = Process(store), item(id_erp_apprenant="E-2")
    await night(store, process, 0, item(), other)
    for day in (30, 31):
        await night(store, process, day, other)
        assert (await attested(process))["E-1"]
    process.now = NOW + 200 * DAY
    assert (await attested(process))["E-1"]


async def test_three_transmissions_of_one_day_are_one_day(store: ReceptionStore) -> None:
    process, other = Process(store), item(id_erp_apprenant="E-2")
    await night(store, process, 0, item(), other)
    for hour in range(5):
        process.now = NOW + 30 * DAY + timedelta(hours=hour)
        await push(store, other, at=process.now)
    assert (await attested(process))["E-1"]


async def test_what_was_kept_long_enough_leaves_the_source_too(store: ReceptionStore) -> None:
    process = Process(store)
    await push(store, item())
    assert keys(await process.read()) == ["E-1"]
    process.now = NOW + 366 * DAY
    await store.purge(process.now)
    assert keys(await process.read()) == []


async def test_a_store_that_does_not_answer_is_a_source_that_fails(
    store: ReceptionStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    process = Process(store)
    monkeypatch.setattr(store, "_engine", SimpleNamespace(connect=broken))
    (failure,) = await process.received.read([UNIT], 5.0)
    assert isinstance(failure, UnitFailure)
    assert isinstance(failure.error, SourceUnavailable)
    assert failure.error.source == NAME
    assert await process.received.kept_versions([UNIT]) == [None]


def broken() -> Any:
    raise OSError("no database")


class Nobody:
    """No partner at all."""

    same_keys = frozenset[str]()

    def sources_of_cfa(self, _uai: str) -> tuple[str, ...]:
        return ()

    def sources_of(self, _type: TypeSource) -> tuple[str, ...]:
        return ()

    def cap(self, _source: str) -> int:
        return 0

    async def read(self, units: Any, *_: object) -> list[UnitResult]:
        assert list(units) == []
        return []

    async def kept_versions(self, units: Any) -> list[UnitResult | None]:
        assert list(units) == []
        return []


class Asked:
    """A partner that serves the first CFA only."""

    same_keys = frozenset[str]()

    def partner_of_cfa(self, uai: str) -> str | None:
        return "erp" if uai == UAI else None

    def sources_of_cfa(self, uai: str) -> tuple[str, ...]:
        return ("erp",) if uai == UAI else ()

    def cap(self, _source: str) -> int:
        return 7

    async def read(self, units: Any, _timeout: float, _age_max: object, _asked: object) -> list[UnitResult]:
        at = datetime(2026, 10, 15, tzinfo=UTC)
        return [UnitResult(unit, (), at, CacheStatus.MISSED, "erp-1") for unit in units]

    async def kept_versions(self, units: Any) -> list[UnitResult | None]:
        return [None for _ in units]


async def test_what_takes_longer_than_whoever_reads_waits_is_opened_once(
    store: ReceptionStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else each reader begins again what the one before gave up, and a large CFA is never seen."""
    process, opened = Process(store), list[str]()
    await push(store, item())
    read, end = store.dossiers, asyncio.Event()

    async def slow(uai: str) -> list[KeptDossier]:
        opened.append(uai)
        await end.wait()
        return await read(uai)

    monkeypatch.setattr(store, "dossiers", slow)
    for _ in range(3):
        (answer,) = await process.received.read([UNIT], 0.1)
        assert isinstance(answer, UnitFailure)
    end.set()
    assert keys(await process.read()) == ["E-1"]
    assert opened == [UAI]
    await process.received.aclose()


async def test_beside_the_partners_each_unit_is_answered_by_its_own(store: ReceptionStore) -> None:
    process = Process(store)
    both = AskedAndReceived(Asked(), process.received)  # type: ignore[arg-type]
    await push(store, item())
    assert both.sources_of_cfa(UAI) == ("erp", NAME)
    assert both.sources_of_cfa(SITE_UAI) == (NAME,)
    units = [Unit("erp", Resource.CFA, UAI), UNIT, NOBODY]
    told = await both.read(units, 5.0, None, Counter())
    assert [one.unit for one in told] == units
    assert [len(one.records) for one in told if isinstance(one, UnitResult)] == [0, 1, 0]
    assert [one is None for one in await both.kept_versions(units)] == [True, False, False]
    assert (both.partner_of_cfa(UAI), both.partner_of_cfa(SITE_UAI)) == ("erp", None)
    assert (both.cap("erp"), both.cap(NAME) > 1000) == (7, True)


async def test_a_cfa_that_only_transmits_is_served_by_what_it_transmits(store: ReceptionStore) -> None:
    process = Process(store)
    await push(store, item())
    await process.read()
    nobody = SimpleNamespace(partner_of_cfa=lambda _uai: None)
    both = AskedAndReceived(nobody, process.received)  # type: ignore[arg-type]
    assert both.partner_of_cfa(UAI) == NAME
