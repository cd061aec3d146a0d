"""Delivery: order per person, one key a write, tries for a day, refusals that are told, one process at a time (I1, I2, I3)."""

import logging
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from prometheus_client import CollectorRegistry, generate_latest

from gateway.connectors.base import PartnerWrite
from gateway.connectors.imilo import write as imilo_write
from gateway.stores.write_queue import WriteQueue
from gateway.writes.delivery import DELAYS, Delivery, DeliveryMetrics
from tests.support.access.small_world import IDS
from tests.support.writes.partner import Partner, ToPartner
from tests.support.writes.world import (
    ADVISER,
    NOTE,
    RESUME,
    SEALER,
    WITHDRAW,
    WRITES,
    WrittenWorld,
    key,
    somebody,
    written_world,
)

pytestmark = pytest.mark.anyio
PEOPLE = [somebody(numero) for numero in range(4)]


class Clock:
    """Seconds since 1970, moved by hand."""

    def __init__(self) -> None:
        self.now = 1_000_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
async def small(tmp_path: Path) -> AsyncIterator[WrittenWorld]:
    async with written_world(tmp_path, PEOPLE) as opened:
        opened.world.gateway = replace(opened.gateway, writes=replace(opened.writes, destinations=ToPartner()))
        yield opened


def deliverer(small: WrittenWorld, partner: Partner, clock: Clock) -> tuple[Delivery, CollectorRegistry]:
    registry = CollectorRegistry()
    queue = WriteQueue(small.store, clock)
    metrics = DeliveryMetrics(registry)
    delivery = Delivery(queue, partner, SEALER, metrics, lambda: small.instant, clock, lambda: 0.0)
    return delivery, registry


async def drain(delivery: Delivery) -> None:
    """Look until nothing is due."""
    while await delivery.deliver() is not None:
        pass


async def states(small: WrittenWorld) -> list[tuple[str, int]]:
    answer = await small.ask(ADVISER, WRITES)
    return [(one["etat"], one["essais"]) for one in answer["data"]["ecritures"]["nodes"]]


async def note(small: WrittenWorld, numero: int = 0, **saisie: Any) -> Any:
    saisie = saisie or {"situation": "RDV_PRIS"}
    return await small.write(ADVISER, NOTE, jeune=await small.id_of(ADVISER, numero), **saisie)


async def test_a_write_waits_then_is_received_and_its_unit_is_asked_again(small: WrittenWorld) -> None:
    written = await note(small, commentaire="bonjour", situation="RDV_PRIS")
    assert written["ecriture"]["etat"] == "EN_ATTENTE"
    partner = Partner()
    delivery, _ = deliverer(small, partner, Clock())
    await drain(delivery)
    assert await states(small) == [("TRANSMISE", 1)]
    (said,) = partner.effects["0"]
    assert (said.acte, said.author, dict(said.content)) == (
        "NOTER_SUIVI",
        "60001",
        {"situation": "RDV_PRIS", "commentaire": "bonjour"},
    )
    assert [(unit.source, unit.key) for unit in partner.invalidated] == [("imilo", "60001")]
    # Read still: the partner was not asked since.
    assert (await small.jeune(ADVISER, "suivi { situation ecriture }"))["suivi"]["situation"] == "RDV_PRIS"


@pytest.mark.parametrize("first", ["hang", "lost", 503, 429, 500])
async def test_i2_what_was_not_answered_is_said_again_with_the_same_key(small: WrittenWorld, first: Any) -> None:
    await note(small)
    partner, clock = Partner([first, first]), Clock()
    delivery, _ = deliverer(small, partner, clock)
    await drain(delivery)
    assert (await states(small))[0][0] == "EN_ATTENTE"
    for delay in DELAYS[:2]:
        clock.now += delay
        await drain(delivery)
    assert await states(small) == [("TRANSMISE", 3)]
    assert (len(set(partner.calls)), len(partner.calls), len(partner.effects["0"])) == (1, 3, 1)


@pytest.mark.parametrize("statut", [400, 404, 409, 412, 422])
async def test_a_refusal_is_told_and_lets_the_next_go(small: WrittenWorld, statut: int) -> None:
    await note(small, situation="RDV_PRIS")
    await note(small, situation="NOUVEAU_PROJET")
    partner = Partner([statut])
    delivery, _ = deliverer(small, partner, Clock())
    await drain(delivery)
    assert await states(small) == [("REFUSEE", 1), ("TRANSMISE", 1)]
    assert [said.content["situation"] for said in partner.effects["0"]] == ["NOUVEAU_PROJET"]
    # What the partner refused is no longer said.
    await small.writes.pending.follow()
    read = await small.jeune(ADVISER, "suivi { historique { situation } }")
    assert [step["situation"] for step in read["suivi"]["historique"]] == ["NOUVEAU_PROJET", "AUTRE"]


