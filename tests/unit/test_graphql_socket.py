"""The adapter of a WebSocket over a log that a test fills: what ends a subscription, what ends the socket, what is left."""

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from typing import Any

import orjson
import pytest
from starlette.types import Message

from gateway import subscription
from gateway.config import StreamSettings
from gateway.edge import graphql_socket
from gateway.edge.event_stream import StreamDeps
from gateway.edge.graphql_http import JSON, write
from gateway.edge.graphql_socket import SocketDeps, SocketRoute
from gateway.edge.socket_messages import SUBPROTOCOL
from gateway.errors import ClientsUnavailable, TokenFault, Unauthenticated
from gateway.response import refused_response
from gateway.subscription import StreamPlaces
from tests.support.unit.watched_world import WatchedWorld, adviser
from tests.unit.test_subscription import ALL, Callers, break_off, world

__all__ = ["world"]  # a fixture of another file
pytestmark = pytest.mark.anyio

GONE: Message = {"type": "websocket.disconnect", "code": 1005}


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(subscription, "BEAT", 0.02)
    monkeypatch.setattr(subscription, "AGAIN", 0.01)


async def until(seen: Callable[[], bool]) -> None:
    async with asyncio.timeout(20):
        while not seen():  # noqa: ASYNC110 - of what another task does, which tells nobody
            await asyncio.sleep(0.005)


@dataclass
class Talk:
    """A socket and its client, in one process."""

    world: WatchedWorld
    callers: Callers = field(default_factory=Callers)
    sent: list[Message] = field(default_factory=list)
    patience: float = 0.0  # seconds that it takes to know who asks

    def __post_init__(self) -> None:
        self._heard: asyncio.Queue[Message] = asyncio.Queue()
        self._heard.put_nowait({"type": "websocket.connect"})
        self.places = StreamPlaces(StreamSettings(), lambda _: None)
        deps = SocketDeps(
            streams=StreamDeps(self.world.gateway, self.places),
            viewer=self._viewer,
            failed=lambda error, id_: ((one := refused_response(error)), write(one, id_, JSON)),
            told=lambda *_: None,
            refused=lambda *_: None,
        )
        scope = {"type": "websocket", "subprotocols": [SUBPROTOCOL], "headers": [], "query_string": b""}
        self.task = asyncio.create_task(SocketRoute(deps)(scope, self._heard.get, self._send))

    async def _viewer(self, _: object) -> Any:
        await asyncio.sleep(self.patience)
        return await self.callers()

    async def _send(self, message: Message) -> None:
        self.sent.append(message)
        if message["type"] == "websocket.close":
            self._heard.put_nowait(GONE)

    def say(self, **message: object) -> None:
        self._heard.put_nowait({"type": "websocket.receive", "text": orjson.dumps(message).decode()})

    def leave(self) -> None:
        self._heard.put_nowait(GONE)

    @property
    def told(self) -> list[dict[str, Any]]:
        return [orjson.loads(one["text"]) for one in self.sent if one["type"] == "websocket.send"]

    @property
    def closes(self) -> list[int]:
        return [one["code"] for one in self.sent if one["type"] == "websocket.close"]

    async def until(self, number: int) -> None:
        """So many messages."""
        await until(lambda: len(self.told) >= number)

    async def end(self) -> None:
        async with asyncio.timeout(20):
            await self.task

    async def waits(self) -> None:
        """A stream is open, and waits for events."""
        await until(lambda: bool(self.world.log._waiting))


@pytest.fixture
async def talk(world: WatchedWorld) -> AsyncIterator[Talk]:
    opened = Talk(world)
    opened.say(type="connection_init")
    opened.say(type="subscribe", id="a", payload={"query": ALL})
    await opened.waits()
    yield opened
    opened.leave()
    await opened.end()
    assert not world.log._waiting, "a stream stays"
    assert not opened.places._open


async def test_events_come_in_their_order(talk: Talk) -> None:
    await break_off(talk.world, ["Un", "Deux"])
    await talk.until(3)
    assert [message["type"] for message in talk.told] == ["connection_ack", "next", "next"]
    assert [one["payload"]["data"]["evenements"]["jeune"]["nom"] for one in talk.told[1:]] == ["Un", "Deux"]
    assert {one["id"] for one in talk.told[1:]} == {"a"}


