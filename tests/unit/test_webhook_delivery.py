"""Webhooks outward: what an endpoint receives is the log of its perimeter, in order, by its rights of that instant. Over both
databases and real HTTP, to a receiver that verifies by the text of Standard Webhooks."""

import asyncio
import random
import secrets
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any

import orjson
import pytest

from gateway.auth.policy.rules import Finalite, Profil
from gateway.errors import GatewayError, JournalUnavailable, QuotaReached
from gateway.schema.events import TypeEvenement
from gateway.schema.nouns import Adresse, SituationSuivi, Suivi
from gateway.schema.scalars import CodePostal
from gateway.stores.lease import Lease
from gateway.stores.webhook_store import WebhookStore, WebhooksUnavailable
from gateway.webhooks.schedule import DELAYS, LATE_MAX
from tests.e2e.test_ids import QualityCounts
from tests.support.access.small_world import WithoutAccounting
from tests.support.unit.links import told
from tests.support.unit.told_endpoint import NAME, ToldEndpoint, places, receiving, registered
from tests.support.unit.watched_world import WatchedWorld, adviser, apprentice

pytestmark = pytest.mark.anyio

ON_ONE = pytest.mark.parametrize("url", ["sqlite"], indirect=True)  # what no database has a part in
BROKEN_OFF = date(2026, 9, 20)
SYSTEM = Profil.SI_PARTENAIRE
ELSEWHERE: dict[str, Any] = {"adresse": Adresse(code_postal=CodePostal("75012"))}


@pytest.fixture
async def world(url: str, tmp_path: Any) -> AsyncIterator[WatchedWorld]:
    ledger = QualityCounts(f"sqlite+aiosqlite:///{tmp_path / 'liens.sqlite'}")
    opened = WatchedWorld(ledger, url=url)
    await opened.log.store.open()
    opened.tell(apprentice("0", nom="Témoin"))
    await opened.look(system())
    yield opened
    await opened.close()
    await ledger.close()


@pytest.fixture
async def endpoint(world: WatchedWorld) -> AsyncIterator[ToldEndpoint]:
    with receiving() as receiver:
        opened = await ToldEndpoint(world, receiver).open()
        yield opened
        await opened.close()


def system(code: str = "60001") -> Any:
    return adviser(code, SYSTEM, client="si")


async def break_off(world: WatchedWorld, *names: str) -> list[str]:
    """The contract of each is broken off, one after the other; the ids of those events, in order."""
    before = list(world.told_values)
    for name in names:
        before.append(apprentice(name, BROKEN_OFF, nom=name))
        world.tell(*before)
        await world.look(system())
    return [event["id"] for event in await world.events(system())][-len(names) :]


@ON_ONE
async def test_a_message_says_what_happened_and_to_whom_by_opaque_ids_alone(
    world: WatchedWorld, endpoint: ToldEndpoint
) -> None:
    (place,) = await break_off(world, "Le Goff")
    await endpoint.send()
    (message,) = endpoint.receiver.received
    (event,) = await world.events(system())
    assert {key: message[key] for key in ("type", "timestamp", "data")} == {
        "type": "rupture.nouvelle",
        "timestamp": event["quand"],
        "data": {"id": event["jeune"]["id"], "evenement": place},
    }
    assert sorted(message) == ["data", "recu", "timestamp", "type", "webhook"]
    asked = f'{{ node(id: "{message["data"]["id"]}") {{ ... on Jeune {{ nom }} }} }}'
    assert (await world.asked(system(), asked))["data"] == {"node": {"nom": "Le Goff"}}
    assert b"Goff" not in orjson.dumps(endpoint.receiver.received)


@ON_ONE
async def test_nothing_that_was_known_before_is_sent(world: WatchedWorld) -> None:
    await break_off(world, "Avant")
    with receiving() as receiver:
        endpoint = await ToldEndpoint(world, receiver).open()
        await break_off(world, "Après")
        await endpoint.send()
        assert endpoint.kinds() == ["rupture.nouvelle"]
        await endpoint.close()


