"""What is written through the gateway is told in the logs of those whom it concerns: a request and its answer to who reads them,
the end of a write to the account that made it (docs/evenements.md)."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest
from prometheus_client import CollectorRegistry

from gateway.auth.authentication.clients import Viewer
from gateway.evenements.perimeter_logs import EventLog
from gateway.evenements.perimeters import WatchedPerimeter
from gateway.evenements.watcher import Watched, Watcher
from gateway.stores.event_log import EventStore
from gateway.stores.write_queue import WriteQueue
from gateway.writes.delivery import DELAYS, Delivery, DeliveryMetrics
from tests.support.access.small_world import IDS
from tests.support.writes.partner import Partner, ToPartner
from tests.support.writes.world import (
    ADVISER,
    ASK,
    DECLARE,
    NOTE,
    OTHER_SCHOOL,
    REPLY,
    REQUEST,
    RESUME,
    SCHOOL,
    SEALER,
    STRANGER,
    WITHDRAW,
    WrittenWorld,
    key,
    somebody,
    written_world,
)

pytestmark = pytest.mark.anyio
EVENTS = (
    """{ evenements(first: 100) { totalCount nodes { type ecriture { id etat } jeune { nom } rupture { date } } } }"""
)
PEOPLE = [somebody(0), somebody(1, statut="APPRENTI")]
COLLEAGUE = replace(ADVISER, account="collègue")


@dataclass
class Followed:
    """A world whose logs are looked at. `seconds`: the clock of the deliverer."""

    small: WrittenWorld
    log: EventLog
    partner: Partner = field(default_factory=Partner)
    seconds: float = 1_000_000.0
    watched: dict[str, Watched] = field(default_factory=dict)

    async def look(self, *viewers: Viewer) -> None:
        """One look at the perimeter of each."""
        watcher = Watcher(self.log, self.small.world.gateway, self.small.writes.pending)
        for viewer in viewers or (ADVISER, SCHOOL, OTHER_SCHOOL, STRANGER):
            perimeter = WatchedPerimeter.of(viewer)
            name = perimeter.key(IDS)
            await self.log.follow(name, perimeter)
            await watcher.poll(name, self.watched.setdefault(name, Watched(perimeter)))

    async def told(self, viewer: Viewer) -> list[dict[str, Any]]:
        """What somebody reads; the total is theirs."""
        page = (await self.small.ask(viewer, EVENTS))["data"]["evenements"]
        assert page["totalCount"] == len(page["nodes"])
        nodes: list[dict[str, Any]] = page["nodes"]
        return nodes

    async def kinds(self, viewer: Viewer) -> list[str]:
        return [one["type"] for one in await self.told(viewer)]

    async def deliver(self) -> None:
        """Deliver what is due, then hear of it."""
        queue, metrics = WriteQueue(self.small.store, lambda: self.seconds), DeliveryMetrics(CollectorRegistry())
        clocks = (lambda: self.small.instant), (lambda: self.seconds), (lambda: 0.0)
        delivery = Delivery(queue, self.partner, SEALER, metrics, *clocks)
        while await delivery.deliver() is not None:
            pass
        await queue.lease.release()
        await self.small.writes.pending.follow()


@pytest.fixture
async def followed(tmp_path: Path) -> AsyncIterator[Followed]:
    store = EventStore(f"sqlite+aiosqlite:///{tmp_path / 'evenements.sqlite'}")
    await store.open()
    async with written_world(tmp_path, PEOPLE) as small:
        log = EventLog(store, SEALER, IDS, lambda: small.instant)
        writes = replace(small.writes, destinations=ToPartner())
        small.world.gateway = replace(small.gateway, writes=writes, log=log, now=lambda: small.instant)
        world = Followed(small, log)
        await world.look()
        yield world
    await store.close()


async def test_a_request_and_its_answer_are_told_to_who_reads_them(followed: Followed) -> None:
    small = followed.small
    asked = await small.write(SCHOOL, ASK, jeune=await small.id_of(SCHOOL), **REQUEST)
    await followed.look()
    assert await followed.kinds(ADVISER) == ["ACCOMPAGNEMENT_DEMANDE"]
    small.later(minutes=5)
    await small.write(ADVISER, REPLY, jeune=await small.id_of(ADVISER), reponse="ACCEPTEE")
    await followed.look()
    (told,) = [one for one in await followed.told(SCHOOL) if one["type"] == "ACCOMPAGNEMENT_REPONDU"]
    assert told["jeune"]["nom"].startswith("Nom0 ")
    assert (await followed.kinds(OTHER_SCHOOL), await followed.kinds(STRANGER)) == ([], [])
    # Withdrawn, it is read by nobody: what was told of it is neither shown nor counted any more.
    await small.ask(SCHOOL, WITHDRAW, cle=key(), ecriture=asked["ecriture"]["id"])
    assert [kind for kind in await followed.kinds(SCHOOL) if kind.startswith("ACCOMPAGNEMENT")] == []


async def test_an_answer_is_told_once_though_its_partner_tells_it_again(followed: Followed) -> None:
    small = followed.small
    await small.write(SCHOOL, ASK, jeune=await small.id_of(SCHOOL), **REQUEST)
    await small.write(ADVISER, REPLY, jeune=await small.id_of(ADVISER), reponse="REFUSEE")
    for _ in range(3):
        await followed.look()
        await followed.deliver()
        followed.watched.clear()  # another process, that remembers nothing
    assert (await followed.kinds(SCHOOL)).count("ACCOMPAGNEMENT_REPONDU") == 1


async def test_the_end_of_a_write_is_told_to_the_account_that_made_it_and_to_nobody_else(followed: Followed) -> None:
    small = followed.small
    written = await small.write(ADVISER, NOTE, jeune=await small.id_of(ADVISER), situation="RDV_PRIS")
    await followed.look()
    assert "ECRITURE_TRANSMISE" not in await followed.kinds(ADVISER)
    await followed.deliver()
    await followed.look()
    (told,) = [one for one in await followed.told(ADVISER) if one["type"].startswith("ECRITURE")]
    identifier = written["ecriture"]["id"]
    assert told == {
        "type": "ECRITURE_TRANSMISE",
        "ecriture": {"id": identifier, "etat": "TRANSMISE"},
        "jeune": None,
        "rupture": None,
    }
    for other in (COLLEAGUE, SCHOOL, STRANGER, replace(ADVISER, client="autre")):
        assert [kind for kind in await followed.kinds(other) if kind.startswith("ECRITURE")] == []


async def test_who_may_write_no_more_is_told_nothing_of_what_was_written(followed: Followed) -> None:
    small = followed.small
    await small.write(ADVISER, NOTE, jeune=await small.id_of(ADVISER), situation="RDV_PRIS")
    await followed.deliver()
    await followed.look()
    assert "ECRITURE_TRANSMISE" in await followed.kinds(ADVISER)
    gateway = small.world.gateway
    small.world.gateway = replace(gateway, policy=gateway.policy.model_copy(update={"ecriture": ()}))
    assert "ECRITURE_TRANSMISE" not in await followed.kinds(ADVISER)


async def test_a_refusal_and_a_failure_are_told_and_a_second_failure_again(followed: Followed) -> None:
    small = followed.small
    await small.write(ADVISER, NOTE, jeune=await small.id_of(ADVISER), situation="RDV_PRIS")
    followed.partner = Partner([412])
    await followed.deliver()
    await followed.look()
    assert [kind for kind in await followed.kinds(ADVISER) if "ECRITURE" in kind] == ["ECRITURE_REFUSEE"]
    second = await small.write(ADVISER, NOTE, jeune=await small.id_of(ADVISER), situation="REORIENTATION")
    followed.partner = Partner(poison=frozenset({"0"}))
    for _ in range(2):
        for delay in (0, *DELAYS):
            followed.seconds += 1.2 * delay
            await followed.deliver()
        await followed.look()
        await small.ask(ADVISER, RESUME, cle=key(), ecriture=second["ecriture"]["id"])
    kinds = [kind for kind in await followed.kinds(ADVISER) if "ECRITURE" in kind]
    assert kinds == ["ECRITURE_REFUSEE", "ECRITURE_EN_ECHEC", "ECRITURE_EN_ECHEC"]


async def test_what_is_written_of_others_makes_no_event_and_no_second_look(followed: Followed) -> None:
    small = followed.small
    await followed.look(STRANGER)
    (watched,) = [one for one in followed.watched.values() if one.perimeter == WatchedPerimeter.of(STRANGER)]
    seen = watched.seen_at
    small.later(minutes=1)
    await small.write(ADVISER, NOTE, jeune=await small.id_of(ADVISER), situation="RDV_PRIS")
    await followed.look(STRANGER)
    assert (watched.seen_at, watched.revision) == (seen, small.writes.pending.revision)


async def test_a_declared_rupture_is_told_and_its_withdrawal_at_once(followed: Followed) -> None:
    small = followed.small
    contrat = (await small.jeune(SCHOOL, "contrats { id }", 1))["contrats"][0]["id"]
    declared = await small.write(SCHOOL, DECLARE, contrat=contrat, date="2026-10-10")
    await followed.look(ADVISER)
    (told,) = await followed.told(ADVISER)
    assert (told["type"], told["rupture"]) == ("RUPTURE_NOUVELLE", {"date": "2026-10-10"})
    small.later(minutes=5)
    await small.ask(SCHOOL, WITHDRAW, cle=key(), ecriture=declared["ecriture"]["id"])
    await followed.look(ADVISER)
    assert await followed.kinds(ADVISER) == ["RUPTURE_NOUVELLE", "RUPTURE_ANNULEE"]
