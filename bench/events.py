"""How long a partner's word takes to reach an adviser who listens, and a system that is called: two processes of one Redis and
one PostgreSQL, the adviser at the one that the partner does not call; Redis is killed halfway. Prints delays, and what was lost.

    python -m bench.events                  # 60 changes, some five minutes
    python -m bench.events --changements 200

Half of the changes are pushed (Aimaira calls), half are read in a queue once a second (i-milo). Promised: 5 s, 95 % within 3 s.
"""

import argparse
import random
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import redis

from fixtures.gateway_process import LaunchedGateway
from fixtures.population.model import Account
from fixtures.world import World
from tests.conftest import TODAY
from tests.support.e2e.changes import View, followed, read, suivi
from tests.support.e2e.event_listener import EventListener, listening
from tests.support.e2e.told_streams import open_log
from tests.support.pair import Node, a_database
from tests.support.redis_server import redis_server

SITUATIONS = ("RDV_PRIS", "NOUVEAU_PROJET")
DAYS = 50  # of breaches entered for one person: a day told before is no news, and one before the contract began is none
NAMES = {"RUPTURE_NOUVELLE": "rupture.nouvelle", "SUIVI_MODIFIE": "suivi.modifie"}


@dataclass
class Delays:
    """Seconds by what was listened with, before and after Redis was killed; and what never came."""

    seconds: defaultdict[tuple[str, str], list[float]] = field(default_factory=lambda: defaultdict(list))
    lost: list[str] = field(default_factory=list)
    patience: float = 300.0  # seconds: beyond what a source that tells nothing is read again
    stale: int = 0  # events that showed what was there before

    def rows(self) -> Iterator[str]:
        for (how, when), found in sorted(self.seconds.items()):
            ordered = sorted(found)
            told = f"p50 {_at(ordered, 0.5):.1f} s, p95 {_at(ordered, 0.95):.1f} s, max {ordered[-1]:.1f} s"
            within = sum(one <= 5 for one in ordered)
            yield f"{how:<24} {when:<14} {told} ; {within} of {len(ordered)} within 5 s"
        yield f"lost: {len(self.lost)} {self.lost or ''}"
        yield f"shown as before: {self.stale}"


def _at(ordered: Sequence[float], share: float) -> float:
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


@contextmanager
def _two(world: World, stack: ExitStack) -> Iterator[tuple[LaunchedGateway, LaunchedGateway, str]]:
    """The process that is called and looks, the one that is listened to, and their Redis."""
    cache, base = stack.enter_context(redis_server()), stack.enter_context(a_database())
    world.environment |= {"GATEWAY_DATABASE_URL": base, "GATEWAY_CACHE_URL": cache, "GATEWAY_PROCESSUS": "2"}
    world.harvest()
    nodes = [Node(world, {}) for _ in range(2)]
    for node in nodes:
        stack.callback(node.close)
    first = nodes[0].start()
    world.check.subscribe("aimaira", f"{first.url}/evenements/aimaira")
    open_log(world, first)
    second = nodes[1].start()
    read(world, second)
    _until_quiet(world)
    yield first, second, cache


@dataclass(frozen=True, slots=True)
class ToldChange:
    """A change at a partner: how it tells it, and which event is its own."""

    how: str
    kind: str
    is_it: Callable[[Mapping[str, Any]], bool]
    at: float  # of the monotonic clock
    is_shown: Callable[[Mapping[str, Any]], bool] = lambda _: True  # and not what was there before


def _until_quiet(world: World) -> None:
    """The endpoint has begun, and its perimeter was looked at once: what it is sent from now on is new."""
    seen = -1
    while seen != len(world.receiver.received):
        seen = len(world.receiver.received)
        time.sleep(20)


