"""Reads a TOML file into a strict model, or says in one line why it cannot. Knows no key of any file."""

import tomllib
from contextlib import suppress
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError
from pydantic_core import ErrorDetails

from gateway.errors import ConfigurationError

BYTES_MAX = 8 * 1024 * 1024
_REASONS = {
    "extra_forbidden": "clé inconnue",
    "missing": "clé absente",
    "union_tag_invalid": "type d'accès inconnu",  # the one union of our files is of credentials
    "union_tag_not_found": "clé « type » absente",
}


class StrictModel(BaseModel):
    """A closed record: unknown keys are refused, values do not change."""

    model_config = ConfigDict(extra="forbid", frozen=True)


M = TypeVar("M", bound=StrictModel)


def read_toml(path: Path, model: type[M], shown_as: str | None = None) -> M:
    """The file as a `model`.

    Raises ConfigurationError naming the key and the file: by its path, or as `shown_as`.
    """
    name, document = shown_as or path, _document(path, shown_as or path)
    try:
        return model.model_validate(document)
    except ValidationError as error:  # not chained: its own text holds the values of the file
        detail = error.errors(include_url=False)[0]
        raise ConfigurationError(f"{name} : {_key(detail['loc'], document)} : {_reason(detail)}") from None


def _document(path: Path, name: str | Path) -> dict[str, Any]:
    try:
        if path.exists() and not path.is_file():  # a pipe would never end
            raise ConfigurationError(f"{name} : fichier illisible (n'est pas un fichier)")
        if path.stat().st_size > BYTES_MAX:
            raise ConfigurationError(f"{name} : fichier illisible (plus de {BYTES_MAX} octets)")
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigurationError(f"{name} : fichier illisible ({error.strerror})") from error
    except RecursionError:
        raise ConfigurationError(f"{name} : TOML invalide (imbrication sans fond)") from None
    except ValueError as error:  # not TOML, not UTF-8, an endless number
        raise ConfigurationError(f"{name} : TOML invalide ({error})") from error


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
    message = detail["msg"].removeprefix("Value error, ")
    whole = detail["type"] == "value_error" and not isinstance(detail["input"], str)
    return _REASONS.get(detail["type"]) or (message if whole else f"valeur invalide ({message})")
