"""The environment of the process, where any value may stand in a file: what an orchestrator mounts as a secret. Knows no name.

`NAME_FILE` names the file that holds the value of `NAME`, which is then not given; a last line end is not part of it.
"""

import os
from collections.abc import Iterator, Mapping
from pathlib import Path

from gateway.errors import ConfigurationError
from gateway.system_reasons import reason_of

SUFFIX = "_FILE"
BYTES_MAX = 65_536


class Environment(Mapping[str, str]):
    """The variables given, as they are when they are asked for."""

    def __init__(self, given: Mapping[str, str]) -> None:
        self._given = given

    def __getitem__(self, name: str) -> str:
        """Raises ConfigurationError for a value given twice, or a file that does not read."""
        path = self._given.get(name + SUFFIX)
        if not path:
            return self._given[name]
        if name in self._given:
            raise ConfigurationError(f"variables d'environnement {name} et {name}{SUFFIX} : une seule des deux")
        return _content(Path(path), name + SUFFIX)

    def __iter__(self) -> Iterator[str]:
        return iter(self._given)

    def __len__(self) -> int:
        return len(self._given)


def _content(path: Path, variable: str) -> str:
    try:
        if path.stat().st_size > BYTES_MAX:
            raise ConfigurationError(f"variable d'environnement {variable} : {path} : plus de {BYTES_MAX} octets")
        return path.read_text(encoding="utf-8").rstrip("\r\n")
    except OSError as error:
        reason = reason_of(error)
    except ValueError:
        reason = "UTF-8 attendu"
    raise ConfigurationError(f"variable d'environnement {variable} : {path} : fichier illisible ({reason})")


ENVIRONMENT = Environment(os.environ)
