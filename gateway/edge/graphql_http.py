"""The HTTP of /graphql: reads a request from untrusted bytes, writes its answer as bytes, tells it. Knows no source, no noun.

Each request answered has one line and one count: who asked which operation, what became of it, in what time. Never a
variable, a value, an address or an agent. Who is not identified may send thousands a second: of those, so many lines a second
are written, and all are counted.
"""

import asyncio
import logging
import re
import time
from collections import Counter as Counts
from collections.abc import Callable, Collection, Iterable, Sequence
from operator import itemgetter
from typing import Any

import orjson
from prometheus_client import CollectorRegistry, Counter, Histogram
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response

from gateway.auth.authentication.clients import Viewer
from gateway.correlation import RequestTrace
from gateway.domain.text import has_lone_surrogate, strict_json
from gateway.edge.traces import SpanBuffer
from gateway.errors import Code, GatewayError, InvalidRequest, TooCostlyRequest, Unauthenticated
from gateway.operation_runner import GraphQLRequest
from gateway.response import GraphQLResponse

logger = logging.getLogger("gateway.requetes")
UNIDENTIFIED_A_SECOND = 10  # lines for requests whose caller is unknown; the next one tells how many were left out
FREE = "libre"  # what counts an operation of no trusted document: callers would make series without end
OUTCOMES = {429: "LIMITEE", 499: "ABANDONNEE", 503: "INDISPONIBLE"}
# An operation is named by who wrote a program. What looks like a number of a person is no name.
_NAME = re.compile(r"(?!.*\d{4})[A-Za-z_][A-Za-z0-9_]{0,63}")
# What a refused token says of itself is written where it has the form of a name or of a key id, and of no person's number.
_ABOUT = re.compile(r"(?!.*\d{8})[A-Za-z0-9_.:/+=#-]{1,64}")
_OF_SOURCES = frozenset({Code.SOURCE_INDISPONIBLE, Code.SOURCE_DELAI_DEPASSE, Code.SOURCE_INVALIDE})
BYTES_MAX = 256 * 1024
BODY_TIMEOUT = 10.0  # seconds for a whole body to arrive (docs/security.md F9)
LEVELS_MAX = 16  # of objects and lists in a body
VALUES_MAX = 2000  # in a body: no filter of this graph needs a tenth of it
VARIABLE_TEXT_MAX = 2000  # characters of a text among the variables: no text that is written is longer
GRAPHQL_RESPONSE = "application/graphql-response+json"
JSON = "application/json"
DOCUMENT_KEYS = ("documentId", "id", "doc_id")  # GraphQL over HTTP, and what Relay's examples send
KEYS = frozenset({"query", "operationName", "variables", "extensions", *DOCUMENT_KEYS})


class MalformedRequest(GatewayError):
    """The bytes are not a GraphQL request; `status` is the HTTP status that says so."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


async def read_request(
    request: Request, trace: RequestTrace | None = None, count: Callable[[int], None] = lambda _: None
) -> GraphQLRequest:
    """That of a POST; `count` is told of its bytes as they come, and may raise. Raises MalformedRequest or InvalidRequest."""
    _require_json(request)
    return request_of(read_json(await read_body(request, BYTES_MAX, count)), trace or RequestTrace())


def _require_json(request: Request) -> None:
    nature, _, parameters = request.headers.get("content-type", "").partition(";")
    charset = parameters.strip().lower().replace('"', "").replace(" ", "")
    if nature.strip().lower() != JSON or charset not in ("", "charset=utf-8"):
        raise MalformedRequest(415, "Envoyer un corps application/json en UTF-8.")
    if request.headers.get("content-encoding", "identity") != "identity":
        raise MalformedRequest(415, "Envoyer un corps non compressé.")


async def read_body(
    request: Request, max_bytes: int, count: Callable[[int], None] = lambda _: None, seconds: float = BODY_TIMEOUT
) -> bytes:
    """The bytes of a POST, within a size and a time. Raises MalformedRequest (413, 408, 400)."""
    raw = bytearray()
    try:
        async with asyncio.timeout(seconds):
            async for chunk in request.stream():
                raw += chunk
                count(len(chunk))
                if len(raw) > max_bytes:  # whatever the declared length
                    raise MalformedRequest(413, f"Corps trop long : {max_bytes} octets au plus.")
    except TimeoutError:
        raise MalformedRequest(408, "Le corps de la requête n'est pas arrivé à temps.") from None
    except ClientDisconnect:
        raise MalformedRequest(400, "La connexion a été fermée avant la fin du corps.") from None
    return bytes(raw)


def request_of(document: Any, trace: RequestTrace) -> GraphQLRequest:
    """The GraphQL request that a JSON document is. Raises InvalidRequest."""
    if isinstance(document, list):
        raise InvalidRequest("Envoyer une seule opération par requête : les lots sont refusés.")
    if not isinstance(document, dict) or not document.keys() <= KEYS:
        raise InvalidRequest("Envoyer un objet JSON avec query, et au besoin operationName, variables et extensions.")
    text, name, variables = document.get("query"), document.get("operationName"), document.get("variables")
    if not isinstance(text, str | None) or (text is not None and not text.strip()):
        raise InvalidRequest("query est le texte d'une requête GraphQL.")
    if not isinstance(name, str | None) or not isinstance(variables, dict | None):
        raise InvalidRequest("operationName est un texte, variables est un objet.")
    digest = _identifier(
        [document[key] for key in DOCUMENT_KEYS if key in document], _digest(document.get("extensions"))
    )
    if text is None and digest is None:
        raise InvalidRequest("La clé query est requise : le texte d'une requête GraphQL ; ou documentId.")
    values = _bound_variables(variables)
    return GraphQLRequest(text, name or None, variables or {}, digest, trace, values)


def _identifier(given: list[object], digest: str | None) -> str | None:
    """The one identifier that names a known document, its hash; the algorithm's name may stand before it."""
    if not given:
        return digest
    hash_ = given[0].rpartition(":")[2] if isinstance(given[0], str) else ""
    if len(given) > 1 or digest or not re.fullmatch("[0-9a-f]{32,64}", hash_):
        raise InvalidRequest("documentId est l'empreinte d'un document connu, en hexadécimal, donnée une fois.")
    return hash_


