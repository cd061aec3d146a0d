"""The site of documentation, where the configuration serves it: files that `make docs` built, each page under a policy that
allows what it holds by its hash, and nothing from elsewhere. Knows no page."""

import json
from collections.abc import Mapping
from functools import cached_property
from pathlib import Path

from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import BaseRoute, Mount, Route
from starlette.types import Scope

from gateway.web.html_document import POLICY as PLAIN
from gateway.web.html_document import html_document
from gateway.web.static_files import BuiltFiles

BUILT = Path(__file__).parent / "documentation"  # made by `make docs`, shipped in the wheel, absent from the repository
POLICIES = "policies.json"
PREFIX = "/documentation"
FIRST = "index.html"
# The style attributes of pages are none; scripts set styles one by one, which no policy forbids.
POLICY = (
    "default-src 'none'; script-src 'self' {script}; style-src 'self' {style}; font-src 'self'; img-src 'self' data:; "
    "connect-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)
HEADERS = {
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "cache-control": "no-cache",  # asked again each time, and answered 304: names carry no hash of what files hold
    "vary": "accept-encoding",
}
TITLE = "Documentation"
NOT_BUILT = (
    "<p>Cette passerelle sert sa documentation, mais elle n’est pas construite. Dans le dépôt : <code>make docs</code>, puis "
    'recharger cette page.</p><p><a href="/">Accueil</a></p>'
)


class _Pages(BuiltFiles):
    """The files of the site; an address that names a folder is that of its first page."""

    @cached_property
    def _policies(self) -> Mapping[str, str]:
        """The policy of each page, from what was found in it when it was built."""
        hashes = json.loads((BUILT / POLICIES).read_text(encoding="utf-8"))
        return {page: POLICY.format(**{kind: " ".join(one) for kind, one in of.items()}) for page, of in hashes.items()}

    def get_path(self, scope: Scope) -> str:
        path = super().get_path(scope)
        return FIRST if path == "." else path

    def headers_of(self, file: Path) -> Mapping[str, str]:
        name = file.relative_to(BUILT / "pages").as_posix()
        return HEADERS | ({"content-security-policy": self._policies[name]} if name in self._policies else {})


async def _enter(request: Request) -> Response:
    """The address without its last mark: relative links of the first page would lead beside the site."""
    return RedirectResponse(f"{PREFIX.removeprefix('/')}/", 308)


async def _not_built(request: Request) -> Response:
    return HTMLResponse(html_document(TITLE, NOT_BUILT), 404, {"content-security-policy": PLAIN})


def documentation_routes(served: bool) -> list[BaseRoute]:
    """The routes of the site; none where it is not served."""
    if not served:
        return []
    if not (BUILT / POLICIES).is_file():
        return [Route(PREFIX, _not_built), Route(f"{PREFIX}/", _not_built)]
    return [Route(PREFIX, _enter), Mount(PREFIX, _Pages(directory=BUILT / "pages", check_dir=False))]
