"""What asks for a file of figures, as an operation of the graph; and an answer made without it, written as it would be. Pure."""

from collections.abc import Iterable, Mapping
from dataclasses import fields, is_dataclass
from datetime import date, datetime
from enum import Enum
from functools import cache
from typing import Any

from strawberry.utils.str_converters import to_camel_case

from gateway.domain.days import write_instant
from gateway.errors import InvalidRequest
from gateway.schema.statistics_filter import FiltreStatistiques
from gateway.statistiques.indicators import indicators

PAGE = 1_000  # lines of a page: the cost of one stays under that of an operation
_NUMBERS = ("niveau", "niveaux")
_LISTS = ("regions", "departements", "cfas", "missionsLocales", "niveaux")
OTHERS = ("dimensions", "excel")


@cache
def file_query() -> str:
    """The operation: everything that a file tells of a page."""
    return f"""query ExportStatistiques($filtre: FiltreStatistiques, $dimensions: [Dimension!]!, $first: Int!, $after: String) {{
  statistiques(filtre: $filtre, dimensions: $dimensions, first: $first, after: $after) {{
    lignes {{ dimensions {{ dimension code libelle }} {" ".join(indicators())} provisoire masques }}
    calculeesLe etatAu origine periode {{ depuis jusqua }} protection {{ exacte pas seuil maille }}
    rupturesDeSerie {{ mois source avant apres }} pageInfo {{ hasNextPage endCursor }}
  }}
}}"""


def variables_of(parameters: Iterable[tuple[str, str]]) -> dict[str, Any]:
    """The variables that the parameters of an address come to. Raises InvalidRequest, naming one that is not admitted."""
    known = {to_camel_case(field.name) for field in fields(FiltreStatistiques)}
    filtre: dict[str, Any] = {}
    dimensions: list[str] = []
    for name, text in parameters:
        if name not in known and name not in OTHERS:
            raise InvalidRequest(f"Paramètre non admis. Admis : {', '.join(sorted(known | set(OTHERS)))}.")
        if name == "dimensions":
            dimensions += text.split(",") if text else []
        elif name in filtre:
            raise InvalidRequest(f"Le paramètre {name} est donné deux fois : séparer ses valeurs par des virgules.")
        elif name in known:
            filtre[name] = _value(name, text)
    return {"filtre": filtre, "dimensions": dimensions}


def _value(name: str, text: str) -> Any:
    values = [_number(name, part) if name in _NUMBERS else part for part in text.split(",")]
    return values if name in _LISTS else values[0] if len(values) == 1 else text


def _number(name: str, text: str) -> int:
    if not (text.isascii() and text.isdecimal()) or len(text) > 2:
        raise InvalidRequest(f"Le paramètre {name} est un nombre.")
    return int(text)


def as_graph(value: Any) -> Any:
    """A value as the graph writes it."""
    if isinstance(value, Enum):
        return value.name
    if isinstance(value, datetime):
        return write_instant(value)
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, list | tuple):
        return [as_graph(one) for one in value]
    if is_dataclass(value):
        return {to_camel_case(one.name): as_graph(getattr(value, one.name)) for one in fields(value)}
    return value


def variables_of_page(variables: Mapping[str, Any], after: str | None, first: int = PAGE) -> dict[str, Any]:
    return {**variables, "first": first, "after": after}
