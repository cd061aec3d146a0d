"""The plan of one operation for what one caller may read: its root fields, resolved then written. Knows no cache."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, cast

from graphql import (
    ExecutionResult,
    FieldNode,
    GraphQLError,
    GraphQLField,
    GraphQLObjectType,
    GraphQLResolveInfo,
    GraphQLSchema,
    ListValueNode,
    ObjectValueNode,
    ValueNode,
    VariableNode,
    VariableValues,
    get_argument_values,
    is_non_null_type,
    located_error,
)
from graphql.pyutils import Path

from gateway.auth.authorization.selection import Selection
from gateway.auth.authorization.sentinel import Forbidden
from gateway.documents.parse import Document
from gateway.execution.codegen import CodeWriter, Unsupported, sets
from gateway.execution.compile_state import Arguments, CompileState, KeyPath, Position, Rendered
from gateway.execution.conversions import convert
from gateway.execution.leaves import Unexpected


@dataclass(frozen=True, slots=True)
class RootField:
    """A root field. `release` None: refused, or holding nothing granted; nobody is asked.

    `fixes`: arguments as the resolver takes them; `variables`: the field with the others only.
    """

    key: str
    name: str
    nodes: list[FieldNode]
    field: GraphQLField
    release: Rendered | None
    fixes: Mapping[str, Any]
    variables: GraphQLField

    def resolve(self, schema: Any, info: GraphQLResolveInfo[Any], variables: VariableValues) -> Any:
        """What the resolver returns, called as Strawberry calls it. Raises what it raises."""
        definition: Any = self.field.extensions["strawberry-definition"]
        values_read = {}
        if self.variables.args:
            values_read = convert(self.field, get_argument_values(self.variables, self.nodes[0], variables))
        request = schema._strawberry_schema.config.info_class(_raw_info=info, _field=definition)
        return definition.base_resolver.wrapped_func(info=request, **self.fixes, **values_read)


@dataclass(frozen=True, slots=True)
class CompiledPlan:
    """The functions of an operation. `sources`: their texts; those of levels not met yet are not written."""

    schema: GraphQLSchema
    document: Document
    type_: GraphQLObjectType
    roots: tuple[RootField, ...]
    sources: list[str]

    def execute(self, context: Any, variables: VariableValues, forbidden: Forbidden) -> ExecutionResult:
        """The answer over a context. Raises Unexpected, or what a level failed on."""
        arguments = Arguments(variables, context.frozen, forbidden)
        data: dict[str, Any] = {}
        errors: list[GraphQLError] = []
        for root in self.roots:
            data[root.key] = None
            if root.name == "__typename":
                data[root.key] = self.type_.name
            elif root.release is not None:
                value = self._resolve(root, context, variables, errors)
                data[root.key] = None if value is None else root.release(value, arguments)
        return ExecutionResult(data, errors or None)

    def _resolve(
        self, root: RootField, context: Any, variables: VariableValues, errors: list[GraphQLError]
    ) -> Any | None:
        """What the resolver returns; None, and an error at the field, when it fails."""
        try:
            value = root.resolve(self.schema, self._info(root, context, variables), variables)
        except Exception as error:
            errors.append(located_error(error, root.nodes, [root.key]))
            value = None
        if value is None and is_non_null_type(root.field.type):
            raise Unexpected(root.name)
        return value

    def _info(self, root: RootField, context: Any, variables: VariableValues) -> GraphQLResolveInfo[Any]:
        return GraphQLResolveInfo(
            field_name=root.name,
            field_nodes=root.nodes,
            return_type=root.field.type,
            parent_type=self.type_,
            path=Path(None, root.key, self.type_.name),
            schema=self.schema,
            fragments={},
            root_value=None,
            operation=self.document.operation,
            variable_values=variables,
            context=context,
            is_awaitable=cast("Any", _never),
            abort_signal=None,
            async_helpers=cast("Any", None),
        )


def _never(_value: Any) -> bool:
    """Root fields answer at once: what they show was fetched before."""
    return False


def compile_plan(
    schema: GraphQLSchema, document: Document, nulls: frozenset[KeyPath], variables: Mapping[str, Any]
) -> CompiledPlan:
    """The plan of a valid operation; of `variables`, only those of @skip and @include are read. Raises Unsupported."""
    type_ = schema.query_type
    if type_ is None:
        raise Unsupported("schéma sans requête")
    reading = CompileState(schema, Selection(schema, document.tree, document.operation, variables), nulls)
    groups = reading.selection.fields(type_, (document.operation.selection_set,))
    roots = tuple(_root(reading, type_, key, nodes) for key, nodes in groups.items())
    return CompiledPlan(schema, document, type_, roots, reading.sources)


def _root(reading: CompileState, type_: GraphQLObjectType, key: str, nodes: list[FieldNode]) -> RootField:
    name = nodes[0].name.value
    field = reading.schema.get_field(type_, name)
    if field is None or (name.startswith("__") and name != "__typename"):
        raise Unsupported("introspection")
    release = None
    if (key,) not in reading.nulls and name != "__typename":
        release = CodeWriter(reading).function(field.type, Position(sets(nodes), (key,)))
    return read_root(key, nodes, field, release)


def read_root(key: str, nodes: list[FieldNode], field: GraphQLField, release: Rendered | None) -> RootField:
    """A root field, its arguments sorted."""
    told_values = {argument.name.value: argument.value for argument in nodes[0].arguments or ()}
    changing = {name for name, value in told_values.items() if _has_variable(value)}
    fixes = _only(field, field.args.keys() - changing)
    values_read = convert(field, get_argument_values(fixes, nodes[0])) if release else {}
    return RootField(key, nodes[0].name.value, nodes, field, release, values_read, _only(field, changing))


def _only(field: GraphQLField, names: set[str]) -> GraphQLField:
    return GraphQLField(field.type, args={name: argument for name, argument in field.args.items() if name in names})


def _has_variable(value: ValueNode) -> bool:
    if isinstance(value, ObjectValueNode):
        return any(_has_variable(field.value) for field in value.fields)
    if isinstance(value, ListValueNode):
        return any(map(_has_variable, value.values))
    return isinstance(value, VariableNode)
