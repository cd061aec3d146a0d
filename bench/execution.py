"""Measures a warm page of ruptures: compiled, by stock Strawberry over the same federation, and written by hand.

    python -m bench.execution

All answer the same query for the same caller from the same view of a real world of simulators, with the same masked
copies, and give the same JSON, checked first. A figure is CPU time of the process an answer, bytes included: `réponse`
counts every step but HTTP and the token, journal included, sixteen at once. Rounds are interleaved; ratios are taken round
by round, their median printed. The collector is set as `serve` sets it.
"""

import asyncio
import json
import os
import platform
import statistics
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

import orjson
from strawberry import Schema

from bench._strawberry import schema_ordinaire
from bench.http.requete import page
from fixtures.monde import Monde
from gateway.auth.decide import decider
from gateway.auth.viewer import Jeton, Viewer, identifier
from gateway.composition import construire_passerelle, lire_registre_des_clients
from gateway.config import charger
from gateway.entree import JSON, ecrire
from gateway.federation.contexte import ContexteOperation
from gateway.operation import Demande, Passerelle, build_context, repondre
from gateway.schema.build import graphe
from gateway.schema.contexte import Page
from gateway.schema.filtres import FiltreRuptures, TriRuptures
from gateway.schema.nouns import StatutApprenant
from gateway.services import construire_services
from gateway.vie import calmer_le_ramasseur

JEUNES = (
    20_000  # the Mission locale of the demo then sees some 120 ruptures of the last 180 days: the largest size is that
)
TAILLES, TOURS, REPETITIONS, ENSEMBLE = (20, 100, 500), 9, 3, 16
STATUTS = "[ABANDON, APPRENTI, FIN_DE_FORMATION, INSCRIT, RUPTURANT]"
REQUETE = f"""query Bench($n: Int!) {{ ruptures(first: $n, filtre: {{statut: {STATUTS}}}) {{ totalCount edges {{ node {{
  date joursDepuis etat prioritaire sources
  jeune {{ nom prenom age telephone courriel commune {{ nom }} statut {{ valeur depuis }} suivi {{ situation conseiller }} }}
  contrat {{ dateDebut employeur {{ denomination }} formation {{ intitule }} cfa {{ nom }} }} }} }} }} }}"""


@dataclass(frozen=True, slots=True)
class Banc:
    """A warm gateway, its caller, and the context of an operation."""

    passerelle: Passerelle
    viewer: Viewer
    contexte: ContexteOperation
    ordinaire: Schema

    async def reponse(self, n: int) -> bytes:
        reponse = await repondre(self.passerelle, self.viewer, Demande(REQUETE, None, {"n": n}))
        return bytes(ecrire(reponse, "", JSON).body)

    async def compilee(self, n: int) -> bytes:
        document = self.passerelle.documents.lire(REQUETE, None)
        variables = document.variables(graphe(self.passerelle.schema), {"n": n})
        resultat = self.passerelle.executeur.executer(document, variables, self.contexte)
        return orjson.dumps({"data": resultat.data})

    async def strawberry(self, n: int) -> bytes:
        resultat: Any = await self.ordinaire.execute(REQUETE, {"n": n}, context_value=self.contexte)
        return json.dumps({"data": resultat.data}).encode()

    async def a_la_main(self, n: int) -> bytes:
        filtre = FiltreRuptures(statut=sorted(StatutApprenant, key=lambda statut: statut.name))
        liste = self.contexte.ruptures(filtre, TriRuptures.DATE_DESC, Page(n, None))
        assert liste is not None  # noqa: S101
        return orjson.dumps(page(liste))


async def _contexte(passerelle: Passerelle, viewer: Viewer) -> ContexteOperation:
    schema, document = graphe(passerelle.schema), passerelle.documents.lire(REQUETE, None)
    decision = decider(schema, document.arbre, document.operation, {"n": 1}, viewer, passerelle.politique)
    return await build_context(passerelle, viewer, decision)


async def _cpu(faire: Callable[[int], Awaitable[bytes]], n: int) -> float:
    """CPU µs of an answer, of which several are asked at once."""
    debut = time.process_time()
    for _ in range(REPETITIONS):
        await asyncio.gather(*(faire(n) for _ in range(ENSEMBLE)))
    return (time.process_time() - debut) / REPETITIONS / ENSEMBLE * 1e6


async def comparer(banc: Banc) -> None:
    """Print a line a size and a way."""
    voies = {
        "réponse": banc.reponse,
        "compilée": banc.compilee,
        "Strawberry": banc.strawberry,
        "à la main": banc.a_la_main,
    }
    for n in TAILLES:
        rendus = [orjson.loads(await faire(n))["data"] for faire in voies.values() for _ in range(3)]
        assert all(rendu == rendus[0] for rendu in rendus)  # noqa: S101
        tours = [{nom: await _cpu(faire, n) for nom, faire in voies.items()} for _ in range(TOURS)]
        print(f"N = {n} : {len(rendus[0]['ruptures']['edges'])} lignes")
        for nom in voies:
            cpu = statistics.median(tour[nom] for tour in tours)
            contre = [
                statistics.median(tour[autre] / tour[nom] for tour in tours) for autre in ("Strawberry", "à la main")
            ]
            print(f"  {nom:<11} {cpu:>8.0f} µs CPU   {contre[0]:>6.1f} × Strawberry   {contre[1]:>5.2f} × à la main")


async def _mesurer(environ: dict[str, str]) -> None:
    configuration = charger(environ)
    services = construire_services(configuration, environ)
    passerelle = construire_passerelle(services)
    try:
        await services.registre.ouvrir()
        await services.lectures.ouvrir()
        await services.gardien.ouvrir()
        clients = lire_registre_des_clients(configuration)
        viewer = identifier(Jeton("ml"), clients["ml"], None, passerelle.annuaire().referentiel)
        for _ in range(90):  # until nobody misses: a cold world takes its time
            if not (await repondre(passerelle, viewer, Demande(REQUETE, None, {"n": 500}))).erreurs:
                break
            await asyncio.sleep(1)
        calmer_le_ramasseur()
        await comparer(Banc(passerelle, viewer, await _contexte(passerelle, viewer), schema_ordinaire()))
    finally:
        await services.fermer()


def main() -> None:
    """Run the bench."""
    print(f"Python {platform.python_version()}, {os.cpu_count()} cœurs, {platform.machine()}")
    with Monde.genere(jeunes=JEUNES) as monde:
        monde.moissonner()
        asyncio.run(_mesurer({**os.environ, **monde.environnement}))


if __name__ == "__main__":
    main()
