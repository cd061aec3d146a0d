"""Command line of the gateway. Parses arguments and calls the rooms; holds no rule."""

import argparse
import asyncio
import json
import logging
import sys
from collections.abc import Callable, Sequence
from enum import Enum
from pathlib import Path
from typing import TypeVar

from gateway.errors import ErreurConfiguration

E = TypeVar("E", bound=Enum)


Command = Callable[[argparse.Namespace], int | None]


def _arguments(argv: Sequence[str]) -> argparse.Namespace:
    """The arguments of one command, which is their `func`."""
    parser = argparse.ArgumentParser(prog="python -m gateway", description="Passerelle apprentissage")
    commands = parser.add_subparsers(dest="commande", required=True, metavar="COMMANDE")

    def add(name: str, func: Command, summary: str) -> argparse.ArgumentParser:
        command = commands.add_parser(name, help=summary)
        command.set_defaults(func=func)
        return command

    add("serve", _serve, "sert le graphe (HOST, PORT, GATEWAY_CONFIG, GATEWAY_CLE)")
    add("moisson", _moisson, "moissonne le registre des contrats, en montrant l'avancement")
    add("sources", _sources, "liste les partenaires configurés")
    add(
        "rapprochements",
        _rapprochements,
        "demande tout à toutes les sources et dit quels enregistrements sont joints",
    )
    cache = add("cache", _purger, "oublie ce que le cache partagé garde d'un partenaire")
    cache.add_argument("action", choices=["purger"])
    cache.add_argument("source", help="nom du partenaire")
    add("schema", _schema, "écrit le schéma publié (schema.graphql)")
    acces = add("acces", _acces, "écrit la table des accès (ACCES.md), ou ses lignes choisies")
    acces.add_argument("--profil", help="un profil : MISSION_LOCALE, CFA…")
    acces.add_argument("--finalite", help="une finalité : ACCOMPAGNEMENT, PILOTAGE…")
    _journal_arguments(commands.add_parser("journal", help="vérifie, consulte ou purge le journal des lectures"))
    cle = add("cle", _cle, "crée une clé d'API pour un client du registre")
    cle.add_argument("action", choices=("creer",))
    cle.add_argument("client")
    expliquer = add("expliquer", _expliquer, "montre ce qu'une requête demande, ce qu'on en refuse, et sa fonction")
    expliquer.add_argument("requete", help="texte d'une requête, ou fichier qui la contient")
    expliquer.add_argument("--profil", default="ml", help="profil de l'appelant : ml, cfa, dreets…")
    expliquer.add_argument("--client", help="client du registre : dit quels CFA sont demandés pour lui, et pourquoi")
    return parser.parse_args(argv)


def _journal_arguments(parser: argparse.ArgumentParser) -> None:
    acts = parser.add_subparsers(dest="acte", required=True, metavar="ACTE")
    verifier = acts.add_parser("verifier", help="parcourt la chaîne et nomme la première entrée fausse")
    verifier.add_argument("--ancre", help="numéro:empreinte gardés ailleurs, par où la chaîne doit passer")
    verifier.set_defaults(func=_verify_journal)
    personne = acts.add_parser("personne", help="dit qui a lu les données d'un jeune")
    personne.add_argument("identifiant", help="identifiant du jeune, tel que le graphe l'a donné")
    personne.set_defaults(func=_who_read)
    purger = acts.add_parser("purger", help="oublie les entrées plus vieilles que [journal] conservation_jours")
    purger.set_defaults(func=_purge_journal)


def _serve(_: argparse.Namespace) -> None:
    from gateway.vie import servir  # noqa: PLC0415 - the other commands need no server

    servir()


def _moisson(_: argparse.Namespace) -> None:
    from gateway.commandes import moissonner  # noqa: PLC0415

    asyncio.run(moissonner(lambda ligne: print(ligne, flush=True)))


def _sources(_: argparse.Namespace) -> None:
    from gateway.commandes import decrire_sources  # noqa: PLC0415

    print(decrire_sources())


def _rapprochements(_: argparse.Namespace) -> None:
    from gateway.commandes import rapprochements  # noqa: PLC0415

    for personne in asyncio.run(rapprochements(lambda ligne: print(ligne, file=sys.stderr, flush=True))):
        print(json.dumps(personne))


def _purger(arguments: argparse.Namespace) -> None:
    from gateway.commandes import purger  # noqa: PLC0415

    asyncio.run(purger(arguments.source))
    print(f"{arguments.source} : ce qui était gardé est oublié")


def _schema(_: argparse.Namespace) -> None:
    from gateway.schema.build import construire, texte  # noqa: PLC0415

    sys.stdout.write(texte(construire()))


def _acces(arguments: argparse.Namespace) -> None:
    from gateway.auth.acces import Choix, tableau  # noqa: PLC0415
    from gateway.auth.politique import lire_politique  # noqa: PLC0415
    from gateway.auth.rules import Finalite, Profil  # noqa: PLC0415
    from gateway.schema.build import construire, graphe  # noqa: PLC0415

    choix = Choix(_choisi(Profil, arguments.profil), _choisi(Finalite, arguments.finalite))
    sys.stdout.write(tableau(lire_politique(), graphe(construire()), choix))


def _choisi(mots: type[E], mot: str | None) -> E | None:
    if mot is None:
        return None
    if mot in mots.__members__:
        return mots[mot]
    raise ErreurConfiguration(f"{mot} : inconnu ; au choix {', '.join(mots.__members__)}")


def _lire(chemin: str) -> str:
    try:
        return Path(chemin).read_text(encoding="utf-8")
    except OSError as erreur:
        raise ErreurConfiguration(f"{chemin} : illisible ({erreur.strerror})") from None


def _expliquer(arguments: argparse.Namespace) -> None:
    from gateway.expliquer import expliquer  # noqa: PLC0415

    texte = arguments.requete if "{" in arguments.requete else _lire(arguments.requete)
    print(expliquer(texte, arguments.profil))
    if arguments.client:
        from gateway.commandes import cfas_concernes  # noqa: PLC0415

        print(f"\n{asyncio.run(cfas_concernes(arguments.client))}")


def _verify_journal(arguments: argparse.Namespace) -> int:
    from gateway.cli.journal import verify  # noqa: PLC0415

    whole, finding = asyncio.run(verify(arguments.ancre))
    print(finding)
    return 0 if whole else 1


def _who_read(arguments: argparse.Namespace) -> None:
    from gateway.cli.journal import who_read  # noqa: PLC0415

    print("\n".join(asyncio.run(who_read(arguments.identifiant))))


def _purge_journal(_: argparse.Namespace) -> None:
    from gateway.cli.journal import forget  # noqa: PLC0415

    print(f"{asyncio.run(forget())} entrée(s) oubliée(s)")


def _cle(arguments: argparse.Namespace) -> None:
    from gateway.commandes import creer_cle_api  # noqa: PLC0415

    print(creer_cle_api(arguments.client))


def main(argv: Sequence[str] = tuple(sys.argv[1:])) -> int:
    """Run one command. A wrong configuration is one line on standard error and exit code 2."""
    try:
        arguments = _arguments(argv)
        logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s %(message)s")
        command: Command = arguments.func
        return command(arguments) or 0
    except ErreurConfiguration as erreur:
        print(f"configuration : {erreur}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        return 130


if __name__ == "__main__":
    raise SystemExit(main())
