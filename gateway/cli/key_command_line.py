"""The command line of keys: its arguments, and what each act runs. Imports what an act needs when it runs."""

import argparse
import asyncio
import sys


def key_arguments(parser: argparse.ArgumentParser) -> None:
    acts = parser.add_subparsers(dest="acte", required=True, metavar="ACTE")
    create = acts.add_parser("creer", help="crée une clé d'API, montrée une fois, pour un client du registre")
    create.add_argument("client")
    create.set_defaults(func=_create)
    importing = acts.add_parser("importer", help="importe la clé de son ERP, lue sur l'entrée standard")
    importing.add_argument("client")
    importing.set_defaults(func=_import)
    turn = acts.add_parser(
        "tourner", help="scelle à nouveau ce qui est gardé par la première clé de chaque anneau ; reprend où il fut tué"
    )
    turn.set_defaults(func=_turn)


def _create(arguments: argparse.Namespace) -> None:
    from gateway.cli.commands import create_api_key  # noqa: PLC0415

    print(create_api_key(arguments.client))


def _import(arguments: argparse.Namespace) -> None:
    from gateway.cli.commands import import_key  # noqa: PLC0415

    print(asyncio.run(import_key(arguments.client, sys.stdin.readline().strip())))


def _turn(_: argparse.Namespace) -> int:
    from gateway.cli.rotate_keys import rotate_keys  # noqa: PLC0415

    return 1 if asyncio.run(rotate_keys(lambda line: print(line, flush=True))) else 0
