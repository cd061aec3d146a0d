"""Command line of the gateway. Parses arguments and calls the rooms; holds no rule."""

import argparse
import asyncio
import sys
from collections.abc import Callable, Sequence

from gateway.errors import ErreurConfiguration


def _arguments(argv: Sequence[str]) -> argparse.Namespace:
    analyseur = argparse.ArgumentParser(prog="python -m gateway", description="Passerelle apprentissage")
    commandes = analyseur.add_subparsers(dest="commande", required=True, metavar="COMMANDE")
    commandes.add_parser("serve", help="sert le graphe (HOST, PORT, GATEWAY_CONFIG, GATEWAY_CLE)")
    commandes.add_parser("moisson", help="moissonne le registre des contrats, en montrant l'avancement")
    commandes.add_parser("sources", help="liste les partenaires configurés")
    cache = commandes.add_parser("cache", help="oublie ce que le cache partagé garde d'un partenaire")
    cache.add_argument("action", choices=["purger"])
    cache.add_argument("source", help="nom du partenaire")
    commandes.add_parser("schema", help="écrit le schéma publié (schema.graphql)")
    commandes.add_parser("acces", help="écrit la table des accès (ACCES.md)")
    return analyseur.parse_args(argv)


def _serve() -> None:
    from gateway.app import servir  # noqa: PLC0415 - the other commands need no server

    servir()


def _moisson() -> None:
    from gateway.app import moissonner  # noqa: PLC0415

    asyncio.run(moissonner(lambda ligne: print(ligne, flush=True)))


def _sources() -> None:
    from gateway.app import decrire_sources  # noqa: PLC0415

    print(decrire_sources())


def _purger(source: str) -> None:
    from gateway.app import purger  # noqa: PLC0415

    asyncio.run(purger(source))
    print(f"{source} : ce qui était gardé est oublié")


def _schema() -> None:
    from gateway.schema.build import construire, texte  # noqa: PLC0415

    sys.stdout.write(texte(construire()))


def _acces() -> None:
    from gateway.auth.acces import tableau  # noqa: PLC0415
    from gateway.auth.politique import lire_politique  # noqa: PLC0415
    from gateway.schema.build import construire, graphe  # noqa: PLC0415

    sys.stdout.write(tableau(lire_politique(), graphe(construire())))


COMMANDES: dict[str, Callable[[], None]] = {
    "serve": _serve,
    "moisson": _moisson,
    "sources": _sources,
    "schema": _schema,
    "acces": _acces,
}


def main(argv: Sequence[str] = tuple(sys.argv[1:])) -> int:
    """Run one command. A wrong configuration is one line on standard error and exit code 2."""
    try:
        arguments = _arguments(argv)
        commandes: dict[str, Callable[[], None]] = {**COMMANDES, "cache": lambda: _purger(arguments.source)}
        commandes[arguments.commande]()
    except ErreurConfiguration as erreur:
        print(f"configuration : {erreur}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        return 130
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
