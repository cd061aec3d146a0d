"""The life of the process: it opens, says it is ready, serves, is told to stop, and ends. Knows no route and no rule.

What it acknowledged is on disk before it is acknowledged: however it ends, nothing of that is lost.
"""

import asyncio
import logging
import signal
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Iterator
from contextlib import aclosing, asynccontextmanager, contextmanager, suppress
from datetime import timedelta
from functools import partial
from typing import Any

import uvicorn
import uvloop
from prometheus_client import disable_created_metrics

from gateway.app import AppState
from gateway.config import Configuration, load
from gateway.edge.guard import Health
from gateway.edge.sampled_log import SampledLog
from gateway.environment import ENVIRONMENT
from gateway.errors import ConfigurationError, LinksUnavailable
from gateway.evenements.watcher import Watcher
from gateway.reception.reception import forget_daily
from gateway.server.allocator import give_memory_back, tune_threads_and_gc
from gateway.server.composition import build_state
from gateway.server.listeners import AdminServer, address_of, admin_settings, listen, public_settings
from gateway.server.services import Services, build_services
from gateway.server.webhook_parts import read_webhooks, webhook_watches
from gateway.server.write_parts import open_writes, write_watches
from gateway.sources.harvest.harvester import watch
from gateway.stores.registry_check import check_daily
from gateway.stores.registry_writer import RegistryWriter
from gateway.webhooks.endpoints import check_endpoints

SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGQUIT)
IGNORED = (signal.SIGUSR1, signal.SIGUSR2)  # by default they end a process at once
OPENING_TIMEOUT = 4.0  # seconds for one of our own stores to open: a start that fails says so within five
OPENING_STEPS = 40  # that these seconds are counted in
LINK_RETENTION = timedelta(days=2 * 365)  # without being seen (docs/decisions/0009)

logger = logging.getLogger("gateway.vie")


class Server(uvicorn.Server):
    """A uvicorn server that stops in two times (docs/decisions/0025).

    Told to stop, it serves as before for `notice` seconds, while the balancer learns to send requests elsewhere; it then
    takes nothing new, finishes what is under way, and returns. A second signal is the system's: the process ends there.
    SIGHUP calls `reload`, and ends nothing.
    """

    def __init__(
        self,
        settings: uvicorn.Config,
        health: Health,
        notice: float,
        reload: Callable[[], None],
        drain: Callable[[], None],
    ) -> None:
        super().__init__(settings)
        self._health, self._notice, self._reload, self._drain = health, notice, reload, drain

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        loop = asyncio.get_running_loop()
        for each in SIGNALS:
            loop.add_signal_handler(each, self.warn)
        loop.add_signal_handler(signal.SIGHUP, self._reload)
        for each in IGNORED:
            signal.signal(each, signal.SIG_IGN)
        yield

    def warn(self) -> None:
        """Be not ready from now on, and stop after the notice."""
        loop = asyncio.get_running_loop()
        for each in SIGNALS:
            loop.remove_signal_handler(each)
            signal.signal(each, signal.SIG_DFL)
        self._health.stopping = True
        loop.call_later(self._notice, self.stop)

    def stop(self) -> None:
        """Take nothing new, have streams end, and finish."""
        self._health.stopping = True
        self._drain()
        self.should_exit = True


def serve() -> None:
    """Serve until told to stop. Raises ConfigurationError."""
    give_memory_back()  # before any thread has a heap of its own
    disable_created_metrics()  # type: ignore[no-untyped-call] # half of the series, which no alert reads
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as loop:
        loop.run(_serve(load()))


async def _serve(configuration: Configuration) -> None:
    async with aclosing(build_services(configuration, ENVIRONMENT)) as services, _sampled_log():
        state = build_state(services)
        check_endpoints(read_webhooks(services).endpoints, state.clients)
        admin = (configuration.admin_host, configuration.admin_port)
        with (
            listen("variables d'environnement HOST et PORT", configuration.host, configuration.port) as taken,
            listen("[admin] hote et port, ou ADMIN_HOST et ADMIN_PORT", *admin) as admin_taken,
        ):
            logger.info("écoute : %s ; administration : %s", address_of(taken), address_of(admin_taken))
            async with _administered(services, state, admin_taken):
                await _live(services, state, taken)


@asynccontextmanager
async def _sampled_log() -> AsyncIterator[None]:
    """Bound what any kind of event may write in the log, during the block."""
    sampled, handlers = SampledLog(), tuple(logging.getLogger().handlers)
    for handler in handlers:
        handler.addFilter(sampled)
    watching = asyncio.create_task(sampled.watch(asyncio.sleep))
    try:
        yield
    finally:
        watching.cancel()
        await asyncio.wait([watching])
        for handler in handlers:
            handler.removeFilter(sampled)


@asynccontextmanager
async def _administered(services: Services, state: AppState, taken: socket.socket) -> AsyncIterator[None]:
    """Metrics and health, from before the opening until after the last answer."""
    server = AdminServer(admin_settings(services, state))
    serving = asyncio.create_task(server.serve([taken]))
    try:
        yield
    finally:
        server.should_exit = True
        await serving


