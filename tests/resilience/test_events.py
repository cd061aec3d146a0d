"""The consumer of a queue: invalidated, then acknowledged; given again, in disorder, poisoned, down (docs/security.md)."""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import httpx
import pytest
import respx
from prometheus_client import CollectorRegistry
from pydantic import SecretStr

from gateway.cache.interface import Cache, CacheKey, LocalCache, MemoryBackend
from gateway.connectors.imilo import CONNECTOR
from gateway.schema.organisations import EtatSource
from gateway.sources.events import queue
from gateway.sources.events.queue import ATTEMPTS_MAX, QueueConsumer
from gateway.sources.metrics import SourceMetrics
from gateway.sources.partners.load import AccessConfig, Partner
from gateway.sources.units import Resource, Unit
from tests.resilience.test_shared_cache import processus
from tests.support.sources import BASE, SourcesHarness, partner, sources_harness, transport

pytestmark = pytest.mark.anyio
EVENTS = f"{BASE}/operateurs/events"
A, B = "02001", "02002"


class Finished(Exception):
    """Enough turns of a loop that has no end."""


@dataclass
class EventQueue:
    """A queue as the partner keeps it, and the dossiers that it tells of."""

    router: respx.MockRouter
    waiting: list[dict[str, Any]]
    places: dict[str, str]  # dossier → structure
    calls: list[str]
    fault: str = ""  # the last word of the paths that fail

    def __post_init__(self) -> None:
        self.router.route(host="127.0.0.1").mock(side_effect=self._answer)

    def event(self, identifier: str, record: object, genre: str = "DOSSIER") -> None:
        self.waiting.append({"identifiant": identifier, "idDossier": record, "type": genre, "action": "UPDATE"})

    def _answer(self, partner_request: httpx.Request) -> httpx.Response:
        path = partner_request.url.path.removeprefix("/erp")
        *_, before, last = path.split("/")
        if partner_request.url.params.get("page", "1") != "1":
            return httpx.Response(200, json=[])
        self.calls.append(f"{last} {before}" if last == "ack" else path)
        if self.fault and last == self.fault:
            return httpx.Response(500)
        if last == "events":
            return httpx.Response(200, json=self.waiting)
        if last == "ack":
            self.waiting[:] = [e for e in self.waiting if e["identifiant"] != before]
            return httpx.Response(204)
        if last == "dossiers":
            return httpx.Response(200, json=[_record(n, code) for n, code in self.places.items() if code == before])
        return self._un_dossier(last)

    def _un_dossier(self, numero: str) -> httpx.Response:
        if numero == "404":
            return httpx.Response(404)
        if numero not in self.places:
            return httpx.Response(200)
        return httpx.Response(200, json=_record(numero, self.places[numero]))


def _record(numero: str, code: str) -> dict[str, Any]:
    etat_civil = {"nomNaissance": "ZZNOM", "prenom": "Zoé", "dateNaissance": "2006-03-07"}
    return {"idDossier": int(numero), **etat_civil, "structureRattachement": {"codeStructure": code}}


def imilo() -> Partner:
    key = SecretStr("k")
    access = {name: AccessConfig("entete", "X-Cle", key) for name in ("dossier", "events")}
    return partner(acces=access, abonnes=None)


@dataclass
class Probe:
    """A consumer over two structures already read, and what it stands on."""

    queue: EventQueue
    harness: SourcesHarness
    cache: Cache
    registry: CollectorRegistry
    consumer: QueueConsumer

    async def invalidated(self) -> list[str]:
        codes = [A, B]
        versions = await self.harness.sources.kept_versions([unit(code) for code in codes])
        return [code for code, version in zip(codes, versions, strict=True) if version is None]

    async def read(self) -> list[list[str]]:
        results = await self.harness.sources.read([unit(A), unit(B)], 5.0)
        return [[d.key for d in result.records] for result in results]  # type: ignore[union-attr]

    def issues(self, issue: str) -> float:
        labels = {"partenaire": "erp", "issue": issue}
        return self.registry.get_sample_value("passerelle_evenements_total", labels) or 0.0


