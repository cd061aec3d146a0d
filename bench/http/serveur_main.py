"""The endpoint somebody would write by hand for this one query: Starlette, dictionaries, orjson.

Same token check, perimeter, mask and journal as the gateway, by the same functions; no GraphQL, no limits, no sentinel.
"""

import uuid
from datetime import date

import orjson
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import ASGIApp

from bench.http.maison import Maison, servir
from bench.http.requete import filtre, page
from gateway.schema.contexte import Page
from gateway.schema.filtres import TriRuptures


async def application(maison: Maison) -> ASGIApp:
    """One route."""

    async def ruptures(request: Request) -> Response:
        viewer = await maison.viewer(request.headers)
        voulu = orjson.loads(await request.body())["variables"]
        contexte = await maison.contexte(viewer)
        depuis = date.fromisoformat(voulu["depuis"])
        liste = contexte.ruptures(filtre(depuis), TriRuptures.DATE_DESC, Page(voulu["n"], None))
        if liste is None:
            return Response(status_code=503)
        corps = orjson.dumps(page(liste))
        etats = dict.fromkeys(contexte.recolte.fraicheurs)
        await maison.passerelle.consigne.consigner(contexte, uuid.uuid4().hex, "ruptures", etats)
        return Response(corps, media_type="application/json")

    return Starlette(routes=[Route("/graphql", ruptures, methods=["POST"])])


if __name__ == "__main__":
    servir(application)
