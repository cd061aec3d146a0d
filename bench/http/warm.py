"""Warm answers: the gateway beside stock Strawberry and an endpoint written by hand; execution alone beside Mercurius."""

from collections.abc import Iterator
from contextlib import contextmanager

import orjson

from bench.http.comparison import Cost, compare, complet
from bench.http.launch import ROOT, launch, python
from bench.http.node import PEERS, install
from bench.http.worlds import GATEWAY, Warm
from bench.http.wrk_load import LoadImpossible, Server
from gateway.schema.connections import PAGE_MAX

SIZES = (20, 100, 500)
ROWS = (1, 20, 50, 100, 200, 350, 500)  # how time grows with rows
MAIN, STRAWBERRY, MERCURIUS = "by hand", "stock Strawberry", "Mercurius, JIT"
EXECUTION, KEPT = "our execution, nothing kept", "our execution, pages kept"


def responses(warm: Warm) -> Iterator[list[Cost]]:
    """Everything on, for each size."""
    modules = {
        GATEWAY: python("gateway", "serve"),
        MAIN: python("bench.http.handwritten_server"),
        STRAWBERRY: python("bench.http.strawberry_server"),
    }
    with warm.launched(modules) as servers:
        yield from (compare(warm.runner, servers, n) for n in SIZES)


def rows(warm: Warm) -> Iterator[Cost]:
    """How the gateway's time grows with the rows of the page."""
    with warm.launched({GATEWAY: python("gateway", "serve")}) as servers:
        yield from (one for n in ROWS for one in compare(warm.runner, servers, n))


def executions(warm: Warm) -> Iterator[list[Cost]]:
    """Execution and bytes alone, of the same rows. Raises PeersMissing."""
    node = install()
    with (
        warm.launched(
            {
                EXECUTION: python("bench.http.execution_server"),
                KEPT: python("bench.http.execution_server", "gardees"),
            }
        ) as executions,
        _mercurius(warm, node, executions[0]) as mercurius,
    ):
        yield from (compare(warm.runner, [*executions, mercurius], n) for n in SIZES)


@contextmanager
def _mercurius(warm: Warm, node: str, execution: Server) -> Iterator[Server]:
    """Mercurius over the rows that our execution answers, and the same schema."""
    results = complet(execution, warm.runner.body(PAGE_MAX))
    if (number := len(results["data"]["ruptures"]["edges"])) != PAGE_MAX:
        raise LoadImpossible(f"{number} rows, {PAGE_MAX} are needed")
    rows = warm.record / "lignes.json"
    rows.write_bytes(orjson.dumps(results))
    env = {"SCHEMA": str(ROOT / "schema.graphql"), "LIGNES": str(rows), "NODE_ENV": "production"}
    with launch(MERCURIUS, [node, "mercurius.mjs"], env, warm.settings.server, PEERS) as server:
        yield server