def unit(code: str) -> Unit:
    return Unit("erp", Resource.STRUCTURE, code)


@asynccontextmanager
async def open_store(router: respx.MockRouter, cache: Cache | None = None) -> AsyncIterator[Probe]:
    queue = EventQueue(router, [], {"1": A, "2": A, "9": B}, [])
    seconds = [1_000_000.0]
    cache = cache or LocalCache(MemoryBackend(100, 10_000_000, lambda: seconds[0]), lambda: seconds[0])
    registry = CollectorRegistry()
    async with sources_harness(transport(router), imilo(), CONNECTOR, cache) as opened:
        consumer = QueueConsumer(imilo(), _file(), 1.0, opened.sources, cache, SourceMetrics(registry))
        attempt = Probe(queue, opened, cache, registry, consumer)
        await attempt.read()
        seconds[0] += 30
        queue.calls.clear()
        yield attempt


def _file() -> Any:
    assert CONNECTOR.queue
    return CONNECTOR.queue


async def rounds(consumer: QueueConsumer, number: int) -> list[float]:
    """The waits of so many turns."""
    waits: list[float] = []

    async def sleep(seconds: float) -> None:
        waits.append(seconds)
        if len(waits) == number:
            raise Finished

    with pytest.raises(Finished):
        await consumer.watch(sleep)
    return waits


async def test_an_event_invalidates_its_structure_then_is_acknowledged(router: respx.MockRouter) -> None:
    async with open_store(router) as attempt:
        attempt.queue.event("e1", 1)
        assert await attempt.consumer.consume()
        assert attempt.queue.calls == ["/operateurs/events", "/sue/dossiers/1", "ack e1"]
        assert await attempt.invalidated() == [A]
        assert attempt.issues("invalide") == 1


async def test_ten_times_the_same_record_one_request(router: respx.MockRouter) -> None:
    """Duplicates, under one identifier or several, in whatever order."""
    async with open_store(router) as attempt:
        for rank in (5, 3, 3, 1, 4, 2, 5, 0, 0, 1):
            attempt.queue.event(f"e{rank}", "1")
        await attempt.consumer.consume()
        assert attempt.queue.calls.count("/sue/dossiers/1") == 1
        assert sorted(a for a in attempt.queue.calls if a.startswith("ack")) == [f"ack e{rank}" for rank in range(6)]