async def test_i3_the_writes_of_a_person_go_in_their_order_whatever_happens(small: WrittenWorld) -> None:
    said = ["RDV_PRIS", "NOUVEAU_PROJET", "CHERCHE_CONTRAT", "REORIENTATION"]
    for situation in said:
        await note(small, situation=situation)
    partner, clock = Partner(["hang", 503, "lost", "ok", "hang", 429, "ok"]), Clock()
    delivery, _ = deliverer(small, partner, clock)
    for _ in range(12):
        await drain(delivery)
        clock.now += 30
    assert [each.content["situation"] for each in partner.effects["0"]] == said


async def test_i3_poison_for_one_person_delays_no_other(small: WrittenWorld) -> None:
    for numero in range(4):
        for situation in ("RDV_PRIS", "NOUVEAU_PROJET"):
            await note(small, numero, situation=situation)
    partner, clock = Partner(poison=frozenset({"0"})), Clock()
    delivery, registry = deliverer(small, partner, clock)
    await drain(delivery)
    assert sorted(partner.effects) == ["1", "2", "3"]
    assert [len(partner.effects[str(numero)]) for numero in range(4)] == [0, 2, 2, 2]
    for delay in DELAYS:
        clock.now += delay * 1.2
        await drain(delivery)
    listed = (await small.ask(ADVISER, WRITES))["data"]["ecritures"]["nodes"]
    assert (listed[0]["etat"], listed[0]["motif"]) == ("EN_ECHEC", "statut 503")
    await delivery.deliver()
    assert registry.get_sample_value("passerelle_ecritures_en_echec") == 1
    # Its person is free again: the second write is tried, now that the first is told as failed.
    assert [one["etat"] for one in listed].count("EN_ATTENTE") == 1
    partner.poison = frozenset()
    clock.now += DELAYS[0]
    await drain(delivery)
    resumed = await small.ask(ADVISER, RESUME, cle=key(), ecriture=listed[0]["id"])
    assert resumed["data"]["reprendreEcriture"]["ecriture"]["etat"] == "EN_ATTENTE"
    await drain(delivery)
    assert [said.content["situation"] for said in partner.effects["0"]] == ["NOUVEAU_PROJET", "RDV_PRIS"]


async def test_a_partner_that_refuses_our_access_is_left_alone_and_tells_no_failure(small: WrittenWorld) -> None:
    await note(small)
    partner, clock = Partner([401]), Clock()
    delivery, _ = deliverer(small, partner, clock)
    await drain(delivery)
    clock.now += 599
    await drain(delivery)
    assert (len(partner.calls), await states(small)) == (1, [("EN_ATTENTE", 1)])
    clock.now += 2
    await drain(delivery)
    assert await states(small) == [("TRANSMISE", 2)]


async def test_what_may_have_been_received_is_not_withdrawn(small: WrittenWorld) -> None:
    written = await note(small)
    partner, clock = Partner(["hang"]), Clock()
    delivery, _ = deliverer(small, partner, clock)
    await drain(delivery)
    gone = await small.ask(ADVISER, WITHDRAW, cle=key(), ecriture=written["ecriture"]["id"])
    assert [error["code"] for error in gone["data"]["abandonnerEcriture"]["erreurs"]] == ["NON_ELIGIBLE"]


async def test_what_is_withdrawn_in_time_is_never_said(small: WrittenWorld) -> None:
    written = await note(small)
    gone = await small.ask(ADVISER, WITHDRAW, cle=key(), ecriture=written["ecriture"]["id"])
    assert gone["data"]["abandonnerEcriture"]["ecriture"]["etat"] == "ABANDONNEE"
    partner = Partner()
    await drain(deliverer(small, partner, Clock())[0])
    assert (partner.calls, await states(small)) == ([], [("ABANDONNEE", 0)])


async def test_a_write_that_was_received_is_not_withdrawn(small: WrittenWorld) -> None:
    written = await note(small)
    await drain(deliverer(small, Partner(), Clock())[0])
    gone = await small.ask(ADVISER, WITHDRAW, cle=key(), ecriture=written["ecriture"]["id"])
    assert [error["code"] for error in gone["data"]["abandonnerEcriture"]["erreurs"]] == ["NON_ELIGIBLE"]


async def test_one_of_two_processes_delivers_and_the_other_takes_over_when_it_dies(small: WrittenWorld) -> None:
    clock, partner = Clock(), Partner()
    first, second = deliverer(small, partner, clock)[0], deliverer(small, partner, clock)[0]
    await note(small, 0)
    assert await first.deliver() is not None
    await note(small, 1)
    assert await second.deliver() is None
    assert sorted(partner.effects) == ["0"]
    clock.now += 61  # the first said nothing for longer than its lease
    await drain(second)
    assert sorted(partner.effects) == ["0", "1"]
    await note(small, 2)
    assert await first.deliver() is None


async def test_a_deliverer_that_lost_its_place_settles_nothing(small: WrittenWorld) -> None:
    clock, partner = Clock(), Partner()
    first, second = deliverer(small, partner, clock)[0], deliverer(small, partner, clock)[0]
    await note(small)
    assert await first.queue.lease.elect()
    (write,) = await first.queue.due()
    assert await first.queue.begin(write.id, small.instant)
    clock.now += 61
    await drain(second)
    assert not await first.queue.begin(write.id, small.instant)
    assert await states(small) == [("TRANSMISE", 2)]
    assert len(partner.effects["0"]) == 1


