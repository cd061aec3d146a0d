"""The HTTP routes over one gateway, and the status of what could not be served. Knows no rule of the graph."""

import logging
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from prometheus_client import Histogram
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp

from gateway.auth.authentication.authenticator import Authenticator
from gateway.auth.authentication.client_register import ClientRegister
from gateway.auth.authentication.clients import Viewer, build_viewer
from gateway.config import HttpSettings
from gateway.correlation import RequestTrace, start_trace
from gateway.edge.cross_origin import middleware
from gateway.edge.event_stream import EVENT_STREAM, StreamDeps, open_stream
from gateway.edge.figures_http import FiguresDeps, export_route, refused_file
from gateway.edge.graphql_http import (
    GRAPHQL_RESPONSE,
    JSON,
    AccessLog,
    MalformedRequest,
    choose_media_type,
    read_request,
    write,
)
from gateway.edge.graphql_socket import SocketDeps, socket_route
from gateway.edge.guard import (
    ClientDisconnected,
    Guard,
    Health,
    IncompleteBodies,
    RequestSlots,
    allowance,
    timed,
    with_headers,
)
from gateway.edge.health_http import admin_routes, health_routes
from gateway.edge.metrics_page import MetricsPage
from gateway.edge.partner_notices_http import webhook_route
from gateway.edge.reception_http import reception_door, reception_routes
from gateway.edge.refusals import EXCEPTION_HANDLERS, retry_after
from gateway.edge.transmissions_page import page_routes as transmissions_page
from gateway.edge.transmissions_page import transmissions_links
from gateway.errors import (
    CallerError,
    ClientsUnavailable,
    InvalidRequest,
    JournalUnavailable,
    KeysUnavailable,
    Overloaded,
    QuotaReached,
    StrongAuthenticationRequired,
    TokenFault,
    Unauthenticated,
    WritesUnavailable,
)
from gateway.operation import Gateway, answer
from gateway.reception.reception import Reception
from gateway.response import GraphQLResponse, refused_response
from gateway.sources.events.webhook_receiver import WebhookReceiver
from gateway.statistiques.public_figures import PublicFigures
from gateway.stores.event_log import EventsUnavailable
from gateway.web.documentation import documentation_routes
from gateway.web.graphiql import is_return, page_graphiql, static_routes
from gateway.web.public_state import StateBoard
from gateway.web.security_txt import security_routes
from gateway.web.state_page import state_links, state_route_in_detail, state_routes
from gateway.web.statistics_page import page_routes

CREDENTIALS = frozenset({"authorization", "x-cle-api", "x-finalite"})  # the headers that say who asks, and for what

logger = logging.getLogger("gateway")

# Requests that never became an operation; None: as the media type says (GraphQL over HTTP).
STATUSES: dict[type[Exception], int | None] = {
    Unauthenticated: 401,
    InvalidRequest: 400,
    QuotaReached: 429,
    CallerError: None,
    ClientDisconnected: 499,  # nobody reads it
    **dict.fromkeys((KeysUnavailable, ClientsUnavailable, JournalUnavailable, Overloaded), 503),
    **dict.fromkeys((WritesUnavailable, EventsUnavailable), 503),
}

Answered = tuple[GraphQLResponse, Response]  # an answer, and its bytes


@dataclass(frozen=True, slots=True)
class AppState:
    """What the routes use; built by `server/composition.py`."""

    gateway: Gateway
    authenticator: Authenticator
    clients: ClientRegister
    health: Health
    board: StateBoard
    slots: RequestSlots
    access_log: AccessLog
    metrics: MetricsPage
    durations: Histogram  # of requests, by route and status
    version: Mapping[str, str]  # which code this is
    webhooks: WebhookReceiver
    http: HttpSettings
    host: str  # the address that is listened on, which is answered to as well
    streams: StreamDeps
    public_figures: PublicFigures | None = None  # where the public page is opened and what it shows is protected
    page: bool = False  # whether it is opened
    style: str | None = None  # the sheet of a theme
    public_keys: Mapping[str, Any] | None = None  # for who encrypts what it answers us
    reception: Reception | None = None  # None: nothing is received
    incomplete: IncompleteBodies = field(default_factory=IncompleteBodies)


