"""How a leaf is written: a test that a value is already of the class its type shows, and graphql-core's own word otherwise."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime
from enum import Enum
from functools import lru_cache
from typing import Any, NoReturn

from graphql import GraphQLEnumType, GraphQLLeafType, Undefined, is_enum_type, is_specified_scalar_type
from strawberry.schema.types.base_scalars import isoformat

from gateway.errors import ErreurPasserelle

INT_MIN, INT_MAX = -(2**31), 2**31 - 1


class Imprevu(ErreurPasserelle):
    """A level met what it was not written for: graphql-core executes instead. Carries no value."""


def imprevu(valeur: Any) -> NoReturn:
    """Stands in expressions where nothing else is right. `valeur` is not told."""
    raise Imprevu(type(valeur).__name__)


@dataclass(frozen=True, slots=True)
class Feuille:
    """A value `v` of exactly `classe` that passes `garde` is shown as `ecrit`. `noms`: what `ecrit` may look up."""

    classe: type
    ecrit: str = "v"
    garde: str = ""
    noms: dict[str, str] | None = None


_SPECIFIEES = {
    "String": Feuille(str),
    "ID": Feuille(str),
    "Boolean": Feuille(bool),
    "Int": Feuille(int, garde=f" and {INT_MIN} <= v <= {INT_MAX}"),
    "Float": Feuille(float, garde=" and isfinite(v)"),
}
_DATES = {"Date": Feuille(date, "v.isoformat()"), "DateTime": Feuille(datetime, "v.isoformat()")}


@lru_cache(maxsize=256)
def feuille(type_: GraphQLLeafType) -> Feuille | None:
    """The quick way to write a leaf; None when there is none, and every value goes through `completeur`."""
    if is_enum_type(type_):
        return _enumeration(type_)
    if is_specified_scalar_type(type_):
        return _SPECIFIEES[type_.name]
    ecrire: Any = type_.coerce_output_value
    if ecrire is str:
        return Feuille(str)
    return _DATES.get(type_.name) if ecrire is isoformat else None


def _enumeration(type_: GraphQLEnumType) -> Feuille | None:
    """Strawberry shows a member by its name in the graph; a dictionary of them is quicker than its search."""
    classe: Any = getattr(type_, "wrapped_cls", None)
    if not (isinstance(classe, type) and issubclass(classe, Enum)):
        return None
    return Feuille(classe, "noms[v._name_]", noms={membre.name: type_.coerce_output_value(membre) for membre in classe})


@lru_cache(maxsize=256)
def completeur(type_: GraphQLLeafType) -> Callable[[Any], Any]:
    """Any other value, as graphql-core completes it."""

    def completer(valeur: Any) -> Any:
        if valeur is None or valeur is Undefined or isinstance(valeur, Exception):
            raise Imprevu(type_.name)
        rendu = type_.coerce_output_value(valeur)
        return imprevu(valeur) if rendu is None or rendu is Undefined else rendu

    return completer
