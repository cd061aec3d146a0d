"""Subscriptions over a WebSocket, as graphql-transport-ws has them: one adapter more over `subscription`, beside `event_stream`.

One task reads what the client sends; each subscription is a task of its own, and ends with the socket. Whatever is wrong with an
operation is told by `error`, and the socket lives; what is wrong with the protocol, or with who asks, closes it. Knows no log.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping
from contextlib import aclosing, suppress
from dataclasses import dataclass
from functools import partial
from typing import Any

import orjson
from starlette.datastructures import Headers
from starlette.responses import Response
from starlette.routing import WebSocketRoute
from starlette.types import Receive, Scope, Send

from gateway.auth.authentication.clients import Viewer
from gateway.correlation import RequestTrace, start_trace
from gateway.edge.connection_table import BUSY
from gateway.edge.event_stream import StreamDeps
from gateway.edge.graphql_http import JSON, body, request_of, write
from gateway.edge.refusals import refusal
from gateway.edge.socket_messages import (
    FORBIDDEN,
    ID_TAKEN,
    INIT_TIMEOUT,
    INIT_TWICE,
    LATER,
    MALFORMED,
    RESTART,
    SUBPROTOCOL,
    SUBPROTOCOL_UNKNOWN,
    UNAUTHORIZED,
    SocketEnds,
    SocketMessage,
    credentials_of,
    read_message,
)
from gateway.errors import CallerError, Code, GatewayError, InvalidRequest, Overloaded, QuotaReached, Unauthenticated
from gateway.operation import answer
from gateway.response import GraphQLResponse, refused_response
from gateway.subscription import RETRY_AFTER, Caller, EventDelivery, SubscriptionStream, subscription_of

SECONDS_TO_INIT = 5.0
OPERATIONS_MAX = 10  # of one socket
REASON_MAX = 120  # bytes of the reason of a close, which is one frame of control (RFC 6455 §5.5)
SUBSCRIPTIONS_ONLY = "Par WebSocket, des souscriptions seulement : envoyer cette opération par POST /graphql."

logger = logging.getLogger("gateway.flux")


@dataclass(frozen=True, slots=True)
class SocketDeps:
    """What sockets work with. `viewer`: who these headers say that asks; `failed`, `told`: the answer to what could not be
    served, and the line of a request; `refused` is told of who is not identified."""

    streams: StreamDeps
    viewer: Callable[[Mapping[str, str]], Awaitable[Viewer]]
    failed: Callable[[Exception, str], tuple[GraphQLResponse, Response]]
    told: Callable[[RequestTrace, Viewer | None, GraphQLResponse, Response], object]
    refused: Callable[[RequestTrace, Unauthenticated], None]


class SocketRoute:
    """The ASGI application of a WebSocket at `/graphql`."""

    def __init__(self, deps: SocketDeps) -> None:
        self._deps = deps

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await receive()  # websocket.connect
        with suppress(OSError):  # uvicorn's own, from a send: the client left
            if scope["query_string"]:
                told = "Rien ne se passe dans l'URL : le jeton va dans connection_init."
                await refusal(400, told)(scope, receive, send)
                return
            await GraphQLSocket(self._deps, scope, receive, send).serve()


def socket_route(deps: SocketDeps) -> WebSocketRoute:
    """The route of subscriptions over a WebSocket."""
    return WebSocketRoute("/graphql", SocketRoute(deps))


class GraphQLSocket:
    """One socket, from its handshake to its end."""

    def __init__(self, deps: SocketDeps, scope: Scope, receive: Receive, send: Send) -> None:
        self._deps, self._scope, self._receive, self._raw_send = deps, scope, receive, send
        self._caller: Caller | None = None  # None: not acknowledged
        self._operations: dict[str, asyncio.Task[None]] = {}
        self._tell_busy: Callable[[bool], None] = scope.get("state", {}).get(BUSY, lambda _: None)
        self._turn = asyncio.Lock()  # of writing
        self._closed = False

    async def serve(self) -> None:
        """Speak until one side ends it; nothing of it is left then."""
        known = SUBPROTOCOL in self._scope["subprotocols"]
        await self._raw_send({"type": "websocket.accept", "subprotocol": SUBPROTOCOL if known else None})
        try:
            if known:
                await self._converse()
            else:
                await self._close(SUBPROTOCOL_UNKNOWN, f"{SUBPROTOCOL} seulement")
        finally:
            tasks = list(self._operations.values())
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _converse(self) -> None:
        deadline = asyncio.get_running_loop().time() + SECONDS_TO_INIT
        try:
            while True:
                async with asyncio.timeout_at(None if self._caller else deadline):
                    event = await self._receive()
                if event["type"] == "websocket.disconnect":
                    return
                await self._act(read_message(event.get("text")))
        except TimeoutError:
            await self._close(INIT_TIMEOUT, "Connection initialisation timeout")
        except SocketEnds as end:
            await self._close(end.code, str(end))

    async def _act(self, message: SocketMessage) -> None:
        """Do what a message asks. Raises SocketEnds."""
        if message.kind == "ping":
            await self._send("pong", payload=message.payload)
        elif message.kind == "connection_init":
            await self._acknowledge(message)
        elif message.kind == "subscribe":
            await self._subscribe(message)
        elif message.kind == "complete" and (task := self._operations.get(message.id)):
            self._forget(message.id)
            task.cancel()

    async def _acknowledge(self, message: SocketMessage) -> None:
        """Know who asks. Raises SocketEnds."""
        if self._caller:
            raise SocketEnds(INIT_TWICE, "Too many initialisation requests")
        try:
            given = credentials_of(Headers(scope=self._scope), message.payload)
            await self._deps.viewer(given)
        except Unauthenticated as error:
            self._deps.refused(start_trace(None, None), error)
            raise SocketEnds(FORBIDDEN, str(error)) from None
        except CallerError as error:
            raise SocketEnds(MALFORMED, str(error)) from None
        except SocketEnds:
            raise
        except GatewayError:  # the register or the keys cannot be read for a while
            raise SocketEnds(LATER, "Réessayer plus tard") from None
        self._caller = partial(self._deps.viewer, given)
        await self._send("connection_ack")

    async def _subscribe(self, message: SocketMessage) -> None:
        """Begin a subscription. Raises SocketEnds."""
        if self._caller is None:
            raise SocketEnds(UNAUTHORIZED, "Unauthorized")
        if message.id in self._operations:
            raise SocketEnds(ID_TAKEN, f"Subscriber for {message.id} already exists")
        if len(self._operations) >= OPERATIONS_MAX:
            full = QuotaReached(f"Trop de souscriptions : {OPERATIONS_MAX} par connexion.", RETRY_AFTER)
            await self._end(message.id, refused_response(full), start_trace(None, None))
            return
        task = asyncio.create_task(self._operate(message, self._caller))
        self._operations[message.id] = task
        self._tell_busy(True)

    async def _operate(self, message: SocketMessage, caller: Caller) -> None:
        """One subscription, to its end."""
        trace = start_trace(None, None)
        try:
            with suppress(OSError):  # the client left, which whoever reads is told
                await self._stream(message, caller, trace)
        except Exception as error:  # the text could hold a value
            logger.error("flux %s : %s", trace.request_id, type(error).__name__)
            await self._close(RESTART, "")
        finally:
            if self._operations.get(message.id) is asyncio.current_task():
                self._forget(message.id)

    async def _stream(self, message: SocketMessage, caller: Caller, trace: RequestTrace) -> None:
        viewer = None
        try:
            viewer = await caller()
            opened = await self._open(message, viewer, caller, trace)
        except Exception as error:
            if isinstance(error, Unauthenticated):
                self._deps.refused(trace, error)
            response, rendered = self._deps.failed(error, trace.request_id)
            self._deps.told(trace, viewer, response, rendered)
            if isinstance(error, Unauthenticated):
                await self._close(FORBIDDEN, str(error))
            else:
                await self._end(message.id, response, trace)
            return
        stream, refused = (opened, None) if isinstance(opened, SubscriptionStream) else (None, opened)
        told = refused or GraphQLResponse(None, [])
        self._deps.told(trace, viewer, told, write(told, trace.request_id, JSON))
        if stream is None:
            await self._end(message.id, told, trace)
        else:
            await self._deliver(message.id, stream, trace)

    async def _open(
        self, message: SocketMessage, viewer: Viewer, caller: Caller, trace: RequestTrace
    ) -> SubscriptionStream | GraphQLResponse:
        """The stream that is asked for, or what is answered in its place. Raises as `open_stream` does, and InvalidRequest."""
        gateway, places = self._deps.streams.gateway, self._deps.streams.places
        await gateway.accounting.charge_request(viewer)
        asked = request_of(message.payload, trace)
        try:
            validated = await subscription_of(gateway, viewer, asked)
        except InvalidRequest:
            return await answer(gateway, viewer, asked)  # what is wrong, told as for any operation
        if validated is None:
            raise InvalidRequest(SUBSCRIPTIONS_ONLY)
        places.require(viewer)
        stream = SubscriptionStream(gateway, viewer, validated, caller)
        return await stream.open() or stream

    async def _deliver(self, id_: str, stream: SubscriptionStream, trace: RequestTrace) -> None:
        try:
            with self._deps.streams.places.hold(stream.viewer, stream):
                async with aclosing(stream.deliveries()) as deliveries:
                    async for delivery in deliveries:
                        if delivery and delivery.place is None:
                            await self._last(id_, delivery, trace)
                            return
                        if delivery:  # that nothing came is said by frames of the transport
                            await self._send("next", id_, body(delivery.response, trace.request_id))
        except (QuotaReached, Overloaded) as error:  # the last place was taken since it was opened
            await self._end(id_, refused_response(error), trace)
            return
        # It was told to end: told `complete`, its client would not come back.
        await self._close(RESTART, "La passerelle s'arrête")

    async def _last(self, id_: str, delivery: EventDelivery, trace: RequestTrace) -> None:
        if delivery.response.errors[0]["extensions"]["code"] == Code.NON_AUTHENTIFIE:
            await self._close(FORBIDDEN, delivery.response.errors[0]["message"])
        else:
            await self._end(id_, delivery.response, trace)

    async def _end(self, id_: str, response: GraphQLResponse, trace: RequestTrace) -> None:
        """End one subscription by its answer: its id may be taken again from then on."""
        content = body(response, trace.request_id)
        self._forget(id_)
        if response.refused:
            await self._send("error", id_, content["errors"])
        else:
            await self._send("next", id_, content)
            await self._send("complete", id_)

    def _forget(self, id_: str) -> None:
        self._operations.pop(id_, None)
        self._tell_busy(bool(self._operations))

    async def _send(self, kind: str, id_: str = "", payload: object = None) -> None:
        document = {"type": kind} | ({"id": id_} if id_ else {}) | ({"payload": payload} if payload is not None else {})
        await self._write({"type": "websocket.send", "text": orjson.dumps(document).decode()})

    async def _close(self, code: int, reason: str) -> None:
        cut = reason.encode()[:REASON_MAX].decode(errors="ignore")
        await self._write({"type": "websocket.close", "code": code, "reason": cut})

    async def _write(self, event: dict[str, Any]) -> None:
        """One event after the other, and none after a close."""
        async with self._turn:
            if self._closed:
                return
            self._closed = event["type"] == "websocket.close"
            await self._raw_send(event)
