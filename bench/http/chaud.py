"""Warm answers: the gateway beside stock Strawberry and an endpoint written by hand; execution alone beside Mercurius."""

from collections.abc import Iterator
from contextlib import contextmanager

import orjson

from bench.http.charge import ChargeImpossible, Serveur
from bench.http.comparaison import Mesure, comparer, complet
from bench.http.lancement import RACINE, lancer, python
from bench.http.mondes import PASSERELLE, Chaud
from bench.http.noeud import PAIRS, installer
from gateway.schema.connexions import PAGE_MAX

TAILLES = (20, 100, 500)
LIGNES = (1, 20, 50, 100, 200, 350, 500)  # how time grows with rows
MAIN, STRAWBERRY, MERCURIUS = "by hand", "stock Strawberry", "Mercurius, JIT"
EXECUTION, GARDEE = "our execution, nothing kept", "our execution, pages kept"


def reponses(chaud: Chaud) -> Iterator[list[Mesure]]:
    """Everything on, for each size."""
    modules = {
        PASSERELLE: python("gateway", "serve"),
        MAIN: python("bench.http.serveur_main"),
        STRAWBERRY: python("bench.http.serveur_strawberry"),
    }
    with chaud.lances(modules) as serveurs:
        yield from (comparer(chaud.banc, serveurs, n) for n in TAILLES)


def lignes(chaud: Chaud) -> Iterator[Mesure]:
    """How the gateway's time grows with the rows of the page."""
    with chaud.lances({PASSERELLE: python("gateway", "serve")}) as serveurs:
        yield from (une for n in LIGNES for une in comparer(chaud.banc, serveurs, n))


def executions(chaud: Chaud) -> Iterator[list[Mesure]]:
    """Execution and bytes alone, of the same rows. Raises PairsAbsents."""
    noeud = installer()
    with (
        chaud.lances(
            {
                EXECUTION: python("bench.http.serveur_execution"),
                GARDEE: python("bench.http.serveur_execution", "gardees"),
            }
        ) as executions,
        _mercurius(chaud, noeud, executions[0]) as mercurius,
    ):
        yield from (comparer(chaud.banc, [*executions, mercurius], n) for n in TAILLES)


@contextmanager
def _mercurius(chaud: Chaud, noeud: str, execution: Serveur) -> Iterator[Serveur]:
    """Mercurius over the rows that our execution answers, and the same schema."""
    lues = complet(execution, chaud.banc.corps(PAGE_MAX))
    if (nombre := len(lues["data"]["ruptures"]["edges"])) != PAGE_MAX:
        raise ChargeImpossible(f"{nombre} rows, {PAGE_MAX} are needed")
    lignes = chaud.dossier / "lignes.json"
    lignes.write_bytes(orjson.dumps(lues))
    env = {"SCHEMA": str(RACINE / "schema.graphql"), "LIGNES": str(lignes), "NODE_ENV": "production"}
    with lancer(MERCURIUS, [noeud, "mercurius.mjs"], env, chaud.reglages.serveur, PAIRS) as serveur:
        yield serveur
