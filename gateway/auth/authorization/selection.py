"""What an operation selects, once fragments are spread and @skip/@include are evaluated, and the criteria it filters and sorts
by, found in its arguments. Knows no rule.

`mask` copies a noun so that it holds only what may be read: a refused field is emptied together with the private attribute
that its resolver reads, a line of provenance or of evidence goes with the field it speaks of, and a value that tells a
category not granted is left out (docs/graphe.md, Droits). It works on any class that carries rules.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, TypeVar

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLField,
    GraphQLInputObjectType,
    GraphQLNamedType,
    GraphQLObjectType,
    GraphQLSchema,
    InlineFragmentNode,
    OperationDefinitionNode,
    SelectionNode,
    SelectionSetNode,
    Undefined,
    ValueNode,
    get_named_type,
    is_abstract_type,
    is_enum_type,
    is_input_object_type,
    value_from_ast_untyped,
)
from strawberry.types.base import StrawberryObjectDefinition
from strawberry.utils.str_converters import to_camel_case

from gateway.auth.policy.rules import (
    ANY_OF,
    BY_FIELD,
    CATEGORIE,
    MAGASIN,
    CategorieDonnee,
    Categories,
    categorie,
    required_by_field,
    required_by_value,
)

T = TypeVar("T")

Sets = tuple[SelectionSetNode, ...]


class Selection:
    """Reads the selections of one operation, for its variables (coerced or as received)."""

    def __init__(
        self,
        schema: GraphQLSchema,
        document: DocumentNode,
        operation: OperationDefinitionNode,
        variables: Mapping[str, Any],
    ) -> None:
        self._schema = schema
        self._fragments = {d.name.value: d for d in document.definitions if isinstance(d, FragmentDefinitionNode)}
        self._variables = {**_defaults(operation), **variables}

    def fields(self, type_: GraphQLObjectType, sets: Sets) -> dict[str, list[FieldNode]]:
        """The fields selected on a concrete type, by response key, in order; each fragment is spread once."""
        groups: dict[str, list[FieldNode]] = {}
        spread: set[str] = set()
        waiting = [iter(selection_set.selections) for selection_set in reversed(sets)]
        while waiting:
            node = next(waiting[-1], None)
            if node is None:
                waiting.pop()
            elif isinstance(node, FieldNode):
                if self._is_selected(node):
                    groups.setdefault(node.alias.value if node.alias else node.name.value, []).append(node)
            elif self._is_selected(node):
                waiting.append(self._spread(node, type_, spread))
        return groups

    def value(self, node: ValueNode) -> Any:
        """An argument's value, variables replaced: Undefined for one that is not given."""
        return value_from_ast_untyped(node, self._variables)

    def _spread(self, node: SelectionNode, type_: GraphQLObjectType, spread: set[str]) -> Iterator[SelectionNode]:
        target: SelectionNode | FragmentDefinitionNode = node
        if isinstance(node, FragmentSpreadNode):
            name = node.name.value
            if name in spread:
                return iter(())
            spread.add(name)
            target = self._fragments[name]
        if not isinstance(target, FragmentDefinitionNode | InlineFragmentNode) or not self._concerns(target, type_):
            return iter(())
        return iter(target.selection_set.selections)

    def _concerns(self, fragment: FragmentDefinitionNode | InlineFragmentNode, type_: GraphQLObjectType) -> bool:
        condition = fragment.type_condition
        if condition is None or condition.name.value == type_.name:
            return True
        targeted = self._schema.get_type(condition.name.value)
        return is_abstract_type(targeted) and self._schema.is_sub_type(targeted, type_)

    def _is_selected(self, node: SelectionNode) -> bool:
        conditions = {d.name.value: self.value(d.arguments[0].value) for d in node.directives or () if d.arguments}
        return conditions.get("skip") is not True and conditions.get("include", True) is True


def _defaults(operation: OperationDefinitionNode) -> dict[str, Any]:
    return {
        definition.variable.name.value: value_from_ast_untyped(definition.default_value)
        for definition in operation.variable_definitions or ()
        if definition.default_value is not None
    }


@dataclass(frozen=True, slots=True)
class Criterion:
    """A criterion in use. `path`: as the caller wrote it, "filtre.etat"; `coordinate`: "FiltreRuptures.etat",
    "TriJeunes.NOM_ASC" or "Query.contrat(numero:)"."""

    path: str
    coordinate: str
    categories: Categories


def criteria_of(coordinate: str, field: GraphQLField, node: FieldNode, selection: Selection) -> Iterator[Criterion]:
    """The governed criteria of the arguments of the field of that coordinate. Absent and null ones are not used."""
    for written in node.arguments or ():
        name = written.name.value
        argument, value = field.args[name], selection.value(written.value)
        own = categorie(argument)
        if own not in (None, CategorieDonnee.PUBLIQUE) and not _is_absent(value):
            yield Criterion(name, f"{coordinate}({name}:)", frozenset({own}))
        yield from _criteria(get_named_type(argument.type), value, name)


