"""Executes operations: by their plan once it is written, by graphql-core until then and whenever the plan does not do."""

import hashlib
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
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

from gateway.auth.authorization.decide import Decision
from gateway.auth.authorization.sentinel import FREE, Forbidden
from gateway.documents.parse import Document
from gateway.errors import GatewayError
from gateway.execution.codegen import Unsupported
from gateway.execution.compile_state import KeyPath
from gateway.execution.compiled_plan import CompiledPlan, compile_plan
from gateway.response import null_out

logger = logging.getLogger("gateway.execution.executeur")
DOCUMENTS_MAX = 1000  # followed, those last seen
PLANS_MAX = 16  # of one document: by fields refused and values of @skip and @include

Key = tuple[frozenset[tuple[KeyPath, str]], tuple[Any, ...]]  # what is null by decision, values of the conditions


class ExecutionPath(StrEnum):
    """How an operation was executed, as the metric `passerelle_executions` counts it."""

    PLAN = "plan"
    FIRST_SEEN = "premiere_vue"  # first sight: not worth a plan yet
    FALLBACK = "repli"  # not covered: graphql-core, by itself
    RETRY_AFTER = "reprise"  # the plan met what it was not written for: graphql-core, from the start


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
    """What is known of a document: its tree (kept, so that its id stays its own) and its plans. None: seen once."""

    tree: DocumentNode
    conditions: tuple[str, ...]  # variables of @skip and @include
    plans: LRUCache[Key, CompiledPlan | Unsupported | None] = field(default_factory=lambda: LRUCache(PLANS_MAX))
    told_ones: set[ExecutionPath] = field(default_factory=set)  # what was logged of it


class Executor:
    """The plans of a schema, for as many documents as are kept. `count` is told the way of each execution."""

    def __init__(self, schema: GraphQLSchema, count: Callable[[ExecutionPath], None]) -> None:
        self._schema = schema
        self._count = count
        self._followed: LRUCache[tuple[int, int], _DocumentState] = LRUCache(DOCUMENTS_MAX)

    def execute(
        self, document: Document, variables: VariableValues, context: ExecutionContext, forbidden: Forbidden = FREE
    ) -> ExecutionResult:
        """Data, with null where the decision says so, and errors.

        What is already encoded in the data was held to `forbidden`; the rest is not.
        """
        document_state = self._suivi(document)
        key = (context.decision.nulls, tuple(variables.coerced.get(name) for name in document_state.conditions))
        plan = self._plan(document_state, document, key, variables)
        if isinstance(plan, ExecutionPath):
            return self._reference(document, variables, context, plan)
        try:
            result = plan.execute(context, variables, forbidden)
        except Exception as error:
            self._say(document_state, ExecutionPath.RETRY_AFTER, error)
            return self._reference(document, variables, context, ExecutionPath.RETRY_AFTER)
        self._count(ExecutionPath.PLAN)
        return result

    def _suivi(self, document: Document) -> _DocumentState:
        position = (id(document.tree), id(document.operation))
        if position not in self._followed:
            self._followed[position] = _DocumentState(document.tree, tuple(sorted(_conditions(document.tree))))
        return self._followed[position]

    def _plan(
        self, document_state: _DocumentState, document: Document, key: Key, variables: VariableValues
    ) -> CompiledPlan | ExecutionPath:
        if key not in document_state.plans:
            document_state.plans[key] = None
            return ExecutionPath.FIRST_SEEN
        if document_state.plans[key] is None:
            try:
                document_state.plans[key] = compile_plan(
                    self._schema, document, frozenset(path for path, _ in key[0]), variables.coerced
                )
            except Unsupported as reason:
                document_state.plans[key] = reason
                self._say(document_state, ExecutionPath.FALLBACK, reason)
        plan = document_state.plans[key]
        return plan if isinstance(plan, CompiledPlan) else ExecutionPath.FALLBACK

    def _reference(
        self, document: Document, variables: VariableValues, context: ExecutionContext, execution_path: ExecutionPath
    ) -> ExecutionResult:
        """graphql-core, over the variables as received; what is refused was not read, and is null."""
        self._count(execution_path)
        raw = {name: told.value for name, told in variables.sources.items() if told.value is not Undefined}
        name = document.operation.name.value if document.operation.name else None
        result = execute_sync(
            self._schema, document.tree, context_value=context, variable_values=raw, operation_name=name
        )
        nulls = [path for path, _ in context.decision.nulls]
        errors = [error for error in result.errors or [] if not _below(error, nulls)]
        return ExecutionResult(null_out(result.data, nulls), errors or None)

    def _say(self, document_state: _DocumentState, execution_path: ExecutionPath, reason: Exception) -> None:
        """Log once a document, by the hash of its text: what was met, of our own errors only, and no value."""
        if execution_path not in document_state.told_ones:
            document_state.told_ones.add(execution_path)
            text = document_state.tree.loc.source.body if document_state.tree.loc else ""
            digest = hashlib.sha256(text.encode()).hexdigest()[:12]
            ours = f" ({reason})" if isinstance(reason, GatewayError) else ""
            logger.warning("document %s : %s, %s%s", digest, execution_path.value, type(reason).__name__, ours)


def _below(error: GraphQLError, nulls: Sequence[KeyPath]) -> bool:
    """Whether an error is of a place that is null by decision: a plan does not read there."""
    keys = tuple(key for key in error.path or () if isinstance(key, str))
    return any(keys[: len(null)] == null for null in nulls)


class _Reader(Visitor):
    """Finds the variables of @skip and @include."""

    def __init__(self) -> None:
        super().__init__()
        self.names: set[str] = set()

    def enter_directive(self, node: DirectiveNode, *_: Any) -> None:
        self.names |= {a.value.name.value for a in node.arguments or () if isinstance(a.value, VariableNode)}


def _conditions(tree: DocumentNode) -> set[str]:
    reader = _Reader()
    visit(tree, reader)
    return reader.names
