"""How a leaf is written: as it is when it has the very class its type shows, else as graphql-core completes it."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime
from enum import Enum
from functools import lru_cache
from typing import Any, NoReturn

from graphql import GraphQLEnumType, GraphQLLeafType, Undefined, is_enum_type, is_specified_scalar_type

from gateway.domain.days import write_instant
from gateway.errors import GatewayError
from gateway.schema.scalars import isoformat

INT_MIN, INT_MAX = -(2**31), 2**31 - 1


class Unexpected(GatewayError):
    """A level met what it was not written for: graphql-core executes instead. Carries no value."""


def unexpected(value: Any) -> NoReturn:
    """Stands in expressions where nothing else is right. Raises Unexpected, which tells the class and not the value."""
    raise Unexpected(type(value).__name__)


@dataclass(frozen=True, slots=True)
class Leaf:
    """A value `v` of exactly `class_` that passes `kept` is shown as `written`. `names`: what `written` may look up, or call."""

    class_: type
    written: str = "v"
    kept: str = ""
    names: Any = None


# What graphql-core would do to a value of that very class, as an expression; a subclass goes through `completer`.
_SPECIFIED = {
    "String": Leaf(str),
    "ID": Leaf(str),
    "Boolean": Leaf(bool),
    "Int": Leaf(int, kept=f" and {INT_MIN} <= v <= {INT_MAX}"),
    "Float": Leaf(float, kept=" and isfinite(v)"),
}
_DATES = {isoformat: Leaf(date, "v.isoformat()"), write_instant: Leaf(datetime, "names(v)", names=write_instant)}


@lru_cache(maxsize=256)
def leaf(type_: GraphQLLeafType) -> Leaf | None:
    """The quick way to write a leaf; None when there is none, and every value goes through `completer`."""
    if is_enum_type(type_):
        return _enumeration(type_)
    if is_specified_scalar_type(type_):
        return _SPECIFIED[type_.name]
    # A scalar of ours is known by the function that writes it: no name of a scalar is repeated here.
    write: Any = type_.coerce_output_value
    return Leaf(str) if write is str else _DATES.get(write)


def _enumeration(type_: GraphQLEnumType) -> Leaf | None:
    """The leaf of an enumeration of ours; None for one that is not a Python class."""
    # Strawberry shows a member by its name in the graph; a dictionary of them is quicker than its search.
    class_: Any = getattr(type_, "wrapped_cls", None)
    if not (isinstance(class_, type) and issubclass(class_, Enum)):
        return None
    return Leaf(class_, "names[v._name_]", names={member.name: type_.coerce_output_value(member) for member in class_})


@lru_cache(maxsize=256)
def completer(type_: GraphQLLeafType) -> Callable[[Any], Any]:
    """The function that completes any other value as graphql-core does. It raises Unexpected."""

    def completer(value: Any) -> Any:
        # None and exceptions are not leaves: only graphql-core knows which error they become, and where.
        if value is None or value is Undefined or isinstance(value, Exception):
            raise Unexpected(type_.name)
        rendered = type_.coerce_output_value(value)
        return unexpected(value) if rendered is None or rendered is Undefined else rendered

    return completer
