"""Types of the graph whose objects keep their values in slots. Knows no type by name, and no rule.

A process holds hundreds of thousands of nouns. An object of more than thirty attributes has a dictionary of its own (CPython,
`SHARED_KEYS_MAX_SIZE`), and so has any other from the first time that its `__dict__` is asked for: half of what a region takes.
"""

import dataclasses
from functools import cache
from typing import Any, TypeVar, cast

from strawberry.types import get_object_definition

T = TypeVar("T", bound=type)


def with_slots(type_: T) -> T:
    """The same type of the graph, above its declaration: its objects have a slot for each value, and room for nothing else.

    As `dataclasses.dataclass(slots=True)` does, which Strawberry does not ask for: a class is given slots when it is made,
    so that this is another class, and the definition designates it.
    """
    own = dict(vars(type_))
    names = [name for name in stored(type_) if name in own.get("__annotations__", {})]
    for name in (*names, "__dict__", "__weakref__"):
        own.pop(name, None)
    made: Any = type(type_)(type_.__name__, type_.__bases__, {**own, "__slots__": tuple(names)})
    definition = get_object_definition(made, strict=True)
    definition.origin = made
    for field in definition.fields:
        if field.origin is type_:
            field.origin = made
    stored(made)  # known from the start, as is all that an answer asks of it
    return cast("T", made)


@cache
def stored(type_: type) -> tuple[str, ...]:
    """The attributes that its objects hold: what a resolver answers is none of them."""
    return tuple(field.name for field in dataclasses.fields(type_) if field.init)