async def _live(services: Services, state: AppState, taken: socket.socket) -> None:
    """Listen at once, for whoever watches over the process; ready when all is open. Raises what made the opening fail."""
    notice = services.configuration.file.arret.preavis_secondes
    reload, drain = partial(_reload, state), state.streams.places.drain
    server = Server(public_settings(services, state), state.health, notice, reload, drain)
    work = asyncio.create_task(_work(services, state))
    work.add_done_callback(lambda _: server.stop())
    await server.serve([taken])
    work.cancel()
    with suppress(asyncio.CancelledError):
        await work


def _reload(state: AppState) -> None:
    """Read the register of callers again; the policy and the rest are read at the start only."""
    state.clients.reload()
    logger.info("SIGHUP : registre des clients relu")


async def _work(services: Services, state: AppState) -> None:
    """Open everything, then do what goes on beside requests, until cancelled."""
    await open_parts(services, state)
    tune_threads_and_gc()
    watches = (
        *_watches(services, state),
        *write_watches(services, state.gateway),
        *webhook_watches(services, state.gateway, state.clients),
    )
    await asyncio.gather(*(_hold(watch) for watch in watches))


async def _hold(watch: Coroutine[Any, Any, None]) -> None:
    """Run a watch; one that fails is logged, and requests are answered still."""
    try:
        await watch
    except Exception as error:  # each of them bears what it expects; the text could hold a value
        logger.critical("%s arrêtée : %s", getattr(watch, "__qualname__", "veille"), type(error).__name__)


async def open_parts(services: Services, state: AppState) -> None:
    """One after the other, the quickest to fail first. Raises ConfigurationError."""
    steps: dict[str, Callable[[], Awaitable[None]]] = {}
    webhooks = services.webhooks
    if services.shared_counters is not None:
        steps["redis"] = services.shared_counters.open
    steps |= {
        "journal": lambda: _in_time("journal", services.readings_journal.open()),
        "registre": lambda: _in_time("registre", services.registry.open()),
        **({"receptions": services.received.open} if services.received else {}),
        "ecritures": lambda: _in_time("ecritures", open_writes(services, state.gateway)),
        "evenements": lambda: _in_time("evenements", services.events.open()),
        **({"abonnements": webhooks.store.open} if webhooks and webhooks.endpoints else {}),
        "statistiques": lambda: _in_time("statistiques", services.blocks.open()),
        "liens": lambda: _purge_links(services),
        "cles": state.authenticator.verifier.open,
        "referentiel": services.keeper.open,
    }
    for rank, open_part in enumerate(steps.values()):
        state.health.open(list(steps)[rank:])
        await open_part()
    state.health.open(())


async def _in_time(name: str, opening: Coroutine[Any, Any, None]) -> None:
    """Step by step: what this process computes meanwhile, a first start imports the migrations, takes one step, however long."""
    task = asyncio.ensure_future(opening)
    try:
        for _ in range(OPENING_STEPS):
            if (await asyncio.wait({task}, timeout=OPENING_TIMEOUT / OPENING_STEPS))[0]:
                return await task
    finally:
        task.cancel()
    raise ConfigurationError(f"{name} : la base ne répond pas en {OPENING_TIMEOUT:.0f} s")


async def _purge_links(services: Services) -> None:
    """Forget old links, unless the clock is not believed. Their store may be away as the process starts, as it may later: ids
    go on without it."""
    try:
        async with asyncio.timeout(OPENING_TIMEOUT):
            await services.links.open()
            if await services.journal_keeper.believes_clock():
                await services.links.purge(services.configuration.now() - LINK_RETENTION)
    except (LinksUnavailable, TimeoutError):
        services.counts.links_unavailable.inc()


def _watches(services: Services, state: AppState) -> list[Coroutine[Any, Any, None]]:
    now, sleep, log = services.configuration.now, asyncio.sleep, state.gateway.log
    return [
        watch(services.harvest_target, RegistryWriter(services.registry), now, sleep, services.harvest_metrics),
        services.keeper.watch(sleep),
        check_daily(services.registry, sleep),
        *(consumer.watch(sleep) for consumer in services.consumers),
        services.refresh_ahead.watch(),
        services.journal_keeper.keep(sleep),
        services.statistics_watch.run(sleep),
        _watcher(state).run(sleep),
        log.poll(sleep),
        log.purge(sleep),
        services.loop_lag.run(sleep),
        services.open_files.watch(sleep),
        *([forget_daily(services.receptions, now, sleep)] if services.receptions else []),
        *([services.traces.run(sleep)] if services.traces else []),
        *([services.received.watch(sleep)] if services.received else []),
    ]


def _watcher(state: AppState) -> Watcher:
    """Whoever looks at the perimeters that are followed."""
    gateway = state.gateway
    written, catch_up = gateway.writes.pending if gateway.writes else None, gateway.log.catch_up
    return Watcher(gateway.log, gateway, written, catch_up.is_told if catch_up else lambda: True)
