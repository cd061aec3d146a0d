"""Stock Strawberry over the same federation: its ASGI view, its execution. Checks the token; keeps no journal, counts nothing."""

from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp
from strawberry.asgi import GraphQL

from bench._strawberry import schema_ordinaire
from bench.http.maison import Maison, servir


async def application(maison: Maison) -> ASGIApp:
    """Strawberry's view, whose context is what the caller may see."""

    class Vue(GraphQL[Any, None]):
        async def get_context(self, request: Any, response: Any) -> Any:
            assert isinstance(request, Request)  # noqa: S101
            assert isinstance(response, Response)  # noqa: S101
            return await maison.contexte(await maison.viewer(request.headers))

    return Vue(schema_ordinaire(), graphql_ide=None, allow_queries_via_get=False)


if __name__ == "__main__":
    servir(application)
