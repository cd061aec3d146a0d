"""The command line of one person: its arguments, and what the act runs. Imports what it needs when it runs."""

import argparse
import asyncio
from datetime import date


def person_arguments(parser: argparse.ArgumentParser) -> None:
    acts = parser.add_subparsers(dest="acte", required=True, metavar="ACTE")
    erase = acts.add_parser("effacer", help="efface ce que la passerelle garde elle-même d'un jeune (pour le DPO)")
    erase.add_argument("--nom", required=True, help="nom de famille, à la casse et aux accents près")
    erase.add_argument("--prenom", required=True, help="prénom, de même")
    erase.add_argument("--naissance", required=True, type=date.fromisoformat, help="date de naissance, AAAA-MM-JJ")
    erase.add_argument(
        "--confirmer", action="store_true", help="efface, et non seulement dit ce qui le serait", dest="confirmed"
    )
    erase.set_defaults(func=_erase)


def _erase(arguments: argparse.Namespace) -> None:
    from gateway.cli.erase_person import erase_person  # noqa: PLC0415

    identity = arguments.nom, arguments.prenom, arguments.naissance
    print(asyncio.run(erase_person(*identity, confirmed=arguments.confirmed)))
