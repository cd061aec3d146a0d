"""Executes operations: compiled once that is worth it, by graphql-core until then and wherever compiling does not do.

1. A *compiled operation* is functions written for one selection (`codegen`), for what its reader may not read and for the values
   of its @skip and @include: the same text asked by two profiles has two.
2. An operation seen once is executed by graphql-core: compiling it costs more than that. At its second sight, or at once
   where graphql-core would be long, `prepare` writes it beside the loop; `execute` and `steps` run it.
3. graphql-core is the oracle: what is not compiled (`FALLBACK`), or met what it was not written for (`COMPILED_FAILED`), is
   executed by it from the start. Nothing was sent yet, so that the answer is the same either way; tests compare both.

Knows no caller, no source, no category: what is null was decided before (`decide`)."""

import hashlib
import logging
from collections.abc import Callable, Generator, Hashable, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from functools import partial
from operator import attrgetter
from typing import Any, Protocol

from cachetools import LRUCache
from graphql import (
    DirectiveNode,
    DocumentNode,
    ExecutionResult,
    GraphQLError,
    GraphQLSchema,
    Undefined,
    VariableNode,
    VariableValues,
    Visitor,
    execute_sync,
    visit,
)
from prometheus_client import CollectorRegistry, Counter

from gateway.auth.authorization.decide import Decision
from gateway.auth.authorization.sentinel import FREE, Forbidden
from gateway.documents.introspection import restrict_to
from gateway.documents.limits import META
from gateway.documents.parse import Document, tree_bytes
from gateway.errors import GatewayError
from gateway.execution.codegen import Unsupported, compile_operation
from gateway.execution.compiled_operation import CompiledOperation, EncodedForms, KeyPath

logger = logging.getLogger("gateway.execution.executeur")
KEPT_MAX = 24 * 1024 * 1024  # bytes of the compiled operations kept, with the documents they are of
FIRST_SIGHT_MAX = 1000  # values: graphql-core takes some 15 µs for each, and compiling some milliseconds
STATE_BYTES = 2000  # that a document kept takes, its tree apart
SEEN_BYTES = 1000  # … an operation seen once, not compiled yet
NULL_BYTES = 100  # … a path that is null by decision
COMPILED_MAX = 16  # of one document: by fields refused and values of @skip and @include

Key = tuple[frozenset[tuple[KeyPath, str]], tuple[Any, ...]]  # what is null by decision, values of the conditions


class Run(Protocol):
    """How long work is run beside the loop, done once for all who wait for the same."""

    async def __call__(
        self, key: Hashable, work: Callable[[], CompiledOperation | Unsupported]
    ) -> CompiledOperation | Unsupported: ...


class ExecutionMode(StrEnum):
    """How an operation was executed, as the metric `passerelle_executions` counts it."""

    COMPILED = "plan"  # the word of the metric
    FIRST_SEEN = "premiere_vue"  # first sight: not worth compiling yet
    FALLBACK = "repli"  # not covered: graphql-core, by itself
    COMPILED_FAILED = "reprise"  # it met what it was not written for: graphql-core, from the start


class ModeCounts:
    """Counts operations by the way they were executed, for Prometheus."""

    def __init__(self, registry: CollectorRegistry) -> None:
        counter = Counter("passerelle_executions", "Opérations exécutées, par voie.", ("voie",), registry=registry)
        self._counts = {mode: counter.labels(mode.value) for mode in ExecutionMode}

    def __call__(self, mode: ExecutionMode) -> None:
        self._counts[mode].inc()


class ExecutionContext(Protocol):
    """What resolvers ask, and what was decided of the operation."""

    @property
    def decision(self) -> Decision: ...
    @property
    def frozen(self) -> bool:
        """Whether what is shown of an object is the same as long as the object is."""
        ...


