"""Records the cases of the connectors of the house, and of the tables of the demo: `python -m tests.support.contract.recording`.

Writes the pages, whose and when they were asked, and, where it is not written yet, what they become: to be read again by whoever
knows the dialect. Run again, it writes the same bytes: the populations are seeded.
"""

import asyncio
import json
import tempfile
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import datetime, time
from pathlib import Path

import httpx

from fixtures.configuration import write_configuration
from fixtures.population.generator import generate
from fixtures.population.model import Population
from fixtures.servers import HOST
from fixtures.simulators.common import tenants
from gateway.cli.kit.case_files import EXPECTED
from gateway.cli.kit.command_line import write_expected
from gateway.cli.kit.recorded import stream_of
from gateway.cli.kit.replay import read_target
from gateway.cli.kit.target import NoSecrets, find_target
from gateway.connectors.base import PartnerRequest
from gateway.domain.days import PARIS
from gateway.sources.http.outbound import aiohttp_transport
from gateway.sources.http.transport import Exchange, PartnerResponse, Transport
from tests.support.contract import simulated_population
from tests.support.contract.simulators import running_simulators

NIGHT = time(3)
REPOSITORY = Path(__file__).parents[3]
HOUSE, TABLES = REPOSITORY / "tests" / "cas", REPOSITORY / "fixtures" / "partenaires"
_RANK: ContextVar[int] = ContextVar("rank")


@dataclass(frozen=True, slots=True)
class Recorded:
    """A case to record: its name, at whose, from which population."""

    name: str
    genre: str
    key: str
    population: Population


def recorded_cases() -> Iterator[Recorded]:
    """One person with every quirk of a dialect, then a small establishment with four times its mistakes."""
    handmade = simulated_population.population()
    noisy = generate(seed=11, jeunes=110, departements=("02",), today=handmade.today, noise=4, rarer=False)
    for genre, key in (("ypareo", simulated_population.YPAREO), ("gestibase", simulated_population.GESTIBASE)):
        yield Recorded("une-personne", genre, key, handmade)
    yield Recorded("une-personne", "aimaira", simulated_population.AIMAIRA, handmade)
    yield Recorded("une-personne", "imilo", "01002", handmade)
    yield Recorded("une-personne", "registre", "", handmade)
    yield Recorded("un-territoire", "referentiel", "", handmade)
    for genre in ("ypareo", "gestibase", "aimaira", "imilo"):
        by_size = sorted((len(own), key) for key, own in noisy.accounts[genre].items())
        yield Recorded("un-etablissement", genre, next(key for size, key in by_size if size >= 4), noisy)
    yield Recorded("une-nuit", "registre", "", noisy)
    larger = generate(seed=11, jeunes=300, departements=("02",), today=handmade.today, noise=4)
    for genre in ("scform", "digiforma"):
        yield Recorded("un-etablissement", genre, next(iter(larger.accounts[genre])), larger)


class _Network(httpx.AsyncBaseTransport):
    """The network, which keeps the body of each answer at the rank of its request."""

    def __init__(self) -> None:
        self._network = aiohttp_transport()
        self.bodies: dict[int, bytes] = {}

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        response = await self._network.handle_async_request(request)
        body = self.bodies[_RANK.get()] = await response.aread()
        headers = [(name, value) for name, value in response.headers.items() if name != "content-encoding"]
        return httpx.Response(response.status_code, headers=headers, stream=httpx.ByteStream(body))

    async def aclose(self) -> None:
        await self._network.aclose()


class _Recording(Transport):
    """The real one, which numbers what is asked, in the order in which it is."""

    asked: list[PartnerRequest]

    async def request(self, call: Exchange) -> PartnerResponse:
        _RANK.set(len(self.asked))
        self.asked.append(call.partner_request)
        return await super().request(call)


async def _bodies(case: Recorded, port: int) -> list[tuple[PartnerRequest, bytes]]:
    now = datetime.combine(case.population.today, time(12), PARIS)
    network = _Network()
    transport = _Recording(lambda: now, lambda: network)
    transport.asked = []
    with tempfile.TemporaryDirectory() as folder:
        environment = write_configuration(Path(folder), case.population, simulators_port=port, identity_port=1)
        target = find_target(case.genre, environment, environment)
        try:
            outcome = await read_target(target, transport, case.key, now)
        finally:
            await transport.aclose()
    if outcome.error:
        raise SystemExit(f"{case.genre} : {outcome.error}")
    return [(request, network.bodies[rank]) for rank, request in enumerate(transport.asked)]


@contextmanager
def _simulators(case: Recorded) -> Iterator[int]:
    with running_simulators(case.population) as world:
        if case.genre == "registre":  # open at night
            world.check.set_pragmas(datetime.combine(case.population.today, NIGHT, PARIS))
        yield world.port


def record(case: Recorded, folder: Path) -> None:
    """Write the pages of a case, and what they become where nothing says it."""
    with _simulators(case) as port:
        told = asyncio.run(_bodies(case, port))
        here = f"http://{HOST}:{port}".encode()
        bodies = [(request, body.replace(here, b"https://partenaire.invalid")) for request, body in told]
    own = folder / case.genre / "cas"
    own.mkdir(parents=True, exist_ok=True)
    streams: dict[str, list[object]] = {}
    pages = Counter[object]()
    for request, body in bodies:
        name, stream = request.operation.replace(".", "-"), stream_of(request)
        same = streams.setdefault(name, [])
        if stream not in same:
            same.append(stream)
        pages[stream] += 1
        rank = f"~{same.index(stream) + 1}" if stream != same[0] else ""
        (own / f"{case.name}.{name}{rank}.{pages[stream]}.{request.shape.value}").write_bytes(body)
    if not (expected := own / f"{case.name}{EXPECTED}").exists():
        expected.write_text(json.dumps(_asked_at(case)), encoding="utf-8")


def _asked_at(case: Recorded) -> dict[str, object]:
    """Whose a case is, and when it was asked."""
    told = {"jour": case.population.today.isoformat()}
    if case.genre == "imilo":
        return {"locataire": {"mission_locale": case.key}, **told}
    served = [tenant for tenant in tenants(case.population, case.genre) if tenant.uai == case.key]
    whose = [{"uai": one.uai, "siret": one.siret, "code": one.code} for one in served]
    return {**({"locataire": whose[0]} if whose else {}), **told}


def root_of(genre: str) -> Path:
    """Where the cases of a partner stand."""
    return TABLES if (TABLES / genre).is_dir() else HOUSE


def main() -> None:
    for case in recorded_cases():
        record(case, root_of(case.genre))
    for genre in sorted({case.genre for case in recorded_cases()}):
        print(*write_expected(find_target(str(root_of(genre) / genre), {}, NoSecrets())), sep="\n", end="")


if __name__ == "__main__":
    main()
