"""The messages of graphql-transport-ws, as a client sends them: read, and refused where the protocol does not have them.

Knows neither sockets nor operations.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from gateway.edge.graphql_http import DOCUMENT_KEYS, MalformedRequest, read_json
from gateway.errors import GatewayError, TokenFault, Unauthenticated

SUBPROTOCOL = "graphql-transport-ws"
# How a socket is closed; graphql-ws comes back by itself after INIT_TIMEOUT, FORBIDDEN, RESTART and LATER, and after no other.
RESTART, LATER = 1012, 1013
MALFORMED, UNAUTHORIZED, FORBIDDEN, SUBPROTOCOL_UNKNOWN = 4400, 4401, 4403, 4406
INIT_TIMEOUT, ID_TAKEN, INIT_TWICE = 4408, 4409, 4429
ID_MAX = 128  # characters
WITH_ID = frozenset({"subscribe", "complete"})
KINDS = WITH_ID | {"connection_init", "ping", "pong"}
# What `connection_init` may hold, and the header that says the same: other keys are the client's own affair.
CREDENTIALS = {
    "authorization": "authorization",
    "cleapi": "x-cle-api",
    "x-cle-api": "x-cle-api",
    "finalite": "x-finalite",
    "x-finalite": "x-finalite",
}
HEADERS = frozenset(CREDENTIALS.values())


class SocketEnds(GatewayError):
    """The socket is to be closed, with this code."""

    def __init__(self, code: int, reason: str) -> None:
        super().__init__(reason)
        self.code = code


@dataclass(frozen=True, slots=True)
class SocketMessage:
    """One message of a client. `id` is empty where its kind has none."""

    kind: str
    id: str = ""
    payload: Mapping[str, Any] | None = field(default=None, repr=False)


def read_message(text: str | None) -> SocketMessage:
    """The message that a text is; None: it was none. Raises SocketEnds (4400)."""
    try:
        document = read_json((text or "").encode(errors="replace"))
    except MalformedRequest:
        raise SocketEnds(MALFORMED, "Message attendu : un document JSON, en texte") from None
    if not isinstance(document, dict) or document.get("type") not in KINDS:
        raise SocketEnds(MALFORMED, "Type de message inconnu")
    kind, payload, id_ = document["type"], document.get("payload"), document.get("id", "")
    if not isinstance(payload, dict | None):
        raise SocketEnds(MALFORMED, "payload est un objet")
    if kind in WITH_ID and (not isinstance(id_, str) or not 0 < len(id_) <= ID_MAX):
        raise SocketEnds(MALFORMED, f"id est un texte de 1 à {ID_MAX} caractères")
    if kind == "subscribe":
        _require_operation(payload)
    return SocketMessage(kind, id_ if kind in WITH_ID else "", payload)


def _require_operation(payload: Mapping[str, Any] | None) -> None:
    """Of the form that the protocol gives it: whether it is an operation of the graph is for its answer to say."""
    forms = {"query": str, "operationName": str, "variables": dict, "extensions": dict}
    if payload is None or not all(isinstance(payload.get(key), form | None) for key, form in forms.items()):
        raise SocketEnds(MALFORMED, "payload est { query, operationName, variables, extensions }")
    if payload.get("query") is None and not {*DOCUMENT_KEYS, "extensions"} & payload.keys():
        raise SocketEnds(MALFORMED, "payload.query est requis")


def credentials_of(headers: Mapping[str, str], payload: Mapping[str, Any] | None) -> dict[str, str]:
    """Who asks, as headers: what the handshake gave, and what `connection_init` gives. Raises Unauthenticated, SocketEnds."""
    given = {name: headers[name] for name in HEADERS if name in headers}
    for key, value in (payload or {}).items():
        name = CREDENTIALS.get(key.lower())
        if name is None:
            continue
        if not isinstance(value, str):
            raise SocketEnds(MALFORMED, f"{name} est un texte")
        if name in given:
            raise Unauthenticated(TokenFault.TWICE)
        given[name] = value
    return given