@dataclass(slots=True)
class _DocumentState:
    """What is known of a document, and its compiled operations: None when one was seen once, Unsupported when it has none.

    `conditions`: variables of @skip and @include; `logged`: ways already told of it.
    """

    tree: DocumentNode  # held, so that its id stays its own
    conditions: tuple[str, ...]
    compiled: LRUCache[Key, CompiledOperation | Unsupported | None] = field(
        default_factory=lambda: LRUCache(COMPILED_MAX)
    )
    logged: set[ExecutionMode] = field(default_factory=set)

    @property
    def weight(self) -> int:
        """Bytes, rounded up."""
        weights = (one.weight if isinstance(one, CompiledOperation) else SEEN_BYTES for one in self.compiled.values())
        nulls = sum(NULL_BYTES * len(key[0]) for key in self.compiled)
        return STATE_BYTES + tree_bytes(self.tree) + nulls + sum(weights)


class Executor:
    """The compiled operations of a schema, of the documents kept: bounded in bytes. `count` is told the way of each execution."""

    def __init__(self, schema: GraphQLSchema, count: Callable[[ExecutionMode], None]) -> None:
        self._schema = schema
        self._count = count
        # By id: documents are kept by their text, so the same text is the same tree, and hashing it costs nothing.
        self._documents: LRUCache[tuple[int, int], _DocumentState] = LRUCache(KEPT_MAX, attrgetter("weight"))
        self._forms = EncodedForms()

    async def prepare(
        self, document: Document, variables: VariableValues, context: ExecutionContext, cost: int, run: Run
    ) -> None:
        """Compile by `run`, beside the loop, where that is due: at the second sight of an operation, or at once when
        graphql-core would take long to execute it."""
        state = self._state(document)
        key = _key(state, variables, context)
        due = state.compiled[key] is None if key in state.compiled else cost > FIRST_SIGHT_MAX
        if due:
            name = ("compiled", id(document.operation), key)
            self._keep(document, state, key, await run(name, partial(self._write, document, key, variables)))

    def execute(
        self,
        document: Document,
        variables: VariableValues,
        context: ExecutionContext,
        forbidden: Forbidden = FREE,
        again: bool = False,
    ) -> ExecutionResult:
        """Data, with null where the decision says so, and errors.

        What is already encoded in the data was held to `forbidden`; the rest is not. `again`: not another sight of it.
        """
        steps = self.steps(document, variables, context, forbidden, again)
        while True:
            try:
                next(steps)
            except StopIteration as end:
                result: ExecutionResult = end.value
                return result

    def steps(
        self,
        document: Document,
        variables: VariableValues,
        context: ExecutionContext,
        forbidden: Forbidden,
        again: bool,
    ) -> Generator[None, None, ExecutionResult]:
        """The same, left after each root field to whoever runs it: ten pages of five hundred rows are long to show."""
        state = self._state(document)
        compiled = self._find(state, document, _key(state, variables, context), variables, again)
        if isinstance(compiled, ExecutionMode):
            return self._reference(document, variables, context, compiled)
        try:
            result = yield from compiled.steps(context, variables, forbidden, self._forms)
        except Exception as error:
            # Whatever went wrong, nothing was sent yet: the oracle executes from the start, and says what is to be said.
            self._log(state, ExecutionMode.COMPILED_FAILED, error)
            return self._reference(document, variables, context, ExecutionMode.COMPILED_FAILED)
        self._count(ExecutionMode.COMPILED)
        return result

    def _state(self, document: Document) -> _DocumentState:
        key = (id(document.tree), id(document.operation))
        if key not in self._documents:
            reader = _ConditionReader()
            visit(document.tree, reader)
            self._documents[key] = _DocumentState(document.tree, tuple(sorted(reader.names)))
        return self._documents[key]

    def _find(
        self, state: _DocumentState, document: Document, key: Key, variables: VariableValues, again: bool
    ) -> CompiledOperation | ExecutionMode:
        """What was compiled, at the second sight; else the reason why graphql-core executes."""
        # Compiling takes longer than one execution: a query asked once must not pay for it.
        if key not in state.compiled:
            self._keep(document, state, key, None)
            return ExecutionMode.FIRST_SEEN
        compiled = state.compiled[key]
        if compiled is None:
            if again:
                return ExecutionMode.FIRST_SEEN
            compiled = self._write(document, key, variables)
            self._keep(document, state, key, compiled)
        return compiled if isinstance(compiled, CompiledOperation) else ExecutionMode.FALLBACK

    def _write(self, document: Document, key: Key, variables: VariableValues) -> CompiledOperation | Unsupported:
        """The operation compiled, or why it is not; may run in any thread."""
        try:
            return compile_operation(self._schema, document, frozenset(path for path, _ in key[0]), variables.coerced)
        except Unsupported as reason:
            return reason

    def _keep(
        self, document: Document, state: _DocumentState, key: Key, compiled: CompiledOperation | Unsupported | None
    ) -> None:
        """Keep what was compiled, or why nothing was: what is not covered today will not be at the next request."""
        if isinstance(compiled, Unsupported):
            self._log(state, ExecutionMode.FALLBACK, compiled)
        state.compiled[key] = compiled
        self._documents[id(document.tree), id(document.operation)] = state  # weighed again

    def _reference(
        self, document: Document, variables: VariableValues, context: ExecutionContext, mode: ExecutionMode
    ) -> ExecutionResult:
        """graphql-core, over the variables as received; what is refused was not read, and is null."""
        self._count(mode)
        if meta := context.decision.keys(META):
            keys = [key for key, _ in context.decision.fields if key not in meta]
            document = restrict_to(self._schema, document, keys, variables.coerced)
        raw = {name: told.value for name, told in variables.sources.items() if told.value is not Undefined}
        name = document.operation.name.value if document.operation.name else None
        result = execute_sync(
            self._schema, document.tree, context_value=context, variable_values=raw, operation_name=name
        )
        nulls = [path for path, _ in context.decision.nulls]
        # The oracle resolves refused fields too, over copies that do not hold them: its errors there are of no one.
        errors = [error for error in result.errors or [] if not _below(error, nulls)]
        return ExecutionResult(null_out(result.data, nulls), errors or None)

    def _log(self, state: _DocumentState, mode: ExecutionMode, reason: Exception) -> None:
        """Log once a document, by the hash of its text, which may hold a name that somebody is looked for by."""
        if mode not in state.logged:
            state.logged.add(mode)
            text = state.tree.loc.source.body if state.tree.loc else ""
            digest = hashlib.sha256(text.encode()).hexdigest()[:12]
            # Of our own errors only: the message of any other may carry a value.
            ours = f" ({reason})" if isinstance(reason, GatewayError) else ""
            logger.warning("document %s : %s, %s%s", digest, mode.value, type(reason).__name__, ours)


