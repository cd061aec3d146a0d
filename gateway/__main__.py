"""The command line of the gateway: parses arguments and calls the rooms. Knows no rule."""

import argparse
import asyncio
import json
import os
import re
import sys
from collections.abc import Callable, Sequence
from enum import Enum
from pathlib import Path
from typing import Any, TypeVar

from gateway.cli.database_command_line import backup_arguments, database_arguments
from gateway.cli.french import FrenchCommand
from gateway.cli.journal_command_line import journal_arguments
from gateway.cli.key_command_line import key_arguments
from gateway.cli.kit_commands import add_kit
from gateway.cli.pending_writes_command_line import pending_writes_arguments
from gateway.cli.person_command_line import person_arguments
from gateway.cli.statistics_command_line import statistics_arguments
from gateway.cli.webhook_command_line import webhook_arguments
from gateway.errors import CommandFailed, ConfigurationError
from gateway.server.logs import configure_logs
from gateway.system_reasons import reason_of

E = TypeVar("E", bound=Enum)
DASHED_ID = re.compile(r"-[\w-]{40,}", re.ASCII)  # of the graph: base64url, longer than any option
Command = Callable[[argparse.Namespace], int | None]


def _arguments(argv: Sequence[str]) -> argparse.Namespace:
    """The parsed arguments; `func` is the command to call with them."""
    parser = FrenchCommand(prog="python -m gateway", description="Passerelle apprentissage")
    parser.add_argument(
        "--version", action=_Version, help="dit la version, le commit, et les empreintes du graphe et des droits"
    )
    commands = parser.add_subparsers(dest="commande", required=True, metavar="COMMANDE")

    def add(name: str, func: Command, summary: str) -> argparse.ArgumentParser:
        command = commands.add_parser(name, help=summary)
        command.set_defaults(func=func)
        return command

    _configuration_arguments(add)
    add("serve", _serve, "sert le graphe (HOST, PORT, GATEWAY_CONFIG, GATEWAY_CLE)")
    add("moisson", _harvest, "moissonne le registre des contrats, en montrant l'avancement")
    add("sources", _sources, "liste les partenaires configurés")
    add("rapprochements", _rapprochements, "demande tout à toutes les sources et dit quels enregistrements sont joints")
    cache = add("cache", _purge, "oublie ce que le cache partagé garde d'un partenaire")
    cache.add_argument("action", choices=["purger"])
    cache.add_argument("source", help="nom du partenaire")
    add("schema", _schema, "écrit le schéma publié (schema.graphql)")
    access = add("acces", _access, "écrit la table des accès (ACCES.md), ou ses lignes choisies")
    access.add_argument("--profil", help="un profil : MISSION_LOCALE, CFA…")
    access.add_argument("--finalite", help="une finalité : ACCOMPAGNEMENT, PILOTAGE…")
    _store_arguments(commands)
    key_arguments(
        commands.add_parser("cle", help="crée ou importe une clé d'API, ou fait tourner les clés de la passerelle")
    )
    webhook_arguments(commands.add_parser("abonnements", help="dit où en sont les webhooks, et les rejoue"))
    _register_arguments(add)
    _explain_arguments(add)
    add_kit(argv, add)
    return parser.parse_args(_ids_last(argv))


def _ids_last(argv: Sequence[str]) -> list[str]:
    """The arguments, ids that begin with a dash behind a mark, or they would be taken for options."""
    ids = [word for word in argv if DASHED_ID.fullmatch(word)]
    return [*(word for word in argv if word not in ids), *(["--", *ids] if ids else [])]


def _configuration_arguments(add: Callable[[str, Command, str], argparse.ArgumentParser]) -> None:
    init = add("init", _init, "écrit une première configuration, à compléter")
    init.add_argument("dossier", type=Path, help="dossier vide, ou à créer")
    check = add("config", _check, "dit toutes les fautes de la configuration, sans rien démarrer")
    check.add_argument("action", choices=("check",))
    check.add_argument(
        "--en-ligne", action="store_true", help="demande aussi émetteurs, bases, Redis et partenaires", dest="online"
    )


def _store_arguments(commands: Any) -> None:
    """What is done with what the gateway keeps."""
    journal_arguments(commands.add_parser("journal", help="vérifie, consulte ou purge le journal des lectures"))
    person_arguments(commands.add_parser("personne", help="efface ce qui est gardé d'un jeune"))
    pending_writes_arguments(
        commands.add_parser("depot", help="donne à transmettre les écritures que la passerelle garde")
    )
    statistics_arguments(commands.add_parser("statistiques", help="compte, publie les chiffres, ou dit leur âge"))
    database_arguments(commands.add_parser("base", help="dit, migre ou vérifie les bases de la passerelle"))
    backup_arguments(commands.add_parser("sauvegarde", help="vérifie une sauvegarde, avant d'en avoir besoin"))


def _register_arguments(add: Callable[[str, Command, str], argparse.ArgumentParser]) -> None:
    clients = add(
        "clients", _clients, "écrit à la fin de clients.toml le nombre de clients, qui prouve qu'il est entier"
    )
    clients.add_argument("action", choices=("clore",))


