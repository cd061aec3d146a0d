"""An upgrade as docs/exploitation.md has it, under load: two gateways of the release before on one PostgreSQL and one Redis,
behind a balancer, replaced one after the other by this one, and put back. Nobody is failed."""

import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing
from pathlib import Path

import pytest

from fixtures import gateway_process
from fixtures.gateway_process import LaunchedGateway, environment
from fixtures.servers import free_port
from fixtures.world import World
from tests.support.balancer import Balancer
from tests.support.figures import note
from tests.support.infrastructure.deployment import LIST, databases, wrong_lines
from tests.support.load import Payload
from tests.support.pair import a_database
from tests.support.redis_server import redis_server
from tests.support.releases import following, former
from tests.support.resilience.lifecycle import that_warns

pytestmark = pytest.mark.infrastructure
ME = "{ moi { profil } }"
NEW_KEYS = re.compile(r"^(?:documentation|trace) = true\n|^\[(?:etat|statistiques)[^\[]*", re.MULTILINE)
RATE = 20  # requests a second
SETTLED = 40  # requests answered between two acts


class Release:
    """A place behind the balancer, and the release that serves there."""

    def __init__(self, env: dict[str, str], code: Path, record: Path) -> None:
        self._env, self._code, self._record, self._port = env, code, record, free_port()
        self._stack = ExitStack()
        self.url = f"http://127.0.0.1:{self._port}"

    def start(self) -> LaunchedGateway:
        log = self._record / f"passerelle-{self._port}.log"
        served = gateway_process.serve(self._env, self._port, log, code=self._code)
        self.launched = self._stack.enter_context(served)
        return self.launched

    def stop(self) -> None:
        """As an orchestrator does: told to, and ended at 0."""
        self.launched.processus.send_signal(signal.SIGTERM)
        assert self.launched.processus.wait(60) == 0
        self.close()

    def close(self) -> None:
        self._stack.close()

    def command(self, *words: str) -> str:
        done = subprocess.run(
            [sys.executable, "-m", "gateway", *words],
            cwd=self._code, env=environment(self._env), capture_output=True, text=True, check=False, timeout=120,
        )  # fmt: skip
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout


@pytest.fixture
def releases(small_world: World, tmp_path: Path) -> Iterator[list[Release]]:
    """Two places of the release before, then two of this one; nothing is started."""
    before = former(tmp_path / "avant")
    after = following(tmp_path / "apres", before)
    record = that_warns(small_world, tmp_path / "configuration")
    for file in (record / "gateway.toml", *(record / "partenaires").glob("*.toml")):
        text = file.read_text(encoding="utf-8")
        # Both releases read it: without what the one before does not know.
        file.write_text(NEW_KEYS.sub("", text), encoding="utf-8")
        if "[dialecte" in text:
            file.unlink()  # the words of tables are more than they were
    with redis_server() as cache, a_database() as url, ExitStack() as stack:
        env = {**small_world.environment, **databases(url), "GATEWAY_CONFIG": str(record), "GATEWAY_CACHE_URL": cache}
        places = [Release(env, code, record) for code in (before, before, after, after)]
        for place in places:
            stack.enter_context(closing(place))
        with small_world.night():
            places[0].command("moisson")
        yield places


def until(balancer: Balancer, ready: int, load: Payload) -> None:
    """Until so many are in service, and some requests more were answered."""
    while len(balancer.ready_nodes) != ready:
        time.sleep(0.01)
    answered = len(load.issues)
    while len(load.issues) < answered + SETTLED:
        time.sleep(0.01)


def test_an_upgrade_fails_nobody_and_may_be_undone(small_world: World, releases: list[Release]) -> None:
    one, other, new_one, new_other = releases
    token = small_world.token("ml")
    expected = gateway_answer(one.start(), token)
    other.start()
    with (
        Balancer([place.url for place in releases]) as balancer,
        Payload(balancer.url, token, [ME, LIST], RATE) as load,
    ):
        until(balancer, 2, load)
        migrated = new_one.command("base", "migrer").splitlines()
        until(balancer, 2, load)
        for leaving, coming in ((one, new_one), (other, new_other)):
            coming.start()
            until(balancer, 3, load)
            leaving.stop()
            until(balancer, 2, load)
        upgraded = gateway_answer(new_one.launched, token)
        told = new_one.launched.graphql(token, ME)
        one.start()
        until(balancer, 3, load)
        undone = gateway_answer(one.launched, token)
        verified = [place.command("journal", "verifier") for place in (one, new_one)]
    counted = f"{load.statuts}, échecs attendus 0 ; {len(migrated)} bases migrées"
    note(f"mise à jour de la version d'avant à celle-ci, {RATE} requêtes/s : {counted}")
    assert load.statuts.keys() == {200}
    assert load.partial_answers == 0
    assert upgraded == undone == expected
    assert told == {"data": {"moi": {"profil": "MISSION_LOCALE"}}, "extensions": told["extensions"]}
    assert [line for line in migrated if ", depuis " not in line] == []
    assert all(line.startswith("journal intègre") for line in verified)
    assert [line for place in releases for line in wrong_lines(place.launched)] == []


def gateway_answer(gateway: LaunchedGateway, token: str) -> object:
    """A list that misses nothing."""
    return gateway.graphql(token, LIST)["data"]
