"""Serves POST /evenements/{partenaire}, by which a partner says that something changed. Knows no source and no person."""

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from gateway.edge.graphql_http import MalformedRequest, read_body
from gateway.edge.refusals import refusal, retry_after
from gateway.sources.events.webhook_receiver import WebhookCall, WebhookOutcome, WebhookReceiver

BYTES_MAX = 8 * 1024

REFUSALS = {
    WebhookOutcome.REFUSED: (401, "Appel non signé, mal signé, ou trop ancien.", {}),
    WebhookOutcome.UNREADABLE: (400, "Appel signé mais illisible.", {}),
    WebhookOutcome.SILENT: (503, "L'événement n'a pas pu être pris en compte : le renvoyer.", retry_after()),
}


def webhook_route(receiver: WebhookReceiver) -> Route:
    """The route; an unknown partner is refused as a wrong signature is."""

    async def receive(request: Request) -> Response:
        try:
            body = await read_body(request, BYTES_MAX)
        except MalformedRequest as error:
            return refusal(error.status, str(error))
        headers = request.headers
        call = WebhookCall(headers.get("x-horodatage", ""), headers.get("x-signature", ""), body)
        outcome = await receiver.receive(request.path_params["partenaire"], call)
        return refusal(*REFUSALS[outcome]) if outcome in REFUSALS else Response(status_code=202)

    return Route("/evenements/{partenaire}", receive, methods=["POST"])
