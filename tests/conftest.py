"""What every test may ask for: the world of the simulators and a gateway that asks it, each started once."""

import gc
import os
from collections.abc import Generator, Iterator
from pathlib import Path
from typing import Any

import pytest

from fixtures import gateway_process
from fixtures.gateway_process import LaunchedGateway
from fixtures.world import World
from gateway import concurrency
from tests.support.canaries import traces
from tests.support.databases import postgresql, url
from tests.support.e2e.told_streams import alone, small
from tests.support.figures import FIGURES, note
from tests.support.forked_gateways import imported_gateway
from tests.support.order import in_order
from tests.support.pair import DoubleWorld, metrics
from tests.support.redis_server import redis_server
from tests.support.today import TODAY
from tests.support.waiting import waiting

__all__ = ["TODAY", "alone", "postgresql", "small", "url"]  # fixtures of every test, and their day
OPENED: list[World] = []  # worlds that the files of tests share
# As a gateway that serves does: what was imported lives as long as the process, and is not looked at again and again.
GC_THRESHOLDS = (2_000, 20, 50)
# Of the world that all share: what a gateway reads at its first list is what most of its tests cost (docs/decisions/0190).
PEOPLE = 2_000
LONG_WAIT = 25.0  # seconds of an answer: no source is late however busy this machine is; our clients wait longer


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--deux-passerelles",
        action="store_true",
        help="each gateway of the world is two processes of one Redis and one PostgreSQL behind a balancer",
    )


@pytest.hookimpl(wrapper=True, specname="pytest_collection")
def pytest_tests_are_read() -> Generator[None, object, object]:
    """Spare the cycle collector the modules of all tests: a fifth of what many of them compute went to it."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.collect()
        gc.freeze()
        gc.set_threshold(*GC_THRESHOLDS)
        gc.enable()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Files that last longest come first."""
    items[:] = in_order(items)


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(scope="session", autouse=True)
def without_rest() -> Iterator[None]:
    """A gateway of this process has a test for only client, whom fairness to others would have rest two thirds of the time.
    Those that are processes of their own keep it."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(concurrency, "REST", 0)
        yield


@pytest.fixture(scope="session", autouse=True)
def forked_gateways() -> Iterator[None]:
    """Of several processes of tests, each imports the gateway once, and forks what it starts of it. Who runs a few tests, or long
    ones, has each started as an operator does."""
    if "PYTEST_XDIST_WORKER" not in os.environ:
        yield
        return
    with pytest.MonkeyPatch.context() as patch, imported_gateway() as opened:
        patch.setattr(gateway_process, "start", opened.start_or(gateway_process.start))
        patch.setattr(gateway_process, "run", opened.run_or(gateway_process.run))
        yield


@pytest.fixture(scope="module", autouse=True)
def no_fault_left() -> Iterator[None]:
    """A partner that a file of tests leaves down makes another fail, in the order of some runs only."""
    yield
    for opened in OPENED:
        left = opened.check.faults()
        opened.check.lift_faults()
        assert left == [], "this file leaves faults in the partners that all share"


@pytest.fixture(scope="session")
def world(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """PEOPLE of the default population, told by six simulators over HTTP, its registry harvested; in a directory with a space."""
    record: Path = tmp_path_factory.mktemp("le monde")
    yield from _harvested(_kind(request).generated(record, today=TODAY, jeunes=PEOPLE), record)


@pytest.fixture(scope="session")
def gateway(world: World) -> Iterator[LaunchedGateway]:
    """A gateway of that world, as its own process."""
    yield from _served(world)


@pytest.fixture(scope="session")
def default_world(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """The whole default population, for what is promised of it or needs as many people."""
    record = tmp_path_factory.mktemp("le monde entier")
    yield from _harvested(_kind(request).generated(record, today=TODAY), record)


@pytest.fixture(scope="session")
def default_gateway(default_world: World) -> Iterator[LaunchedGateway]:
    """A gateway of that one."""
    yield from _served(default_world)


@pytest.fixture(scope="session")
def counted(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """The whole default population, told by partners that no gateway of the session asks: one that lives asks again by itself,
    four minutes later, what it was asked, and would be counted with those of a test."""
    record = tmp_path_factory.mktemp("le monde compté")
    yield from _harvested(_kind(request).generated(record, today=TODAY), record)


@pytest.fixture(scope="session")
def redis_url() -> Iterator[str]:
    """A Redis for this session."""
    with redis_server() as url:
        yield url


@pytest.fixture(scope="session")
def patient(world: World, tmp_path_factory: pytest.TempPathFactory) -> str:
    """Configuration of a gateway that waits longer: what is judged is what it answers, not how busy this machine is."""
    return waiting(world, tmp_path_factory.mktemp("patiente"), 8.0)


@pytest.fixture(scope="session")
def long_waiting(counted: World, tmp_path_factory: pytest.TempPathFactory) -> str:
    """Configuration of a gateway of which no answer is partial, for those who count what it asks: who is told of a late source
    asks again."""
    return waiting(counted, tmp_path_factory.mktemp("longue attente"), LONG_WAIT)


def _served(world: World) -> Iterator[LaunchedGateway]:
    with world.gateway() as launched:
        yield launched
        assert world.record is not None
        (world.record / "metrics.txt").write_text(metrics(launched), encoding="utf-8")


def _kind(request: pytest.FixtureRequest) -> type[World]:
    return DoubleWorld if request.config.getoption("--deux-passerelles") else World


def _harvested(closed: World, record: Path) -> Iterator[World]:
    with closed as opened:
        opened.harvest()
        OPENED.append(opened)
        yield opened
        OPENED.remove(opened)
        if isinstance(opened, DoubleWorld):
            opened.copy_database()
        _look_for_canaries(opened, record)


def _look_for_canaries(world: World, record: Path) -> None:
    """After all the tests of this world: no value of a person in a log, a metric or a file that its gateways wrote."""
    written = [file for file in sorted(record.rglob("*")) if file.is_file()]
    if not any(file.name == "passerelle.log" for file in written):
        return  # no gateway of this world was started
    assert any(file.parent.name == "donnees" for file in written)
    found = traces(world.population, written)
    assert found == [], "values of persons where none may be"
    note(f"canaris : 0 valeur de personne dans {len(written)} fichiers (journaux, métriques, bases)")


def pytest_sessionfinish(session: pytest.Session) -> None:
    """One of several processes hands its figures on to who started it."""
    if (output := getattr(session.config, "workeroutput", None)) is not None:
        output["figures"] = FIGURES


@pytest.hookimpl(optionalhook=True, specname="pytest_testnodedown")
def pytest_a_process_is_done(node: Any) -> None:
    """What one of several processes measured, when it is done."""
    FIGURES.extend(getattr(node, "workeroutput", {}).get("figures", ()))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """The figures that the project promises, measured by this run."""
    if FIGURES:
        terminalreporter.section("chiffres")
        for line in FIGURES:
            terminalreporter.write_line(line)
