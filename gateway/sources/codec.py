"""Records as bytes and back: JSON by the types of the classes. Knows no class by name, and runs no code it reads.

The version is drawn from the fields and their types: a class that changed reads nothing that was written before.
"""

import dataclasses
import hashlib
from typing import Any, get_args, get_type_hints

import msgspec

from gateway.cache.sealed import Codec


def codec(class_: type) -> Codec:
    """How records of a dataclass are written, and all that they hold. Raises TypeError for a type that cannot be.

    Reading raises ValueError for bytes that are not such a record.
    """
    version = hashlib.sha256(repr(["msgspec", _shape(class_, set())]).encode()).hexdigest()[:16]
    return Codec(version, msgspec.json.Encoder().encode, msgspec.json.Decoder(class_).decode)


def _shape(type_: Any, seen: set[Any]) -> Any:
    """The names and types of all that a type leads to."""
    inner = [_shape(argument, seen) for argument in get_args(type_)]
    if not dataclasses.is_dataclass(type_) or type_ in seen:
        return [repr(type_), inner]
    seen.add(type_)
    types = get_type_hints(type_)
    fields = [field.name for field in dataclasses.fields(type_) if field.init]
    return [repr(type_), [[name, _shape(types[name], seen)] for name in fields]]
