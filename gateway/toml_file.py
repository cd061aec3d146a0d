"""Reads a TOML file into a strict model, or says in one line why it cannot. Knows no key of any file."""

import re
import tomllib
from collections.abc import Sequence
from contextlib import suppress
from difflib import get_close_matches
from pathlib import Path
from typing import Any, TypeVar, get_args

from pydantic import BaseModel, ConfigDict, ValidationError
from pydantic_core import ErrorDetails

from gateway.errors import ConfigurationError
from gateway.system_reasons import reason_of

BYTES_MAX = 8 * 1024 * 1024
_REASONS = {
    "extra_forbidden": "clé inconnue",
    "missing": "clé absente",
    "union_tag_invalid": "type d'accès inconnu",  # the one union of our files is of credentials
    "union_tag_not_found": "clé « type » absente",
}
# What pydantic says in English, by the beginning of its type of error; its context fills the braces.
_EXPECTED = {
    "bool_": "true ou false attendu",
    "int_": "nombre entier attendu",
    "float_": "nombre attendu",
    "finite_number": "nombre fini attendu",
    "string_pattern_mismatch": "forme attendue : {pattern}",
    "string_too_short": "caractères : {min_length} au moins",
    "string_too_long": "caractères : {max_length} au plus",
    "string_": "texte attendu",
    "too_short": "éléments : {min_length} au moins",
    "too_long": "éléments : {max_length} au plus",
    "greater_than_equal": "{ge:g} au moins",
    "greater_than": "plus de {gt:g}",
    "less_than_equal": "{le:g} au plus",
    "less_than": "moins de {lt:g}",
    "literal_error": "au choix {expected}",
    "date_": "date AAAA-MM-JJ attendue",
    "time_": "heure HH:MM attendue",
    "path_": "chemin attendu",
    "url_": "URL http(s) attendue",
    "ip_": "adresse ou réseau IP attendu",
    "list_": "liste attendue",
    "tuple_": "liste attendue",
    "set_": "liste attendue",
    "frozen_set_": "liste attendue",
    "dict_": "table attendue",
    "model_": "table attendue",
}
_HEADER = re.compile(r"\s*\[{1,2}([^\[\]]+)\]{1,2}\s*(?:#.*)?$")
_ASSIGNED = re.compile(r"""\s*((?:[\w-]+|"[^"]*"|'[^']*')(?:\s*\.\s*(?:[\w-]+|"[^"]*"|'[^']*'))*)\s*=""")
_PART = re.compile(r"""[\w-]+|"[^"]*"|'[^']*'""")
_QUOTED = re.compile("« (.+?) »")
_PLACE = re.compile(r"\(at (?:line (\d+), column (\d+)|end of document)\)$")


class StrictModel(BaseModel):
    """A closed record: unknown keys are refused, values do not change."""

    model_config = ConfigDict(extra="forbid", frozen=True)


M = TypeVar("M", bound=StrictModel)


def read_toml(path: Path, model: type[M], shown_as: str | None = None) -> M:
    """The file as a `model`.

    Raises ConfigurationError naming each key that is wrong, and the file: by its path, or as `shown_as`.
    """
    name, document = shown_as or path, _document(path, shown_as or path)
    try:
        return model.model_validate(document)
    except ValidationError as error:  # not chained: its own text holds the values of the file
        # A key that is misspelt is unknown, and another absent: what is written is told first.
        details = sorted(error.errors(include_url=False), key=lambda one: not _nearest(one, model))
        first, *others = (_told(detail, path, name, document, model) for detail in details)
        raise ConfigurationError(first, others) from None


def _told(detail: ErrorDetails, path: Path, name: str | Path, document: Any, model: type[BaseModel]) -> str:
    """A mistake in one line: the file, the line, the key, why."""
    reason = _reason(detail) + _nearest(detail, model)
    return f"{name}{_line_of(path, detail['loc'], reason)} : {_key(detail['loc'], document)} : {reason}"


