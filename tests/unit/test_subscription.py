"""A subscription under way: what is sent of a log, to whom, and what ends it. The transport is left out: it writes what comes."""

import asyncio
import random
from collections.abc import AsyncIterator
from contextlib import aclosing
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime
from typing import Any

import orjson
import pytest

from gateway import subscription
from gateway.auth.authentication.clients import Viewer
from gateway.auth.policy.rules import Profil
from gateway.config import StreamSettings
from gateway.edge.graphql_http import body
from gateway.errors import GatewayError, JournalUnavailable, Overloaded, QuotaReached, TokenFault, Unauthenticated
from gateway.operation_runner import GraphQLRequest
from gateway.schema.nouns import Adresse, SituationSuivi, Suivi
from gateway.schema.scalars import CodePostal
from gateway.subscription import StreamPlaces, SubscriptionStream, subscription_of
from tests.e2e.test_ids import QualityCounts
from tests.support.access.small_world import WithoutAccounting
from tests.support.unit.links import told
from tests.support.unit.watched_world import WatchedWorld, adviser, apprentice

pytestmark = pytest.mark.anyio

BROKEN_OFF = date(2026, 9, 20)
FIELDS = """id nom prenom telephone age statut { valeur } suivi { situation } collaboration { demandeeLe }
 ruptures { id date cause etat } contrats { id }"""
EVENT = "id type quand source nombre jeune { id nom } rupture { id date }"
ALL = f"subscription {{ evenements {{ {EVENT} }} }}"


@pytest.fixture
async def world(tmp_path: Any) -> AsyncIterator[WatchedWorld]:
    ledger = QualityCounts(f"sqlite+aiosqlite:///{tmp_path / 'liens.sqlite'}")
    opened = WatchedWorld(ledger, url=f"sqlite+aiosqlite:///{tmp_path / 'evenements.sqlite'}")
    await opened.log.store.open()
    opened.tell(apprentice("0", nom="Témoin"))
    await opened.look(adviser(), adviser(profil=Profil.SI_PARTENAIRE))
    yield opened
    await opened.close()
    await ledger.close()


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(subscription, "BEAT", 0.02)
    monkeypatch.setattr(subscription, "AGAIN", 0.05)  # after a beat: `received` ends at one


@dataclass
class Callers:
    """Who asks, each time that it is looked: a viewer, or why nobody is known."""

    now: Viewer | GatewayError = field(default_factory=adviser)

    async def __call__(self) -> Viewer:
        if isinstance(self.now, GatewayError):
            raise self.now
        return self.now


async def opened(
    world: WatchedWorld, callers: Callers, text: str = ALL, since: str | None = None
) -> SubscriptionStream:
    viewer = await callers()
    validated = await subscription_of(world.gateway, viewer, GraphQLRequest(text, None, {}))
    assert validated is not None
    stream = SubscriptionStream(world.gateway, viewer, validated, callers, since)
    assert await stream.open() is None
    return stream


async def received(stream: SubscriptionStream, number: int | None = None) -> list[dict[str, Any]]:
    """What comes until there is nothing more to send, or until so many came, or the stream ends by itself."""
    documents: list[dict[str, Any]] = []
    async with aclosing(stream.deliveries()) as deliveries:
        async for delivery in deliveries:
            if delivery is None:
                break
            documents.append(orjson.loads(orjson.dumps(body(delivery.response, ""))) | {"place": delivery.place})
            if len(documents) == number:
                break
    return documents


def told_by(documents: list[dict[str, Any]], root: str = "evenements") -> list[dict[str, Any]]:
    return [document["data"][root] for document in documents]


async def break_off(world: WatchedWorld, names: list[str]) -> None:
    """The contract of each is broken off, one after the other, and looked at each time."""
    before = list(world.told_values)
    for name in names:
        before.append(apprentice(name, BROKEN_OFF, nom=name))
        world.tell(*before)
        await world.look(adviser(), adviser(profil=Profil.SI_PARTENAIRE))


async def test_it_sends_what_comes_from_now_on_in_order(world: WatchedWorld) -> None:
    await break_off(world, ["Avant"])
    stream = await opened(world, Callers())
    assert await received(stream) == []
    await break_off(world, ["Un", "Deux"])
    documents = await received(stream)
    assert [event["jeune"]["nom"] for event in told_by(documents)] == ["Un", "Deux"]
    assert [event["id"] for event in told_by(documents)] == [document["place"] for document in documents]
    assert await received(stream) == []


