"""The GraphiQL page and its files, under a strict policy: nothing from another host, but a token from the provider that the
configuration names. Knows no token and no rule."""

import html
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import parse_qsl, urlsplit

from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import BaseRoute, Mount, Route

from gateway.config import SignInSettings
from gateway.web.html_document import html_document
from gateway.web.static_files import BuiltFiles

DIST = Path(__file__).parent / "dist"  # made by `make graphiql`, shipped in the wheel, absent from the repository
PREFIX = "/graphql/assets"  # as source/vite.config.js says, without what a proxy puts before it
# What a provider adds to the page's address when it sends somebody back (RFC 6749 §4.1.2, RFC 9207, OpenID sessions).
RETURNED = {"code", "state", "iss", "session_state", "error", "error_description", "error_uri"}
SIGN_IN = '<meta name="connexion" content="">'

# What GraphiQL truly needs: the editor (monaco) writes style attributes and starts its own files as workers.
POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "worker-src 'self'",
        "style-src 'self' 'unsafe-inline'",
        "font-src 'self' data:",
        "img-src 'self' data:",
        "connect-src 'self'",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",
    )
)
HEADERS = {
    "content-security-policy": POLICY,
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
}
KEPT = {"cache-control": "public, max-age=31536000, immutable", "vary": "accept-encoding"}
WITHOUT_PAGE = html_document(
    "Passerelle apprentissage",
    "<p>La passerelle répond, mais la page GraphiQL n’est pas construite. Dans le dépôt : <code>make graphiql</code> "
    "(Node 20.19 ou plus, ou celui que la commande installe), puis recharger cette page.</p><p>Sans la page : envoyer les "
    "requêtes par <code>POST /graphql</code>, le jeton d’accès dans l’en-tête <code>Authorization: Bearer …</code></p>",
)
ICON = (
    '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32"><rect width="32" height="32" rx="6" fill="#000091"/>'
    '<path d="M5 22h22M8 22v-7a8 8 0 0 1 16 0v7M16 7v15" fill="none" stroke="#fff" stroke-width="2.4"/></svg>'
)


class _Files(BuiltFiles):
    """The files of the page; their names carry a hash of their content."""

    def headers_of(self, file: Path) -> Mapping[str, str]:
        return {**HEADERS, **KEPT}


def is_return(query: bytes, sign_in: SignInSettings | None) -> bool:
    """Whether the query string is what the provider returns, and nothing else: the page reads it, then takes it away."""
    names = [name for name, _ in parse_qsl(query.decode("latin-1"), keep_blank_values=True)]
    return sign_in is not None and "state" in names and RETURNED.issuperset(names)


async def page_graphiql(sign_in: SignInSettings | None) -> Response:
    """The page for a browser at GET /graphql; where it was not built, a page that says how to build it."""
    home = DIST / "index.html"
    body = home.read_text(encoding="utf-8") if home.is_file() else WITHOUT_PAGE
    if sign_in is None:
        return HTMLResponse(body, headers={**HEADERS, "cache-control": "no-cache"})
    told = SIGN_IN.replace('""', f'"{html.escape(sign_in.model_dump_json())}"')
    policy = POLICY.replace("connect-src 'self'", f"connect-src 'self' {_origin(str(sign_in.jeton))}")
    headers = {**HEADERS, "content-security-policy": policy, "cache-control": "no-cache"}
    return HTMLResponse(body.replace(SIGN_IN, told), headers=headers)


def _origin(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"


async def _icon(request: Request) -> Response:
    return Response(ICON, media_type="image/svg+xml", headers={**HEADERS, "cache-control": "max-age=86400"})


def static_routes() -> list[BaseRoute]:
    """The routes of the page's own files, the icon that browsers ask for included."""
    icons = [Route("/favicon.ico", _icon), Route("/graphql/favicon.ico", _icon)]
    return [*icons, Mount(PREFIX, _Files(directory=DIST / "assets", check_dir=False))]