def _criteria(type_: GraphQLNamedType, value: Any, path: str) -> Iterator[Criterion]:
    if _is_absent(value):
        return
    if isinstance(value, list | tuple):
        for element in value:
            yield from _criteria(type_, element, path)
    elif is_enum_type(type_):
        coordinate, categories = required_by_value(type_.name, value)
        if categories:
            yield Criterion(path, coordinate, categories)
    elif is_input_object_type(type_) and isinstance(value, Mapping):
        yield from _fields(type_, value, path)


def _fields(type_: GraphQLInputObjectType, value: Mapping[str, Any], path: str) -> Iterator[Criterion]:
    for name, element in value.items():
        field = type_.fields[name]
        if not _is_absent(element):
            yield Criterion(f"{path}.{name}", f"{type_.name}.{name}", required_by_field(field))
        yield from _criteria(get_named_type(field.type), element, f"{path}.{name}")


def _is_absent(value: Any) -> bool:
    return value is None or value is Undefined


@dataclass(frozen=True, slots=True)
class _Plan:
    """The work of the mask on a class for a set of categories, by attribute name."""

    empty: dict[str, None]  # emptied at once
    deep: tuple[str, ...]  # may hold governed objects; what a resolver answers holds none
    rows: tuple[str, ...]  # hold lines that each speak of a field
    fields: frozenset[str]  # the fields whose lines stay
    telling: tuple[tuple[str, str], ...]  # lists of values that tell a category, and what says whether there is one


def mask(noun: T, categories: Categories) -> T:
    """A copy of a noun and of the nouns it holds, in time linear in them; cycles stay cycles. The original is untouched.

    Objects without governed fields are shared with the original.
    """
    copy: T = _copy(noun, categories, {})
    return copy


def _copy(noun: Any, categories: Categories, copies: dict[int, Any]) -> Any:
    class_: Any = type(noun)
    if class_ is list or class_ is tuple:
        return class_(_copy(element, categories, copies) for element in noun)
    plan = _plan(class_, categories)
    if plan is None:
        return noun
    if id(noun) not in copies:
        copy = copies[id(noun)] = object.__new__(class_)  # known before what it holds, which may hold it
        copy.__dict__.update(noun.__dict__, **plan.empty)
        _descend(copy, plan, categories, copies)
    return copies[id(noun)]


def _descend(copy: Any, plan: _Plan, categories: Categories, copies: dict[int, Any]) -> None:
    held = copy.__dict__
    for name in plan.deep:
        if held[name] is not None:
            held[name] = _copy(held[name], categories, copies)
    for name in plan.rows:
        held[name] = held[name] and [line for line in held[name] if line.champ in plan.fields]
    for name, any_of in plan.telling:
        _silence(held, name, any_of, categories)


def _silence(held: dict[str, Any], name: str, any_of: str, categories: Categories) -> None:
    """Leave out the values that tell a category not granted; where no other is left, nothing says that there was one."""
    if not held[name]:
        return
    told = [value for value in held[name] if value.is_base or value.tells in categories]
    if len(told) < len(held[name]):
        held[name] = told
        held[any_of] = bool(told)


@lru_cache(maxsize=2048)
def _plan(class_: type, categories: Categories) -> _Plan | None:
    """The plan for a class; None when it carries no rule and leads to none."""
    definition = _definition_of(class_)
    if definition is None or not _touches(class_):
        return None
    fields: dict[str, Mapping[Any, Any]] = {field.python_name: field.metadata for field in definition.fields}
    refused = {name for name, rules in fields.items() if rules.get(CATEGORIE) not in {None, *categories}}
    emptied = {fields[name].get(MAGASIN) or name for name in refused}
    return _Plan(
        empty=dict.fromkeys(emptied),
        deep=tuple(
            field.python_name
            for field in definition.fields
            if field.base_resolver is None and field.python_name not in emptied and _touches(field.type)
        ),
        rows=tuple(str(rules[MAGASIN]) for rules in fields.values() if rules.get(BY_FIELD)),
        fields=frozenset(to_camel_case(name) for name in fields if name not in refused),
        telling=tuple((rules[ANY_OF], name) for name, rules in fields.items() if rules.get(ANY_OF)),
    )


def _definition_of(type_: object) -> StrawberryObjectDefinition | None:
    """The object type behind lists and optionals, if it is one."""
    while hasattr(type_, "of_type"):
        type_ = type_.of_type
    definition = getattr(type_, "__strawberry_definition__", None)
    return definition if isinstance(definition, StrawberryObjectDefinition) else None


def _touches(type_: object) -> bool:
    """True when a type carries rules, or leads to one that does."""
    visited, waiting = set[type](), [type_]
    while waiting:
        definition = _definition_of(waiting.pop())
        if definition is None or definition.origin in visited:
            continue
        visited.add(definition.origin)
        if any(field.metadata.get(CATEGORIE) for field in definition.fields):
            return True
        waiting += [field.type for field in definition.fields]
    return False
