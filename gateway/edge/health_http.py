"""What whoever watches over the process asks it: does it live, may requests be sent to it, what it counts, which code it is.
Knows no operation."""

from collections.abc import Mapping

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from gateway.edge.guard import Health
from gateway.edge.metrics_page import MetricsPage


def health_routes(health: Health) -> list[Route]:
    """For anybody: whether requests may be sent here, and nothing of why."""

    async def ready(request: Request) -> Response:
        status, body = await _readiness(health)
        return JSONResponse({"etat": body["etat"]}, status)

    return [Route("/health/live", _live), Route("/health/ready", ready)]


def admin_routes(health: Health, metrics: MetricsPage, version: Mapping[str, str]) -> list[Route]:
    """For who watches over the process: the same with what lacks, what is counted, and which code this is."""

    async def ready(request: Request) -> Response:
        status, body = await _readiness(health)
        return JSONResponse(body, status)

    async def counted(request: Request) -> Response:
        text, media_type = await metrics.text(request.headers.get("accept", ""))
        return Response(text, media_type=media_type)

    async def code(request: Request) -> Response:
        return JSONResponse(version)

    return [
        Route("/health/live", _live),
        Route("/health/ready", ready),
        Route("/metrics", counted),
        Route("/version", code),
    ]


async def _live(request: Request) -> Response:
    return JSONResponse({"etat": "vivant"})


async def _readiness(health: Health) -> tuple[int, dict[str, object]]:
    """The status and what is told; a partner that is down changes nothing to it."""
    now = await health.readiness()
    body: dict[str, object] = {
        "etat": "pas prêt" if now.missing else "prêt",
        "manque": now.missing,
        "degrade": now.degraded,
    }
    return 503 if now.missing else 200, body
