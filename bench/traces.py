"""What traces cost a warm list: requests to a gateway of this process, told without traces and with a hundredth sampled, in turn.

    python -m bench.traces [--pairs 21] [--requests 60] [--jeunes 600]

One gateway, one list, one memory: only who tells the answers changes from a turn to the next, with a collector that takes
spans, and with none there. Two processes that do the same differ by more than what is measured. Prints both
medians of the processor time of a request, all threads counted, and the mean ratio of the pairs with its 95 % interval.
"""

import argparse
import asyncio
import json
import logging
import random
import shutil
import statistics
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path

from prometheus_client import CollectorRegistry
from starlette.types import ASGIApp, Message

from bench.beside import ROWS, interval
from fixtures.world import World
from gateway.app import AppState, application
from gateway.config import load
from gateway.correlation import start_trace
from gateway.edge.graphql_http import AccessLog, write
from gateway.edge.traces import SpanBuffer
from gateway.errors import SourceUnavailable
from gateway.response import GraphQLResponse
from gateway.server.composition import build_state
from gateway.server.lifecycle import open_parts
from gateway.server.services import build_services
from gateway.server.trace_export import Send, TraceExport

ROUNDS, TOLD = 7, 20_000  # medians of so many, of so many answers each
PART = 0.01
PAIRS = (7, 15, 21)
Ask = Callable[[], Awaitable[None]]


async def main(arguments: argparse.Namespace, world: World) -> None:
    """Print the table."""
    environment = {**world.environment, "GATEWAY_CONFIG": str(_copy(world, arguments.folder))}
    services = build_services(load(environment), environment)
    try:
        state = build_state(services)
        await open_parts(services, state)
        await _compare(state, world, arguments)
    finally:
        await services.aclose()
    print("µs a told answer, without its log line: off {:.1f}, on and not kept {:.1f}".format(*_told()))


async def _compare(state: AppState, world: World, arguments: argparse.Namespace) -> None:
    off, again = _asked(state, world, None), _asked(state, world, None)
    sides = {"off, beside itself": again}
    for name, send in (("1 %, a collector", _take), ("1 %, none there", _refuse)):
        sides[name] = _asked(state, world, send)
    print(f"{arguments.pairs} pairs of {arguments.requests} requests; µs of processor: off, on; on / off")
    for name, side in sides.items():
        print(f"{name:22} {interval(await _pairs(off, side, arguments))[0]}", flush=True)


async def _take(_: bytes) -> int:
    return 200


async def _refuse(_: bytes) -> int:
    raise SourceUnavailable("traces", "injoignable")


def _asked(state: AppState, world: World, send: Send | None) -> tuple[Ask, TraceExport | None]:
    """Asks the list of an application whose answers are told so; and what sends its spans."""
    registry = CollectorRegistry()
    spans = SpanBuffer(PART, random.random, time.time_ns) if send else None
    export = TraceExport(spans, send, {}, registry) if spans and send else None
    app = application(replace(state, access_log=AccessLog(registry, (), spans=spans)))
    return partial(_ask, app, world.token("ml")), export


async def _ask(app: ASGIApp, token: str) -> None:
    body = json.dumps({"query": ROWS, "variables": {"n": 32}}).encode()
    headers = {"host": "localhost", "content-type": "application/json", "authorization": f"Bearer {token}"}
    pairs = [(name.encode(), value.encode()) for name, value in headers.items()]
    scope = {"type": "http", "http_version": "1.1", "method": "POST", "path": "/graphql", "raw_path": b"/graphql"}
    scope |= {"query_string": b"", "root_path": "", "scheme": "http", "headers": pairs, "client": ("127.0.0.1", 1)}
    given, told = [{"type": "http.request", "body": body, "more_body": False}], []

    async def receive() -> Message:
        return given.pop() if given else await asyncio.Future()

    async def send(message: Message) -> None:
        told.append(message)

    await app(scope, receive, send)
    if told[0]["status"] != 200 or b'"errors"' in told[1]["body"]:
        raise SystemExit(f"not answered whole: {told[1]['body'][:300]!r}")


async def _pairs(
    off: tuple[Ask, TraceExport | None], on: tuple[Ask, TraceExport | None], arguments: argparse.Namespace
) -> list[tuple[float, float]]:
    """Turn by turn; who goes first alternates. What a turn kept is sent within it."""
    found = []
    for number in range(arguments.pairs + 1):  # the first one warms
        order = (off, on) if number % 2 else (on, off)
        spent = {id(side): await _turn(side, arguments.requests) for side in order}
        found.append((spent[id(off)], spent[id(on)]))
    return found[1:]


async def _turn(side: tuple[Ask, TraceExport | None], requests: int) -> float:
    ask, export = side
    before = time.process_time_ns()
    for _ in range(requests):
        await ask()
    if export:
        await export.flush()
    return (time.process_time_ns() - before) / requests / 1_000


def _told() -> tuple[float, float]:
    """Microseconds of processor to tell an answer of three sources: without traces, and with them when it is not kept."""
    sources = [{"nom": name, "etat": "DISPONIBLE", "cache": "touche"} for name in ("gestibase", "registre", "imilo")]
    response = GraphQLResponse({}, [], {"cout": 2, "sources": sources})
    trace, rendered = start_trace("", ""), write(response, "banc", "application/json")
    never = SpanBuffer(PART, lambda: 0.5, time.time_ns)
    logs = [AccessLog(CollectorRegistry(), ()), AccessLog(CollectorRegistry(), (), spans=never)]
    spent: list[list[float]] = [[], []]
    for _ in range(ROUNDS):
        for rank, access_log in enumerate(logs):
            before = time.process_time()
            for _ in range(TOLD):
                access_log.tell(trace, None, response, rendered)
            spent[rank].append((time.process_time() - before) / TOLD * 1e6)
    return statistics.median(spent[0]), statistics.median(spent[1])


def _copy(world: World, folder: str) -> Path:
    """The configuration of that world, over data of its own."""
    if world.record is None:
        raise SystemExit("the world is not open")
    copy = Path(folder) / "configuration"
    shutil.copytree(world.record, copy, ignore=shutil.ignore_patterns("*.log"))
    return copy


@contextmanager
def _world(jeunes: int) -> Iterator[World]:
    with World.generated(jeunes=jeunes) as world:
        world.harvest()
        yield world


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench.traces", description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--pairs", type=int, default=PAIRS[-1], choices=PAIRS)
    parser.add_argument("--requests", type=int, default=60)
    parser.add_argument("--jeunes", type=int, default=600)
    return parser.parse_args()


if __name__ == "__main__":
    logging.disable(logging.CRITICAL)
    chosen = _arguments()
    with tempfile.TemporaryDirectory() as chosen.folder, _world(chosen.jeunes) as opened:
        asyncio.run(main(chosen, opened))
