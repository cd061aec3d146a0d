"""I8 to I11 over real HTTP, generated: 300 of each in an ordinary run, 10,000 by `pytest -m chaos`; the seed is printed.

The world is small and its partners tell their changes. What is compared is a push and what the same caller reads at that moment.
"""

import asyncio
import itertools
import os
import signal
import socket
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from random import Random
from typing import Any

import pytest

from fixtures.gateway_process import LaunchedGateway
from fixtures.servers import free_port
from fixtures.world import World
from gateway.auth.authentication.authenticator import TOLERANCE
from gateway.subscription import WAITING_MAX
from tests.conftest import TODAY
from tests.e2e.test_event_stream_life import without
from tests.support.e2e.changes import read, small_world
from tests.support.e2e.drawn_streams import asked, at_fault, client, log_of, pushed, refused, selection
from tests.support.e2e.event_listener import raw_stream, reset
from tests.support.e2e.told_streams import read_register_again, wait_for_first_looks
from tests.support.figures import note
from tests.support.pair import counter

SEED = int(os.environ.get("GRAINE", "19"))
SHORT, LONG = 300, 10_000
# Each profile of the policy, told of what this world does not change: `tests/unit/test_event_profiles.py`.
PROFILES = (
    "ml",
    "si-partenaire",
    "cfa",
    "si-partenaire-cfa",
    "reseau",
    "dreets",
    "ddets",
    "academie",
    "france-travail",
)
SITUATIONS = ("RDV_PRIS", "NOUVEAU_PROJET", "CHERCHE_CONTRAT", "REORIENTATION", "AUTRE")
VOLUMES = [pytest.param(SHORT, id="300"), pytest.param(LONG, id="10000", marks=pytest.mark.chaos)]


@dataclass
class LivingWorld:
    """A small world whose people change at their partners, and the gateway that is told."""

    world: World
    gateway: LaunchedGateway
    random: Random = field(default_factory=lambda: Random(SEED))
    _days: Iterator[int] = field(default_factory=lambda: itertools.cycle(range(2, 170)))

    def change(self, number: int = 1) -> None:
        """So many ruptures and follow-ups, told by those who know them."""
        for _ in range(number):
            if self.random.random() < 0.7:
                uai, account = self.random.choice(self.apprentices())
                day = TODAY - timedelta(days=next(self._days))
                self.world.check.change("aimaira", f"{uai}/{account.key}", "rupture", day.isoformat())
            else:
                code = self.world.clients["ml"].organisation
                account = self.random.choice(self.world.population.accounts["imilo"][code])
                self.world.check.change("imilo", account.key, "situation", self.random.choice(SITUATIONS))

    def apprentices(self) -> list[tuple[str, Any]]:
        code = self.world.clients["ml"].organisation
        return [
            (uai, account)
            for uai, accounts in self.world.population.accounts["aimaira"].items()
            for account in accounts
            if account.person.contrats and account.person.mission_locale == code
        ]

    def told(self, name: str, place: str | None, number: int) -> list[dict[str, Any]]:
        """The log of a client beyond a place, once it has so many."""
        end = time.monotonic() + 60
        while len(found := log_of(self.gateway, self.world.token(name), place)) < number:
            assert time.monotonic() < end, f"{name}: {len(found)} events of {number}"
            time.sleep(0.3)
        return found

    def more(self, name: str, place: str | None, number: int) -> list[dict[str, Any]]:
        """Change until a client's log has so many events beyond a place."""
        end = time.monotonic() + 120
        while len(found := log_of(self.gateway, self.world.token(name), place)) < number:
            assert time.monotonic() < end, f"{name}: {len(found)} events of {number}"
            self.change(5)
            time.sleep(1.0)
        return found


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with small_world(tmp_path_factory.mktemp("propriétés")) as opened:
        # The demo's CFA tells no change: these act for one that does.
        aimaira = max(opened.population.accounts["aimaira"].items(), key=lambda pair: len(pair[1]))[0]
        rewrite(
            opened,
            lambda text: text.replace(
                f'organisation = "{opened.clients["cfa"].organisation}"', f'organisation = "{aimaira}"'
            ),
        )
        opened.harvest()
        yield opened


def register_of(world: World) -> Path:
    return Path(world.environment["GATEWAY_CONFIG"]) / "clients.toml"