async def test_fifty_events_do_not_go_before_the_callers(
    router: respx.MockRouter, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two requests at once, whatever waits in the queue."""
    async with open_store(router) as attempt:
        execute, under_way, maximum = attempt.harness.sources.execute, 0, 0

        async def count(*request: Any) -> Any:
            nonlocal under_way, maximum
            under_way += 1
            maximum = max(maximum, under_way)
            await asyncio.sleep(0)  # a mock answers without waiting
            rendered = await execute(*request)
            under_way -= 1
            return rendered

        monkeypatch.setattr(attempt.harness.sources, "execute", count)
        for rank in range(50):
            attempt.queue.event(f"e{rank}", rank)
        await attempt.consumer.consume()
        assert (attempt.queue.waiting, maximum) == ([], 2)


async def test_c04_a_move_invalidates_both_structures(router: respx.MockRouter) -> None:
    async with open_store(router) as attempt:
        attempt.queue.places["1"] = B
        attempt.queue.event("e1", 1)
        await attempt.consumer.consume()
        assert await attempt.invalidated() == [A, B]
        assert await attempt.read() == [["2"], ["1", "9"]]


async def test_c04_a_deletion_invalidates_the_structure_that_showed_it(router: respx.MockRouter) -> None:
    """C04, deletion at the source: the partner no longer says where the dossier was."""
    async with open_store(router) as attempt:
        del attempt.queue.places["9"]
        attempt.queue.event("e1", 9)
        await attempt.consumer.consume()
        assert await attempt.invalidated() == [B]
        assert attempt.queue.waiting == []


async def test_a_creation_invalidates_the_structure_that_did_not_show_it(router: respx.MockRouter) -> None:
    async with open_store(router) as attempt:
        attempt.queue.places["3"] = B
        attempt.queue.event("e1", 3)
        await attempt.consumer.consume()
        assert await attempt.invalidated() == [B]


async def test_an_appointment_is_acknowledged_without_asking_anything(router: respx.MockRouter) -> None:
    async with open_store(router) as attempt:
        attempt.queue.event("e1", 1, "RDV")
        await attempt.consumer.consume()
        assert attempt.queue.calls == ["/operateurs/events", "ack e1"]
        assert (await attempt.invalidated(), attempt.issues("sans_objet")) == ([], 1)


async def test_dying_between_invalidation_and_acknowledgement_loses_nothing(router: respx.MockRouter) -> None:
    """The partner hears no acknowledgement: the event comes again, and costs one request more."""
    async with open_store(router) as attempt:
        attempt.queue.event("e1", 1)
        attempt.queue.fault = "ack"
        await attempt.consumer.consume()
        assert await attempt.invalidated() == [A]
        assert [e["identifiant"] for e in attempt.queue.waiting] == ["e1"]
        attempt.queue.fault = ""
        await attempt.consumer.consume()
        assert (attempt.queue.waiting, await attempt.invalidated()) == ([], [A])


async def test_nothing_is_acknowledged_while_the_cache_does_not_answer(router: respx.MockRouter) -> None:
    class Silent(LocalCache):
        async def invalidate(self, key: CacheKey) -> bool:
            return False

    async with open_store(router, Silent(MemoryBackend(10, 1_000_000, lambda: 0.0), lambda: 0.0)) as attempt:
        attempt.queue.event("e1", 1)
        await rounds(attempt.consumer, 3)
        assert [e["identifiant"] for e in attempt.queue.waiting] == ["e1"]
        assert not any(call.startswith("ack") for call in attempt.queue.calls)


async def test_while_the_cache_does_not_answer_a_queue_is_looked_at_as_often_and_each_event_asked_about_once(
    router: respx.MockRouter, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The defect: what the cache did not take passed for a failure of the queue, looked at every 2, 4, 8… 30 seconds. An
    event that waits for ever would fill the queue, which gives so many at a time."""

    class Silent(LocalCache):
        async def invalidate(self, key: CacheKey) -> bool:
            await super().invalidate(key)
            return False

    seconds = [1_000_000.0]
    cache = Silent(MemoryBackend(10, 1_000_000, lambda: seconds[0]), lambda: seconds[0])
    async with open_store(router, cache) as attempt:
        seconds[0] += 30
        attempt.queue.event("e1", 1)
        assert await rounds(attempt.consumer, 6) == [1.0] * 6
        assert [attempt.queue.calls.count(call) for call in ("/operateurs/events", "/sue/dossiers/1", "ack e1")] == [
            6,
            1,
            0,
        ]
        assert await attempt.invalidated() == [A]
        monkeypatch.setattr(queue, "HELD", 0.0)
        attempt.queue.event("e2", 9)
        await rounds(attempt.consumer, 1)
        assert [event["identifiant"] for event in attempt.queue.waiting] == ["e2"]
        assert (await attempt.invalidated(), attempt.issues("invalide")) == ([A, B], 1)


async def test_a_poisoned_event_is_given_up_without_holding_back_the_others(
    router: respx.MockRouter, caplog: pytest.LogCaptureFixture
) -> None:
    async with open_store(router) as attempt:
        for record in (404, "../../sue", None, 2):
            attempt.queue.event(f"e-{str(record).strip('./')}".replace("/", ""), record)
        attempt.queue.waiting.append({"identifiant": "../..", "idDossier": 1, "type": "DOSSIER"})
        with caplog.at_level(logging.WARNING):
            for _ in range(ATTEMPTS_MAX - 1):
                await attempt.consumer.consume()
                attempt.queue.event("vivant", 2)
            assert {e["idDossier"] for e in attempt.queue.waiting} == {404, "../../sue", 1, 2}
            await attempt.consumer.consume()
        assert [e["identifiant"] for e in attempt.queue.waiting] == [
            "../.."
        ]  # cannot stand in a path: cannot be acknowledged
        assert (attempt.issues("abandonne"), attempt.issues("sans_objet")) == (2, 1)
        assert await attempt.invalidated() == [A]
    assert "404" not in caplog.text.replace("SOURCE_INVALIDE", "")
    assert "sue" not in caplog.text


async def test_a_failing_partner_has_nothing_given_up(router: respx.MockRouter) -> None:
    """Whatever the time it takes: what failed is the partner, not the event."""
    async with open_store(router) as attempt:
        attempt.queue.event("e1", 1)
        attempt.queue.fault = "1"
        waits = await rounds(attempt.consumer, 20)
        assert [e["identifiant"] for e in attempt.queue.waiting] == ["e1"]
        assert waits == [2.0, 4.0, 8.0, 16.0, *[30.0] * 16]
        attempt.queue.fault = ""
        await attempt.consumer.consume()
        assert (attempt.queue.waiting, await attempt.invalidated()) == ([], [A])


async def test_a_failing_queue_is_looked_at_less_and_less_then_as_before(router: respx.MockRouter) -> None:
    async with open_store(router) as attempt:
        attempt.queue.fault = "events"
        waits: list[float] = []

        async def sleep(seconds: float) -> None:
            waits.append(seconds)
            attempt.queue.fault = "events" if len(waits) < 7 else ""
            if len(waits) == 9:
                raise Finished

        with pytest.raises(Finished):
            await attempt.consumer.watch(sleep)
        assert waits == [2.0, 4.0, 8.0, 16.0, 30.0, 30.0, 30.0, 1.0, 1.0]


async def test_the_queue_tells_nothing_of_the_state_of_the_partner(router: respx.MockRouter) -> None:
    """Neither that its dossiers are fresh because it answers, nor that they are not because it fails."""
    async with open_store(router) as attempt:
        before = attempt.harness.sources.states()
        attempt.queue.event("e1", 404)
        attempt.queue.fault = "events"
        await rounds(attempt.consumer, 5)
        attempt.queue.fault = ""
        await rounds(attempt.consumer, 5)
        assert attempt.harness.sources.states() == before
        assert (before[0].etat, before[0].taux_erreur) == (EtatSource.DISPONIBLE, 0.0)


async def test_two_processes_look_at_the_queue_as_one(router: respx.MockRouter, redis_url: str) -> None:
    """The one that holds the lease reads; the other waits, and takes over when it is given back."""
    async with processus(redis_url) as one, processus(redis_url) as other, open_store(router, one.cache) as attempt:
        second = QueueConsumer(
            imilo(), _file(), 1.0, attempt.harness.sources, other.cache, SourceMetrics(CollectorRegistry())
        )
        kept_up = asyncio.Event()

        async def at_length(_: float) -> None:
            kept_up.set()
            await asyncio.sleep(3600)

        first = asyncio.create_task(attempt.consumer.watch(at_length))
        await kept_up.wait()
        assert attempt.queue.calls == ["/operateurs/events"]
        assert await rounds(second, 3) == [1.0, 1.0, 1.0]
        assert attempt.queue.calls == ["/operateurs/events"]
        first.cancel()
        await asyncio.gather(first, return_exceptions=True)
        await rounds(second, 1)
        assert attempt.queue.calls == ["/operateurs/events"] * 2
