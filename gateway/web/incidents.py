"""The incidents that the operator tells, as their file is now: read again when it changes. Knows no page.

A file that does not read stops nothing: it is written in a hurry, while something else is wrong. The last good one is told, and
`config check` says what is wrong.
"""

import logging
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from pathlib import Path

from gateway.errors import ConfigurationError
from gateway.state_settings import Incident, IncidentsFile
from gateway.toml_file import read_toml

FILE = "incidents.toml"
REREAD_AFTER = 10.0  # seconds between two looks at the file
SHOWN_AFTER = timedelta(days=7)  # once over
SHOWN = 20
logger = logging.getLogger("gateway.etat")


def read_incidents(path: Path) -> Sequence[Incident]:
    """Those of a file, none where there is no file. Raises ConfigurationError."""
    return read_toml(path, IncidentsFile).incidents if path.exists() else ()


class Incidents:
    """Those of `path`; `seconds` is a clock."""

    def __init__(self, path: Path, seconds: Callable[[], float]) -> None:
        self._path, self._seconds = path, seconds
        self._known: Sequence[Incident] = ()
        self._mark: tuple[int, int] | None = None
        self._seen_at = float("-inf")

    def shown(self, now: datetime) -> list[Incident]:
        """Those to be told now: under way and planned, and those over for a week at most; the last to begin first."""
        self._look()
        told = [one for one in self._known if one.fin is None or now - one.fin < SHOWN_AFTER]
        return sorted(told, key=lambda one: one.debut, reverse=True)[:SHOWN]

    def _look(self) -> None:
        instant = self._seconds()
        if instant - self._seen_at < REREAD_AFTER:
            return
        self._seen_at, mark = instant, _mark(self._path)
        if mark == self._mark:
            return
        self._mark = mark  # once for each writing: what is wrong is not told again every ten seconds
        try:
            self._known = read_incidents(self._path)
        except ConfigurationError as error:
            logger.error("incidents inchangés : %s", error)


def _mark(path: Path) -> tuple[int, int] | None:
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size