def _explain_arguments(add: Callable[[str, Command, str], argparse.ArgumentParser]) -> None:
    explain = add("expliquer", _explain, "montre ce qu'une requête demande, ce qu'on en refuse, et sa fonction")
    explain.add_argument("query", help="texte d'une requête, ou fichier qui la contient", metavar="requete")
    explain.add_argument("--profil", default="ml", help="profil de l'appelant : ml, cfa, dreets…")
    explain.add_argument("--client", help="client du registre : dit quels CFA sont demandés pour lui, et pourquoi")


class _Version(argparse.Action):
    """Tells the version and stops, as `--help` does."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options, nargs=0, default=argparse.SUPPRESS)

    def __call__(self, parser: argparse.ArgumentParser, *_: object) -> None:
        from gateway.server.version import version  # noqa: PLC0415

        print("passerelle {version}\ncommit {commit}\nschéma {schema}\npolitique {politique}".format(**version()))
        parser.exit()


def _init(arguments: argparse.Namespace) -> None:
    from gateway.cli.init import write_configuration  # noqa: PLC0415

    print(write_configuration(arguments.dossier))


def _check(arguments: argparse.Namespace) -> int:
    from gateway.cli.check import mistakes, unreachable, warnings  # noqa: PLC0415
    from gateway.config import load  # noqa: PLC0415

    for line in (wrong := mistakes()):
        print(line)
    if wrong:
        print(f"{len(wrong)} faute(s)", file=sys.stderr)
        return 1
    for line in warnings(load()):
        print(f"avertissement : {line}")
    absent = asyncio.run(unreachable(load(), print)) if arguments.online else 0
    print("configuration sans faute" if not absent else f"{absent} ne répond(ent) pas")
    return 1 if absent else 0


def _serve(_: argparse.Namespace) -> None:
    from gateway.server.lifecycle import serve  # noqa: PLC0415 - each command imports what it needs: the others start faster

    serve()


def _harvest(_: argparse.Namespace) -> None:
    from gateway.cli.commands import harvest  # noqa: PLC0415

    asyncio.run(harvest(lambda line: print(line, flush=True)))


def _sources(_: argparse.Namespace) -> None:
    from gateway.cli.commands import describe_sources  # noqa: PLC0415

    print(describe_sources())


def _rapprochements(_: argparse.Namespace) -> None:
    from gateway.cli.commands import rapprochements  # noqa: PLC0415

    for person in asyncio.run(rapprochements(lambda line: print(line, file=sys.stderr, flush=True))):
        print(json.dumps(person))


def _purge(arguments: argparse.Namespace) -> None:
    from gateway.cli.commands import purge  # noqa: PLC0415

    asyncio.run(purge(arguments.source))
    print(f"{arguments.source} : ce qui était gardé est oublié")


def _schema(_: argparse.Namespace) -> None:
    from gateway.schema.query import build, text  # noqa: PLC0415

    sys.stdout.write(text(build()))


def _access(arguments: argparse.Namespace) -> None:
    from gateway.auth.policy.access_table import RowFilter, render  # noqa: PLC0415
    from gateway.auth.policy.policy import read_policy  # noqa: PLC0415
    from gateway.auth.policy.rules import Finalite, Profil  # noqa: PLC0415
    from gateway.schema.query import build, core_schema  # noqa: PLC0415

    choice = RowFilter(_chosen(Profil, arguments.profil), _chosen(Finalite, arguments.finalite))
    sys.stdout.write(render(read_policy(), core_schema(build()), choice))


def _chosen(words: type[E], word: str | None) -> E | None:
    if word is None:
        return None
    if word in words.__members__:
        return words[word]
    raise CommandFailed(f"{word} : inconnu ; au choix {', '.join(words.__members__)}")


def _read(path: str) -> str:
    try:
        return Path(path).read_text(encoding="utf-8")
    except OSError as error:
        raise CommandFailed(f"{path} : illisible ({reason_of(error)})") from None


def _explain(arguments: argparse.Namespace) -> None:
    from gateway.cli.explain import explain  # noqa: PLC0415

    text = arguments.query if "{" in arguments.query else _read(arguments.query)
    print(explain(text, arguments.profil))
    if arguments.client:
        from gateway.cli.commands import relevant_cfas  # noqa: PLC0415

        print(f"\n{asyncio.run(relevant_cfas(arguments.client))}")


def _clients(_: argparse.Namespace) -> None:
    from gateway.cli.commands import close_register  # noqa: PLC0415

    print(close_register())


def main(argv: Sequence[str] = tuple(sys.argv[1:])) -> int:
    """Run one command. What stops it is one line on standard error and exit code 2; whoever reads it may leave before the end."""
    try:
        arguments = _arguments(argv)
        configure_logs(os.environ)
        command: Command = arguments.func
        code = command(arguments) or 0
        sys.stdout.flush()  # here, where a reader that left is expected
        return code
    except (ConfigurationError, CommandFailed) as error:
        print(f"{'erreur' if isinstance(error, CommandFailed) else 'configuration'} : {error}", file=sys.stderr)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # what is left to flush at exit goes there
        return 0
    except KeyboardInterrupt:
        return 130
    return 2


if __name__ == "__main__":
    raise SystemExit(main())
