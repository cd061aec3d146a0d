"""Validates an operation from what was sent, before it is decided; runs it over what it may show, after, once what is not kept is
prepared and charged. Knows no HTTP."""

import asyncio
import logging
import time
from collections.abc import Generator, Hashable
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Protocol

from graphql import ExecutionResult, GraphQLSchema, OperationType, VariableValues

from gateway.audit.quotas_and_journal import QuotasAndJournal
from gateway.auth.authentication.clients import Viewer
from gateway.auth.authorization.decision_cache import CachedDecision
from gateway.auth.authorization.visible_schema import VisibleSchemas
from gateway.concurrency import SHORT, LongWork, Work
from gateway.correlation import RequestTrace
from gateway.documents.introspection import Introspections, introspect
from gateway.documents.limits import META, cost_of
from gateway.documents.parse import Document, Documents, PersistedDocuments
from gateway.errors import QuotaReached
from gateway.execution.executor import Executor
from gateway.federation.criteria import Tally
from gateway.federation.views.operation_context import OperationContext

logger = logging.getLogger("gateway.operation")
PEOPLE_PER_UNIT = 10  # persons whom a list that is not kept makes us look at, for a unit of cost (docs/graphe.md, Coût)
LINES_PER_UNIT = 100  # of the referential, that a menu looks through
INTROSPECTION_PER_UNIT = 100  # usual values of an introspection that is not kept, for a unit
VALUES_FEW = 200  # of variables: less than a millisecond to coerce
SLICE = 0.005  # seconds of the loop that an execution takes before others are served


@dataclass(frozen=True, slots=True)
class GraphQLRequest:
    """What the caller sent, already read from the wire: a text, the SHA-256 of one, or both."""

    text: str | None
    operation: str | None
    variables: dict[str, Any]
    digest: str | None = None
    trace: RequestTrace = field(default_factory=RequestTrace, compare=False)  # names the request to the operator
    values: int = 0  # how many the variables hold


@dataclass(frozen=True, slots=True)
class ValidatedOperation:
    """A request that is known to be a valid operation of the graph."""

    document: Document
    variables: VariableValues
    trace: RequestTrace
    age_max: int | None  # seconds, of the oldest answer wanted
    cost: int  # by the formula of docs/graphe.md, what is walked left out

    @property
    def is_subscription(self) -> bool:
        """Whether it is answered by events, as they come."""
        return self.document.operation.operation is OperationType.SUBSCRIPTION


class Parts(Protocol):
    """What of the gateway validates and runs an operation."""

    @property
    def schema(self) -> GraphQLSchema: ...
    @property
    def documents(self) -> Documents: ...
    @property
    def persisted_documents(self) -> PersistedDocuments: ...
    @property
    def executor(self) -> Executor: ...
    @property
    def accounting(self) -> QuotasAndJournal: ...
    @property
    def long_work(self) -> LongWork: ...
    @property
    def shapes(self) -> VisibleSchemas: ...
    @property
    def introspections(self) -> Introspections: ...


async def validate(parts: Parts, viewer: Viewer, request: GraphQLRequest) -> ValidatedOperation:
    """The operation, which the trace names. Raises InvalidRequest, UnknownDocument or TooCostlyRequest."""
    text = parts.persisted_documents.text(viewer, request.text, request.digest)
    document = await _document(parts, viewer, text, request.operation)
    request.trace.operation = document.operation.name.value if document.operation.name else None
    request.trace.document = document.stand_in
    variables = await _variables(parts, viewer, document, request)
    cost, age_max = cost_of(document.shape, variables.coerced), document.age_max(variables.coerced)
    return ValidatedOperation(document, variables, request.trace, age_max, cost)


async def _document(parts: Parts, viewer: Viewer, text: str, name: str | None) -> Document:
    """The document of a text, judged beside the loop when it is not kept. Raises InvalidRequest or TooCostlyRequest."""
    documents = parts.documents
    if not documents.knows(text):
        judged = await parts.long_work.run(viewer.client, ("document", text), partial(documents.judge, text))
        documents.keep(text, judged)
    return documents.read(text, name)


async def _variables(parts: Parts, viewer: Viewer, document: Document, request: GraphQLRequest) -> VariableValues:
    """Coerced and checked; beside the loop when they are many. Raises InvalidRequest."""
    read = partial(document.variables, parts.schema, request.variables)
    return await parts.long_work.run(viewer.client, object(), read) if request.values > VALUES_FEW else read()