@pytest.mark.parametrize("seed", range(5))
async def test_i8_what_an_endpoint_that_fails_at_random_takes_is_the_log(
    world: WatchedWorld, endpoint: ToldEndpoint, seed: int
) -> None:
    """It answers an error, or takes the message and is not believed, for the process dies before it is written."""
    drawn = random.Random(seed)
    expected: list[str] = []
    for n in range(8):
        expected += await break_off(world, f"Nom{n}")
        endpoint.receiver.answers += [{"statut": drawn.choice([500, 503, 404, 301])}] * drawn.randint(0, 2)
        if drawn.random() < 0.4:
            await _die_after_sending(endpoint)
        await endpoint.later(drawn.choice([0, 6]))
    for _ in range(30):
        await endpoint.later(400)
    assert sorted(places(endpoint.receiver.received)) == sorted(expected)
    assert len(endpoint.receiver.received) == len(expected) == 8


class LosingStore(WebhookStore):
    """Of a process that dies once it has sent: what became of it is never written."""

    async def delivered(self, *_: object) -> bool:
        raise WebhooksUnavailable

    async def failed(self, *_: object) -> bool:
        raise WebhooksUnavailable


async def _die_after_sending(endpoint: ToldEndpoint) -> None:
    dying, store = endpoint.process(endpoint.delivery), LosingStore(endpoint.world.url)
    dying.parts = replace(dying.parts, store=store)
    await dying.attempt()
    await store.close()


@ON_ONE
async def test_every_message_names_its_person_the_next_as_the_first(
    world: WatchedWorld, endpoint: ToldEndpoint
) -> None:
    """Of an answer whose parts were encoded for an earlier one."""
    await break_off(world, "Un", "Deux", "Trois")
    await endpoint.send()
    events = await world.events(system())
    assert [message["data"]["id"] for message in endpoint.receiver.received] == [one["jeune"]["id"] for one in events]


async def test_they_come_in_the_order_of_the_perimeter(world: WatchedWorld, endpoint: ToldEndpoint) -> None:
    expected = await break_off(world, *(f"Nom{n}" for n in range(6)))
    endpoint.receiver.answers += [{"statut": 500}]
    await endpoint.send()
    assert endpoint.receiver.received == []
    await endpoint.later(5)
    assert places(endpoint.receiver.received) == expected


async def test_one_that_is_never_taken_holds_the_others_for_a_minute(
    world: WatchedWorld, endpoint: ToldEndpoint
) -> None:
    first, *others = await break_off(world, "Un", "Deux", "Trois")
    endpoint.receiver.answers += [{"statut": 500}] * 2
    await endpoint.send()
    await endpoint.later(5)
    await endpoint.later(54)
    assert endpoint.receiver.received == []
    await endpoint.later(1)
    assert places(endpoint.receiver.received) == others
    await endpoint.later(245)
    assert places(endpoint.receiver.received) == [*others, first]


@ON_ONE
async def test_the_schedule_is_that_of_standard_webhooks(world: WatchedWorld, endpoint: ToldEndpoint) -> None:
    """0, 5 s, 5 min, 30 min, 2, 5, 10, 14, 20, 24 h, each from the end of the one before."""
    await break_off(world, "Un")
    endpoint.receiver.answers += [{"statut": 500}] * 9
    await endpoint.send()
    for delay in (5, 5 * 60, 30 * 60, 2 * 3600, 5 * 3600, 10 * 3600, 14 * 3600, 20 * 3600, 24 * 3600):
        tried = len(endpoint.receiver.calls)
        await endpoint.later(delay - 1)
        assert len(endpoint.receiver.calls) == tried
        await endpoint.later(1)
        assert len(endpoint.receiver.calls) == tried + 1
    assert endpoint.kinds() == ["rupture.nouvelle"]
    assert len({call["id"] for call in endpoint.receiver.calls}) == 1


async def test_an_endpoint_that_takes_nothing_for_three_days_is_disabled_and_is_replayed(
    world: WatchedWorld, endpoint: ToldEndpoint, caplog: pytest.LogCaptureFixture
) -> None:
    expected = await break_off(world, "Un")
    endpoint.receiver.answers += [{"statut": 500}] * 10
    await endpoint.send()
    for delay in DELAYS:
        assert (await endpoint.state()).active
        await endpoint.later(delay)
    state = await endpoint.state()
    assert (state.active, state.motif) == (False, "rien n'a été reçu en 10 essais (HTTP 500)")
    assert endpoint.counted() == {"echec": 9.0, "abandonne": 1.0, "desactive": 1.0}
    assert "abonnements rejouer logiciel" in caplog.text
    expected += await break_off(world, "Deux")
    await endpoint.later(10 * 86_400)
    assert len(endpoint.receiver.calls) == 10
    await endpoint.store.replay(NAME, None, endpoint.seconds)
    await endpoint.send()
    assert places(endpoint.receiver.received) == expected