def _key(state: _DocumentState, variables: VariableValues, context: ExecutionContext) -> Key:
    """One document read by two profiles is compiled twice: what is refused is not in the text at all."""
    return context.decision.nulls, tuple(variables.coerced.get(name) for name in state.conditions)


def _below(error: GraphQLError, nulls: Sequence[KeyPath]) -> bool:
    """Whether an error is of a place that is null by decision: nothing compiled reads there."""
    keys = tuple(key for key in error.path or () if isinstance(key, str))
    return any(keys[: len(null)] == null for null in nulls)


class _ConditionReader(Visitor):
    """Finds the variables of @skip and @include."""

    def __init__(self) -> None:
        super().__init__()
        self.names: set[str] = set()

    def enter_directive(self, node: DirectiveNode, *_: Any) -> None:
        self.names |= {a.value.name.value for a in node.arguments or () if isinstance(a.value, VariableNode)}


def null_out(data: Any, paths: Sequence[Sequence[str]]) -> Any:
    """`data`, once the fields at these paths are null: refused, or holding nothing granted."""
    for path in paths:
        _null_out(data, path)
    return data


def _null_out(data: Any, path: Sequence[str]) -> None:
    if isinstance(data, list):
        for element in data:
            _null_out(element, path)
    elif isinstance(data, dict) and path and path[0] in data:
        if len(path) == 1:
            data[path[0]] = None
        else:
            _null_out(data[path[0]], path[1:])
