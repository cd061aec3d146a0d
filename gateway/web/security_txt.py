"""`/.well-known/security.txt` (RFC 9116): to whom a vulnerability of this service is told. Nobody named, no file."""

from datetime import UTC, datetime, time

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import BaseRoute, Route

from gateway.config import SecurityContact


def security_text(contact: SecurityContact) -> str:
    """The lines of the file."""
    end = datetime.combine(contact.expire, time(), UTC)
    lines = [f"Contact: {contact.contact}", f"Expires: {end:%Y-%m-%dT%H:%M:%SZ}", "Preferred-Languages: fr, en"]
    lines += [f"Policy: {contact.politique}"] if contact.politique else []
    return "\n".join([*lines, ""])


def security_routes(contact: SecurityContact | None) -> list[BaseRoute]:
    """Its route, where somebody is named."""
    if contact is None:
        return []
    text = security_text(contact)

    async def told(_: Request) -> Response:
        return PlainTextResponse(text)

    return [Route("/.well-known/security.txt", told)]
