"""Our compiled execution alone over HTTP: rows already in memory, no token, no mask, no journal; bare ASGI and orjson.

What it does for a request: read the body, find the document by its text, coerce variables, run the plan, write JSON.
"""

import asyncio
import sys
from dataclasses import dataclass, field
from typing import Any

import orjson
from starlette.types import ASGIApp, Receive, Scope, Send

from bench.http.maison import Maison, servir
from bench.http.requete import filtre
from gateway.auth.decide import Decision
from gateway.auth.viewer import Jeton, identifier
from gateway.composition import lire_registre_des_clients
from gateway.schema.build import graphe
from gateway.schema.connexions import PAGE_MAX, RuptureConnection
from gateway.schema.contexte import Page
from gateway.schema.filtres import FiltreRuptures, TriRuptures

ESSAIS, PAUSE = 120, 0.5  # looks, and seconds between two, while the sources are gathered
GARDEES = "gardees"  # argument
ENTETES = [(b"content-type", b"application/json")]


@dataclass(frozen=True, slots=True)
class Preleve:
    """The context of a resolver that has its rows. `figes`: pages and their bytes are kept, as the gateway keeps them; else
    rows are written each time."""

    decision: Decision
    liste: RuptureConnection
    figes: bool
    pages: dict[int, RuptureConnection] = field(default_factory=dict)

    def ouverte(self, _cle: object) -> bool:
        return True

    def ruptures(self, _filtre: FiltreRuptures | None, _tri: TriRuptures, page: Page) -> RuptureConnection:
        if self.figes and page.first in self.pages:
            return self.pages[page.first]
        toute = self.liste
        faite = RuptureConnection(
            edges=toute.edges[: page.first],
            page_info=toute.page_info,
            total_count=toute.total_count,
            complet=toute.complet,
        )
        faite.kept_bytes = {}
        self.pages[page.first] = faite
        return faite


async def application(maison: Maison) -> ASGIApp:
    """Load the rows of `ml`, then answer from them."""
    passerelle, contexte = maison.passerelle, await _prelever(maison)

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        del scope
        demande = orjson.loads(await _corps(receive))
        document = passerelle.documents.lire(demande["query"], None)
        variables = document.variables(graphe(passerelle.schema), demande["variables"])
        resultat = passerelle.executeur.executer(document, variables, contexte)
        if resultat.errors:
            raise resultat.errors[0]
        rendu = orjson.dumps({"data": resultat.data})
        await send({"type": "http.response.start", "status": 200, "headers": [*ENTETES, _longueur(rendu)]})
        await send({"type": "http.response.body", "body": rendu})

    return app


async def _prelever(maison: Maison) -> Preleve:
    clients = lire_registre_des_clients(maison.configuration)
    viewer = identifier(Jeton("ml", mfa=True), clients["ml"], None, maison.passerelle.annuaire().referentiel)
    contexte = await maison.contexte(viewer)
    for _ in range(ESSAIS):
        if contexte.recolte.complete:
            break
        await asyncio.sleep(PAUSE)
        contexte = await maison.contexte(viewer)
    depuis = maison.passerelle.jour().replace(year=2000)
    liste = contexte.ruptures(filtre(depuis), TriRuptures.DATE_DESC, Page(PAGE_MAX, None))
    if liste is None:
        raise SystemExit("no source answered")
    return Preleve(contexte.decision, liste, figes=GARDEES in sys.argv)


async def _corps(receive: Receive) -> bytes:
    morceaux, suite = [], True
    while suite:
        message: Any = await receive()
        morceaux.append(message.get("body", b""))
        suite = message.get("more_body", False)
    return b"".join(morceaux)


def _longueur(corps: bytes) -> tuple[bytes, bytes]:
    return b"content-length", b"%d" % len(corps)


if __name__ == "__main__":
    servir(application)
