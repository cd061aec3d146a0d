"""The command line of the reading journal: its arguments, and what each act runs, which imports what it needs."""

import argparse
import asyncio
from datetime import date

from gateway.errors import CommandFailed


def journal_arguments(parser: argparse.ArgumentParser) -> None:
    acts = parser.add_subparsers(dest="acte", required=True, metavar="ACTE")
    verify = acts.add_parser("verifier", help="parcourt la chaîne et nomme la première entrée fausse")
    verify.add_argument(
        "--ancre", help="numéro:empreinte gardés ailleurs, par où la chaîne doit passer", dest="anchor", metavar="ANCRE"
    )
    verify.set_defaults(func=_verify_journal)
    _person_arguments(acts.add_parser("personne", help="dit qui a lu les données d'un jeune"))
    gap = acts.add_parser("reprise", help="fait repartir un journal restauré, en signant ce que la sauvegarde a perdu")
    gap.add_argument("--ancre", required=True, help="la dernière ancre gardée ailleurs", dest="anchor", metavar="ANCRE")
    gap.add_argument("--motif", required=True, help="pourquoi, sans rien d'une personne")
    gap.set_defaults(func=_tell_gap)
    count = acts.add_parser("recompter", help="refait les compteurs des plafonds depuis les entrées")
    count.set_defaults(func=_count_again)
    purge = acts.add_parser("purger", help="oublie les entrées plus vieilles que [journal] conservation_jours")
    purge.add_argument(
        "--confirmer",
        action="store_true",
        help="l'horloge est juste, si loin soit-elle de ce que le journal a vu en dernier",
        dest="confirmed",
    )
    purge.set_defaults(func=_purge_journal)


def _person_arguments(parser: argparse.ArgumentParser) -> None:
    text = "identifiant du jeune, tel que le graphe l'a donné ; à défaut, son nom, son prénom et sa naissance"
    parser.add_argument("identifier", nargs="?", help=text, metavar="identifiant")
    parser.add_argument("--nom", help="nom de famille, tel qu'une source l'écrit, à la casse et aux accents près")
    parser.add_argument("--prenom", help="prénom, de même")
    parser.add_argument("--naissance", type=date.fromisoformat, help="date de naissance, AAAA-MM-JJ")
    parser.add_argument("--format", choices=("texte", "csv", "json"), default="texte", help="texte si rien n'est dit")
    parser.set_defaults(func=_who_read)


def _verify_journal(arguments: argparse.Namespace) -> int:
    from gateway.cli.journal import verify  # noqa: PLC0415

    whole, finding = asyncio.run(verify(arguments.anchor))
    print(finding)
    return 0 if whole else 1


def _who_read(arguments: argparse.Namespace) -> None:
    from gateway.cli.journal import id_of, who_read, written_as  # noqa: PLC0415

    identity = (arguments.nom, arguments.prenom, arguments.naissance)
    if arguments.identifier if any(identity) else not arguments.identifier:
        raise CommandFailed("un identifiant, ou --nom, --prenom et --naissance, et non les deux")
    if any(identity) and not all(identity):
        raise CommandFailed("--nom, --prenom et --naissance vont ensemble")
    identifier = arguments.identifier or asyncio.run(id_of(*identity))
    print(written_as(arguments.format, asyncio.run(who_read(identifier))))


def _tell_gap(arguments: argparse.Namespace) -> None:
    from gateway.cli.journal import tell_gap  # noqa: PLC0415

    print(asyncio.run(tell_gap(arguments.anchor, arguments.motif)))


def _count_again(_: argparse.Namespace) -> None:
    from gateway.cli.journal import make_counts  # noqa: PLC0415

    print(f"{asyncio.run(make_counts())} compteur(s) refait(s)")


def _purge_journal(arguments: argparse.Namespace) -> None:
    from gateway.cli.journal import forget  # noqa: PLC0415

    print(f"{asyncio.run(forget(confirmed=arguments.confirmed))} entrée(s) oubliée(s)")
