"""The reference of configuration: each key of each file with its type and its default, as the models that read them have it,
beside what docs/configuration.md says of it. French: it is read by operators."""

from collections.abc import Iterator, Mapping
from enum import Enum
from types import UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from gateway.auth.authentication.clients import RegisteredClient
from gateway.config import GatewayFile
from gateway.connectors.table.dialect import Dialect
from gateway.issuer_settings import IssuerSettings
from gateway.sources.partners.file_format import PartnerFile
from tools.site.documented_rows import documented

FILES: tuple[
    tuple[str, type[BaseModel], str], ...
] = (  # a section of the page, the model, the table that its keys are in
    ("gateway.toml", GatewayFile, ""),
    ("Émetteurs", IssuerSettings, ""),
    ("clients.toml", RegisteredClient, "[clients.<identifiant>]"),
    ("partenaires/*.toml", PartnerFile, ""),
)
WORDS: Mapping[Any, str] = {
    str: "texte",
    int: "nombre entier",
    float: "nombre",
    bool: "`true` ou `false`",
}
NAMES = {
    "HttpUrl": "adresse",
    "Path": "chemin",
    "PurePosixPath": "chemin",
    "date": "jour (`AAAA-MM-JJ`)",
    "time": "heure (`HH:MM`)",
    "datetime": "instant",
    "IPvAnyNetwork": "adresse ou réseau",
    "dict": "table",
}


def settings_page() -> str:
    """Every key of every file."""
    parts = [
        "# Clés de configuration\n",
        "Ce que lisent les fichiers de cette version : le type et le défaut viennent du code qui les lit, le sens de "
        "[Configuration](../configuration.md), qui dit aussi les variables d'environnement et les locataires.\n",
        *(_file(title, model, table) for title, model, table in FILES),
    ]
    return "\n".join(parts)


def _file(title: str, model: type[BaseModel], table: str) -> str:
    meanings = documented("configuration.md", title)
    keys: dict[str, list[FieldInfo]] = {}
    for key, field in _keys(model, table):
        keys.setdefault(key, []).append(field)
    rows = [
        f"| `{key}` | {_kind(fields)} | {_default(fields[0])} | {_meaning(key, meanings)} |"
        for key, fields in keys.items()
    ]
    return f"## {title}\n\n| clé | type | défaut | sens |\n| --- | --- | --- | --- |\n" + "\n".join(rows) + "\n"


def _keys(model: type[BaseModel], table: str) -> Iterator[tuple[str, FieldInfo]]:
    """Every key under a table, those of tables inside included. A key of several forms of one table comes once for each."""
    for name, field in model.model_fields.items():
        key = field.alias or name
        inner = [one for one in _types(field.annotation) if isinstance(one, type) and issubclass(one, BaseModel)]
        if not inner or IssuerSettings in inner or Dialect in inner:
            yield f"{table} {key}".strip(), field
        for one in inner if not {IssuerSettings, Dialect} & {*inner} else ():
            yield from _keys(one, _inside(table, key, field))


def _inside(table: str, key: str, field: FieldInfo) -> str:
    outer = table.strip("[]")
    named = f"{outer}.{key}".strip(".")
    kinds = [get_origin(one) for one in _types(field.annotation)]
    if dict in kinds or Mapping in kinds:
        return f"[{named}.<nom>]"
    return f"[[{named}]]" if tuple in kinds or list in kinds else f"[{named}]"


def _types(annotation: Any) -> Iterator[Any]:
    yield annotation
    for argument in get_args(annotation):
        yield from _types(argument)


def _kind(fields: list[FieldInfo]) -> str:
    return " ou ".join(dict.fromkeys(_word(field.annotation) for field in fields))


def _word(annotation: Any) -> str:
    origin, arguments = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        return _word(arguments[0])
    if origin is Literal:
        return "un de " + ", ".join(f"`{one}`" for one in arguments)
    if origin in (Union, UnionType):
        return " ou ".join(dict.fromkeys(_word(one) for one in arguments if one is not type(None)))
    if origin in (tuple, list, frozenset, set):
        return f"liste : {_word(arguments[0])}"
    if isinstance(annotation, type) and issubclass(annotation, Enum):
        return "un de " + ", ".join(f"`{one.value}`" for one in annotation)
    return WORDS.get(annotation) or NAMES.get(getattr(annotation, "__name__", "dict"), "table")


def _default(field: FieldInfo) -> str:
    value = field.get_default(call_default_factory=True)
    if value is PydanticUndefined:
        return "obligatoire"
    if value is None or value == "" or (isinstance(value, dict) and not value):
        return "aucun"
    if isinstance(value, bool):
        return f"`{str(value).lower()}`"
    if isinstance(value, list | tuple | frozenset | set):
        return "`[" + ", ".join(sorted(f'"{getattr(one, "value", one)}"' for one in value)) + "]`"
    return f"`{getattr(value, 'value', value)}`"


def _meaning(key: str, meanings: Mapping[str, tuple[str, ...]]) -> str:
    """What the page says of a key; a key that is told of with others, by its own name."""
    name = key.rpartition("] ")[2]
    written = (key, name, f"[{name}]", f"[[{name}]]", f"[{name}] <nom>")
    cells = next((meanings[one] for one in written if one in meanings), ())
    return cells[-1] if cells else "voir [Configuration](../configuration.md)"