def rewrite(world: World, change: Callable[[str], str]) -> None:
    path = register_of(world)
    path.write_text(change(path.read_text(encoding="utf-8")), encoding="utf-8")


@contextmanager
def living(small: World) -> Iterator[LivingWorld]:
    """A gateway whose perimeters were all looked at once: what is known then is not announced."""
    with small.gateway() as launched:
        small.check.subscribe("aimaira", f"{launched.url}/evenements/aimaira")
        read(small, launched)
        for name in PROFILES:
            log_of(launched, small.token(name))
        wait_for_first_looks(small)
        small.check.reset_all()
        yield LivingWorld(small, launched)
        small.check.subscribe("aimaira", "")


@pytest.fixture(scope="module")
def alive(small: World) -> Iterator[LivingWorld]:
    with living(small) as opened:
        yield opened


@pytest.mark.parametrize("number", VOLUMES)
def test_i10_a_push_equals_what_node_shows_at_that_instant_for_every_profile(alive: LivingWorld, number: int) -> None:
    """Values, nulls, refusals and errors of drawn selections, for each profile that was told something."""
    random, compared, kinds = Random(SEED), Counter[str](), Counter[str]()
    alive.more("ml", None, 20)
    while compared.total() < number:
        alive.change(2)
        time.sleep(1.5)
        for name in PROFILES:
            events = log_of(alive.gateway, alive.world.token(name))
            places = [None, *(event["id"] for event in events[:-1])]
            place = random.choice(places[-30:-1] or places)
            count = len(events) - places.index(place) if place else 0
            if place and count:
                fields = selection(random, "Jeune"), selection(random, "Rupture")
                kinds += asyncio.run(compare(alive, name, place, min(count, 20), *fields))
                compared[name] += min(count, 20)
    note(f"I10     : {compared.total()} envois égaux à node(id), {dict(compared)}, {dict(kinds)} (graine {SEED})")
    assert set(compared) >= {"ml", "si-partenaire", "cfa", "si-partenaire-cfa"}
    assert set(kinds) >= {"RUPTURE_NOUVELLE", "SUIVI_MODIFIE"}


async def compare(alive: LivingWorld, name: str, place: str, count: int, jeune: str, rupture: str) -> Counter[str]:
    """What is pushed of each event, beside what `node` answers; told again where a partner changed between the two."""
    text = f"subscription {{ evenements {{ id type jeune {{ {jeune} }} rupture {{ {rupture} }} }} }}"
    url, token = alive.gateway.url, alive.world.token(name)
    for _ in range(5):
        async with client() as http:
            documents = await pushed(http, url, token, text, place=place, number=count)
            differences = [await _difference(http, url, token, one, jeune, rupture) for one in documents]
        if not any(differences):
            return Counter(one["data"]["evenements"]["type"] for one in documents)
        await asyncio.sleep(2.5)
    raise AssertionError((name, text, [one for one in differences if one][:2]))


async def _difference(http: Any, url: str, token: str, document: dict[str, Any], jeune: str, rupture: str) -> Any:
    event = document["data"]["evenements"]
    for of, fields, shown in (("Jeune", jeune, event["jeune"]), ("Rupture", rupture, event["rupture"])):
        if shown is None:
            continue
        answer = await asked(http, url, token, f'{{ node(id: "{shown["id"]}") {{ ... on {of} {{ {fields} }} }} }}')
        root = ("evenements", of.lower())
        if answer["data"]["node"] != shown:
            return answer["data"]["node"], shown
        if refused(document, *root) != refused(answer, "node") or at_fault(document, *root) != at_fault(answer, "node"):
            return answer, document
    return None