@ON_ONE
async def test_an_event_that_is_given_up_alone_disables_nothing(world: WatchedWorld, endpoint: ToldEndpoint) -> None:
    expected = await break_off(world, "Fatale", "Deux")
    endpoint.receiver.answers += [{"statut": 500}] * 2
    await endpoint.send()
    await endpoint.later(5)
    await endpoint.later(60)
    assert places(endpoint.receiver.received) == expected[1:]
    for delay in DELAYS[1:]:
        endpoint.receiver.answers += [{"statut": 500}]
        await endpoint.later(delay)
    state = await endpoint.state()
    assert (state.active, [one.following for one in state.late]) == (True, [None])
    assert endpoint.counted() == {"echec": 9.0, "abandonne": 1.0, "remis": 1.0}


@ON_ONE
async def test_an_endpoint_that_is_gone_is_sent_nothing_more(world: WatchedWorld, endpoint: ToldEndpoint) -> None:
    expected = await break_off(world, "Un")
    endpoint.receiver.answers += [{"statut": 410}]
    await endpoint.send()
    await endpoint.later(86_400)
    assert endpoint.statuses() == [410]
    assert not (await endpoint.state()).active
    await endpoint.store.replay(NAME, None, endpoint.seconds)
    await endpoint.send()
    assert places(endpoint.receiver.received) == expected


async def test_a_replay_from_an_event_sends_what_follows_under_the_same_identifiers(
    world: WatchedWorld, endpoint: ToldEndpoint
) -> None:
    expected = await break_off(world, "Un", "Deux", "Trois")
    await endpoint.send()
    state = await endpoint.state()
    await endpoint.store.replay(NAME, world.log.place(state.perimetre, expected[0]), endpoint.seconds)
    await endpoint.send()
    calls = [call["id"] for call in endpoint.receiver.calls]
    assert calls[3:] == calls[1:3]
    assert places(endpoint.receiver.received) == expected  # once each, for who looks at webhook-id


async def test_a_replay_asked_while_a_message_is_on_its_way_is_not_forgotten(
    world: WatchedWorld, endpoint: ToldEndpoint
) -> None:
    expected = await break_off(world, "Un", "Deux")
    await endpoint.delivery.attempt()
    state = await endpoint.state()
    endpoint.receiver.answers += [{"statut": 204, "pause": 0.3}]
    sending = asyncio.create_task(endpoint.delivery.attempt())
    await asyncio.sleep(0.1)
    await endpoint.store.replay(NAME, state.numero - 1, endpoint.seconds)
    await sending
    assert (await endpoint.state()).numero == state.numero - 1
    await endpoint.send()
    assert places(endpoint.receiver.received) == expected


@ON_ONE
async def test_two_secrets_sign_while_one_replaces_the_other(world: WatchedWorld, endpoint: ToldEndpoint) -> None:
    (old,), new = endpoint.receiver.secrets, secrets.token_bytes(32)
    for signing, known in (((new, old), [old]), ((new, old), [new]), ((new,), [new])):
        endpoint.with_secrets(*signing)
        endpoint.receiver.secrets = known
        await break_off(world, f"Nom{len(endpoint.receiver.received)}")
        await endpoint.send()
    assert endpoint.statuses() == [204] * 3
    endpoint.receiver.secrets = [old]
    await break_off(world, "Refusée")
    await endpoint.send()
    assert endpoint.statuses()[-1] == 401


@ON_ONE
async def test_only_the_types_that_are_asked_for_are_sent(world: WatchedWorld) -> None:
    with receiving() as receiver:
        endpoint = await ToldEndpoint(world, receiver, types=(TypeEvenement.SUIVI_MODIFIE,)).open()
        noted = Suivi(situation=SituationSuivi.RDV_PRIS, date=datetime(2026, 10, 1, 8, tzinfo=UTC))
        world.tell(apprentice("0", nom="Témoin"), told("imilo", "7", "60001", nom="Témoin"))
        await world.look(system())
        world.tell(apprentice("0", BROKEN_OFF, nom="Témoin"), told("imilo", "7", "60001", nom="Témoin", suivi=noted))
        await world.look(system())
        assert sorted(await world.kinds(system())) == ["RUPTURE_NOUVELLE", "SOURCE_AJOUTEE", "SUIVI_MODIFIE"]
        await endpoint.send()
        assert endpoint.kinds() == ["suivi.modifie"]
        await endpoint.close()


