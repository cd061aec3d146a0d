"""Turns arguments as the graph coerced them into what resolvers take. Knows the types of arguments, and no resolver."""

from collections.abc import Callable, Mapping
from functools import cache
from typing import Any

from graphql import GraphQLField, GraphQLInputType, is_input_object_type, is_list_type, is_non_null_type

Conversion = Callable[[Any], Any]


def convert(field: GraphQLField, coerced: Mapping[str, Any]) -> dict[str, Any]:
    """The arguments, by the names that the resolver of `field` gives them."""
    return {_name(field.args[name]): conversion(field.args[name].type)(value) for name, value in coerced.items()}


# Strawberry reads its annotations again at each call: 90 µs for the filter of a list. Here a type is read once.
@cache
def conversion(type_: GraphQLInputType) -> Conversion:
    """The function of a type, from a coerced value: an instance for an object, a new list for a list, else the value."""
    if is_non_null_type(type_):
        return conversion(type_.of_type)
    if is_list_type(type_):
        return _of_list(conversion(type_.of_type))
    if is_input_object_type(type_):
        class_: Any = type_.extensions["strawberry-definition"].origin
        return _of_object(class_, {name: (_name(field), field.type) for name, field in type_.fields.items()})
    return _as_is


def _name(element: Any) -> str:
    name: str = element.extensions["strawberry-definition"].python_name
    return name


def _as_is(value: Any) -> Any:
    return value


def _of_list(element: Conversion) -> Conversion:
    return lambda values: None if values is None else [element(value) for value in values]


def _of_object(class_: Callable[..., Any], fields: Mapping[str, tuple[str, GraphQLInputType]]) -> Conversion:
    # A field left out has the default of its class: what is null and what is not given stay different.
    def converted(values: Mapping[str, Any] | None) -> Any:
        if values is None:
            return None
        # The types of fields are read at the first value, not above: an input object may hold itself.
        given = ((fields[name], value) for name, value in values.items())
        return class_(**{name: conversion(type_)(value) for (name, type_), value in given})

    return converted
