"""The gateway beside Hive Gateway over the same two REST services: warm at 16 connections, and asking them each time."""

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

from bench.http import rest_world
from bench.http.comparison import Cost, complet, cost_of
from bench.http.launch import request
from bench.http.rest_world import RestWorld, our_rows, their_rows
from bench.http.settings import Settings
from bench.http.warm import SIZES
from bench.http.wrk_load import LoadImpossible, Server
from gateway.schema.connections import PAGE_MAX

JEUNES = 20_000


def compare(settings: Settings) -> Iterator[list[Cost]]:
    """Raises PeersMissing."""
    with ExitStack() as stack:
        record = Path(stack.enter_context(TemporaryDirectory(prefix="banc ")))
        rest = stack.enter_context(rest_world.open_world(JEUNES))
        hive = stack.enter_context(rest_world.hive(rest, record, settings.server))
        us = stack.enter_context(rest_world.gateway(rest, record / "gateway", settings.server))
        runner = replace(
            settings.runner(rest.our_body, lambda: rest.world.token("ml")), others={hive.nom: rest.their_body}
        )
        _check(rest, runner.equipped(us), hive)
        yield from (cost_of(runner, [us, hive], n) for n in SIZES)


def _check(rest: RestWorld, us: Server, hive: Server) -> None:
    """Raises LoadImpossible unless both say the same rows, and as many for each size."""
    everything = our_rows(complet(us, rest.our_body(PAGE_MAX)))
    others = their_rows(request(hive, rest.their_body(PAGE_MAX)))
    if not everything or sorted(map(repr, map(_row, everything))) != sorted(map(repr, map(_row, others))):
        raise LoadImpossible(f"Hive Gateway says {len(others)} rows, the gateway {len(everything)}, and they differ")
    for n in SIZES:
        dates = [line["date"] for line in our_rows(complet(us, rest.our_body(n)))]
        if dates != [line["date"] for line in their_rows(request(hive, rest.their_body(n)))]:
            raise LoadImpossible(f"the pages of {n} are not of the same days")


def _row(valeur: object) -> object:
    """The same value with its keys in order."""
    if isinstance(valeur, dict):
        return {key: _row(valeur[key]) for key in sorted(valeur)}
    return valeur
