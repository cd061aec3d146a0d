"""Serves the figures outside the graph: files for whoever says who he is, files and a page for everybody where that is opened.

A file is an answer of the graph, asked page by page: same rights, same cost, same journal. Knows no rule of its own.
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from gateway.auth.authentication.clients import Viewer
from gateway.correlation import RequestTrace, start_trace
from gateway.edge.graphql_http import JSON, write
from gateway.errors import CallerError, Code, QuotaReached, Unauthenticated
from gateway.operation import Gateway, answer
from gateway.operation_runner import GraphQLRequest
from gateway.response import GraphQLResponse, refused_response
from gateway.schema.statistics import LINES_MAX
from gateway.statistiques.exports import FORMATS, Dataset, dataset
from gateway.statistiques.file_request import as_graph, file_query, variables_of, variables_of_page
from gateway.statistiques.public_figures import PublicFigures
from gateway.statistiques.questions import ROOT, questions_of

HOUR = "public, max-age=3600"
PAGES_MAX = 20  # of a file: twenty thousand lines
Leave = Callable[[RequestTrace, Viewer | None, GraphQLResponse, Response], Response]


@dataclass(frozen=True, slots=True)
class FiguresDeps:
    """What the routes use. `viewer`: who asks; `failed`: the answer to what could not be served; `told`: an answer that leaves.
    `public`: the figures of everybody, None where they are not served."""

    gateway: Gateway
    viewer: Callable[[Request], Awaitable[Viewer]]
    failed: Callable[[Exception, str], tuple[GraphQLResponse, Response]]
    told: Leave
    public: PublicFigures | None


def export_route(deps: FiguresDeps) -> Route:
    """GET /statistiques/export.{format}."""

    async def export(request: Request) -> Response:
        if request.path_params["forme"] not in FORMATS:
            raise HTTPException(404)
        trace = start_trace(request.headers.get("x-request-id"), request.headers.get("traceparent"))
        viewer: Viewer | None = None
        try:
            media_type, encode = FORMATS[request.path_params["forme"]]
            variables = variables_of(request.query_params.multi_items())
            if _is_anonymous(request) and deps.public:
                await deps.public.spend()
                data = await public_data(deps.gateway, deps.public, variables)
            else:
                viewer = await deps.viewer(request)
                data = await _data(deps, viewer, variables, trace)
        except Exception as error:
            return deps.told(trace, viewer, *deps.failed(error, trace.request_id))
        body = encode(data, request.query_params.get("excel") == "1")
        return deps.told(trace, viewer, GraphQLResponse(None), _file(body, request, media_type, viewer is None))

    return Route("/statistiques/export.{forme}", export, methods=["GET"])


def _is_anonymous(request: Request) -> bool:
    return "authorization" not in request.headers and "x-cle-api" not in request.headers


def _file(body: bytes, request: Request, media_type: str, is_public: bool) -> Response:
    name = f"statistiques.{request.path_params['forme']}"
    headers = {"content-disposition": f'attachment; filename="{name}"', "x-content-type-options": "nosniff"}
    return Response(body, media_type=media_type, headers=headers | ({"cache-control": HOUR} if is_public else {}))


async def _data(deps: FiguresDeps, viewer: Viewer, variables: Mapping[str, Any], trace: RequestTrace) -> Dataset:
    """All the pages of an answer of the graph. Raises FileRefused, QuotaReached and what `answer` raises."""
    await deps.gateway.accounting.charge_request(viewer)
    lines: list[Mapping[str, Any]] = []
    after: str | None = None
    page: Mapping[str, Any] = {}
    for _ in range(PAGES_MAX):
        asked = GraphQLRequest(file_query(), None, variables_of_page(variables, after), trace=trace)
        response = await answer(deps.gateway, viewer, asked)
        page = (response.data or {}).get(ROOT) or {}
        if not page:
            raise FileRefused(response)
        lines += page["lignes"]
        if not page["pageInfo"]["hasNextPage"]:
            break
        after = page["pageInfo"]["endCursor"]
    return dataset(page, lines, variables["dimensions"])


class FileRefused(Exception):
    """The graph refused what the file would tell: its answer is told instead."""

    def __init__(self, response: GraphQLResponse) -> None:
        super().__init__("refused")
        self.response = response


async def public_data(gateway: Gateway, public: PublicFigures, variables: Mapping[str, Any]) -> Dataset:
    """What everybody may read of the question that these variables ask. Raises CallerError."""
    schema = gateway.schema
    document = gateway.documents.read(file_query(), None)
    coerced = document.variables(schema, variables_of_page(variables, None, LINES_MAX))
    (question,) = questions_of(schema, document, coerced, {ROOT}).values()
    if isinstance(question, CallerError):
        raise question
    told = as_graph(await public.told(question))
    return dataset(told, told["lignes"], question.dimensions)


# What a file is refused by, as a status: it has no body of the graph to say it in.
STATUSES = {
    Code.STATISTIQUES_INDISPONIBLES: 503,
    Code.CHAMP_REFUSE: 403,
    Code.FINALITE_REQUISE: 403,
    Code.ERREUR_INTERNE: 500,
}
ELSEWHERE = (Unauthenticated, QuotaReached)  # told as every answer tells them


def refused_file(error: Exception, identifier: str) -> tuple[GraphQLResponse, Response] | None:
    """The answer to a file that is refused; None for what is told as elsewhere."""
    if isinstance(error, FileRefused):
        refused = replace(error.response, data=None, refused=True)
    elif isinstance(error, CallerError) and not isinstance(error, ELSEWHERE):
        refused = refused_response(error)
    else:
        return None
    codes = [Code(entry["extensions"]["code"]) for entry in refused.errors]
    status = max((STATUSES.get(code, 400) for code in codes), default=400)
    return refused, write(refused, identifier, JSON, status)