def measure(world: World, number: int, seed: int, delays: Delays) -> None:
    """Changes, one after the other at drawn moments, each waited for by both who listen."""
    drawn = random.Random(seed)
    with ExitStack() as stack, _two(world, stack) as (_, second, cache):
        adviser = stack.enter_context(listening(second.url, world.token("ml")))
        for rank in range(number):
            if rank == number // 2:
                with redis.Redis.from_url(cache) as client:
                    client.shutdown(nosave=True)
            when = "Redis alive" if rank < number // 2 else "Redis killed"
            change = _change(world, second, rank)
            event = _heard(adviser, change, delays, when)
            if event is not None:
                _called(world, change, event, delays, when)
            print(f"{rank + 1}/{number} {change.how}, {when}", file=sys.stderr, flush=True)
            time.sleep(drawn.uniform(0.5, 4.0))
        world.check.subscribe("aimaira", "")


def _change(world: World, gateway: LaunchedGateway, rank: int) -> ToldChange:
    nodes = read(world, gateway)
    if rank % 2 == 0:
        round_, place = divmod(rank // 2, DAYS)
        uai, account = _broken_off(world, nodes)[round_]
        day, at = (TODAY - timedelta(days=2 + place)).isoformat(), time.monotonic()
        world.check.change("aimaira", f"{uai}/{account.key}", "rupture", day)
        return ToldChange("push", "RUPTURE_NOUVELLE", lambda event: event["rupture"]["date"] == day, at)
    account, at = followed(world, nodes), time.monotonic()
    other = next(one for one in SITUATIONS if one != suivi(nodes, account))
    world.check.change("imilo", account.key, "situation", other)
    who = account.person.nom
    return ToldChange(
        "queue",
        "SUIVI_MODIFIE",
        lambda event: event["jeune"]["nom"] == who,
        at,
        lambda event: event["jeune"]["suivi"]["situation"] == other,
    )


def _broken_off(world: World, nodes: View) -> list[tuple[str, Account]]:
    """Those of Aimaira whose breach the list shows, each with its CFA."""
    shown = {(one["contrat"]["cfa"]["uai"], one["jeune"]["nom"], one["jeune"]["dateNaissance"]) for one in nodes}
    return [
        (uai, one)
        for uai, accounts in world.population.accounts["aimaira"].items()
        for one in accounts
        if (uai, one.person.nom, one.person.date_naissance.isoformat()) in shown
    ]


def _heard(adviser: EventListener, change: ToldChange, delays: Delays, when: str) -> Mapping[str, Any] | None:
    """The event of a change, once the adviser has it."""
    key = f"{change.how}, SSE", when
    while time.monotonic() - change.at < delays.patience:
        for instant, document in zip(adviser.instants, list(adviser.documents), strict=False):
            event: Mapping[str, Any] | None = (document.get("data") or {}).get("evenements")
            if event and instant > change.at and event["type"] == change.kind and change.is_it(event):
                delays.seconds[key].append(instant - change.at)
                delays.stale += not change.is_shown(event)
                return event
        time.sleep(0.02)
    delays.lost.append(" ".join(key))
    return None


def _called(world: World, change: ToldChange, event: Mapping[str, Any], delays: Delays, when: str) -> None:
    """The same told to the system that is called."""
    key, since = (f"{change.how}, webhook", when), time.time() - (time.monotonic() - change.at)
    name = NAMES[change.kind]
    while time.monotonic() - change.at < delays.patience:
        for told in list(world.receiver.received):
            if told["recu"] > since and told["type"] == name and told["data"]["id"] == event["jeune"]["id"]:
                delays.seconds[key].append(told["recu"] - since)
                return
        time.sleep(0.02)
    delays.lost.append(" ".join(key))


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.events", description="From a partner's word to who listens.")
    parser.add_argument("--changements", type=int, default=60, dest="number", metavar="CHANGEMENTS")
    parser.add_argument("--graine", type=int, default=1, dest="seed", metavar="GRAINE")
    parser.add_argument("--attente", type=float, default=300.0, dest="patience", help="seconds, then it is lost")
    options = parser.parse_args()
    delays = Delays(patience=options.patience)
    with tempfile.TemporaryDirectory(prefix="bench events ") as folder:
        world = World.generated(Path(folder), jeunes=600, departements=("02",), today=TODAY, noise=0.0)
        world.evenements = world.webhooks = True
        with world:
            measure(world, options.number, options.seed, delays)
    print("\n".join(delays.rows()))


if __name__ == "__main__":
    main()
