"""The command line of webhooks: its arguments, and what each act runs. Imports what an act needs when it runs."""

import argparse
import asyncio


def webhook_arguments(parser: argparse.ArgumentParser) -> None:
    acts = parser.add_subparsers(dest="acte", required=True, metavar="ACTE")
    acts.add_parser("etat", help="dit où en est chaque abonné").set_defaults(func=_state)
    replay = acts.add_parser("rejouer", help="envoie à nouveau à un abonné ce qu'il n'a pas reçu, et le réactive")
    replay.add_argument("name", metavar="ABONNE", help="son nom dans abonnements.toml")
    replay.add_argument(
        "place",
        metavar="EVENEMENT",
        nargs="?",
        help="tout ce qui suit cet événement (l'identifiant dit dans ses messages et par evenements)",
    )
    replay.set_defaults(func=_replay)
    probe = acts.add_parser("essayer", help="envoie un message d'essai, signé, qui ne parle de personne")
    probe.add_argument("name", metavar="ABONNE", help="son nom dans abonnements.toml")
    probe.set_defaults(func=_probe)


def _state(_: argparse.Namespace) -> None:
    from gateway.cli.endpoint_replay import describe_endpoints  # noqa: PLC0415

    print(asyncio.run(describe_endpoints()))


def _replay(arguments: argparse.Namespace) -> None:
    from gateway.cli.endpoint_replay import replay  # noqa: PLC0415

    print(asyncio.run(replay(arguments.name, arguments.place)))


def _probe(arguments: argparse.Namespace) -> int:
    from gateway.cli.endpoint_replay import probe  # noqa: PLC0415

    line, taken = asyncio.run(probe(arguments.name))
    print(line)
    return 0 if taken else 1
