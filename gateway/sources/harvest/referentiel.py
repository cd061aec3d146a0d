"""Keeps the referential (communes, Missions locales, organismes): read from its partner at start and daily, on disk in between.

Knows no HTTP and no noun. Without a referential nothing can be placed: a gateway does not start, and never replaces a whole
one by an empty one, nor by one that lost a share of it (docs/decisions/0072).
"""

import asyncio
import json
import logging
import os
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import Any

from gateway.concurrency import Sleep, every
from gateway.connectors.base import QualityCounts, ReadingSteps
from gateway.domain.referentiel import CommuneLine, MissionLocaleRow, OrganismeRow, Referentiel
from gateway.errors import ConfigurationError, SourceError
from gateway.system_reasons import reason_of

VERSION = 1  # of the file: another one is not read
PERIOD = 24 * 3600.0  # seconds between two harvests
RETRY_AFTER = 60.0  # … after a failed one
SHARE = 0.8  # of each table of the former one, below which a new one is not believed: places close one at a time
PATIENCE = 10.0  # seconds a start waits for a fresher referential than the disk's

logger = logging.getLogger("gateway.referentiel")

Steps = ReadingSteps[tuple[Referentiel, QualityCounts]]
Read = Callable[[Steps], Awaitable[tuple[Referentiel, QualityCounts]]]


class ReferentielKeeper:
    """The referential of the moment. `current` is replaced whole, never changed."""

    def __init__(self, path: Path, read: Read, reading: Callable[[], Steps]) -> None:
        self._path, self._read, self._reading = path, read, reading
        self.current = Referentiel()
        self._harvested = False  # since the start

    async def open(self) -> None:
        """Harvest, else read the disk, which a partner that hangs does not delay. Raises ConfigurationError when there is
        neither."""
        copy = self._path.exists()
        if copy:  # what is harvested is compared with it; one that cannot be read is told only if it has to serve
            with suppress(ConfigurationError):
                self.current = await asyncio.to_thread(_reread, self._path)
        # A start must not hang on a partner that does, unless there is nothing else to start with.
        try:
            async with asyncio.timeout(PATIENCE if copy else None):
                if await self.harvest():
                    return
        except TimeoutError:
            logger.warning("référentiel : le partenaire tarde, la copie du disque sert")
        if not copy:
            raise ConfigurationError(
                "référentiel : le partenaire ne répond pas et aucune copie n'est sur le disque ; le démarrer puis relancer"
            )
        self.current = await asyncio.to_thread(_reread, self._path)

    async def harvest(self) -> bool:
        """Harvest and write; False when the partner could not answer, or answered nothing."""
        try:
            new, account = await self._read(self._reading())
        except SourceError as error:
            logger.warning("référentiel non moissonné : %s %s", error.source, error.code.value)
            return False
        except Exception as error:  # no referential: the text could hold a value
            logger.error("référentiel non moissonné : %s", type(error).__name__)
            return False
        # A cut answer reads as a short one: with a part missing, nobody of it would be in any perimeter.
        if not (new.communes and new.missions_locales and new.organismes) or _shrunk(new, self.current):
            logger.error("référentiel vide ou tronqué : le précédent est gardé, jusqu'à ce que sa copie soit supprimée")
            return False
        text = "référentiel : %d communes, %d CFA, %d rejets"
        logger.info(text, len(new.communes), len(new.organismes), account.rejects)
        # Served before it is kept: a disk that refuses costs the next start with the partner down, not this one.
        self.current, self._harvested = new, True
        try:
            await asyncio.to_thread(_write, self._path, new)
        except OSError as error:
            logger.error("référentiel non gardé sur disque : %s", reason_of(error))
        return True

    async def watch(self, sleep: Sleep) -> None:
        """Harvest daily, for ever; soon again as long as it is the disk's copy that serves."""

        async def harvest() -> float:
            return PERIOD if await self.harvest() else RETRY_AFTER

        def failed(error: Exception) -> None:
            # The service goes on with the referential it has; the text of the error could hold a value.
            logger.error("référentiel non moissonné : %s", type(error).__name__)

        await every(RETRY_AFTER, harvest, failed, sleep, first=PERIOD if self._harvested else RETRY_AFTER)


def _shrunk(new: Referentiel, former: Referentiel) -> bool:
    tables = ((new.communes, former.communes), (new.missions_locales, former.missions_locales))
    return any(len(own) < SHARE * len(known) for own, known in (*tables, (new.organismes, former.organismes)))


def _write(path: Path, referentiel: Referentiel) -> None:
    """Write the file, whole or not at all."""
    content = {
        "version": VERSION,
        "communes": list(referentiel.communes.values()),
        "missions_locales": list(referentiel.missions_locales.values()),
        "organismes": list(referentiel.organismes.values()),
        "noms": [[nature, code, name] for (nature, code), name in referentiel.noms.items()],
    }
    # A draft beside it, flushed then renamed: a machine that stops anywhere leaves the former file or the new one.
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_suffix(".nouveau")
    with draft.open("w", encoding="utf-8") as file:
        file.write(json.dumps(content, ensure_ascii=False, default=asdict))  # a line at a time: a country has 35,000
        file.flush()
        os.fsync(file.fileno())
    os.replace(draft, path)


def _reread(path: Path) -> Referentiel:
    """The referential of the file. Raises ConfigurationError: a start that goes on without it would place nobody."""
    try:
        content: Mapping[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        if content["version"] != VERSION:
            raise ValueError("version")
        return Referentiel(
            communes={line["code"]: CommuneLine(**_tuples(line)) for line in content["communes"]},
            missions_locales={line["code"]: MissionLocaleRow(**line) for line in content["missions_locales"]},
            organismes={line["uai"]: OrganismeRow(**_tuples(line)) for line in content["organismes"]},
            noms={(nature, code): name for nature, code, name in content["noms"]},
        )
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ConfigurationError(f"{path} : copie du référentiel illisible ; la supprimer puis relancer") from error


def _tuples(line: Mapping[str, Any]) -> dict[str, Any]:
    # JSON has lists only; the records are frozen, and compared.
    return {key: tuple(value) if isinstance(value, list) else value for key, value in line.items()}
