"""Runs the bench over HTTP, as docs/performance-http.md shows it: tables on the standard output, the plot in var/.

python -m bench.http            all of it: about half an hour
python -m bench.http --bref     the same, fewer and shorter rounds
python -m bench.http hive       one part: reponses, lignes, execution, hive, froid, territoires
"""

import argparse
import os
import platform
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from bench.http import cold, hive, tables, territories, warm
from bench.http.comparison import Cost
from bench.http.node import PeersMissing
from bench.http.plot import plot
from bench.http.settings import BRIEF, INTEGER, Settings
from bench.http.worlds import warm as warm_world
from bench.http.wrk_load import LoadImpossible

JEUNES = 20_000
SMALL_RUN, LARGE = 1_000, 20_000  # populations that the partners are asked for
PLOT = Path("var/performance-http.svg")
Part = Callable[[Settings, list[Cost]], Iterator[str]]


def _responses(settings: Settings, plotted: list[Cost]) -> Iterator[str]:
    yield "## Warm answers, everything on\n" + tables.COMPARISON
    with warm_world(settings, JEUNES) as world:
        for metrics in warm.responses(world):
            plotted += metrics
            yield tables.comparison(metrics)


def _execution(settings: Settings, plotted: list[Cost]) -> Iterator[str]:
    yield "## Execution alone\n" + tables.COMPARISON
    with warm_world(settings, JEUNES) as world:
        for metrics in warm.executions(world):
            plotted += metrics
            yield tables.comparison(metrics)


def _hive(settings: Settings, plotted: list[Cost]) -> Iterator[str]:
    yield "## Over the same REST partners\n" + tables.COMPARISON
    for metrics in hive.compare(settings):
        plotted += metrics[1:]
        yield tables.comparison(metrics)


def _rows(settings: Settings, _plotted: list[Cost]) -> Iterator[str]:
    yield "## Rows\n" + tables.ROWS
    with warm_world(settings, JEUNES) as world:
        yield from map(tables.rows, warm.rows(world))


def _cold(settings: Settings, _plotted: list[Cost]) -> Iterator[str]:
    yield "## Asking the partners\n" + tables.COLD_ROWS
    for jeunes in (SMALL_RUN, LARGE):
        yield from map(tables.cold, cold.cost_of(settings, jeunes))


def _territoires(settings: Settings, _plotted: list[Cost]) -> Iterator[str]:
    yield "## Territory\n" + tables.TERRITOIRES
    yield from map(tables.territoire, territories.cost_of(settings))


PARTIES: Mapping[str, Part] = {
    "reponses": _responses,
    "execution": _execution,
    "hive": _hive,
    "lignes": _rows,
    "froid": _cold,
    "territoires": _territoires,
}


def main() -> None:
    """Run the parts that are asked."""
    reader = argparse.ArgumentParser(prog="python -m bench.http")
    reader.add_argument("parties", nargs="*", choices=[*PARTIES, []], metavar="partie")
    reader.add_argument("--bref", action="store_true", help="fewer and shorter rounds")
    wanted = reader.parse_args()
    print(f"Python {platform.python_version()}, {os.cpu_count()} cores, {platform.machine()}\n")
    plotted: list[Cost] = []
    for name in wanted.parties or PARTIES:
        try:
            for chunk in PARTIES[name](BRIEF if wanted.bref else INTEGER, plotted):
                print(chunk, end="", flush=True)
            print()
        except (PeersMissing, LoadImpossible) as missing:
            print(f"{name}: not measured, {missing}\n", flush=True)
    if plotted:
        PLOT.parent.mkdir(exist_ok=True)
        PLOT.write_text(plot(plotted), encoding="utf-8")
        print(f"Plot: {PLOT}")


if __name__ == "__main__":
    main()
