"""One line and one count for each request answered: who asked which operation, what became of it, in what time.

Never a variable, a value, an address or an agent. Who is not identified may send thousands a second: of those, so many
lines a second are written, and all are counted.
"""

import logging
import re
import time
from collections import Counter as Counts
from collections.abc import Callable, Collection, Sequence
from typing import Any

from prometheus_client import CollectorRegistry, Counter, Histogram
from starlette.responses import Response

from gateway.auth.authentication.clients import Viewer
from gateway.correlation import RequestTrace
from gateway.errors import Code, Unauthenticated
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


class AccessLog:
    """Tells each answer once; `names` are the operations of the trusted documents, `seconds` a clock."""

    def __init__(
        self, registry: CollectorRegistry, names: Collection[str], seconds: Callable[[], float] = time.monotonic
    ) -> None:
        labels = ("operation", "profil")
        self._requests = Counter("passerelle_requetes", "Requêtes, par issue.", (*labels, "issue"), registry=registry)
        self._durations = Histogram("passerelle_requete_secondes", "Durée d'une requête.", labels, registry=registry)
        text = "Appelants non identifiés, par motif."
        self._refused = Counter("passerelle_jetons_refuses", text, ("motif",), registry=registry)
        self._names, self._seconds = frozenset(names), seconds
        self._unidentified: Counts[int] = Counts()

    def count_refusal(self, trace: RequestTrace, error: Unauthenticated) -> None:
        """A caller is not identified: counted, and why is told with the request. Never the token."""
        self._refused.labels(error.fault.value).inc()
        about = f" ({error.detail})" if _ABOUT.fullmatch(error.detail) else ""
        trace.refusal = error.fault.value + about

    def tell(self, trace: RequestTrace, viewer: Viewer | None, response: GraphQLResponse, rendered: Response) -> None:
        """An answer is about to leave."""
        codes = sorted({str(error["extensions"]["code"]) for error in response.errors})
        outcome = outcome_of(rendered.status_code, codes, response.refused)
        labels = (trace.operation if trace.operation in self._names else FREE, viewer.profil.value if viewer else "")
        self._requests.labels(*labels, outcome).inc()
        self._durations.labels(*labels).observe(trace.elapsed)
        if viewer is None and not self._allows():
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
        logger.info("requête", extra={"fields": fields})

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