async def run_operation(
    parts: Parts, context: OperationContext, validated: ValidatedOperation, judgement: CachedDecision
) -> tuple[ExecutionResult, int]:
    """The data, and what was charged for all that had to be walked; what the caller asks of the graph itself is answered apart,
    by the shape of the graph that it may use. Raises QuotaReached."""
    fields = context.decision.fields
    if META.isdisjoint(name for _, name in fields):
        return await _execute_data(parts, context, validated, judgement)
    meta = context.decision.keys(META)
    results, charged = [], 0
    if len(meta) < len(fields):
        result, charged = await _execute_data(parts, context, validated, judgement)
        results.append(result)
    result, units = await _introspect(parts, context, validated, meta)
    results.append(result)
    # A field of the graph itself is null among the data: its answer comes last.
    found = {key: value for result in results for key, value in (result.data or {}).items()}
    whole = all(result.data is not None for result in results)
    # In the order of the selection; a part without data leaves none to the whole (a null climbed to the root).
    data = {key: found.get(key) for key, _ in fields} if whole else None
    return ExecutionResult(data, [error for result in results for error in result.errors or []]), charged + units


async def _execute_data(
    parts: Parts, context: OperationContext, validated: ValidatedOperation, judgement: CachedDecision
) -> tuple[ExecutionResult, int]:
    """Executed once when all is kept; twice when something has to be prepared (federation.views.build)."""
    document, variables, executor = validated.document, validated.variables, parts.executor
    run = partial(parts.long_work.run, context.viewer.client)
    await executor.prepare(document, variables, context, validated.cost, run)
    context.preparation.over = False
    result = await _in_slices(executor.steps(document, variables, context, judgement.forbidden, again=False))
    preparation = context.preparation
    if not preparation.works:
        return result, 0
    walked = preparation.walks * (context.people // PEOPLE_PER_UNIT) + preparation.lines // LINES_PER_UNIT
    try:
        await _charge(parts, context, walked)
        for key, work in preparation.works.items():
            await _prepare(parts, context, key, work)
        preparation.over = True
        _forget(context.tally)
        steps = executor.steps(document, variables, context, judgement.forbidden, again=True)
        return await _in_slices(steps), walked
    finally:
        # Works lead to the context, and what was done to whole pages: as a cycle, they would wait for the collector.
        preparation.works.clear()
        preparation.done.clear()


async def _in_slices(steps: Generator[None, None, ExecutionResult]) -> ExecutionResult:
    """Run to the end, and let the loop serve others each time that SLICE is over."""
    start = time.monotonic()
    while True:
        try:
            next(steps)
        except StopIteration as end:
            result: ExecutionResult = end.value
            return result
        if time.monotonic() - start > SLICE:
            await asyncio.sleep(0)
            start = time.monotonic()


async def _prepare(parts: Parts, context: OperationContext, key: Hashable, work: Work) -> None:
    """Do what an operation waits for: at once when it is short, and the loop serves others between two."""
    client, done = context.viewer.client, context.preparation.done
    try:
        if work.size > SHORT:
            done[key] = await parts.long_work.run(client, work.shared, work.do)
        else:
            done[key] = work.do()
            await asyncio.sleep(0)
    except QuotaReached:
        raise
    except Exception as error:
        # Left undone: the resolver that does it again fails at its own field, as if it had never been prepared.
        logger.debug("préparation : %s", type(error).__name__)


async def _introspect(
    parts: Parts, context: OperationContext, validated: ValidatedOperation, meta: list[str]
) -> tuple[ExecutionResult, int]:
    """The answer to these introspection fields, kept by the shape they tell, and what it was charged."""
    viewer, document, variables = context.viewer, validated.document, validated.variables.coerced
    asked = document.text, document.operation.name and document.operation.name.value, tuple(meta)
    key = (viewer.profil, frozenset(viewer.finalites), asked, repr(sorted(variables.items())))
    kept = parts.introspections.find(key)
    if kept is not None:
        return kept, 0
    units = document.shape.schema_fixed // INTROSPECTION_PER_UNIT
    await _charge(parts, context, units)

    def work() -> ExecutionResult:
        return introspect(parts.shapes.for_viewer(viewer), document, meta, variables)

    result = await parts.long_work.run(viewer.client, ("introspection", key), work)
    return parts.introspections.keep(key, result), units


async def _charge(parts: Parts, context: OperationContext, units: int) -> None:
    """Charge what had to be done and is not in the formula, before it is. Raises QuotaReached."""
    if units:
        await parts.accounting.charge(context.viewer, units)


def _forget(tally: Tally) -> None:
    """Forget what a first execution counted."""
    # Emptied in place: resolvers of the second execution hold this very tally.
    tally.shown.clear()
    tally.found.clear()
    tally.told.clear()
    tally.lookups = tally.not_found = 0