@pytest.mark.parametrize("number", VOLUMES)
def test_i8_what_subscribers_cut_at_random_receive_is_the_log_across_restarts(small: World, number: int) -> None:
    """Each comes back to the place that it last believed; a part of what it read was lost on its way. Gateways are killed
    meanwhile. In the log, each event once."""
    random, received = Random(SEED + 8), 0
    port = free_port()
    with living(small) as alive:
        start = alive.more("ml", None, 1)[-1]["id"]
    seen: dict[int, list[str]] = {rank: [] for rank in range(6)}
    believed = dict.fromkeys(seen, start)
    restarts = 0
    while received < number:
        with small.gateway(port) as launched:
            alive = LivingWorld(small, launched, Random(SEED + restarts))
            small.check.subscribe("aimaira", f"{launched.url}/evenements/aimaira")
            read(small, launched)
            for _ in range(4):
                alive.change(6)
                time.sleep(1.2)
                received += asyncio.run(_cut(alive, random, seen, believed))
            launched.processus.send_signal(random.choice([signal.SIGKILL, signal.SIGTERM]))
            launched.processus.wait(60)
            restarts += 1
    with small.gateway(port) as launched:
        whole = settled(launched, small.token("ml"), start)
        alive = LivingWorld(small, launched)
        asyncio.run(_cut(alive, random, seen, believed, whole=True))
    for rank, ids in seen.items():
        # What has left the log since (who moved, or is told otherwise) was received all the same, and in order.
        assert [one for one in dict.fromkeys(ids) if one in set(whole)] == whole, rank
    assert len(set(whole)) == len(whole)
    note(
        f"I8      : {received} événements reçus par 6 abonnés coupés, {restarts} arrêts, {len(whole)} au fil (graine {SEED})"
    )


def settled(gateway: LaunchedGateway, token: str, place: str | None) -> list[str]:
    """The log beyond a place once nothing more comes."""
    found: list[str] = []
    quiet = 0
    while quiet < 6:
        now = [event["id"] for event in log_of(gateway, token, place)]
        quiet, found = (quiet + 1, now) if now == found else (0, now)
        time.sleep(0.5)
    return found


async def _cut(
    alive: LivingWorld,
    random: Random,
    seen: dict[int, list[str]],
    believed: dict[int, str],
    whole: bool = False,
) -> int:
    """Each subscriber reads a part of what waits for it, and believes a part of that; how many were received."""
    received = 0
    for rank in seen:
        token = alive.world.token("ml", agent=f"abonné{rank}")
        while waiting := log_of(alive.gateway, token, believed[rank]):
            number = len(waiting) if whole else random.randint(1, len(waiting))
            events = await _part(alive, token, believed[rank], waiting[:number])
            kept = events if whole or len(waiting) > 20 else events[: random.randint(0, len(events))]
            seen[rank] += [event["id"] for event in kept]
            believed[rank] = kept[-1]["id"] if kept else believed[rank]
            received += len(events)
            if not whole:
                break
    return received