async def _graphql(request: Request) -> Response:
    """POST /graphql: bytes in, bytes out; whatever fails is an answer with a code."""
    state: AppState = request.app.state.routes
    trace = start_trace(request.headers.get("x-request-id"), request.headers.get("traceparent"))
    media_type = choose_media_type(request.headers.get("accept"))
    if media_type is None and EVENT_STREAM not in request.headers.get("accept", ""):
        return _told(state, trace, None, _not_acceptable(trace))
    try:
        _require_nothing_in_url(request)
        viewer = await _viewer(request.headers, state)
    except Exception as error:
        if isinstance(error, Unauthenticated):
            state.access_log.count_refusal(trace, error)
        return _told(state, trace, None, _error_response(error, trace.request_id, media_type or JSON))
    response, rendered = await _answer(request, viewer, trace, media_type)
    rendered.headers.update(allowance(await state.gateway.accounting.balance(viewer)))
    return _told(state, trace, viewer, (response, rendered))


def _told(state: AppState, trace: RequestTrace, viewer: Viewer | None, answered: Answered) -> Response:
    """The answer, once it is told to the operator."""
    state.access_log.tell(trace, viewer, *answered)
    return answered[1]


def _not_acceptable(trace: RequestTrace) -> Answered:
    refused = refused_response(InvalidRequest(f"Accepter {JSON} ou {GRAPHQL_RESPONSE}."))
    return refused, write(refused, trace.request_id, JSON, 406)


async def _answer(request: Request, viewer: Viewer, trace: RequestTrace, media_type: str | None) -> Answered:
    """`media_type` None: the client reads a stream, and nothing else."""
    state: AppState = request.app.state.routes
    try:
        await state.gateway.accounting.charge_request(viewer)
        with state.incomplete.of(viewer.client) as count:
            graphql_request = await read_request(request, trace, count)
        credentials = {name: value for name, value in request.headers.items() if name in CREDENTIALS}
        caller, streamed = partial(_viewer, credentials, state), EVENT_STREAM in request.headers.get("accept", "")
        if streamed and (stream := await open_stream(state.streams, request, graphql_request, caller)):
            return GraphQLResponse(None, []), stream
        if media_type is None:
            return _not_acceptable(trace)
        async with state.slots.hold(request.receive):
            response = await answer(state.gateway, viewer, graphql_request)
    except Exception as error:
        return _error_response(error, trace.request_id, media_type or JSON)
    return response, write(response, trace.request_id, media_type)


def _error_response(error: Exception, identifier: str, media_type: str) -> Answered:
    """The answer to a request that could not be served: its status says whose fault it is."""
    status = next((status for nature, status in STATUSES.items() if isinstance(error, nature)), 500)
    if isinstance(error, MalformedRequest):
        status, error = error.status, InvalidRequest(str(error))
    if status == 500:
        logger.error("requête %s : %s", identifier, type(error).__name__)
    response = refused_response(error)
    rendered = write(response, identifier, media_type, status)
    if isinstance(error, Unauthenticated):
        rendered.headers["www-authenticate"] = _challenge(error)
    if isinstance(error, QuotaReached):
        rendered.headers.update(retry_after(error.retry_after))
    if isinstance(error, (Overloaded, JournalUnavailable, WritesUnavailable)):
        rendered.headers.update(retry_after())
    return response, rendered


def _challenge(error: Unauthenticated) -> str:
    """What a client library reads of a refusal (RFC 6750 §3, RFC 9470): nothing more to who showed nothing."""
    if error.fault is TokenFault.ABSENT:
        return 'Bearer realm="passerelle"'
    second = isinstance(error, StrongAuthenticationRequired)
    name = "insufficient_user_authentication" if second else "invalid_token"
    return f'Bearer realm="passerelle", error="{name}", error_description="{error.fault.value}"'


