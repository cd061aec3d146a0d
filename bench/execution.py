"""Measures a warm page of ruptures: compiled, by stock Strawberry over the same federation, and written by hand.

    python -m bench.execution

All answer the same query for the same caller from the same view of a real world of simulators, with the same masked
copies, and give the same JSON, checked first. A figure is CPU time of the process an answer, bytes included: `réponse`
counts every step but HTTP and the token, journal included, sixteen at once; `jeton`, the verification of a token that was seen
before. Rounds are interleaved; ratios are taken round
by round, their median printed. The collector is set as `serve` sets it.
"""

import asyncio
import json
import os
import platform
import statistics
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

import orjson
from strawberry import Schema

from bench._strawberry import ordinary_schema
from bench.http.query import page
from fixtures.world import World
from gateway.auth.authentication.authenticator import Authenticator
from gateway.auth.authentication.clients import Viewer, build_viewer
from gateway.auth.authorization.decide import decide
from gateway.config import load
from gateway.domain.statut import StatutApprenant
from gateway.edge.graphql_http import JSON, write
from gateway.federation.views.operation_context import OperationContext
from gateway.operation import Gateway, answer, build_context
from gateway.operation_runner import GraphQLRequest
from gateway.schema.filters import FiltreRuptures
from gateway.schema.orders import TriRuptures
from gateway.schema.query import PageArgs
from gateway.server.allocator import tune_threads_and_gc
from gateway.server.composition import build_authenticator, build_gateway, read_client_register
from gateway.server.services import build_services

JEUNES = (
    20_000  # the Mission locale of the demo then sees some 120 ruptures of the last 180 days: the largest size is that
)
SIZES, ROUNDS, REPETITIONS, ENSEMBLE = (20, 100, 500), 9, 3, 16
STATUSES = "[ABANDON, APPRENTI, FIN_DE_FORMATION, INSCRIT, RUPTURANT]"
QUERY = f"""query Bench($n: Int!) {{ ruptures(first: $n, filtre: {{statut: {STATUSES}}}) {{ totalCount edges {{ node {{
  date joursDepuis etat prioritaire sources
  jeune {{ nom prenom age telephone courriel commune {{ nom }} statut {{ valeur depuis }} suivi {{ situation conseiller }} }}
  contrat {{ dateDebut employeur {{ denomination }} formation {{ intitule }} cfa {{ nom }} }} }} }} }} }}"""


@dataclass(frozen=True, slots=True)
class WarmGateway:
    """A warm gateway, its caller, and the context of an operation."""

    gateway: Gateway
    viewer: Viewer
    context: OperationContext
    ordinary: Schema
    authenticator: Authenticator
    token: str

    async def verify(self, _n: int) -> bytes:
        principal, _ = await self.authenticator.authenticate(self.token, None)
        return principal.client.encode()

    async def reponse(self, n: int) -> bytes:
        response = await answer(self.gateway, self.viewer, GraphQLRequest(QUERY, None, {"n": n}))
        return bytes(write(response, "", JSON).body)

    async def compiled(self, n: int) -> bytes:
        document = self.gateway.documents.read(QUERY, None)
        variables = document.variables(self.gateway.schema, {"n": n})
        result = self.gateway.executor.execute(document, variables, self.context)
        return orjson.dumps({"data": result.data})

    async def strawberry(self, n: int) -> bytes:
        result: Any = await self.ordinary.execute(QUERY, {"n": n}, context_value=self.context)
        return json.dumps({"data": result.data}).encode()

    async def by_hand(self, n: int) -> bytes:
        filtre = FiltreRuptures(statut=sorted(StatutApprenant, key=lambda statut: statut.name))
        list_query = self.context.ruptures(filtre, TriRuptures.DATE_DESC, PageArgs(n, None))
        assert list_query is not None  # noqa: S101
        return orjson.dumps(page(list_query))


async def _context(gateway: Gateway, viewer: Viewer) -> OperationContext:
    schema, document = gateway.schema, gateway.documents.read(QUERY, None)
    decision = decide(schema, document.tree, document.operation, {"n": 1}, viewer, gateway.policy)
    return await build_context(gateway, viewer, decision)


async def _cpu(make: Callable[[int], Awaitable[bytes]], n: int) -> float:
    """CPU µs of an answer, of which several are asked at once."""
    debut = time.process_time()
    for _ in range(REPETITIONS):
        await asyncio.gather(*(make(n) for _ in range(ENSEMBLE)))
    return (time.process_time() - debut) / REPETITIONS / ENSEMBLE * 1e6


async def compare(warm: WarmGateway) -> None:
    """Print a line a size and a way."""
    execution_paths = {
        "réponse": warm.reponse,
        "compilée": warm.compiled,
        "Strawberry": warm.strawberry,
        "à la main": warm.by_hand,
    }
    for n in SIZES:
        answers = [orjson.loads(await make(n))["data"] for make in execution_paths.values() for _ in range(3)]
        assert all(rendered == answers[0] for rendered in answers)  # noqa: S101
        rounds = [{name: await _cpu(make, n) for name, make in execution_paths.items()} for _ in range(ROUNDS)]
        print(f"N = {n} : {len(answers[0]['ruptures']['edges'])} lignes")
        for name in execution_paths:
            cpu = statistics.median(sweep[name] for sweep in rounds)
            against = [
                statistics.median(sweep[other] / sweep[name] for sweep in rounds)
                for other in ("Strawberry", "à la main")
            ]
            print(f"  {name:<11} {cpu:>8.0f} µs CPU   {against[0]:>6.1f} × Strawberry   {against[1]:>5.2f} × à la main")
    print(f"jeton : {statistics.median([await _cpu(warm.verify, 1) for _ in range(ROUNDS)]):.0f} µs CPU")


async def _measure(environ: dict[str, str], token: str) -> None:
    configuration = load(environ)
    services = build_services(configuration, environ)
    gateway = build_gateway(services)
    try:
        await services.registry.open()
        await services.readings_journal.open()
        await services.keeper.open()
        clients = read_client_register(configuration)
        authenticator = build_authenticator(services, clients)
        principal, client = await authenticator.authenticate(token, None)
        viewer = build_viewer(principal, client, None, gateway.directory().referentiel)
        for _ in range(90):  # until nobody misses: a cold world takes its time
            if not (await answer(gateway, viewer, GraphQLRequest(QUERY, None, {"n": 500}))).errors:
                break
            await asyncio.sleep(1)
        tune_threads_and_gc()
        context = await _context(gateway, viewer)
        await compare(WarmGateway(gateway, viewer, context, ordinary_schema(), authenticator, token))
    finally:
        await services.aclose()


def main() -> None:
    """Run the bench."""
    print(f"Python {platform.python_version()}, {os.cpu_count()} cœurs, {platform.machine()}")
    with World.generated(jeunes=JEUNES) as world:
        world.harvest()
        asyncio.run(_measure({**os.environ, **world.environment}, f"Bearer {world.token('ml')}"))


if __name__ == "__main__":
    main()
