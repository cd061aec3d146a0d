"""Reads a TOML file into a strict model, or says in one line why it cannot. Knows no key of any file."""

import tomllib
from pathlib import Path
from typing import TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError
from pydantic_core import ErrorDetails

from gateway.errors import ErreurConfiguration

RAISONS = {"extra_forbidden": "clé inconnue", "missing": "clé absente", "enum": "valeur inconnue"}


class Modele(BaseModel):
    """A closed record: unknown keys are refused, values do not change."""

    model_config = ConfigDict(extra="forbid", frozen=True)


M = TypeVar("M", bound=Modele)


def lire_toml(chemin: Path, modele: type[M]) -> M:
    """The file as a `modele`. Raises ErreurConfiguration naming the file and the key."""
    try:
        return modele.model_validate(tomllib.loads(chemin.read_text(encoding="utf-8")))
    except OSError as erreur:
        raise ErreurConfiguration(f"{chemin.name} : fichier illisible ({erreur.strerror})") from erreur
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as erreur:
        raise ErreurConfiguration(f"{chemin.name} : TOML invalide ({erreur})") from erreur
    except ValidationError as erreur:
        raise ErreurConfiguration(f"{chemin.name} : {_ligne(erreur.errors(include_url=False)[0])}") from erreur


def _ligne(detail: ErrorDetails) -> str:
    cle = ".".join(str(partie) for partie in detail["loc"]) or "fichier"
    raison = RAISONS.get(detail["type"]) or detail["msg"].removeprefix("Value error, ")
    valeur = f" « {detail['input']} »" if detail["type"] == "enum" else ""
    return f"{cle} : {raison}{valeur}"
