"""Lives a day of the advisers over a gateway in this process: the whole of it but the socket, in virtual time.

What is exercised is what `serve` runs: composition, sources, cache, pacing, breakers, views, quotas, journal. Viewers
are those of the register; partners are the simulators, behind the door of `_partners`.
"""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields, replace
from datetime import UTC, date, datetime, timedelta
from functools import partial
from random import Random
from typing import Any

import orjson

from bench._advisers import ACTION_KINDS, Adviser, arrivals, visit
from bench._day_record import CountedViews, Reading, memory
from bench._partners import CounterDesk, Path, simulators
from bench._virtual_loop import VirtualLoop, play
from fixtures.population.model import Population
from gateway.auth.authentication.clients import ClientQuotas, Principal, Viewer, build_viewer
from gateway.config import Configuration, load
from gateway.domain.days import PARIS
from gateway.edge.graphql_http import JSON, write
from gateway.errors import CallerError
from gateway.operation import Gateway, answer
from gateway.operation_runner import GraphQLRequest
from gateway.server.composition import build_gateway, read_client_register
from gateway.server.services import build_services
from gateway.sources.resilience.budgets import Clock

# The minute of a cost quota is the system's, which a virtual day outruns; the quotas of persons are the defaults.
QUOTAS = ClientQuotas(cout_minute=10**12, not_found=10**9)
STEP = 1800.0  # virtual seconds between two looks at the process

Dire = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class DayRun:
    """What is lived: on which day, from which hour to which, by how many advisers of which Missions locales."""

    day: date
    missions: tuple[str, ...]
    advisers: int = 10
    debut: int = 8
    fin: float = 18
    seed: int = 1

    @property
    def departure(self) -> datetime:
        return datetime(self.day.year, self.day.month, self.day.day, self.debut, tzinfo=PARIS).astimezone(UTC)

    @property
    def team(self) -> list[Adviser]:
        return [Adviser(mission, rank) for mission in self.missions for rank in range(self.advisers)]


@dataclass(frozen=True, slots=True)
class Workstation:
    """Where an adviser sits."""

    gateway: Gateway
    reading_: Reading
    viewer: Callable[[], Viewer]

    async def request(self, nom: str, variables: Mapping[str, Any]) -> Any:
        """Ask, as `app` does once a caller is known; None when the whole was refused."""
        loop, viewer = asyncio.get_running_loop(), self.viewer()
        debut = loop.time()
        try:
            await self.gateway.accounting.charge_request(viewer)
            response = await answer(self.gateway, viewer, GraphQLRequest(ACTION_KINDS[nom], None, dict(variables)))
        except CallerError as refusal:
            self.reading_.refusal[refusal.code.value] += 1
            return None
        body = bytes(write(response, "", JSON).body)
        self.reading_.note(nom, response, loop.time() - debut, len(body))
        return orjson.loads(body)["data"]


def live(population: Population, environ: Mapping[str, str], day_run: DayRun, tell: Dire) -> Reading:
    """The day, from its first visit to its last answer, of a gateway configured by `environ` over a harvested registry."""
    return play(lambda loop: _open(loop, population, environ, day_run, tell))


async def _open(
    loop: VirtualLoop, population: Population, environ: Mapping[str, str], day_run: DayRun, tell: Dire
) -> Reading:
    counter_desk, before = CounterDesk(), memory()

    def now() -> datetime:
        return day_run.departure + timedelta(seconds=loop.time())

    network = partial(Path, simulators(population, now), counter_desk, day_run.seed)
    clock = Clock(seconds=loop.time, randomness=Random(day_run.seed).random)
    configuration = _configuration(environ, now)
    services = build_services(configuration, environ, network, lambda: now().timestamp(), clock)
    views = CountedViews()
    try:
        await services.registry.open()
        await services.readings_journal.open()
        await services.keeper.open()
        gateway = replace(build_gateway(services), views=views)
        reading = Reading(services, counter_desk, views, before)
        await _live(gateway, reading, day_run, tell)
        reading.close()
        return reading
    finally:
        await services.aclose()


async def _live(gateway: Gateway, reading: Reading, day_run: DayRun, tell: Dire) -> None:
    tasks = [asyncio.create_task(_watch(reading, day_run, tell))]
    tasks += [asyncio.create_task(reading.services.refresh_ahead.watch())]
    clients = read_client_register(reading.services.configuration)

    def viewer(conseiller: Adviser) -> Viewer:
        name = f"ml-{conseiller.mission}"
        token, referentiel = Principal(name, conseiller.account, mfa=True), gateway.directory().referentiel
        return replace(build_viewer(token, clients[name], None, referentiel), quotas=QUOTAS)

    try:
        async with asyncio.TaskGroup() as group:
            for conseiller in day_run.team:
                workstation = Workstation(gateway, reading, partial(viewer, conseiller))
                group.create_task(_work(workstation, conseiller, day_run))
    finally:
        for task in tasks:
            task.cancel()


async def _work(workstation: Workstation, conseiller: Adviser, day_run: DayRun) -> None:
    """The visits of an adviser, one after the other."""
    loop, randomness = asyncio.get_running_loop(), Random(f"{day_run.seed}/{conseiller.account}/gestes")
    for instant in arrivals(conseiller, day_run.seed, day_run.debut, day_run.fin):
        await asyncio.sleep(max(0.0, instant - loop.time()))
        await visit(workstation.request, asyncio.sleep, randomness)


async def _watch(reading: Reading, day_run: DayRun, tell: Dire) -> None:
    """Look at the process now and then."""
    while True:
        reading.look_at()
        minutes = int(asyncio.get_running_loop().time() // 60)
        tell(f"{day_run.debut + minutes // 60:02}:{minutes % 60:02} {reading.resume()}")
        await asyncio.sleep(STEP)


def _configuration(environ: Mapping[str, str], wall_clock: Callable[[], datetime]) -> Configuration:
    """The configuration of the world, on the day that is lived."""

    class AlongTheDay(Configuration):
        def now(self) -> datetime:
            return wall_clock()

    result = load(environ)
    return AlongTheDay(**{champ.name: getattr(result, champ.name) for champ in fields(result)})