def _digest(extensions: object) -> str | None:
    """The hash of Apollo's persisted queries, when there is one."""
    if not isinstance(extensions, dict | None):
        raise InvalidRequest("extensions est un objet.")
    persisted = (extensions or {}).get("persistedQuery")
    if persisted is None:
        return None
    sha = persisted.get("sha256Hash") if isinstance(persisted, dict) and persisted.get("version") == 1 else None
    if not isinstance(sha, str) or not re.fullmatch("[0-9a-f]{64}", sha):
        raise InvalidRequest("persistedQuery attend version 1 et sha256Hash en hexadécimal.")
    return sha


def _bound_variables(variables: object) -> int:
    """How many values they hold, level by level: nothing recurses. Raises TooCostlyRequest beyond a reasonable size."""
    level, count = [variables], 0
    for _ in range(LEVELS_MAX):
        count += len(level)
        if any(isinstance(value, str) and len(value) > VARIABLE_TEXT_MAX for value in level):
            raise TooCostlyRequest(f"Variables refusées : texte de plus de {VARIABLE_TEXT_MAX} caractères.")
        level = [inside for value in level for inside in _content(value)]
        if count + len(level) > VALUES_MAX:
            raise TooCostlyRequest(f"Variables refusées : plus de {VALUES_MAX} valeurs.")
        if not level:
            return count
    raise TooCostlyRequest(f"Variables refusées : plus de {LEVELS_MAX} niveaux.")


def _content(value: object) -> Iterable[object]:
    return value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()


def read_json(raw: bytes) -> Any:
    """The document that these bytes are. Raises MalformedRequest."""
    try:
        text = raw.decode("utf-8")
        document = strict_json(text)
        if has_lone_surrogate(text, document):
            raise ValueError("cannot be written back")
    except ValueError:
        raise MalformedRequest(400, "Le corps n'est pas un document JSON valide en UTF-8.") from None
    return document


def choose_media_type(accept: str | None) -> str | None:
    """The media type of the answer; None when the client accepts neither of ours.

    By quality, then by the order of Accept; the more precise wish decides for each of ours (RFC 9110 §12.5.1).
    """
    if not accept or not accept.strip():
        return JSON
    wishes: dict[str, tuple[float, int]] = {}
    for rank, part in enumerate(accept.split(",")):
        nature, quality = _wish(part)
        wishes.setdefault(nature, (quality, -rank))
    offers = [(_quality_of(media_type, wishes), media_type) for media_type in (JSON, GRAPHQL_RESPONSE)]
    (quality, _), media_type = max(offers, key=itemgetter(0))
    return media_type if quality > 0 else None


def _quality_of(media_type: str, wishes: dict[str, tuple[float, int]]) -> tuple[float, int]:
    return next((wishes[nature] for nature in (media_type, "application/*", "*/*") if nature in wishes), (0.0, 0))


def _wish(part: str) -> tuple[str, float]:
    nature, *parameters = (chunk.strip().lower() for chunk in part.split(";"))
    qualities = [chunk.removeprefix("q=") for chunk in parameters if chunk.startswith("q=")]
    if not qualities:
        return nature, 1.0
    return nature, float(qualities[0]) if re.fullmatch(r"[01](\.\d{0,3})?", qualities[0]) else 0.0


def write(response: GraphQLResponse, identifier: str, media_type: str, status: int | None = None) -> Response:
    """The bytes of an answer, with the status that its media type asks (GraphQL over HTTP)."""
    if status is None:
        status = 400 if response.refused and media_type == GRAPHQL_RESPONSE else 200
    content = orjson.dumps(body(response, identifier))
    headers = {"content-type": f"{media_type}; charset=utf-8", "cache-control": "no-store", "x-request-id": identifier}
    return Response(content, status_code=status, headers=headers)