async def test_i9_a_token_that_ends_closes_with_4403_and_the_event_after_is_not_sent(talk: Talk) -> None:
    await break_off(talk.world, ["Un"])
    await talk.until(2)
    talk.callers.now = Unauthenticated(TokenFault.EXPIRED)
    await break_off(talk.world, ["Canari"])
    await talk.end()
    assert talk.closes == [4403]
    assert "Canari" not in str(talk.told)


async def test_i9_a_token_that_ends_while_nothing_happens_closes_too(talk: Talk) -> None:
    talk.callers.now = Unauthenticated(TokenFault.EXPIRED)
    await talk.end()
    assert (talk.closes, len(talk.told)) == ([4403], 1)


async def test_i9_who_becomes_another_is_told_and_the_socket_lives(talk: Talk) -> None:
    talk.callers.now = adviser("60002")
    await talk.until(2)
    assert (talk.told[1]["type"], talk.told[1]["id"]) == ("error", "a")
    assert talk.told[1]["payload"][0]["message"] == subscription.CHANGED
    talk.say(type="ping")
    await talk.until(3)
    assert (talk.told[2], talk.closes) == ({"type": "pong"}, [])


async def test_a_register_that_cannot_be_read_ends_nothing(talk: Talk) -> None:
    talk.callers.now = ClientsUnavailable("le registre")
    await asyncio.sleep(0.1)
    talk.callers.now = adviser()
    await break_off(talk.world, ["Un"])
    await talk.until(2)
    assert (talk.told[1]["type"], talk.closes) == ("next", [])


async def test_a_process_that_ends_closes_with_1012_and_says_no_complete(
    talk: Talk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Told `complete`, graphql-ws would not come back."""
    monkeypatch.setattr(subscription, "DRAIN", 0.01)
    talk.places.drain()
    await talk.end()
    assert (talk.closes, [message["type"] for message in talk.told]) == ([1012], ["connection_ack"])


async def test_a_socket_that_dies_between_two_events_leaves_nothing(talk: Talk) -> None:
    """strawberry-graphql/strawberry#3777."""
    talk.leave()
    await talk.end()
    assert not talk.world.log._waiting


async def test_nothing_comes_of_what_its_client_completed(talk: Talk) -> None:
    talk.say(type="complete", id="a")
    await until(lambda: not talk.world.log._waiting)
    await break_off(talk.world, ["Un"])
    talk.say(type="ping")
    await talk.until(2)
    assert [message["type"] for message in talk.told] == ["connection_ack", "pong"]


async def test_who_takes_long_to_be_known_is_not_late(world: WatchedWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    """The deadline is of the message, not of what we make of it: strawberry-graphql/strawberry#2703."""
    monkeypatch.setattr(graphql_socket, "SECONDS_TO_INIT", 0.05)
    slow = Talk(world, patience=0.2)
    slow.say(type="connection_init")
    await slow.until(1)
    await asyncio.sleep(0.1)
    slow.leave()
    await slow.end()
    assert (slow.told, slow.closes) == ([{"type": "connection_ack"}], [])


async def test_who_says_nothing_is_late(world: WatchedWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(graphql_socket, "SECONDS_TO_INIT", 0.05)
    silent = Talk(world)
    silent.say(type="ping")
    await silent.end()
    assert (silent.told, silent.closes) == ([{"type": "pong"}], [4408])


async def test_a_register_that_cannot_be_read_at_the_beginning_asks_to_come_back(world: WatchedWorld) -> None:
    talk = Talk(world, Callers(ClientsUnavailable("le registre")))
    talk.say(type="connection_init")
    await talk.end()
    assert talk.closes == [1013]


async def test_one_subscription_too_many_is_refused_alone(world: WatchedWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(graphql_socket, "OPERATIONS_MAX", 2)
    talk = Talk(world)
    talk.say(type="connection_init")
    for name in "abc":
        talk.say(type="subscribe", id=name, payload={"query": ALL})
    await talk.until(2)
    talk.leave()
    await talk.end()
    (refused,) = (message for message in talk.told if message["type"] == "error")
    assert (refused["id"], refused["payload"][0]["extensions"]["code"]) == ("c", "QUOTA_ATTEINT")
    assert talk.closes == []
