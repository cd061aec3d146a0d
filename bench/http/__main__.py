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

from bench.http import chaud, chez_hive, froid, tables, territoires
from bench.http.charge import ChargeImpossible
from bench.http.comparaison import Mesure
from bench.http.mondes import chaud as monde_chaud
from bench.http.noeud import PairsAbsents
from bench.http.reglages import BREF, ENTIER, Reglages
from bench.http.trace import tracer

JEUNES = 20_000
PETITE, GRANDE = 1_000, 20_000  # populations that the partners are asked for
PLOT = Path("var/performance-http.svg")
Partie = Callable[[Reglages, list[Mesure]], Iterator[str]]


def _reponses(reglages: Reglages, tracees: list[Mesure]) -> Iterator[str]:
    yield "## Warm answers, everything on\n" + tables.COMPARAISON
    with monde_chaud(reglages, JEUNES) as monde:
        for mesures in chaud.reponses(monde):
            tracees += mesures
            yield tables.comparaison(mesures)


def _execution(reglages: Reglages, tracees: list[Mesure]) -> Iterator[str]:
    yield "## Execution alone\n" + tables.COMPARAISON
    with monde_chaud(reglages, JEUNES) as monde:
        for mesures in chaud.executions(monde):
            tracees += mesures
            yield tables.comparaison(mesures)


def _hive(reglages: Reglages, tracees: list[Mesure]) -> Iterator[str]:
    yield "## Over the same REST partners\n" + tables.COMPARAISON
    for mesures in chez_hive.comparer(reglages):
        tracees += mesures[1:]
        yield tables.comparaison(mesures)


def _lignes(reglages: Reglages, _tracees: list[Mesure]) -> Iterator[str]:
    yield "## Rows\n" + tables.LIGNES
    with monde_chaud(reglages, JEUNES) as monde:
        yield from map(tables.lignes, chaud.lignes(monde))


def _froid(reglages: Reglages, _tracees: list[Mesure]) -> Iterator[str]:
    yield "## Asking the partners\n" + tables.FROIDS
    for jeunes in (PETITE, GRANDE):
        yield from map(tables.froid, froid.mesurer(reglages, jeunes))


def _territoires(reglages: Reglages, _tracees: list[Mesure]) -> Iterator[str]:
    yield "## Territory\n" + tables.TERRITOIRES
    yield from map(tables.territoire, territoires.mesurer(reglages))


PARTIES: Mapping[str, Partie] = {
    "reponses": _reponses,
    "execution": _execution,
    "hive": _hive,
    "lignes": _lignes,
    "froid": _froid,
    "territoires": _territoires,
}


def main() -> None:
    """Run the parts that are asked."""
    lecteur = argparse.ArgumentParser(prog="python -m bench.http")
    lecteur.add_argument("parties", nargs="*", choices=[*PARTIES, []], metavar="partie")
    lecteur.add_argument("--bref", action="store_true", help="fewer and shorter rounds")
    voulu = lecteur.parse_args()
    print(f"Python {platform.python_version()}, {os.cpu_count()} cores, {platform.machine()}\n")
    tracees: list[Mesure] = []
    for nom in voulu.parties or PARTIES:
        try:
            for morceau in PARTIES[nom](BREF if voulu.bref else ENTIER, tracees):
                print(morceau, end="", flush=True)
            print()
        except (PairsAbsents, ChargeImpossible) as manque:
            print(f"{nom}: not measured, {manque}\n", flush=True)
    if tracees:
        PLOT.parent.mkdir(exist_ok=True)
        PLOT.write_text(tracer(tracees), encoding="utf-8")
        print(f"Plot: {PLOT}")


if __name__ == "__main__":
    main()
