"""Connectors that live outside the repository: a file beside the partner's TOML, admitted by the digest of its bytes; an entry
point, admitted by its name. A plugin is trusted code, not a sandbox: what admits it is whoever writes gateway.toml.

The bytes are read once, then hashed, then compiled: what was admitted is what runs.
"""

import os
import re
import stat
import sys
import traceback
from collections.abc import Mapping
from difflib import get_close_matches
from hashlib import sha256
from importlib.metadata import entry_points
from pathlib import Path
from types import ModuleType

from gateway.connectors.base import Connector
from gateway.connectors.table.engine import TABLE
from gateway.error_places import place_of
from gateway.errors import ConfigurationError
from gateway.system_reasons import reason_of

PLUGIN = "connecteur.py"
GROUP = "passerelle.connecteurs"  # of the entry points
INSTALLED = "paquet"  # what gateway.toml says of a connector that is installed
BYTES_MAX = 1_000_000
_IMPORTED = re.compile(r"cannot import name '(?P<name>[^']*)' from '(?P<module>[^']*)'")
_OTHERS = stat.S_IWGRP | stat.S_IWOTH


def plugins(folder: Path, admitted: Mapping[str, str], known: Mapping[str, Connector]) -> dict[str, Connector | str]:
    """By name, the connector that gateway.toml admits, or in one line why there is none. `folder`: that of the partners."""
    return {name: _plugin(folder / name / PLUGIN, name, told, known) for name, told in admitted.items()}


def _plugin(path: Path, name: str, told: str, known: Mapping[str, Connector]) -> Connector | str:
    try:
        if name in {*known, TABLE}:
            raise ConfigurationError(
                f"gateway.toml : connecteurs.{name} : ce nom est celui d'un connecteur de la passerelle"
            )
        return _installed(name) if told == INSTALLED else _admitted(path, name, told)
    except ConfigurationError as error:
        return str(error)


def _admitted(path: Path, name: str, told: str) -> Connector:
    body = read_plugin(path)
    if told != digest(body):
        raise ConfigurationError(
            f'{path} : n\'est pas le fichier admis ; gateway.toml : [connecteurs] {name} = "{digest(body)}"'
        )
    return load_plugin(path, name, body)


def digest(body: bytes) -> str:
    """How gateway.toml names the bytes of a plugin."""
    return f"sha256:{sha256(body).hexdigest()}"


def read_plugin(path: Path) -> bytes:
    """The bytes of a plugin, that nobody but its owner may write. Raises ConfigurationError."""
    try:
        with path.open("rb") as file:
            for one in (os.fstat(file.fileno()), path.parent.stat()):
                if one.st_mode & _OTHERS:
                    raise ConfigurationError(f"{path} : d'autres peuvent l'écrire ; chmod go-w, dossier compris")
            body = file.read(BYTES_MAX + 1)
    except OSError as error:
        raise ConfigurationError(f"{path} : illisible ({reason_of(error)})") from None
    if len(body) > BYTES_MAX:
        raise ConfigurationError(f"{path} : plus de {BYTES_MAX} octets")
    return body


def load_plugin(path: Path, name: str, body: bytes) -> Connector:
    """The connector of a plugin. Raises ConfigurationError, with the line where it fails."""
    module = ModuleType(f"passerelle_connecteur_{name.replace('-', '_')}")
    module.__file__ = str(path)
    sys.modules[module.__name__] = module  # payload models look for their module there
    try:
        exec(compile(body, str(path), "exec"), module.__dict__)  # noqa: S102 - admitted by its digest
    except SyntaxError as error:
        raise ConfigurationError(f"{path} : ligne {error.lineno} : Python illisible") from None
    except ImportError as error:
        raise ConfigurationError(f"{path}{_line_in(path, error)} : {_not_found(error)}") from None
    except (Exception, SystemExit) as error:
        raise ConfigurationError(
            f"{path} : {place_of(error) if isinstance(error, Exception) else 'SystemExit'}"
        ) from None
    return _checked(str(path), name, getattr(module, "CONNECTOR", None))


def _line_in(path: Path, error: BaseException) -> str:
    lines = [line for frame, line in traceback.walk_tb(error.__traceback__) if frame.f_code.co_filename == str(path)]
    return f" : ligne {lines[-1]}" if lines else ""


def _not_found(error: ImportError) -> str:
    """What an import names and does not find: nothing was read yet, so that its words are of the code alone."""
    found = _IMPORTED.match(error.msg)
    if found is None:
        alone = "un connecteur tient en un fichier, et n'importe que ce qui est installé"
        return f"« {error.name or 'from .'} » ne s'importe pas ; {alone}"
    known = dir(sys.modules.get(found["module"]))
    near = get_close_matches(found["name"], known, 1)
    return f"« {found['name']} » n'est pas dans {found['module']}" + (f" ; « {near[0]} » ?" if near else "")


def _installed(name: str) -> Connector:
    found = list(entry_points(group=GROUP, name=name))
    if len(found) != 1:
        raise ConfigurationError(
            f"gateway.toml : connecteurs.{name} : {len(found)} paquet(s) installé(s) le donnent, 1 attendu ({GROUP})"
        )
    try:
        return _checked(f"paquet {found[0].value}", name, found[0].load())
    except Exception as error:
        if isinstance(error, ConfigurationError):
            raise
        raise ConfigurationError(f"gateway.toml : connecteurs.{name} : {place_of(error)}") from None


def _checked(where: str, name: str, connector: object) -> Connector:
    if not isinstance(connector, Connector):
        raise ConfigurationError(f"{where} : CONNECTOR = Connector(…) attendu")
    if connector.genre != name:
        raise ConfigurationError(f"{where} : CONNECTOR : genre « {connector.genre} », « {name} » attendu")
    return connector