def _line_of(path: Path, location: Sequence[int | str], reason: str) -> str:
    """Where a mistake stands in a file, as a message says it: the last line that holds the text that it quotes when it is one of
    a whole table, the line of its key, else that of its table; nothing when unsure."""
    keys = [part for part in location if isinstance(part, str)]
    found, depth, table = 0, 0, list[str]()
    quoted = _QUOTED.search(reason)
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        if quoted and len(keys) <= 1 and f'"{quoted[1]}"' in line:
            found, depth = number, len(keys)
        if header := _HEADER.match(line):
            table = _parts(header[1])
            here = table
        elif key := _ASSIGNED.match(line):
            here = [*table, *_parts(key[1])]
        else:
            continue
        if len(here) > depth and here == keys[: len(here)]:
            found, depth = number, len(here)
    return f" : ligne {found}" if found else ""


def _parts(written: str) -> list[str]:
    return [part[1:-1] if part[0] in "\"'" else part for part in _PART.findall(written)]


def _nearest(detail: ErrorDetails, model: type[BaseModel]) -> str:
    """The key that an unknown one is probably meant for."""
    if detail["type"] != "extra_forbidden":
        return ""
    models = {model}
    for part in detail["loc"][:-1]:
        inside = [one.model_fields[part].annotation for one in models if part in one.model_fields]
        models = {found for annotation in inside for found in _models_in(annotation)} or models
    known = [name for one in models for name in one.model_fields]
    near = get_close_matches(str(detail["loc"][-1]), known, 1)
    return f" ; « {near[0]} » ?" if near else ""


def _models_in(annotation: Any) -> set[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return {annotation}
    return {found for argument in get_args(annotation) for found in _models_in(argument)}


def _document(path: Path, name: str | Path) -> dict[str, Any]:
    try:
        if path.exists() and not path.is_file():  # a pipe would never end
            raise ConfigurationError(f"{name} : fichier illisible (n'est pas un fichier)")
        if path.stat().st_size > BYTES_MAX:
            raise ConfigurationError(f"{name} : fichier illisible (plus de {BYTES_MAX} octets)")
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigurationError(f"{name} : fichier illisible ({reason_of(error)})") from error
    except RecursionError:
        raise ConfigurationError(f"{name} : TOML invalide (imbrication sans fond)") from None
    except ValueError as error:  # not TOML, not UTF-8, an endless number
        raise ConfigurationError(f"{name} : TOML invalide{_place(error)}") from error


def _place(error: ValueError) -> str:
    """Where a document stops being TOML: what tomllib says of it besides is English."""
    if isinstance(error, UnicodeDecodeError):
        return " (UTF-8 attendu)"
    found = _PLACE.search(str(error))
    return "" if found is None else f" (ligne {found[1]}, colonne {found[2]})" if found[1] else " (à la fin du fichier)"


def _key(location: tuple[int | str, ...], document: Any) -> str:
    """The path of a key, "fichier" for the whole file.

    pydantic adds the member that it chose of a union, which is not in the file: what cannot be followed there is left out.
    """
    names = []
    for part in location[:-1]:
        with suppress(LookupError, TypeError):
            document = document[part]
            names.append(str(part))
    return ".".join([*names, *map(str, location[-1:])]) or "fichier"


def _reason(detail: ErrorDetails) -> str:
    """The French text of an error. A rule of ours over several values tells all; of one value, what is expected follows."""
    if detail["type"] == "enum":
        return f"valeur inconnue « {detail['input']} »"
    if detail["type"] == "value_error":
        message = detail["msg"].removeprefix("Value error, ")
        return f"valeur invalide ({message})" if isinstance(detail["input"], str) else message
    return _REASONS.get(detail["type"]) or f"valeur invalide{_expected(detail)}"


def _expected(detail: ErrorDetails) -> str:
    for kind, expected in _EXPECTED.items():
        if detail["type"].startswith(kind):
            context = detail.get("ctx", {})
            return f" ({expected.format(**context)})".replace("' or '", "' ou '")
    return ""