def body(response: GraphQLResponse, identifier: str) -> dict[str, Any]:
    """The JSON document of an answer; `identifier` lets a caller name it to the operator."""
    for error in response.errors:
        error["extensions"]["requestId"] = identifier
    document: dict[str, Any] = {"errors": response.errors} if response.errors else {}
    if not response.refused:
        document["data"] = response.data
    return document | ({"extensions": response.extensions} if response.extensions else {})


class AccessLog:
    """Tells each answer once; `names` are the operations of the trusted documents, `seconds` a clock, `spans` where traces go."""

    def __init__(
        self,
        registry: CollectorRegistry,
        names: Collection[str],
        seconds: Callable[[], float] = time.monotonic,
        spans: SpanBuffer | None = None,
    ) -> None:
        labels = ("operation", "profil")
        self._requests = Counter("passerelle_requetes", "Requêtes, par issue.", (*labels, "issue"), registry=registry)
        self._durations = Histogram("passerelle_requete_secondes", "Durée d'une requête.", labels, registry=registry)
        told = "Appelants non identifiés, par motif."
        self._refused = Counter("passerelle_jetons_refuses", told, ("motif",), registry=registry)
        self._names, self._seconds, self._spans = frozenset(names), seconds, spans
        self._unidentified: Counts[int] = Counts()
        self._series: dict[tuple[str, str, str], tuple[Counter, Histogram]] = {}

    def count_refusal(self, trace: RequestTrace, error: Unauthenticated) -> None:
        """A caller is not identified: counted, and why is told with the request. Never the token."""
        self._refused.labels(error.fault.value).inc()
        about = f" ({error.detail})" if _ABOUT.fullmatch(error.detail) else ""
        trace.refusal = error.fault.value + about

    def tell(self, trace: RequestTrace, viewer: Viewer | None, response: GraphQLResponse, rendered: Response) -> None:
        """An answer is about to leave."""
        codes = sorted({str(error["extensions"]["code"]) for error in response.errors})
        outcome = outcome_of(rendered.status_code, codes, response.refused)
        known = trace.operation if trace.operation in self._names else None
        told = known, outcome, rendered.status_code, codes
        traced = self._spans is not None and self._spans.offer(trace, viewer, response, told)
        labels = known or FREE, viewer.profil.value if viewer else "", outcome
        self._count(labels, trace.elapsed, {"trace_id": trace.trace_id} if traced else None)
        if not logger.isEnabledFor(logging.INFO) or (viewer is None and not self._allows()):
            return
        name = trace.operation if trace.operation and _NAME.fullmatch(trace.operation) else None
        fields: dict[str, Any] = {
            "requete": trace.request_id,
            "trace": trace.trace_id,
            "client": viewer.client if viewer else None,
            "profil": viewer.profil.value if viewer else None,
            "finalite": viewer.finalite.value if viewer and viewer.finalite else None,
            "operation": name,
            "document": trace.document,
            "statut": rendered.status_code,
            "issue": outcome,
            "codes": codes,
            **({"refus": trace.refusal} if trace.refusal else {}),
            "cout": response.extensions.get("cout"),
            "sources": {source["nom"]: source["etat"] for source in response.extensions.get("sources", ())},
            "dureesMs": {
                stage: round(seconds * 1000, 1) for stage, seconds in {"total": trace.elapsed, **trace.stages}.items()
            },
            "octets": len(rendered.body),
        }
        # Made here: `logger.info` walks the stack for the line of this call, for as long as the rest of it takes.
        record = logger.makeRecord(logger.name, logging.INFO, "", 0, "requête", (), None, extra={"fields": fields})
        logger.handle(record)

    def _count(self, labels: tuple[str, str, str], seconds: float, exemplar: dict[str, str] | None) -> None:
        if labels not in self._series:
            self._series[labels] = self._requests.labels(*labels), self._durations.labels(*labels[:2])
        requests, durations = self._series[labels]
        requests.inc()
        durations.observe(seconds, exemplar)

    def _allows(self) -> bool:
        """Whether one more request of nobody is told this second."""
        now = int(self._seconds())
        if now not in self._unidentified:
            left_out = sum(max(0, count - UNIDENTIFIED_A_SECOND) for count in self._unidentified.values())
            if left_out:
                logger.warning("%d requêtes sans appelant connu n'ont pas eu leur ligne", left_out)
            self._unidentified.clear()
        self._unidentified[now] += 1
        return self._unidentified[now] <= UNIDENTIFIED_A_SECOND


def outcome_of(status: int, codes: Sequence[str], refused: bool) -> str:
    """What became of a request, in one word of docs/metriques.md."""
    if status in OUTCOMES or status >= 500 or Code.ERREUR_INTERNE in codes:
        return OUTCOMES.get(status, "ERREUR")
    if refused or status >= 400:
        return "REFUSEE"
    return "PARTIELLE" if _OF_SOURCES & set(codes) else "CHAMPS_REFUSES" if codes else "OK"
