"""Spans of requests, for who follows them through several systems: made of time marks, once answers have left.

A request costs its marks, which the log of requests needs anyway, and one comparison. What is kept of it is decided afterwards:
those that the caller follows (so many a second), those that failed or were slow, and a part of the others. What a span may say is
a closed list: no text of a request, no variable, nothing of a person. Knows no HTTP: `server/trace_export.py` sends them.
"""

import secrets
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from gateway.auth.authentication.clients import Viewer
from gateway.correlation import RequestTrace
from gateway.response import GraphQLResponse

ATTRIBUTES = frozenset(
    {
        "http.request.method",
        "http.route",
        "http.response.status_code",
        "error.type",
        "graphql.operation.name",
        "passerelle.requete",
        "passerelle.document",
        "passerelle.client",
        "passerelle.profil",
        "passerelle.finalite",
        "passerelle.issue",
        "passerelle.cout",
        "passerelle.source",
        "passerelle.etat",
        "passerelle.cache",
    }
)
KEPT = 2048  # spans that wait to be sent: beyond, the oldest are lost
FOLLOWED_A_SECOND = 10  # requests kept because their caller follows them
SLOW = 1.0  # seconds
FAILED = frozenset({"ERREUR", "INDISPONIBLE", "PARTIELLE"})
SAMPLED = 0x01  # the flag of W3C Trace Context
SERVER, INTERNAL, ERROR = 2, 1, 2  # of OTLP: kinds of spans, and a status

Attributes = Mapping[str, str | int | None]
Told = tuple[str | None, str, int, list[str]]  # an operation, where it is a trusted one's; outcome, status, codes


@dataclass(frozen=True, slots=True)
class AnsweredRequest:
    """An answer, as its span tells it. `elapsed`: seconds; `sources`: name, state and cache of each that was asked."""

    trace: RequestTrace
    elapsed: float
    outcome: str
    attributes: Attributes
    sources: Sequence[tuple[str, str, str]] = ()


def answered_request(
    trace: RequestTrace, viewer: Viewer | None, response: GraphQLResponse, told: Told
) -> AnsweredRequest:
    """What a span tells of an answer."""
    operation, outcome, status, codes = told
    cost = response.extensions.get("cout")
    about: dict[str, str | int | None] = {
        "http.request.method": "POST",
        "http.route": "/graphql",
        "http.response.status_code": status,
        "error.type": codes[0] if codes else None,
        "graphql.operation.name": operation,
        "passerelle.requete": trace.request_id,
        "passerelle.document": trace.document,
        "passerelle.client": viewer.client if viewer else None,
        "passerelle.profil": viewer.profil.value if viewer else None,
        "passerelle.finalite": viewer.finalite.value if viewer and viewer.finalite else None,
        "passerelle.issue": outcome,
        "passerelle.cout": int(cost) if cost is not None else None,
    }
    sources = [(one["nom"], one["etat"], one.get("cache") or "") for one in response.extensions.get("sources", ())]
    return AnsweredRequest(trace, trace.elapsed, outcome, about, sources)


class SpanBuffer:
    """What waits to be sent. `share`: the part kept of ordinary requests; `draw`, `nanoseconds`: chance, and the clock."""

    def __init__(self, share: float, draw: Callable[[], float], nanoseconds: Callable[[], int]) -> None:
        self._share, self._draw, self._nanoseconds = share, draw, nanoseconds
        self._waiting: deque[tuple[int, AnsweredRequest]] = deque(maxlen=KEPT)
        self._second, self._followed = 0, 0
        self.lost = 0

    def offer(self, trace: RequestTrace, viewer: Viewer | None, response: GraphQLResponse, told: Told) -> bool:
        """An answer is about to leave: whether it is kept. Nothing is made of one that is not."""
        wanted = self.wants(trace, trace.elapsed, told[1])
        if wanted:
            self.keep(answered_request(trace, viewer, response, told))
        return wanted

    def keep(self, request: AnsweredRequest) -> None:
        """A request that is wanted waits to be sent."""
        self.lost += len(self._waiting) == KEPT
        self._waiting.append((self._nanoseconds(), request))

    def wants(self, trace: RequestTrace, elapsed: float, outcome: str) -> bool:
        """Whether a request is to be kept: nearly all are not."""
        if outcome in FAILED or elapsed >= SLOW:
            return True
        if int(trace.flags, 16) & SAMPLED:
            second = self._nanoseconds() // 1_000_000_000
            if second != self._second:
                self._second, self._followed = second, 0
            self._followed += 1
            if self._followed <= FOLLOWED_A_SECOND:
                return True
        return self._draw() < self._share

    def take(self) -> list[tuple[int, AnsweredRequest]]:
        """All that waits, each with the instant of its end."""
        taken = list(self._waiting)
        self._waiting.clear()
        return taken


def document(taken: Sequence[tuple[int, AnsweredRequest]], resource: Attributes) -> dict[str, Any]:
    """The spans as the JSON of OTLP (ExportTraceServiceRequest)."""
    spans = [span for end, request in taken for span in _spans(end, request)]
    told = [{"key": key, "value": _value(value)} for key, value in resource.items() if value is not None]
    scope = {"scope": {"name": "passerelle"}, "spans": spans}
    return {"resourceSpans": [{"resource": {"attributes": told}, "scopeSpans": [scope]}]}


def _spans(end: int, request: AnsweredRequest) -> Iterator[dict[str, Any]]:
    trace = request.trace
    start = end - _nanoseconds(request.elapsed)
    own = {"traceId": trace.trace_id, "spanId": secrets.token_hex(8)}
    sources = [
        {
            "timeUnixNano": str(end),
            "name": "source",
            "attributes": attributes({"passerelle.source": name, "passerelle.etat": state, "passerelle.cache": cache}),
        }
        for name, state, cache in request.sources
    ]
    yield {
        **own,
        **({"parentSpanId": trace.parent} if trace.parent else {}),
        **_times("query", SERVER, start, end),
        "attributes": attributes(request.attributes),
        "events": sources,
        "status": {"code": ERROR} if request.outcome == "ERREUR" else {},
    }
    for stage, seconds in trace.stages.items():
        began = start + _nanoseconds(trace.marks.get(stage, 0.0))
        child = {"traceId": trace.trace_id, "spanId": secrets.token_hex(8), "parentSpanId": own["spanId"]}
        yield {**child, **_times(stage, INTERNAL, began, began + _nanoseconds(seconds))}


def _times(name: str, kind: int, start: int, end: int) -> dict[str, Any]:
    return {"name": name, "kind": kind, "startTimeUnixNano": str(start), "endTimeUnixNano": str(end)}


def attributes(told: Attributes) -> list[dict[str, Any]]:
    """As OTLP writes them. Raises ValueError for one that spans may not say: it could be of a person."""
    if unknown := told.keys() - ATTRIBUTES:
        raise ValueError(f"attributs non admis : {', '.join(sorted(unknown))}")
    return [{"key": key, "value": _value(value)} for key, value in told.items() if value is not None]


def _value(value: str | int) -> dict[str, str]:
    return {"intValue": str(value)} if isinstance(value, int) else {"stringValue": value}


def _nanoseconds(seconds: float) -> int:
    return int(seconds * 1_000_000_000)
