"""One small world whose partners tell their changes, for the files of tests that only change its people, and the gateway that
streams them: how its log is opened, read and added to.

`small` and `alone` are fixtures that every test may ask for (tests/conftest.py). Who rewrites its register for long, or fills its
log, has a world of its own.
"""

import signal
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest

from fixtures.gateway_process import LaunchedGateway
from fixtures.world import World
from gateway.evenements.watcher import OPENING, PERIOD
from tests.support.databases import read as read_rows
from tests.support.e2e.changes import enter_rupture, read, small_world
from tests.support.pair import counter
from tests.support.today import TODAY

LOG = """query L($depuis: ID) { evenements(depuis: $depuis, first: 500) { totalCount nodes { id type
 jeune { id nom } } } }"""
DAYS = iter(range(3, 60))
REGISTER_READ = "SIGHUP : registre des clients relu"


@pytest.fixture(scope="session")
def small(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """The world: its registry harvested, its people as the files before have left them."""
    with small_world(tmp_path_factory.mktemp("flux")) as opened:
        opened.harvest()
        yield opened


@pytest.fixture(scope="module")
def alone(small: World) -> Iterator[LaunchedGateway]:
    """Its only gateway, whom Aimaira calls: the log is opened, nothing is announced yet."""
    with small.gateway() as launched:
        small.check.subscribe("aimaira", f"{launched.url}/evenements/aimaira")
        open_log(small, launched)
        yield launched
        small.check.subscribe("aimaira", "")


def open_log(world: World, gateway: LaunchedGateway) -> None:
    """The first look at the perimeter is taken: what it finds is known, and not announced."""
    read(world, gateway)
    log(world, gateway)
    wait_for_first_looks(world)
    world.check.reset_all()


def wait_for_first_looks(world: World) -> None:
    """Each perimeter that is followed was looked at; what changed while no gateway lived is announced by the next look."""
    base = world.environment.get(
        "GATEWAY_DATABASE_URL", f"sqlite+aiosqlite:///{world.record}/donnees/evenements.sqlite"
    )
    end = time.monotonic() + 2 * OPENING
    with ThreadPoolExecutor(1) as apart:  # a browser that is driven has an event loop in this thread
        while not _all_opened(apart.submit(read_rows, base, "SELECT ouvert FROM evenements_perimetres").result()):
            assert time.monotonic() < end, "some perimeter is not opened"
            time.sleep(0.1)
    time.sleep(2 * PERIOD)


def _all_opened(rows: list[tuple[Any, ...]]) -> bool:
    return bool(rows) and all(is_open for (is_open,) in rows)


def log(world: World, gateway: LaunchedGateway, **variables: Any) -> list[dict[str, Any]]:
    response = gateway.graphql(world.token("ml"), LOG, variables)
    nodes: list[dict[str, Any]] = response["data"]["evenements"]["nodes"]
    return nodes


def rupture(world: World, *gateways: LaunchedGateway) -> list[float]:
    return enter_rupture(world, TODAY - timedelta(days=next(DAYS)), *gateways)


def wait_until_none(gateway: LaunchedGateway) -> None:
    end = time.monotonic() + 60
    while counter(gateway, "passerelle_flux_ouverts"):
        assert time.monotonic() < end, "streams stay"
        time.sleep(0.2)


def read_register_again(gateway: LaunchedGateway) -> None:
    """SIGHUP, and its log says so: before, the former register still decides."""

    def told() -> int:
        return gateway.journal.read_text(encoding="utf-8").count(REGISTER_READ)

    before, end = told(), time.monotonic() + 60
    gateway.processus.send_signal(signal.SIGHUP)
    while told() == before:
        assert time.monotonic() < end, "the register is not read again"
        time.sleep(0.05)
