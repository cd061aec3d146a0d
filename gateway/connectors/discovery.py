"""The connectors there are: every module of this package that exports CONNECTOR. A new partner is a new file."""

import pkgutil
from collections.abc import Mapping
from functools import cache
from importlib import import_module

import gateway.connectors
from gateway.connectors.base import Connector
from gateway.errors import ConfigurationError


@cache
def connectors() -> Mapping[str, Connector]:
    """Connectors by kind. Raises ConfigurationError when two modules claim one kind."""
    found: dict[str, Connector] = {}
    for info in pkgutil.iter_modules(gateway.connectors.__path__):
        connector = getattr(import_module(f"gateway.connectors.{info.name}"), "CONNECTOR", None)
        if connector is None:
            continue
        if connector.genre in found:
            raise ConfigurationError(f"gateway/connectors/{info.name}.py : genre « {connector.genre} » déjà pris")
        found[connector.genre] = connector
    return found
