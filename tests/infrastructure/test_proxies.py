"""nginx, HAProxy and Caddy as their pages say, before two gateways: reloaded, and the gateways restarted in turn, under load.

`make infrastructure`. The pages' commands are run as they are written; `systemctl` does here what their units do.
"""

import signal
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path

import pytest

from fixtures.gateway_process import ROOT
from fixtures.servers import HOST, reserve
from fixtures.world import World
from tests.support.e2e.queries import until_complete
from tests.support.figures import note
from tests.support.infrastructure.pages import Commands, Order, commands, run, systemctl
from tests.support.infrastructure.proxies import NAME, Caddy, Haproxy, Nginx, Proxy
from tests.support.load import Payload
from tests.support.pair import Node, a_database
from tests.support.redis_server import redis_server
from tests.support.resilience import lifecycle

pytestmark = pytest.mark.infrastructure

ME = "{ moi { profil } }"
RUPTURES = "{ ruptures(first: 3) { edges { node { jeune { id nom } } } } }"
A_SECOND = 30  # requests
QUERIES = [
    ME,
    ME,
    ME,
    RUPTURES,
]  # more of one list would be a crowd while a busy machine builds it (docs/decisions/0025)
NOTICE = 5.0  # seconds: the default
RELOADS = 5
SWEEPS = 2  # of the gateways, each restarted


def _ten_ports() -> str:
    """The first digits of two free ports that differ by the last one, as those of the pages."""
    for tens in range(2100, 3100):
        with ExitStack() as stack:
            try:
                for unit in (0, 1):
                    stack.enter_context(reserve(10 * tens + unit))
            except OSError:
                continue
            return str(tens)
    raise AssertionError("no free port")


class Gateways:
    """Two gateways, `passerelle@0` on a port and `passerelle@1` on a Unix socket, restarted as their units would be."""

    def __init__(self, world: World, record: Path, env: dict[str, str]) -> None:
        self.admin = _ten_ports()
        self._threads = ThreadPoolExecutor()
        self._starts: list[Future[object]] = []
        one, other = ({**env, "ADMIN_PORT": f"{self.admin}{rank}"} for rank in range(2))
        socket = f"unix:{record / 'passerelle.sock'}"
        self.nodes = [Node(world, one), Node(world, other, hote=socket)]
        self.places = (self.nodes[0].url, socket)
        self.restarts = 0

    def restart(self, rank: int) -> None:
        """Ended at 0, and started again: as systemd, this returns before it is ready."""
        assert self.nodes[rank].finish(signal.SIGTERM) == 0
        self.nodes[rank].close()
        self._starts.append(self._threads.submit(self.nodes[rank].start))
        self.restarts += 1

    def started(self) -> None:
        for start in self._starts:
            start.result()

    def close(self) -> None:
        self._threads.shutdown()
        for node in self.nodes:
            node.close()


@pytest.fixture(scope="module")
def gateways(world: World, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateways]:
    record = lifecycle.that_warns(world, tmp_path_factory.mktemp("deux"))
    text = (record / "gateway.toml").read_text(encoding="utf-8")
    named = f'[http]\nhotes = ["{NAME}"]\nmandataires = ["127.0.0.1"]\n'
    text = text.replace("[http]\n", named).replace(
        f"preavis_secondes = {lifecycle.NOTICE}", f"preavis_secondes = {NOTICE}"
    )
    (record / "gateway.toml").write_text(text, encoding="utf-8")
    with redis_server() as cache, a_database() as journal, ExitStack() as stack:
        env = {
            "GATEWAY_CONFIG": str(record),
            "GATEWAY_CACHE_URL": cache,
            "GATEWAY_JOURNAL_URL": journal,
            "GATEWAY_PROCESSUS": "2",
        }
        two = Gateways(world, record, env)
        stack.callback(two.close)
        for node in two.nodes:
            node.start()
        until_complete(two.nodes[0].launched, world.token("ml"), RUPTURES)
        yield two


@pytest.mark.parametrize("kind", [Nginx, Haproxy, Caddy], ids=["nginx", "haproxy", "caddy"])
def test_no_request_fails_while_a_proxy_is_reloaded_and_gateways_are_restarted(
    world: World, gateways: Gateways, tmp_path: Path, kind: type[Proxy]
) -> None:
    page = commands(ROOT / "docs" / f"mandataire-{kind.program}.md")
    assert list(page) == ["Vérifier", "Recharger", "Redémarrer les passerelles"]
    before = gateways.restarts
    with kind(tmp_path, gateways.places) as proxy, systemctl(tmp_path / "bin", _units(proxy, gateways)):
        env = proxy.environment()
        verified = page["Vérifier"]
        assert run(verified.text, env) == verified.output == "200\n401\n404\n"
        with Payload(proxy.url, world.token("ml"), QUERIES, A_SECOND, **proxy.client) as charge:
            for _ in range(RELOADS):
                run(proxy.here(page["Recharger"].text), env)
                time.sleep(2)
            reloaded = len(charge.issues)
            for _ in range(SWEEPS):
                run(_here(page["Redémarrer les passerelles"], gateways), env)
            gateways.started()
        assert run(verified.text, env) == verified.output
    failed = sum(outcome.statut != 200 for outcome in charge.issues)
    note(
        f"{kind.program} : {RELOADS} rechargements sous {charge.kept_version:.0f} requêtes/s ({reloaded} requêtes), puis "
        f"{gateways.restarts - before} redémarrages ({len(charge.issues) - reloaded}) : {failed} échec(s), {charge.statuts}, "
        f"{charge.partial_answers} partielles, {proxy.transport.closed} connexions gardées que le mandataire a fermées"
    )
    assert gateways.restarts - before == 2 * SWEEPS
    assert charge.statuts.keys() == {200}


def _units(proxy: Proxy, gateways: Gateways) -> dict[Order, Callable[[], None]]:
    return {
        ("reload", proxy.program): proxy.reload,
        ("restart", "passerelle@0"): lambda: gateways.restart(0),
        ("restart", "passerelle@1"): lambda: gateways.restart(1),
    }


def _here(page: Commands, gateways: Gateways) -> str:
    assert "127.0.0.1:909$i" in page.text
    return page.text.replace("127.0.0.1:909", f"{HOST}:{gateways.admin}")
