"""Which pages of other origins may call: over HTTP by CORS, over a WebSocket by the Origin that is told. Knows no route."""

from collections.abc import Collection, Sequence
from urllib.parse import urlsplit

from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware

from gateway.config import HttpSettings

# What a page of a named origin may send: what we read, and what its libraries add on their own to every request.
ASKED = (
    *("authorization", "content-type", "last-event-id", "x-cle-api", "x-finalite", "x-request-id"),
    *("traceparent", "tracestate", "baggage", "sentry-trace"),
    *(
        "apollographql-client-name",
        "apollographql-client-version",
        "apollo-require-preflight",
        "graphql-require-preflight",
    ),
)
# What it may read of an answer.
SHOWN = ("x-request-id", "retry-after", "www-authenticate", "ratelimit-limit", "ratelimit-remaining", "ratelimit-reset")


def middleware(http: HttpSettings) -> list[Middleware]:
    """CORS for the named origins, none by default. No credentials: a browser never sends a token on its own."""
    cors = Middleware(
        CORSMiddleware, allow_origins=http.origines, allow_methods=("POST",), allow_headers=ASKED, expose_headers=SHOWN
    )
    return [cors] if http.origines else []


def is_admitted(origins: Sequence[str], host: str, named: Collection[str]) -> bool:
    """Whether a WebSocket may be opened with these Origin headers: none (no browser), our own page's, or one that is named.

    A browser asks nobody before it opens one to another origin (RFC 6455 §10.2); `host`: the header, already known to be ours.
    """
    return all(origin in named or _is_own(origin, host) for origin in origins)


def _is_own(origin: str, host: str) -> bool:
    default = {"http": ":80", "https": ":443"}
    scheme, netloc = urlsplit(origin)[:2]
    return bool(netloc) and host.lower() in (netloc, f"{netloc}{default.get(scheme, '')}")
