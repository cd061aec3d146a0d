"""The command line of statistics: its arguments, and what each act runs. Imports what an act needs when it runs."""

import argparse
import asyncio
import os
from pathlib import Path

from gateway.errors import CommandFailed


def statistics_arguments(parser: argparse.ArgumentParser) -> None:
    acts = parser.add_subparsers(dest="acte", required=True, metavar="ACTE")
    count = acts.add_parser(
        "relever", help="compte chaque CFA et chaque Mission locale, puis publie ; reprend où il fut tué"
    )
    count.add_argument(
        "--mois", type=int, help="mois comptés à nouveau ; [statistiques] mois si rien n'est dit", dest="months"
    )
    count.set_defaults(func=_count_night)
    acts.add_parser("publier", help="publie ce que les lots ont donné").set_defaults(func=_publish_counts)
    acts.add_parser("etat", help="dit ce qui est publié, de quoi, et son âge").set_defaults(func=_statistics_state)
    export = acts.add_parser("exporter", help="écrit dans un fichier ce que chacun peut lire des chiffres publiés")
    export.add_argument("file", metavar="FICHIER", help="ce que dit sa fin : .csv, .json (JSON-stat) ou .sdmx.csv")
    export.add_argument(
        "parameters",
        metavar="NOM=VALEUR",
        nargs="*",
        help="les paramètres de /statistiques/export : dimensions=REGION,MOIS depuis=2025-08-01",
    )
    export.set_defaults(func=_export_figures)


def _count_night(arguments: argparse.Namespace) -> int:
    from gateway.cli.count_statistics import count_night  # noqa: PLC0415

    if arguments.months is not None and arguments.months < 1:
        raise CommandFailed("--mois : un nombre de mois, 1 au moins")
    os.nice(10)  # beside a gateway that answers, on the same machine
    return asyncio.run(count_night(lambda line: print(line, flush=True), arguments.months))


def _publish_counts(_: argparse.Namespace) -> int:
    from gateway.cli.count_statistics import publish_counts  # noqa: PLC0415

    return asyncio.run(publish_counts(lambda line: print(line, flush=True)))


def _export_figures(arguments: argparse.Namespace) -> None:
    from gateway.cli.count_statistics import export_figures  # noqa: PLC0415

    print(asyncio.run(export_figures(Path(arguments.file), arguments.parameters)))


def _statistics_state(_: argparse.Namespace) -> None:
    from gateway.cli.count_statistics import describe_state  # noqa: PLC0415

    print(asyncio.run(describe_state()))
