"""What an object holds, wherever it holds it: slots or dictionary, private attributes included."""

from typing import Any


def attributes_of(item: Any) -> dict[str, Any]:
    """Its attributes that are set, by name."""
    slots = [name for class_ in type(item).__mro__ for name in getattr(class_, "__slots__", ())]
    names = [*slots, *getattr(item, "__dict__", {})]
    return {name: getattr(item, name) for name in names if hasattr(item, name)}
