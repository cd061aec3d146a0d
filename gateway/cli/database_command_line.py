"""The command line of databases and of their backups: its arguments, and what each act runs, which imports what it needs."""

import argparse
import asyncio
from pathlib import Path


def database_arguments(parser: argparse.ArgumentParser) -> None:
    acts = parser.add_subparsers(dest="acte", required=True, metavar="ACTE")
    acts.add_parser("etat", help="dit la version de chaque base, et si un départ l'accepterait").set_defaults(
        func=_states
    )
    acts.add_parser("migrer", help="amène chaque base à la version de cette passerelle").set_defaults(func=_migrate)
    check = acts.add_parser("verifier", help="lit chaque base en entier, et dit ce qui y manque ou ne s'ouvre pas")
    check.set_defaults(func=_check)


def backup_arguments(parser: argparse.ArgumentParser) -> None:
    acts = parser.add_subparsers(dest="acte", required=True, metavar="ACTE")
    check = acts.add_parser("verifier", help="dit si une sauvegarde, restaurée à côté, rendrait le service")
    check.add_argument(
        "dossier",
        type=Path,
        nargs="?",
        help="dossier des fichiers SQLite ; sans lui, les bases que nomme l'environnement",
    )
    check.add_argument("--ancre", help="numéro:empreinte gardés ailleurs, par où le journal doit passer", dest="anchor")
    check.set_defaults(func=_check_backup)


def _states(_: argparse.Namespace) -> int:
    from gateway.cli.databases import tell_states  # noqa: PLC0415

    return 1 if asyncio.run(tell_states(print)) else 0


def _migrate(_: argparse.Namespace) -> None:
    from gateway.cli.databases import migrate_all  # noqa: PLC0415

    asyncio.run(migrate_all(lambda line: print(line, flush=True)))


def _check(_: argparse.Namespace) -> int:
    from gateway.cli.databases import check_all  # noqa: PLC0415

    return 1 if asyncio.run(check_all(lambda line: print(line, flush=True))) else 0


def _check_backup(arguments: argparse.Namespace) -> int:
    from gateway.cli.backup import check_backup  # noqa: PLC0415

    return 1 if asyncio.run(check_backup(arguments.dossier, arguments.anchor, print)) else 0
