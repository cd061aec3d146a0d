"""The connectors there are: every module of this package that exports CONNECTEUR. A new partner is a new file."""

import pkgutil
from collections.abc import Mapping
from functools import cache
from importlib import import_module

import gateway.connectors
from gateway.connectors.base import Connecteur
from gateway.errors import ErreurConfiguration


@cache
def connecteurs() -> Mapping[str, Connecteur]:
    """Connectors by kind. Raises ErreurConfiguration when two modules claim one kind."""
    trouves: dict[str, Connecteur] = {}
    for info in pkgutil.iter_modules(gateway.connectors.__path__):
        if info.name == "registry":
            continue
        connecteur = getattr(import_module(f"gateway.connectors.{info.name}"), "CONNECTEUR", None)
        if connecteur is None:
            continue
        if connecteur.genre in trouves:
            raise ErreurConfiguration(f"gateway/connectors/{info.name}.py : genre « {connecteur.genre} » déjà pris")
        trouves[connecteur.genre] = connecteur
    return trouves
