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
# What tomllib says in English, by its beginning.
_WRONG = {
    "Invalid value": "valeur attendue ; un texte se met entre guillemets",
    "Illegal character": "guillemet fermant attendu",
    "Unterminated string": "guillemet fermant attendu",
    "Expected '=' after a key": "« = » attendu ; une clé d'autres signes que lettres, chiffres, - et _ se met entre guillemets",
    "Invalid initial character": "une clé d'autres signes que lettres, chiffres, - et _ se met entre guillemets",
    "Expected ']'": "« ] » attendu",
    "Unclosed inline table": "« , » ou « } » attendu",
    "Unclosed array": "« , » ou « ] » attendu",
    "Expected newline": "fin de ligne attendue",
    "Cannot declare": "table écrite deux fois",
    "Cannot overwrite": "clé écrite deux fois",
    "Duplicate inline table key": "clé écrite deux fois",
}
KNOWN_MAX = 30  # keys that are told where none is near
SURELY = 0.8  # how alike two keys are, for one to be the other misspelt
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
        details = sorted(error.errors(include_url=False), key=lambda one: one["type"] != "extra_forbidden")
        first, *others = (_told(detail, path, name, document, model) for detail in details)
        raise ConfigurationError(first, others) from None


def _told(detail: ErrorDetails, path: Path, name: str | Path, document: Any, model: type[BaseModel]) -> str:
    """A mistake in one line: the file, the line, the key, why."""
    reason = _reason(detail) + _nearest(detail, model)
    return f"{name}{line_of(path, detail['loc'], reason)} : {_key(detail['loc'], document)} : {reason}"


def line_of(path: Path, location: Sequence[int | str], reason: str = "") -> str:
    """Where a mistake stands in a file, as a message says it: the last line that holds the text that it quotes when it is one of
    a whole table, the line of its key, else that of its table; nothing when unsure."""
    keys = [part for part in location if isinstance(part, str)]
    found, depth, table = 0, 0, list[str]()
    quoted = _QUOTED.search(reason)
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        if quoted and len(keys) <= 1 and (f'"{quoted[1]}"' in line or line.startswith((quoted[1], f"[{quoted[1]}]"))):
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
    """The key that an unknown one is probably meant for, in its table or in one below; else those that there are, when few."""
    if detail["type"] != "extra_forbidden":
        return ""
    models, wrong = {model}, str(detail["loc"][-1])
    for part in detail["loc"][:-1]:
        inside = [one.model_fields[part].annotation for one in models if part in one.model_fields]
        models = {found for annotation in inside for found in _models_in(annotation)} or _of_type(models, part)
    fields = {name: field for one in models for name, field in one.model_fields.items()}
    below = [
        f"{name}.{wrong}"
        for name, field in fields.items()
        if any(wrong in one.model_fields for one in _models_in(field.annotation))
    ]
    if near := get_close_matches(wrong, fields, 1, SURELY) or below[:1] or get_close_matches(wrong, fields, 1):
        return f" ; « {near[0]} » ?"
    return f" (au choix {', '.join(sorted(fields))})" if len(fields) <= KNOWN_MAX else ""


def _of_type(models: set[type[BaseModel]], tag: int | str) -> set[type[BaseModel]]:
    """Those of a union that a `type` chooses, which is a part of the place that is told."""
    return {
        one for one in models if "type" in one.model_fields and tag in get_args(one.model_fields["type"].annotation)
    } or models


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
        return tomllib.loads(path.read_text(encoding="utf-8").removeprefix("\ufeff"))
    except OSError as error:
        raise ConfigurationError(f"{name} : fichier illisible ({reason_of(error)})") from error
    except RecursionError:
        raise ConfigurationError(f"{name} : TOML invalide (imbrication sans fond)") from None
    except ValueError as error:  # not TOML, not UTF-8, an endless number
        raise ConfigurationError(f"{name} : TOML invalide{_place(error)}") from error


def _place(error: ValueError) -> str:
    """Where a document stops being TOML: what tomllib says of it besides is English."""
    if isinstance(error, UnicodeDecodeError):
        return f" (ligne {error.object[: error.start].count(10) + 1} : UTF-8 attendu)"
    found = _PLACE.search(str(error))
    if found is None:
        return ""
    why = next((f" : {told}" for said, told in _WRONG.items() if str(error).startswith(said)), "")
    return f" (ligne {found[1]}, colonne {found[2]}{why})" if found[1] else f" (à la fin du fichier{why})"


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
    if detail["type"] == "union_tag_invalid":
        known = str(detail.get("ctx", {}).get("expected_tags", "")).replace("'", "")
        return f"{_REASONS[detail['type']]} (au choix {known})"
    return _REASONS.get(detail["type"]) or f"valeur invalide{_expected(detail)}"


def _expected(detail: ErrorDetails) -> str:
    for kind, expected in _EXPECTED.items():
        if detail["type"].startswith(kind):
            context = detail.get("ctx", {})
            return f" ({expected.format(**context)})".replace(" or ", " ou ")
    return ""