async def test_a_try_during_which_the_place_is_lost_is_told_as_replaced(small: WrittenWorld) -> None:
    clock = Clock()
    await note(small)
    others = deliverer(small, partner := Partner(), clock)[0]

    class Slow(Partner):
        """It answers once another process has taken the place, and delivered."""

        async def execute(self, source: str, reading: Any, tenant: Any) -> None:
            clock.now += 61
            await drain(others)
            await partner.execute(source, reading, tenant)

    first, registry = deliverer(small, Slow(), clock)
    await first.deliver()
    replaced = {"partenaire": "imilo", "issue": "REMPLACEE"}
    assert registry.get_sample_value("passerelle_ecritures_total", replaced) == 1
    assert (await states(small), len(partner.effects["0"])) == ([("TRANSMISE", 2)], 1)


async def test_the_oldest_that_waits_is_told_by_partner(small: WrittenWorld) -> None:
    await note(small, 0)
    small.later(minutes=20)
    await note(small, 1)
    delivery, registry = deliverer(small, Partner([503, 503]), Clock())
    await delivery.deliver()
    waits = registry.get_sample_value("passerelle_ecritures_attente_secondes", {"partenaire": "imilo"})
    assert waits == 1200
    tried = registry.get_sample_value("passerelle_ecritures_total", {"partenaire": "imilo", "issue": "EN_ATTENTE"})
    assert tried == 2


async def test_what_is_kept_does_not_open_under_another_key(small: WrittenWorld) -> None:
    await note(small)
    (kept,) = await small.store.since(0)
    assert kept.personne not in (IDS.key(await small.id_of(ADVISER)), await small.id_of(ADVISER))
    assert b"RDV_PRIS" not in kept.sealed


class Broken(Partner):
    """A partner whose connector fails on one dossier."""

    async def execute(self, source: str, reading: Any, tenant: Any) -> None:
        said = next(reading)
        if said.dossier == "0":
            raise KeyError("a value")
        await super().execute(source, iter([said]), tenant)


async def test_a_connector_that_fails_on_one_write_delays_no_other(
    small: WrittenWorld, caplog: pytest.LogCaptureFixture
) -> None:
    await note(small, 0)
    await note(small, 1)
    partner = Broken()
    await drain(deliverer(small, partner, Clock())[0])
    assert sorted(partner.effects) == ["1"]
    assert sorted(await states(small)) == [("EN_ATTENTE", 1), ("TRANSMISE", 1)]
    assert "a value" not in caplog.text


async def test_i14_no_value_key_or_id_is_in_a_log_a_metric_an_error_or_an_address(
    small: WrittenWorld, caplog: pytest.LogCaptureFixture
) -> None:
    """Whatever happens to a write: accepted, refused, failed, a connector that fails with a value in its hands."""
    caplog.set_level(logging.DEBUG)
    own, jeune = key(), await small.id_of(ADVISER, 1)
    said = {"situation": "AUTRE", "situationAutre": "canari-autre", "commentaire": "canari-commentaire"}
    answers = [await small.ask(ADVISER, NOTE, saisie={"cle": own, "jeune": jeune, **said})]
    answers.append(await small.ask(ADVISER, NOTE, saisie={"cle": own, "jeune": jeune, "commentaire": "canari-redit"}))
    answers.append(await small.ask(ADVISER, NOTE, saisie={"cle": own, "jeune": jeune, "canari-champ": 1}))
    await note(small, 0, **said)
    clock, partner = Clock(), Broken(["hang", 503, 412])
    delivery, registry = deliverer(small, partner, clock)
    for delay in (0, *DELAYS):
        clock.now += 1.2 * delay
        await drain(delivery)
    answers.append(await small.ask(ADVISER, WRITES))
    told = [caplog.text, generate_latest(registry).decode(), *(str(answer.get("errors")) for answer in answers)]
    told += [str(one["motif"]) for one in answers[-1]["data"]["ecritures"]["nodes"]]
    for canary in ("canari", own, jeune, IDS.key(jeune), "Nom1", "a value"):
        assert [text for text in told if canary in text] == [], canary
    (request,) = next(imilo_write(PartnerWrite("NOTER_SUIVI", "12", "cle", "60001", small.instant, said)))
    assert "canari" not in f"{request.path} {request.headers} {request.params}"


async def test_what_its_author_read_goes_as_if_match_and_nothing_else_does() -> None:
    at, seen = datetime(2026, 10, 15, 8, 30, tzinfo=UTC), datetime(2026, 10, 1, 22, 5, 6, 700, tzinfo=UTC)
    for date, headers in ((None, {}), (seen, {"If-Match": '"2026-10-02 00:05:06"'})):
        (request,) = next(
            imilo_write(PartnerWrite("NOTER_SUIVI", "12", "cle-1", "60001", at, {"situation": "A"}, date))
        )
        assert dict(request.headers) == {"Idempotency-Key": "cle-1", **headers}
        assert request.body == {"situation": "A", "auteur": "60001", "date": "2026-10-15 10:30:00"}
