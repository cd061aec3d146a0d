"""Serves GraphiQL, built from source and shipped; nothing comes from another host. Knows nothing of the graph."""

from pathlib import Path

from starlette.requests import Request
from starlette.responses import FileResponse, HTMLResponse, Response
from starlette.routing import BaseRoute, Mount, Route
from starlette.staticfiles import StaticFiles

DIST = Path(__file__).parent / "dist"
EN_TETES = {
    "content-security-policy": (
        "default-src 'none'; script-src 'self'; worker-src 'self' blob:; style-src 'self' 'unsafe-inline'; "
        "img-src 'self' data:; font-src 'self' data:; connect-src 'self'; base-uri 'none'; form-action 'none'; "
        "frame-ancestors 'none'"
    ),
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "x-frame-options": "DENY",
}
ABSENTE = """<!doctype html><html lang="fr"><meta charset="utf-8"><title>Passerelle apprentissage</title>
<h1>Passerelle apprentissage</h1><p>La console GraphiQL n'est pas construite. La construire avec
<code>make graphiql</code>, puis recharger cette page.</p><p>Le graphe répond aux requêtes POST à cette adresse.</p></html>"""


async def page_graphiql(request: Request) -> Response:
    """The console, or how to build it."""
    page = DIST / "index.html"
    if not page.exists():
        return HTMLResponse(ABSENTE, headers=EN_TETES)
    return FileResponse(page, media_type="text/html", headers={**EN_TETES, "cache-control": "no-cache"})


async def _favicon(request: Request) -> Response:
    return Response(status_code=204)


def fichiers() -> list[BaseRoute]:
    """The files of the console."""
    routes: list[BaseRoute] = [Route("/favicon.ico", _favicon)]
    if (DIST / "assets").is_dir():
        routes.append(Mount("/assets", StaticFiles(directory=DIST / "assets")))
    return routes
