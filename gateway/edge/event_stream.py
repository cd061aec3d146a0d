"""Server-Sent Events of a subscription, as graphql-sse's distinct connections have them: one request, one stream. Knows no log.

`next` holds an answer, and as `id` the place in the log to come back to, which a client gives again in Last-Event-ID; `complete`
ends the stream; a comment is a sign of life. That a client left is told by `receive` alone: uvicorn drops what is written to it
without a word, and a stream that waited for events only would stay for ever. One that no longer reads, and whose system takes a
sign of life for it, looks like any other: each stream ends after LIFE, and who reads opens it again where it was.
"""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing, suppress
from dataclasses import dataclass
from random import uniform
from time import monotonic

import orjson
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from gateway.edge.graphql_http import body, choose_media_type
from gateway.edge.guard import end_when_left
from gateway.edge.half_closed import SIGN_OF_LIFE
from gateway.errors import InvalidRequest, Overloaded, QuotaReached
from gateway.operation import Gateway, answer
from gateway.operation_runner import GraphQLRequest
from gateway.response import GraphQLResponse, refused_response
from gateway.subscription import Caller, EventDelivery, StreamPlaces, SubscriptionStream, subscription_of

EVENT_STREAM = "text/event-stream"
HEADERS = {"content-type": f"{EVENT_STREAM}; charset=utf-8", "cache-control": "no-store", "x-accel-buffering": "no"}
LIFE = 3600.0  # seconds, a tenth more or less: those who come back do not come together
COMPLETE = b"event: complete\ndata:\n\n"
BEAT = b":\n\n"


@dataclass(frozen=True, slots=True)
class StreamDeps:
    """What streams are opened with."""

    gateway: Gateway
    places: StreamPlaces


class EventStream(Response):
    """The stream of a subscription; or, where it is refused, that answer alone. It holds its place as long as it is written."""

    def __init__(
        self, deps: StreamDeps, stream: SubscriptionStream | None, refused: GraphQLResponse | None, identifier: str
    ) -> None:
        super().__init__(headers=HEADERS | {"x-request-id": identifier})
        del self.headers["content-length"]  # it ends when it ends
        self._deps, self._stream, self._refused, self._identifier = deps, stream, refused, identifier

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
        scope.setdefault("state", {})[SIGN_OF_LIFE] = BEAT
        with suppress(TimeoutError):  # by the watch alone: its client left
            async with asyncio.timeout(None) as stay:
                watch = asyncio.create_task(end_when_left(receive, stay))
                try:
                    await self._write(send)
                finally:
                    watch.cancel()

    async def _write(self, send: Send) -> None:
        async with aclosing(self._parts()) as parts:
            async for part in parts:
                await send({"type": "http.response.body", "body": part, "more_body": True})
        await send({"type": "http.response.body", "body": COMPLETE})

    async def _parts(self) -> AsyncGenerator[bytes]:
        if self._refused is not None:
            yield self._written(EventDelivery(self._refused))
        if self._stream is not None:
            try:
                with self._deps.places.hold(self._stream.viewer, self._stream):
                    yield BEAT  # the answer begins now: a proxy and a client know that it is there
                    async with aclosing(self._stream.deliveries()) as deliveries:
                        ends = monotonic() + LIFE * uniform(0.9, 1.1)
                        async for delivery in deliveries:
                            yield self._written(delivery) if delivery else BEAT
                            if monotonic() > ends:
                                break
            except (QuotaReached, Overloaded) as error:  # the last place was taken since it was opened
                yield self._written(EventDelivery(refused_response(error)))

    def _written(self, delivery: EventDelivery) -> bytes:
        content = orjson.dumps(body(delivery.response, self._identifier))
        place = f"id: {delivery.place}\n".encode() if delivery.place else b""
        return b"event: next\n" + place + b"data: " + content + b"\n\n"


async def open_stream(deps: StreamDeps, request: Request, asked: GraphQLRequest, caller: Caller) -> EventStream | None:
    """The stream that a request asks for; None where it asks for something else. A client that reads nothing but a stream is told
    what is wrong by one. Raises Unauthenticated, QuotaReached, Overloaded, EventsUnavailable, and their like."""
    viewer, identifier = await caller(), asked.trace.request_id
    only = choose_media_type(request.headers.get("accept")) is None
    try:
        validated = await subscription_of(deps.gateway, viewer, asked)
    except InvalidRequest:
        # What is wrong is told as for any operation, in the form that its client reads.
        return EventStream(deps, None, await answer(deps.gateway, viewer, asked), identifier) if only else None
    if validated is None:
        return None
    deps.places.require(viewer)
    stream = SubscriptionStream(deps.gateway, viewer, validated, caller, request.headers.get("last-event-id"))
    refused = await stream.open()
    return EventStream(deps, None if refused else stream, refused, identifier)