@ON_ONE
async def test_i9_a_client_taken_out_of_the_register_is_sent_nothing_more(
    world: WatchedWorld, endpoint: ToldEndpoint
) -> None:
    await break_off(world, "Lue")
    await endpoint.send()
    await break_off(world, "Canari")
    kept = endpoint.clients.pop("si")
    for changed in (None, replace_client(kept, mfa=True), replace_client(kept, agent_exige=True)):
        endpoint.clients.clear()
        endpoint.clients |= {"si": changed} if changed else {}
        await endpoint.later(3600)
    assert len(endpoint.receiver.calls) == 1
    endpoint.clients["si"] = kept
    await endpoint.send()
    assert len(endpoint.receiver.received) == 2


def replace_client(client: Any, **values: Any) -> Any:
    return client.model_copy(update=values)


@ON_ONE
async def test_i9_a_purpose_that_is_withdrawn_sends_nothing_more(world: WatchedWorld, endpoint: ToldEndpoint) -> None:
    await break_off(world, "Canari")
    endpoint.clients["si"] = registered(finalites=(Finalite.PILOTAGE,))
    await endpoint.later(3600)
    endpoint.clients["si"] = registered(finalites=(Finalite.PILOTAGE, Finalite.ACCOMPAGNEMENT))
    await endpoint.later(3600)
    assert endpoint.receiver.calls == []


async def test_i9_a_client_of_another_organisation_begins_anew_there(
    world: WatchedWorld, endpoint: ToldEndpoint
) -> None:
    await break_off(world, "Canari")
    endpoint.clients["si"] = registered("60002")
    await endpoint.later(3600)
    assert endpoint.receiver.calls == []
    endpoint.clients["si"] = registered("60001")
    await endpoint.later(3600)
    assert endpoint.receiver.calls == []  # what it did not receive, it catches up with by `evenements`


@ON_ONE
async def test_i9_who_moved_away_since_is_told_of_to_nobody(world: WatchedWorld, endpoint: ToldEndpoint) -> None:
    await break_off(world, "Mobile", "Ici")
    world.tell(
        apprentice("0", nom="Témoin"),
        apprentice("Mobile", BROKEN_OFF, nom="Mobile", **ELSEWHERE),
        apprentice("Ici", BROKEN_OFF, nom="Ici"),
    )
    await world.look(system())
    (left,) = await world.events(system())
    await endpoint.send()
    assert places(endpoint.receiver.received) == [left["id"]]
    assert len(endpoint.receiver.calls) == 1
    assert endpoint.counted() == {"ecarte": 1.0, "remis": 1.0}


@ON_ONE
async def test_i9_who_moves_away_between_two_tries_is_not_sent_again(
    world: WatchedWorld, endpoint: ToldEndpoint
) -> None:
    await break_off(world, "Mobile")
    endpoint.receiver.answers += [{"statut": 503}]
    await endpoint.send()
    world.tell(apprentice("0", nom="Témoin"), apprentice("Mobile", BROKEN_OFF, nom="Mobile", **ELSEWHERE))
    await world.look(system())
    await endpoint.later(6)
    assert endpoint.statuses() == [503]
    assert (await endpoint.state()).late == ()


class FailingAccounting(WithoutAccounting):
    """Where `failure` says so, nothing is written of a reading."""

    failure: GatewayError | None = None
    recorded = 0

    async def record(self, *_: object) -> None:
        if self.failure:
            raise self.failure
        self.recorded += 1


@pytest.mark.parametrize(
    "failure",
    [JournalUnavailable("la base ne répond pas"), QuotaReached("Quota atteint.", 60)],
    ids=["journal", "quota"],
)
@ON_ONE
async def test_each_sending_is_journaled_and_one_that_cannot_be_waits_and_costs_no_try(
    world: WatchedWorld, endpoint: ToldEndpoint, failure: GatewayError
) -> None:
    accounting = FailingAccounting()
    world.gateway = replace(world.gateway, accounting=accounting)  # type: ignore[arg-type]
    endpoint.delivery = endpoint.process(endpoint.delivery)
    await break_off(world, "Un")
    accounting.recorded, accounting.failure = 0, failure
    await endpoint.later(0)
    await endpoint.later(3600)
    assert (endpoint.receiver.calls, (await endpoint.state()).late) == ([], ())
    accounting.failure = None
    endpoint.receiver.answers += [{"statut": 503}]
    await endpoint.send()
    await endpoint.later(5)
    assert (endpoint.kinds(), accounting.recorded) == (["rupture.nouvelle"], 2)