async def _part(alive: LivingWorld, token: str, place: str, waiting: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """What a stream sends beyond a place; who lags by more than it sends one by one reads the log, as it is told to."""
    if len(waiting) > WAITING_MAX - 10:
        return waiting
    text = "subscription { evenements { id type } }"
    async with client() as http:
        documents = await pushed(http, alive.gateway.url, token, text, place=place, number=len(waiting))
    return [one["data"]["evenements"] for one in documents]


LIFE = 15  # seconds of a token that ends while its stream is open
LEEWAY = 1.0  # seconds beyond the end of a token
REVOKED = {
    "retrait": "NON_AUTHENTIFIE",
    "organisme": "REQUETE_INVALIDE",
    "finalité": "REQUETE_INVALIDE",
    "jeton": "NON_AUTHENTIFIE",
}


@pytest.mark.parametrize("number", VOLUMES)
def test_i9_nothing_after_revocation_expiry_or_narrowing(alive: LivingWorld, number: int) -> None:
    """Streams of many agents, opened; their client is removed, moved, narrowed, or their tokens end; then partners tell more.
    None receives any of it, and each ends with its reason."""
    ended = Counter[str]()
    while ended.total() < number:
        ended += _revoke(alive, min(75, number))
    note(f"I9      : {ended.total()} flux révoqués, rien après : {dict(ended)} (graine {SEED})")


def _revoke(alive: LivingWorld, number: int) -> Counter[str]:
    """So many streams revoked in each of the ways, at once: of clients of one organisation."""
    world, path = alive.world, register_of(alive.world)
    clients = {
        "retrait": "ml",
        "organisme": "si-partenaire",
        "finalité": same_organisation(world),
        "jeton": same_organisation(world),
    }
    text = path.read_text(encoding="utf-8")
    settled(alive.gateway, world.token("ml"), None)  # what was told before is no part of it
    opened = {way: [_opened(alive, clients[way], way, n) for n in range(number)] for way in REVOKED}
    time.sleep(LIFE + LEEWAY)
    try:
        path.write_text(_revoked(text, world, clients), encoding="utf-8")
        read_register_again(alive.gateway)
        alive.change(4)
        told = {way: [_rest(stream) for stream in streams] for way, streams in opened.items()}
    finally:
        path.write_text(text, encoding="utf-8")
        read_register_again(alive.gateway)
    for way, rests in told.items():
        for rest in rests:
            assert b'"data"' not in rest, (way, rest)
            assert REVOKED[way].encode() in rest, (way, rest)
            assert b"event: complete" in rest, (way, rest)
    return Counter({way: len(rests) for way, rests in told.items()})


def _opened(alive: LivingWorld, client: str, way: str, rank: int) -> socket.socket:
    """A stream of one of the agents, four to each."""
    agent = f"{way}{rank // 4}"
    token = short_token(alive.world, agent, LIFE, client) if way == "jeton" else alive.world.token(client, agent=agent)
    return raw_stream(alive.gateway.url, token)


def same_organisation(world: World) -> str:
    """Another client of the organisation of `ml`."""
    return f"ml-{world.clients['ml'].organisation}"


def _revoked(text: str, world: World, clients: dict[str, str]) -> str:
    """The register, one client removed, one of another organisation, one for another purpose."""
    own, other = world.clients["ml"].organisation, world.clients["ml-voisine"].organisation
    text = _table(text, clients["organisme"], lambda table: table.replace(own, other))
    text = _table(text, clients["finalité"], lambda table: table.replace("ACCOMPAGNEMENT", "PILOTAGE"))
    return without(text, clients["retrait"])


def short_token(world: World, agent: str, life: int, client: str = "ml") -> str:
    """A token that is believed for so many seconds more: its end, and the difference of clocks that is allowed."""
    identity, now = world.realms.identity, int(time.time())
    claims = identity.claims(client, agent)
    return identity.sign({**claims, "iat": now - 60, "exp": now + life - TOLERANCE}, identity.typ)


def _table(text: str, client: str, change: Callable[[str], str]) -> str:
    """The register, the table of a client changed."""
    head, mark, rest = text.partition(f"[clients.{client}]\n")
    table, following, tail = rest.partition("\n[")
    return head + mark + change(table) + following + tail


def _rest(stream: Any) -> bytes:
    """All that a stream still receives."""
    stream.settimeout(90)
    read = b""
    while part := stream.recv(65_536):
        read += part
        if b"event: complete" in read:
            break
    stream.close()
    return bytes(read)


@pytest.mark.parametrize("number", VOLUMES)
def test_i11_streams_cut_at_random_leave_nothing(alive: LivingWorld, number: int) -> None:
    """Closed, reset, half closed, or frozen and then reset, while events are sent: no place, no connection, no task."""
    random, cut = Random(SEED + 11), Counter[str]()
    wait_until(lambda: counter(alive.gateway, "passerelle_flux_ouverts") == 0)
    files = len(os.listdir(f"/proc/{alive.gateway.pid}/fd"))
    while cut.total() < number:
        tokens = [alive.world.token("ml", agent=f"coupé{n // 4}") for n in range(60)]
        streams = [raw_stream(alive.gateway.url, token) for token in tokens]
        alive.change(3)
        time.sleep(random.random() * 2)
        for stream in random.sample(streams, len(streams)):
            way = random.choice(["fermé", "RST", "à demi", "figé"])
            cut[way] += 1
            if way == "à demi":
                stream.shutdown(1)
            if way in ("RST", "figé"):
                reset(stream)
            else:
                stream.close()
        wait_until(lambda: counter(alive.gateway, "passerelle_flux_ouverts") == 0)
    wait_until(lambda: len(os.listdir(f"/proc/{alive.gateway.pid}/fd")) <= files + 3)
    note(f"I11     : {cut.total()} flux coupés, rien ne reste : {dict(cut)} (graine {SEED})")


def wait_until(view: Callable[[], bool]) -> None:
    end = time.monotonic() + 60
    while not view():
        assert time.monotonic() < end, "something stays"
        time.sleep(0.2)