def _require_nothing_in_url(request: Request) -> None:
    """A URL is written in logs on its way: a key or a value of a person found there is to be changed or told."""
    if request.scope["query_string"]:
        logger.warning("requête refusée : paramètres dans l'URL, à changer s'ils contiennent un secret")
        raise InvalidRequest("Rien ne se passe dans l'URL : la requête va dans le corps, la clé dans X-Cle-Api.")


async def _viewer(headers: Mapping[str, str], state: AppState) -> Viewer:
    token, client = await state.authenticator.authenticate(headers.get("authorization"), headers.get("x-cle-api"))
    return build_viewer(token, client, headers.get("x-finalite"), state.gateway.directory().referentiel)


async def _page(request: Request) -> Response:
    """GET /graphql: the page for a browser, where it is served; a query never travels in a URL."""
    state: AppState = request.app.state.routes
    wanted = state.http.graphiql and "text/html" in request.headers.get("accept", "")
    query, sign_in = request.scope["query_string"], state.http.connexion
    if wanted and (not query or is_return(query, sign_in)):
        return await page_graphiql(sign_in)
    trace = start_trace(request.headers.get("x-request-id"), request.headers.get("traceparent"))
    rendered = write(refused_response(InvalidRequest("Envoyer la requête par POST.")), trace.request_id, JSON, 405)
    rendered.headers["allow"] = "POST"
    return rendered


async def _jwks(request: Request) -> Response:
    state: AppState = request.app.state.routes
    return JSONResponse(state.public_keys, media_type="application/jwk-set+json")


def application(state: AppState) -> ASGIApp:
    """The ASGI application over an open gateway."""
    door = reception_door(state.reception, state.http, state.gateway.accounting.rate_limits)
    routes = [
        *page_routes(state.public_figures, state.page, state.http, state.style, _other_pages(state)),
        export_route(_figures_deps(state)),
        Route("/graphql", _graphql, methods=["POST"]),
        Route("/graphql", _page, methods=["GET"]),
        socket_route(_socket_deps(state)),
        *health_routes(state.health),
        *state_routes(state.board),
        webhook_route(state.webhooks),
        *security_routes(state.http.securite),
        *documentation_routes(state.http.documentation),
        *reception_routes(door),
        *transmissions_page(door),
        *([Route("/jwks", _jwks)] if state.public_keys else []),
        *(static_routes() if state.http.graphiql else []),
    ]
    app = Starlette(routes=routes, middleware=middleware(state.http), exception_handlers=EXCEPTION_HANDLERS)
    _hold(app, state)
    return timed(Guard(app, state.http, state.host, state.health), routes, state.durations)


def admin_application(state: AppState) -> ASGIApp:
    """The ASGI application of the admin listener: who watches over the process, and nobody else, reaches it."""
    routes = [*admin_routes(state.health, state.metrics, state.version), state_route_in_detail(state.board)]
    app = Starlette(routes=routes, exception_handlers=EXCEPTION_HANDLERS)
    _hold(app, state)
    return with_headers(app, state.http)


def _other_pages(state: AppState) -> list[tuple[str, str]]:
    """What the index leads to besides figures, by address."""
    return [*state_links(state.board), *transmissions_links(state.reception)]


def _figures_deps(state: AppState) -> FiguresDeps:
    def failed(error: Exception, identifier: str) -> Answered:
        refused = refused_file(error, identifier)
        return refused or _error_response(error, identifier, JSON)

    return FiguresDeps(
        gateway=state.gateway,
        viewer=lambda request: _viewer(request.headers, state),
        failed=failed,
        told=lambda trace, viewer, response, rendered: _told(state, trace, viewer, (response, rendered)),
        public=state.public_figures,
    )


def _socket_deps(state: AppState) -> SocketDeps:
    return SocketDeps(
        streams=state.streams,
        viewer=lambda headers: _viewer(headers, state),
        failed=lambda error, identifier: _error_response(error, identifier, JSON),
        told=lambda trace, viewer, response, rendered: _told(state, trace, viewer, (response, rendered)),
        refused=state.access_log.count_refusal,
    )


def _hold(app: Starlette, state: AppState) -> None:
    app.router.redirect_slashes = False
    app.state.routes = state