@ON_ONE
async def test_a_redirect_is_not_followed(world: WatchedWorld, endpoint: ToldEndpoint) -> None:
    """SSRF: whoever answers at the address sends us nowhere else."""
    await break_off(world, "Un")
    endpoint.receiver.answers += [{"statut": 307, "vers": f"{endpoint.receiver.url}/ailleurs"}]
    await endpoint.send()
    assert (endpoint.receiver.strayed, endpoint.statuses()) == ([], [307])
    assert (await endpoint.state()).motif == "HTTP 307"


@ON_ONE
async def test_the_time_that_an_endpoint_asks_for_is_left_to_it(world: WatchedWorld, endpoint: ToldEndpoint) -> None:
    await break_off(world, "Un")
    endpoint.receiver.answers += [{"statut": 429, "attente": "90"}]
    await endpoint.send()
    await endpoint.later(89)
    assert endpoint.statuses() == [429]
    await endpoint.later(1)
    assert endpoint.statuses() == [429, 204]


@ON_ONE
async def test_an_endpoint_that_is_down_is_not_sent_all_that_comes(world: WatchedWorld, endpoint: ToldEndpoint) -> None:
    await break_off(world, *(f"Nom{n}" for n in range(LATE_MAX + 5)))
    endpoint.receiver.answers += [{"statut": 503}] * 500
    for _ in range(LATE_MAX + 5):
        await endpoint.later(61)
    assert len((await endpoint.state()).late) == LATE_MAX
    endpoint.receiver.answers.clear()
    for _ in range(40):
        await endpoint.later(2_000)
    assert len(endpoint.receiver.received) == LATE_MAX + 5
    assert (await endpoint.state()).late == ()


async def test_two_processes_send_each_event_once(world: WatchedWorld, endpoint: ToldEndpoint) -> None:
    other = endpoint.process()
    await break_off(world, *(f"Nom{n}" for n in range(6)))
    for _ in range(8):
        await asyncio.gather(endpoint.delivery.attempt(), other.attempt())
    assert endpoint.statuses() == [204] * 6


async def test_a_process_that_was_taken_for_dead_settles_nothing(world: WatchedWorld, endpoint: ToldEndpoint) -> None:
    """It was suspended while it sent: another one has the place, and sends the same message again."""
    (place,) = await break_off(world, "Un")
    stolen = Lease(endpoint.store._engine, endpoint.delivery._lease._columns, lambda: endpoint.seconds + 10**9)
    endpoint.receiver.answers += [{"statut": 204, "pause": 0.3}]
    sending = asyncio.create_task(endpoint.delivery.attempt())
    await asyncio.sleep(0.1)
    assert await stolen.elect()
    await sending
    assert (await endpoint.state()).delivered_at is None
    await stolen.release()
    await endpoint.send()
    assert places(endpoint.receiver.received) == [place]


@ON_ONE
async def test_an_erp_that_is_back_after_months_is_one_message(world: WatchedWorld, endpoint: ToldEndpoint) -> None:
    known = list(world.told_values)
    late = [apprentice(str(n), BROKEN_OFF, source="gestibase", tenant="B", nom=f"Nom{n}") for n in range(40)]
    world.tell(*known, *late[:1])
    await world.look(system())
    await endpoint.send()
    world.tell(*known)
    for _ in range(60):
        world.later(days=1)
        world.answered |= {"ypareo": world.instant}
        await world.look(system())
    await endpoint.send()
    seen = len(endpoint.receiver.received)
    world.tell(*known, *late)
    await world.look(system())
    await endpoint.send()
    (message,) = endpoint.receiver.received[seen:]
    assert (message["type"], message["data"]["id"]) == ("source.ajoutee", None)


@ON_ONE
async def test_events_that_are_kept_no_more_are_told_as_a_gap(world: WatchedWorld, endpoint: ToldEndpoint) -> None:
    await break_off(world, "Un", "Deux")
    for _ in range(8):
        world.later(days=1)
        await world.look(system())
    await world.log.store.purge(world.instant)
    await break_off(world, "Trois")
    await endpoint.send()
    assert endpoint.kinds() == ["lacune", "rupture.nouvelle"]
