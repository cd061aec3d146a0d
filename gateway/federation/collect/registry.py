"""The harvested registry as a source: reads it within a delay, or says which error it is. Knows no SQL."""

import asyncio
from collections.abc import Collection
from datetime import datetime
from typing import Protocol

from gateway.connectors.base import Record
from gateway.errors import RegistryUnavailable, SourceError, SourceTimedOut, SourceUnavailable

Keys = tuple[Collection[str], Collection[str], Collection[str]]  # postal codes, CFAs, identities


class RegistryAnswer(Protocol):
    """What the harvested registry answered."""

    @property
    def records(self) -> tuple[Record, ...]: ...
    @property
    def as_of(self) -> datetime | None: ...
    @property
    def version(self) -> str: ...


class RegistrySource(Protocol):
    """The harvested registry: read in its store, never asked live."""

    async def version(self) -> str: ...
    async def records(
        self, codes_postaux: Collection[str], cfas: Collection[str], identities: Collection[str]
    ) -> RegistryAnswer: ...


async def read_registry(
    registry: RegistrySource, name: str, timeout: float, keys: Keys
) -> tuple[RegistryAnswer, datetime] | SourceError:
    """What it holds under these keys and when it was harvested, read within `timeout` seconds; else the error of source
    `name`, returned: a registry that does not answer leaves the others to be shown."""
    try:
        async with asyncio.timeout(max(0.0, timeout)):
            answer = await registry.records(*keys)
    except TimeoutError:
        return SourceTimedOut(name, "la réponse n'est pas arrivée à temps")
    except RegistryUnavailable:
        return SourceUnavailable(name, "la copie du registre ne répond pas")
    if answer.as_of is None:
        return SourceUnavailable(name, "le registre n'a pas encore été moissonné")
    return answer, answer.as_of
