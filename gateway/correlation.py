"""Names the request that the work under way is for: the same ids in its answer, its log lines and what partners are asked.

Knows no HTTP library. A reading shared by several requests bears the ids of the one that began it; what nobody waits for has
none.
"""

import re
import secrets
from contextvars import Context, ContextVar
from dataclasses import dataclass, field
from time import perf_counter

# Ids that machines make (UUID, 16 to 64 hexadecimal digits, ULID): what a person may have typed is not repeated in a log.
_REQUEST_ID = re.compile(r"[0-9a-fA-F][0-9a-fA-F-]{14,62}[0-9a-fA-F]|[0-7][0-9A-HJKMNP-TV-Z]{25}")
_TRACEPARENT = re.compile(
    r"00-(?!0{32})([0-9a-f]{32})-(?!0{16})([0-9a-f]{16})-([0-9a-f]{2})"
)  # W3C Trace Context, level 1


@dataclass(slots=True)
class RequestTrace:
    """The ids of one request, and what is told of it once it is answered: its operation, seconds by stage, and how long after it
    was received each began (`marks`). `parent`: the span of who asked, where one was told."""

    request_id: str = ""
    trace_id: str = ""
    flags: str = "00"
    operation: str | None = None  # its name, as the caller wrote it
    document: str | None = None  # a stand-in for its text
    refusal: str | None = None  # why its caller is not identified
    started: float = field(default_factory=perf_counter)
    stages: dict[str, float] = field(default_factory=dict)
    marks: dict[str, float] = field(default_factory=dict)
    parent: str = ""

    @property
    def elapsed(self) -> float:
        """Seconds since it was received."""
        return perf_counter() - self.started

    def stage(self, name: str) -> "Stage":
        """Measures a stage of the request, as long as its block lasts."""
        return Stage(self, name)

    def headers(self, traced: bool) -> dict[str, str]:
        """What a partner is told: the id of the request and, `traced`, its trace with a span of the partner's own."""
        own = {"X-Request-Id": self.request_id}
        return {**own, "traceparent": f"00-{self.trace_id}-{secrets.token_hex(8)}-{self.flags}"} if traced else own


class Stage:
    """The block of a stage. A class: written as a generator, it would cost each request twice as much."""

    __slots__ = ("_name", "_started", "_trace")

    def __init__(self, trace: RequestTrace, name: str) -> None:
        self._trace, self._name, self._started = trace, name, 0.0

    def __enter__(self) -> None:
        self._started = perf_counter()
        self._trace.marks.setdefault(self._name, self._started - self._trace.started)

    def __exit__(self, *_: object) -> None:
        stages = self._trace.stages
        stages[self._name] = stages.get(self._name, 0.0) + perf_counter() - self._started


CURRENT: ContextVar[RequestTrace | None] = ContextVar("request_trace", default=None)


def start_trace(request_id: str | None, traceparent: str | None) -> RequestTrace:
    """The trace of a request: its own ids where they have the form of ids, else new ones. It becomes the current one."""
    told = _TRACEPARENT.fullmatch(traceparent or "")
    own = request_id if request_id and _REQUEST_ID.fullmatch(request_id) else secrets.token_hex(16)
    trace = RequestTrace(own, told[1], told[3], parent=told[2]) if told else RequestTrace(own, secrets.token_hex(16))
    CURRENT.set(trace)
    return trace


def detached() -> Context:
    """A context that holds the ids of the current request, and nothing else of it."""
    context, trace = Context(), CURRENT.get()
    if trace:
        context.run(CURRENT.set, RequestTrace(trace.request_id, trace.trace_id, trace.flags))
    return context
