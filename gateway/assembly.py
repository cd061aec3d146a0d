"""Assembles an answer: its data, the errors of fields, rights and sources, what it tells of the sources. Pure, clocks apart."""

import logging
from collections.abc import Callable
from datetime import datetime
from typing import Any, Protocol

from graphql import ExecutionResult, GraphQLError

from gateway.auth.policy.policy import AccessPolicy
from gateway.errors import CallerError, InvalidRequest, LeakStopped
from gateway.federation.collect.collector import Collector
from gateway.federation.collect.readings import Readings
from gateway.federation.views.context import OperationContext
from gateway.response import GraphQLResponse, fallback_error, graphql_error, refusal_errors, source_error
from gateway.schema.organisations import EtatSource
from gateway.schema.tables import VIEW_ROOTS
from gateway.statistiques.questions import ROOT as STATISTICS_ROOT

logger = logging.getLogger("gateway.operation")
ASKING_SOURCES = VIEW_ROOTS | {STATISTICS_ROOT}


class Parts(Protocol):
    """What of the gateway tells what an answer says beside its data."""

    @property
    def policy(self) -> AccessPolicy: ...
    @property
    def collector(self) -> Collector: ...
    @property
    def state_of(self) -> Callable[[str], EtatSource | None]: ...
    @property
    def now(self) -> Callable[[], datetime]: ...


def assemble(parts: Parts, context: OperationContext, result: ExecutionResult, cost: int) -> GraphQLResponse:
    """The answer: data, then the errors of fields, of rights, of sources, and of sources whose earlier answer is shown."""
    decision, readings, rows = context.decision, context.readings, _source_lines(context.readings, parts)
    roots = decision.keys(ASKING_SOURCES) if readings.errors or readings.covered else []
    told = (decision, result.data, context.viewer, parts.policy)
    refused, lines = refusal_errors(*told) if decision.refusal else ([], [])
    errors = [
        *(graphql_error(_cause(error), error.path) for error in result.errors or []),
        *refused,
        *(source_error(error, roots, result.data) for error in readings.errors.values()),
        *(
            fallback_error(error, roots, result.data, rows[source]["ageSecondes"])
            for source, error in readings.covered.items()
            if source not in readings.errors
        ),
    ]
    extensions = {"sources": list(rows.values()), "cout": cost} | ({"refus": lines} if lines else {})
    return GraphQLResponse(result.data, errors, extensions)


def _cause(error: GraphQLError) -> Exception:
    """What an error of execution is to be told as. Raises LeakStopped when it is one."""
    cause = error.original_error or error
    if isinstance(cause, LeakStopped):
        raise cause
    if isinstance(cause, GraphQLError) and cause.message.startswith("Argument "):
        return InvalidRequest("Une variable nulle est donnée où une valeur est requise.")
    if not isinstance(cause, CallerError):
        logger.error("champ %s : %s", error.path, type(cause).__name__)
    return cause


def _source_lines(readings: Readings, parts: Parts) -> dict[str, dict[str, Any]]:
    """`extensions.sources`: each source asked, its state, and how fresh what was used of it is (docs/graphe.md)."""
    freshness, errors = readings.freshness_by_source, readings.errors
    rows = {}
    now = parts.now()
    for name in sorted({*freshness, *errors}):
        state, used = parts.state_of(name), freshness.get(name)
        age = used.line(parts.collector.wall_clock(), now) if used else {"ageSecondes": None, "cache": None}
        state = used.state(state, now) if used else state
        rows[name] = {"nom": name, "etat": state and state.value, **age, "partiel": name in errors}
    return rows