async def test_who_waits_is_woken_by_what_is_written(world: WatchedWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(subscription, "BEAT", 60.0)
    stream = await opened(world, Callers())
    waiting = asyncio.create_task(received(stream, 1))
    await asyncio.sleep(0.05)
    assert not waiting.done()
    await break_off(world, ["Un"])
    assert [event["jeune"]["nom"] for event in told_by(await asyncio.wait_for(waiting, 20))] == ["Un"]


@pytest.mark.parametrize("seed", range(5))
async def test_i8_what_a_client_cut_at_random_receives_is_the_log(world: WatchedWorld, seed: int) -> None:
    drawn = random.Random(seed)
    first = await opened(world, Callers())
    await received(first)
    names = [f"Nom{n}" for n in range(12)]
    await break_off(world, ["Repère"])
    (start,) = await received(first)
    place, seen = start["place"], list[str]()
    while names or seen[-1:] != ["Nom11"]:
        some, names = names[: (cut := drawn.randint(0, 4))], names[cut:]
        await break_off(world, some)
        documents = await received(await opened(world, Callers(), since=place), drawn.randint(1, 3))
        kept = documents[: drawn.randint(0, len(documents))]  # the rest was lost on the way
        seen += [event["jeune"]["nom"] for event in told_by(kept)]
        place = kept[-1]["place"] if kept else place
    assert list(dict.fromkeys(seen)) == [f"Nom{n}" for n in range(12)]


async def test_i9_nothing_after_a_token_that_ends_or_a_client_that_is_removed(world: WatchedWorld) -> None:
    callers = Callers()
    stream = await opened(world, callers)
    await break_off(world, ["Lue"])
    assert len(await received(stream, 1)) == 1
    await break_off(world, ["Canari"])
    callers.now = Unauthenticated(TokenFault.EXPIRED)
    (last,) = await received(stream)
    assert [error["extensions"]["code"] for error in last["errors"]] == ["NON_AUTHENTIFIE"]
    assert "data" not in last
    assert "Canari" not in repr(last)


async def test_i9_who_becomes_another_is_told_to_open_it_again(world: WatchedWorld) -> None:
    callers = Callers()
    stream = await opened(world, callers)
    await break_off(world, ["Canari"])
    for other in (adviser("60002"), replace(adviser(), finalite=None), adviser(client="autre")):
        callers.now = other
        (last,) = await received(stream)
        assert [error["extensions"]["code"] for error in last["errors"]] == ["REQUETE_INVALIDE"]
        assert "Canari" not in repr(last)


async def test_i9_who_is_revoked_between_two_events_of_one_batch_gets_the_first(world: WatchedWorld) -> None:
    callers = Callers()
    stream = await opened(world, callers)
    await break_off(world, ["Lue", "Canari"])
    documents = []
    async with aclosing(stream.deliveries()) as deliveries:
        async for delivery in deliveries:
            assert delivery is not None
            documents.append(body(delivery.response, ""))
            callers.now = Unauthenticated(TokenFault.CLIENT)
    assert [document.get("data", {}).get("evenements") is not None for document in documents] == [True, False]
    assert "Canari" not in orjson.dumps(documents).decode()


@pytest.mark.parametrize("profil", [Profil.MISSION_LOCALE, Profil.SI_PARTENAIRE])
async def test_i10_what_is_sent_of_a_person_is_what_a_query_shows_then(world: WatchedWorld, profil: Profil) -> None:
    """Values, nulls and refusals; the second profile reads no telephone of a dossier, and no request."""
    viewer = adviser(profil=profil)
    text = f"subscription {{ evenements {{ type jeune {{ {FIELDS} }} rupture {{ id date cause etat }} }} }}"
    world.tell(apprentice("0", nom="Témoin"), told("imilo", "7", "60001", nom="Témoin"))
    await world.look(viewer)
    stream = await opened(world, Callers(viewer), text)
    noted = Suivi(situation=SituationSuivi.RDV_PRIS, date=datetime(2026, 10, 1, 8, tzinfo=UTC))
    world.tell(
        apprentice("0", BROKEN_OFF, nom="Témoin", telephone="+33199000001"),
        told("imilo", "7", "60001", nom="Témoin", suivi=noted),
    )
    await world.look(viewer)
    documents = await received(stream)
    kinds = {document["data"]["evenements"]["type"] for document in documents}
    assert kinds == {"RUPTURE_NOUVELLE", "SUIVI_MODIFIE"}
    for document in documents:
        event = document["data"]["evenements"]
        jeune = await world.asked(viewer, f'{{ jeune(id: "{event["jeune"]["id"]}") {{ {FIELDS} }} }}')
        assert jeune["data"]["jeune"] == event["jeune"]
        if event["rupture"]:
            asked = f'{{ node(id: "{event["rupture"]["id"]}") {{ ... on Rupture {{ id date cause etat }} }} }}'
            assert (await world.asked(viewer, asked))["data"]["node"] == event["rupture"]
        assert _refused(document, 2) == _refused(jeune, 1)


def _refused(document: dict[str, Any], start: int) -> set[tuple[str, ...]]:
    """What is refused below a person."""
    lines = document.get("extensions", {}).get("refus", [])
    return {tuple(line["chemin"][start:]) for line in lines if line["chemin"][start - 1] == "jeune"}


async def test_who_lags_by_more_than_fifty_is_told_so_once_and_goes_on(world: WatchedWorld) -> None:
    stream = await opened(world, Callers())
    people = [apprentice(f"Nom{n}", nom=f"Nom{n}") for n in range(51)]
    world.tell(*people)
    await world.look()
    await received(stream)
    stream = await opened(world, Callers())
    world.tell(*(apprentice(f"Nom{n}", BROKEN_OFF, nom=f"Nom{n}") for n in range(51)))
    await world.look()
    (gap,) = await received(stream)
    event = gap["data"]["evenements"]
    assert (event["type"], event["nombre"], event["jeune"]) == ("LACUNE", 51, None)
    world.tell(
        *(apprentice(f"Nom{n}", BROKEN_OFF, nom=f"Nom{n}") for n in range(51)), apprentice("x", BROKEN_OFF, nom="X")
    )
    await world.look()
    assert [one["jeune"]["nom"] for one in told_by(await received(stream))] == ["X"]
    assert [
        one["jeune"]["nom"] for one in told_by(await received(await opened(world, Callers(), since=gap["place"])))
    ] == ["X"]


async def test_a_place_older_than_what_is_kept_is_told_so_first(world: WatchedWorld) -> None:
    stream = await opened(world, Callers())
    await break_off(world, ["Un", "Deux"])
    (first, _) = await received(stream)
    for _ in range(8):
        world.later(days=1)
        await world.look()
    await world.log.store.purge(world.instant)
    await break_off(world, ["Trois"])
    documents = await received(await opened(world, Callers(), since=first["place"]))
    events = told_by(documents)
    assert [event["type"] for event in events] == ["LACUNE", "RUPTURE_NOUVELLE"]
    assert events[1]["jeune"]["nom"] == "Trois"


async def test_ruptures_are_the_events_of_ruptures_that_the_list_keeps(world: WatchedWorld) -> None:
    text = f"subscription {{ ruptures(filtre: {{ageMax: 18}}) {{ {EVENT} }} }}"
    narrow, whole = (
        await opened(world, Callers(), text),
        await opened(world, Callers(), f"subscription {{ ruptures {{ {EVENT} }} }}"),
    )
    world.tell(
        apprentice("0", nom="Témoin"),
        apprentice("1", BROKEN_OFF, nom="Jeune", date_naissance=date(2009, 3, 7)),
        apprentice("2", BROKEN_OFF, nom="Majeure"),
        apprentice("3", nom="Embauchée"),
    )
    await world.look()
    assert [one["jeune"]["nom"] for one in told_by(await received(narrow), "ruptures")] == ["Jeune"]
    assert sorted(one["jeune"]["nom"] for one in told_by(await received(whole), "ruptures")) == ["Jeune", "Majeure"]


class FailingAccounting(WithoutAccounting):
    """Where `failure` says so, nothing is written of a reading."""

    failure: GatewayError | None = None
    recorded = 0

    async def record(self, *_: object) -> None:
        if self.failure:
            raise self.failure
        self.recorded += 1


async def test_each_delivery_is_journaled_and_one_that_cannot_be_waits(world: WatchedWorld) -> None:
    accounting = FailingAccounting()
    world.gateway = replace(world.gateway, accounting=accounting)  # type: ignore[arg-type]
    stream = await opened(world, Callers())
    await break_off(world, ["Un"])
    accounting.failure = JournalUnavailable("la base ne répond pas")
    assert await received(stream) == []
    accounting.failure = None
    assert [one["jeune"]["nom"] for one in told_by(await received(stream))] == ["Un"]
    assert accounting.recorded == 1


async def test_who_is_out_of_sight_while_a_source_is_down_is_told_of_and_who_moved_is_not(
    world: WatchedWorld,
) -> None:
    stream, late = await opened(world, Callers()), await opened(world, Callers())
    await break_off(world, ["Un"])
    assert len(await received(stream)) == 1
    world.down = {"ypareo"}
    world.version += 1
    (gap,) = await received(late)
    event = gap["data"]["evenements"]
    assert (event["type"], event["jeune"], event["nombre"]) == ("LACUNE", None, None)
    world.down = set()
    again = await opened(world, Callers(), since=gap["place"])
    world.tell(
        *world.told_values[:1], apprentice("Un", BROKEN_OFF, nom="Un", adresse=Adresse(code_postal=CodePostal("75012")))
    )
    assert await received(again) == []


async def test_a_quota_that_is_reached_ends_it_and_shows_nothing(world: WatchedWorld) -> None:
    accounting = FailingAccounting()
    world.gateway = replace(world.gateway, accounting=accounting)  # type: ignore[arg-type]
    stream = await opened(world, Callers())
    await break_off(world, ["Canari"])
    accounting.failure = QuotaReached("Quota atteint.", 60)
    (last,) = await received(stream)
    assert [error["extensions"]["code"] for error in last["errors"]] == ["QUOTA_ATTEINT"]
    assert "Canari" not in repr(last)


async def test_who_may_not_subscribe_is_answered_once(world: WatchedWorld) -> None:
    viewer = replace(adviser(), finalite=None)
    validated = await subscription_of(world.gateway, viewer, GraphQLRequest(ALL, None, {}))
    assert validated is not None
    refused = await SubscriptionStream(world.gateway, viewer, validated, Callers(viewer)).open()
    assert refused is not None
    assert refused.data == {"evenements": None}
    assert [error["extensions"]["code"] for error in refused.errors] == ["FINALITE_REQUISE"]


async def test_places_are_bounded_by_account_by_organisation_and_in_all(world: WatchedWorld) -> None:
    told_sizes: list[int] = []
    places = StreamPlaces(StreamSettings(par_compte=1, par_organisation=2, par_processus=3), told_sizes.append)
    first, second, other = adviser(client="a"), adviser(client="b"), adviser("60002", client="c")
    streams = [await opened(world, Callers(viewer)) for viewer in (first, second, other)]
    with places.hold(first, streams[0]):
        with pytest.raises(QuotaReached, match="1 par compte"):
            places.require(first)
        with places.hold(second, streams[1]), pytest.raises(QuotaReached, match="2 par organisation"):
            places.require(adviser(client="d"))
        with places.hold(second, streams[1]), places.hold(other, streams[2]), pytest.raises(Overloaded):
            places.require(adviser("60003", client="e"))
        places.limit_to(1)  # the system lets so few files be open
        with pytest.raises(Overloaded):
            places.require(other)
    places.require(first)
    assert told_sizes == [1, 2, 1, 2, 3, 2, 1, 0]


async def test_one_that_is_told_to_end_ends_after_what_it_is_at(world: WatchedWorld) -> None:
    stream = await opened(world, Callers())
    await break_off(world, ["Un"])
    stream.end()
    assert await received(stream) == []
    again = await opened(world, Callers())
    task = asyncio.create_task(received(again, 5))
    await asyncio.sleep(0)
    again.end()
    assert await asyncio.wait_for(task, 5) == []
    assert not world.log._waiting


async def test_who_waits_asks_nothing_of_the_store_at_a_beat(
    world: WatchedWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Thousands that wait would each have it read, all the time, for nothing."""
    callers, asked = Callers(), list[str]()
    stream = await opened(world, callers)
    read = world.log.read

    async def counted(key: str) -> Any:
        asked.append(key)
        return await read(key)

    monkeypatch.setattr(world.log, "read", counted)
    async with aclosing(stream.deliveries()) as deliveries:
        assert [await anext(deliveries) for _ in range(3)] == [None, None, None]
        assert len(asked) == 1
        callers.now = Unauthenticated(TokenFault.EXPIRED)
        last = await anext(deliveries)
    assert last is not None
    assert last.response.errors[0]["extensions"]["code"] == "NON_AUTHENTIFIE"


async def test_what_a_query_reads_first_is_sent_at_once(world: WatchedWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    """Another process wrote it, and a query of this one read it: the poll finds nothing new after that, and wakes nobody."""
    monkeypatch.setattr(subscription, "BEAT", 60.0)
    stream = await opened(world, Callers())
    waiting = asyncio.create_task(received(stream, 1))
    await asyncio.sleep(0.05)
    with monkeypatch.context() as elsewhere:
        elsewhere.setattr(world.log, "_wake", lambda _: None)  # another process wakes its own
        await break_off(world, ["Un"])
        world.log._kept.clear()
    await world.log.told(adviser())
    await world.log._poll_once()
    assert [event["jeune"]["nom"] for event in told_by(await asyncio.wait_for(waiting, 20))] == ["Un"]
