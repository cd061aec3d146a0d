"""The command line of the writes that the gateway keeps. Imports what it needs when it runs."""

import argparse
import asyncio


def pending_writes_arguments(parser: argparse.ArgumentParser) -> None:
    acts = parser.add_subparsers(dest="acte", required=True, metavar="ACTE")
    give = acts.add_parser(
        "transmettre", help="donne à transmettre les écritures gardées, quand un partenaire les reçoit désormais"
    )
    give.set_defaults(func=_release)


def _release(_: argparse.Namespace) -> None:
    from gateway.cli.release_pending_writes import release_pending_writes  # noqa: PLC0415

    print(asyncio.run(release_pending_writes()))
