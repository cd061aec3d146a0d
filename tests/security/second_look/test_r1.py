"""R1: one poisoned entry refuses nobody else, and both databases behave alike under the same hostile inputs."""

import threading
import time
from collections import Counter
from pathlib import Path

import pytest

from fixtures.remote_control import client_http
from fixtures.world import World
from tests.support.databases import BASES
from tests.support.e2e.queries import until_complete
from tests.support.pair import a_database
from tests.support.security.journal_attacks import NOMINATIVE, ask, attacked

SECONDS = 4.0
HOSTILE_AGENTS = ("x\0", "a" * 400, "\u202eagent\r\n", "'); DROP TABLE journal_entrees; --")


@pytest.mark.parametrize("nature", BASES)
def test_r1_hostile_agents_refuse_nobody_else(world: World, tmp_path: Path, nature: str) -> None:
    with a_database(nature, tmp_path) as url, attacked(world, GATEWAY_JOURNAL_URL=url) as gateway:
        honest = world.token("ml", agent="conseillère 12")
        until_complete(gateway, honest, NOMINATIVE)
        hostile = [world.token("ml", agent=agent) for agent in HOSTILE_AGENTS]
        end = time.monotonic() + SECONDS
        statuses: dict[str, Counter[int]] = {"honest": Counter(), "hostile": Counter()}

        def read(kind: str, token: str) -> None:
            with client_http(gateway.url) as http:
                while time.monotonic() < end:
                    statuses[kind][ask(http, token, NOMINATIVE).status_code] += 1

        readers = [threading.Thread(target=read, args=("honest", honest)) for _ in range(4)]
        readers += [threading.Thread(target=read, args=("hostile", token)) for token in hostile]
        for reader in readers:
            reader.start()
        for reader in readers:
            reader.join()
        print(nature, statuses)
        assert statuses["honest"].keys() == {200}
        assert [status for status in statuses["hostile"] if status >= 500] == []
