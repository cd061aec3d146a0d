"""The copy of a noun that holds only what may be read (docs/graphe.md, Droits). Works on any class that carries rules.

A refused field is emptied together with the private attribute that its resolver reads, a line of provenance or of evidence goes
with the field it speaks of, and a value that tells a category not granted is left out. Knows no document and no caller.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, TypeVar

from strawberry.types.base import StrawberryObjectDefinition
from strawberry.utils.str_converters import to_camel_case

from gateway.auth.policy.rules import ANY_OF, BY_FIELD, CATEGORIE, MAGASIN, Categories
from gateway.slotted_types import stored

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class _Plan:
    """The work of the mask on a class for a set of categories, by attribute name."""

    kept: tuple[str, ...]  # copied as they are, at first
    empty: frozenset[str]
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
        for name in plan.kept:
            setattr(copy, name, getattr(noun, name))
        for name in plan.empty:
            setattr(copy, name, None)
        _descend(copy, plan, categories, copies)
    return copies[id(noun)]


def _descend(copy: Any, plan: _Plan, categories: Categories, copies: dict[int, Any]) -> None:
    for name in plan.deep:
        if (held := getattr(copy, name)) is not None:
            setattr(copy, name, _copy(held, categories, copies))
    for name in plan.rows:
        if lines := getattr(copy, name):
            setattr(copy, name, [line for line in lines if line.champ in plan.fields])
    for name, any_of in plan.telling:
        _silence(copy, name, any_of, categories)


def _silence(copy: Any, name: str, any_of: str, categories: Categories) -> None:
    """Leave out the values that tell a category not granted; where no other is left, nothing says that there was one."""
    values = getattr(copy, name) or []
    told = [value for value in values if value.is_base or value.tells in categories]
    if len(told) < len(values):
        setattr(copy, name, told)
        setattr(copy, any_of, bool(told))


@lru_cache(maxsize=2048)
def _plan(class_: type, categories: Categories) -> _Plan | None:
    """The plan for a class; None when it carries no rule and leads to none."""
    definition = _definition_of(class_)
    if definition is None or not _touches(class_):
        return None
    fields: dict[str, Mapping[Any, Any]] = {field.python_name: field.metadata for field in definition.fields}
    refused = {name for name, rules in fields.items() if rules.get(CATEGORIE) not in {None, *categories}}
    emptied = frozenset(fields[name].get(MAGASIN) or name for name in refused)
    return _Plan(
        kept=tuple(name for name in stored(class_) if name not in emptied),
        empty=emptied,
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
