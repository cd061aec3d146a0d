"""Streams of gateways that live and end: a client that is removed, a process that stops, two that share a base. Each gateway is
alone at its data: the one that looks at a perimeter is the one that the partner calls."""

import signal
import time
from pathlib import Path

from fixtures.world import World
from tests.support.databases import read as read_rows
from tests.support.e2e.event_listener import listening
from tests.support.e2e.told_streams import open_log, read_register_again, rupture
from tests.support.figures import note
from tests.support.pair import Node, a_database
from tests.support.redis_server import redis_server


def test_i9_a_client_removed_from_the_register_receives_nothing_more(
    small: World,
) -> None:
    with small.gateway() as launched:
        small.check.subscribe("aimaira", f"{launched.url}/evenements/aimaira")
        open_log(small, launched)
        register = Path(small.environment["GATEWAY_CONFIG"]) / "clients.toml"
        text = register.read_text()
        token = small.token("ml")
        with listening(launched.url, token) as adviser:
            rupture(small, launched)
            adviser.wait_for(1)
            try:
                register.write_text(without(text, "ml"))
                read_register_again(launched)
                small.check.change("imilo", followed_key(small), "situation", "NOUVEAU_PROJET", times=3)
                assert adviser.ended.wait(60)
            finally:
                register.write_text(text)
                read_register_again(launched)
        assert len(adviser.documents) == 2
        assert "data" not in adviser.documents[1]
        assert adviser.documents[1]["errors"][0]["extensions"]["code"] == "NON_AUTHENTIFIE"
        small.check.subscribe("aimaira", "")


def without(register: str, client: str) -> str:
    """The register of clients, one of them left out."""
    head, _, rest = register.partition(f"[clients.{client}]\n")
    following = rest.find("\n[")
    kept = head + (rest[following + 1 :] if following >= 0 else "")
    count = kept.count("\n[clients.") + kept.startswith("[clients.")
    before, fin, _ = kept.partition("[fin]")
    return f"{before}[fin]\nclients = {count}\n" if fin else kept


def followed_key(world: World) -> str:
    code = world.clients["ml"].organisation
    return world.population.accounts["imilo"][code][0].key


def test_a_gateway_that_stops_ends_its_streams_and_another_goes_on_from_their_place(small: World) -> None:
    with small.gateway() as first:
        small.check.subscribe("aimaira", f"{first.url}/evenements/aimaira")
        open_log(small, first)
        with listening(first.url, small.token("ml")) as adviser:
            rupture(small, first)
            adviser.wait_for(1)
            first.processus.send_signal(signal.SIGTERM)
            assert adviser.ended.wait(60)
        assert first.processus.wait(60) == 0
    place = adviser.places[-1]
    with small.gateway() as second:
        small.check.subscribe("aimaira", f"{second.url}/evenements/aimaira")
        with listening(second.url, small.token("ml"), place) as back:
            rupture(small, second)
            back.wait_for(1)
        assert back.types()[0] == "RUPTURE_NOUVELLE"
        assert place not in back.places
        small.check.subscribe("aimaira", "")


def test_what_one_process_is_told_another_sends(small: World) -> None:
    """Two gateways of one Redis and one PostgreSQL; the partner calls the first, the adviser listens to the second."""
    with redis_server() as cache, a_database() as base:
        env = {"GATEWAY_CACHE_URL": cache, "GATEWAY_DATABASE_URL": base, "GATEWAY_PROCESSUS": "2"}
        small.environment |= {"GATEWAY_DATABASE_URL": base}
        try:
            small.harvest()
            nodes = [Node(small, env) for _ in range(2)]
            first, second = (node.start() for node in nodes)
            small.check.subscribe("aimaira", f"{first.url}/evenements/aimaira")
            open_log(small, first)
            with listening(second.url, small.token("ml")) as adviser:
                start = time.monotonic()
                rupture(small, first)
                adviser.wait_for(1)
            note(f"appel à une passerelle → flux d'une autre : {adviser.instants[0] - start:.1f} s (promis ≤ 5 s)")
            numbers = read_rows(base, "SELECT numero FROM evenements ORDER BY numero")
            assert numbers == [(n,) for n in range(1, len(numbers) + 1)]
            small.check.subscribe("aimaira", "")
            for node in nodes:
                node.close()
        finally:
            del small.environment["GATEWAY_DATABASE_URL"]
