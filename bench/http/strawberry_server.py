"""Stock Strawberry over the same federation: its ASGI view, its execution. Checks the token; keeps no journal, counts nothing."""

from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp
from strawberry.asgi import GraphQL

from bench._strawberry import ordinary_schema
from bench.http.in_house import InHouse, serve


async def application(in_house: InHouse) -> ASGIApp:
    """Strawberry's view, whose context is what the caller may see."""

    class View(GraphQL[Any, None]):
        async def get_context(self, request: Any, response: Any) -> Any:
            assert isinstance(request, Request)  # noqa: S101
            assert isinstance(response, Response)  # noqa: S101
            return await in_house.context(await in_house.viewer(request.headers))

    return View(ordinary_schema(), graphql_ide=None, allow_queries_via_get=False)


if __name__ == "__main__":
    serve(application)
