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

from bench.http.in_house import InHouse, serve
from bench.http.query import filtre, page
from gateway.correlation import RequestTrace
from gateway.schema.orders import TriRuptures
from gateway.schema.query import PageArgs


async def application(in_house: InHouse) -> ASGIApp:
    """One route."""

    async def ruptures(request: Request) -> Response:
        viewer = await in_house.viewer(request.headers)
        wanted = orjson.loads(await request.body())["variables"]
        context = await in_house.context(viewer)
        depuis = date.fromisoformat(wanted["depuis"])
        list_query = context.ruptures(filtre(depuis), TriRuptures.DATE_DESC, PageArgs(wanted["n"], None))
        if list_query is None:
            return Response(status_code=503)
        body = orjson.dumps(page(list_query))
        states = dict.fromkeys(context.readings.freshness_by_source)
        await in_house.gateway.accounting.record(context, RequestTrace(uuid.uuid4().hex, document="ruptures"), states)
        return Response(body, media_type="application/json")

    return Starlette(routes=[Route("/graphql", ruptures, methods=["POST"])])


if __name__ == "__main__":
    serve(application)
