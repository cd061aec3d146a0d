"""The gateway beside Hive Gateway over the same two REST services: warm at 16 connections, and asking them each time."""

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

from bench.http import monde_rest
from bench.http.charge import ChargeImpossible, Serveur
from bench.http.chaud import TAILLES
from bench.http.comparaison import Mesure, complet, mesurer
from bench.http.lancement import demander
from bench.http.monde_rest import MondeRest, leurs_lignes, nos_lignes
from bench.http.reglages import Reglages
from gateway.schema.connexions import PAGE_MAX

JEUNES = 20_000


def comparer(reglages: Reglages) -> Iterator[list[Mesure]]:
    """Raises PairsAbsents."""
    with ExitStack() as pile:
        dossier = Path(pile.enter_context(TemporaryDirectory(prefix="banc ")))
        rest = pile.enter_context(monde_rest.ouvrir(JEUNES))
        hive = pile.enter_context(monde_rest.hive(rest, dossier, reglages.serveur))
        nous = pile.enter_context(monde_rest.passerelle(rest, dossier / "gateway", reglages.serveur))
        banc = replace(
            reglages.banc(rest.notre_corps, lambda: rest.monde.jeton("ml")), autres={hive.nom: rest.leur_corps}
        )
        _verifier(rest, banc.muni(nous), hive)
        yield from (mesurer(banc, [nous, hive], n) for n in TAILLES)


def _verifier(rest: MondeRest, nous: Serveur, hive: Serveur) -> None:
    """Raises ChargeImpossible unless both say the same rows, and as many for each size."""
    tous = nos_lignes(complet(nous, rest.notre_corps(PAGE_MAX)))
    autres = leurs_lignes(demander(hive, rest.leur_corps(PAGE_MAX)))
    if not tous or sorted(map(repr, map(_rangee, tous))) != sorted(map(repr, map(_rangee, autres))):
        raise ChargeImpossible(f"Hive Gateway says {len(autres)} rows, the gateway {len(tous)}, and they differ")
    for n in TAILLES:
        dates = [ligne["date"] for ligne in nos_lignes(complet(nous, rest.notre_corps(n)))]
        if dates != [ligne["date"] for ligne in leurs_lignes(demander(hive, rest.leur_corps(n)))]:
            raise ChargeImpossible(f"the pages of {n} are not of the same days")


def _rangee(valeur: object) -> object:
    """The same value with its keys in order."""
    if isinstance(valeur, dict):
        return {cle: _rangee(valeur[cle]) for cle in sorted(valeur)}
    return valeur
