"""Measures the walk of one query: the files of gateway/ that it enters, the calls, and how deep one partner page is.

    python -m tools.walk [--files] [--check]

Starts a world of simulators and a gateway in this process, asks the first query of the README as `ml` through ASGI, and
traces every call of every thread by `sys.setprofile`, C calls excluded. Cold: the first request of the process, once all is
open that `serve` opens. Warm, at once: asked again while the readings are known to hold. Warm, later: once they are checked
again. `--files` names each file and its calls. `--check` ends with 1 when a walk enters too many files, and names them.
"""

import asyncio
import json
import os
import sys
import threading
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType

from starlette.types import ASGIApp

from fixtures.world import World
from gateway.app import application
from gateway.config import load
from gateway.server.composition import build_state
from gateway.server.lifecycle import open_parts
from gateway.server.services import build_services
from tests.support.security.edge import ADRESSE, RawResponse, exchange

YOUNG_PEOPLE = 300
QUERY = """{ ruptures(first: 2, tri: PRIORITE) { totalCount complet edges { node {
  date sources jeune { prenom age suivi { situation } } contrat { employeur { denomination } cfa { nom } } } } } }"""
OURS = str(Path(__file__).parent.parent / "gateway") + os.sep
LATER = 1.2  # seconds: longer than readings are taken to hold without looking
ROUNDS = 60  # of one second, until every source has answered
# Files that a walk may enter, and frames of ours over a partner's page (docs/decisions/0075).
FILES_MAX = {"cold": 84, "warm, at once": 44, "warm, later": 44}
FRAMES_MAX = 10


@dataclass(slots=True)
class Walk:
    """What was traced: calls by file, moves from a file to another, and the deepest stack of ours at a partner call."""

    calls: Counter[str] = field(default_factory=Counter)
    functions: set[tuple[str, str]] = field(default_factory=set)
    moves: int = 0
    last: str = ""
    deepest: list[str] = field(default_factory=list)

    def see(self, frame: FrameType, event: str, _: object) -> None:
        """One event of the profiler."""
        if event != "call":
            return
        code = frame.f_code
        if code.co_filename.startswith(OURS):
            name = code.co_filename[len(OURS) :]
            self.calls[name] += 1
            self.functions.add((name, code.co_qualname))
            self.moves += name != self.last
            self.last = name
        elif code.co_name == "handle_async_request" and "httpx_aiohttp" in code.co_filename:
            self.deepest = max(self.deepest, _ours_above(frame), key=len)


def _ours_above(frame: FrameType | None) -> list[str]:
    """The functions of gateway/ on the stack, outermost first; a task has a stack of its own."""
    stack = []
    while frame is not None:
        if frame.f_code.co_filename.startswith(OURS):
            stack.append(frame.f_code.co_qualname)
        frame = frame.f_back
    return stack[::-1]


class Tracer:
    """The profiler of every thread, those of before a walk included: each sees a call only while a walk is measured."""

    def __init__(self) -> None:
        self._walk: Walk | None = None

    def __call__(self, frame: FrameType, event: str, argument: object) -> None:
        if self._walk is not None:
            self._walk.see(frame, event, argument)

    @contextmanager
    def walk(self) -> Iterator[Walk]:
        """Every call of the block, in any thread."""
        self._walk = walk = Walk()
        try:
            yield walk
        finally:
            self._walk = None


async def _ask(app: ASGIApp, token: str) -> RawResponse:
    headers = [(b"host", ADRESSE.encode()), (b"content-type", b"application/json")]
    headers.append((b"authorization", f"Bearer {token}".encode()))
    return await exchange(app, "POST", "/graphql", headers, json.dumps({"query": QUERY}).encode())


@asynccontextmanager
async def _opened(environ: dict[str, str]) -> AsyncIterator[ASGIApp]:
    """The application of a gateway that is ready, as `serve` opens it."""
    services = build_services(load(environ), environ)
    try:
        state = build_state(services)
        await open_parts(services, state)
        yield application(state)
    finally:
        await services.aclose()


async def _measure(environ: dict[str, str], token: str) -> dict[str, Walk]:
    """The walks, by name."""
    walks: dict[str, Walk] = {}
    tracer = Tracer()
    threading.setprofile(tracer)  # before the first thread starts
    sys.setprofile(tracer)
    async with _opened(environ) as app:
        with tracer.walk() as walks["cold"]:
            await _ask(app, token)
        for _ in range(ROUNDS):
            if "errors" not in (await _ask(app, token)).json:
                break
            await asyncio.sleep(1)
        await _ask(app, token)
        for name, pause in (("warm, at once", 0.0), ("warm, later", LATER)):
            await asyncio.sleep(pause)
            with tracer.walk() as walks[name]:
                await _ask(app, token)
    return walks


def _named(walk: Walk) -> str:
    """The files of a walk and their calls, those of most calls first."""
    return "".join(f"  {count:>6} {file}\n" for file, count in walk.calls.most_common())


def _too_long(walks: dict[str, Walk]) -> list[str]:
    """What is beyond the bounds."""
    longer = {name: len(walks[name].calls) for name, most in FILES_MAX.items() if len(walks[name].calls) > most}
    told = [f"{name}: {n} files, at most {FILES_MAX[name]}:\n{_named(walks[name])}" for name, n in longer.items()]
    frames = len(walks["cold"].deepest)
    return told + [f"one partner page: {frames} frames, at most {FRAMES_MAX}"] * (frames > FRAMES_MAX)


def main() -> None:
    """Print what was measured."""
    with World.generated(jeunes=YOUNG_PEOPLE, rarer=False) as world:  # a token that is asked for is no page
        world.harvest()
        walks = asyncio.run(_measure({**os.environ, **world.environment}, world.token("ml")))
    for name, walk in walks.items():
        calls = sum(walk.calls.values())
        print(f"{name}: {len(walk.calls)} files, {len(walk.functions)} functions, {calls} calls, {walk.moves} moves")
        if "--files" in sys.argv:
            print(_named(walk))
    deepest = walks["cold"].deepest
    print(f"one partner page: {len(deepest)} frames of gateway/: {' > '.join(deepest)}")
    if "--check" in sys.argv and (broken := _too_long(walks)):
        sys.exit("\n".join(["The walk of a query is too long (docs/decisions/0075).", *broken]))


if __name__ == "__main__":
    main()
