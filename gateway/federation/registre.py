"""The harvested registry as a source of an answer: what it tells in time, or the error that says why not. Knows no SQL."""

import asyncio
from collections.abc import Collection
from datetime import datetime
from typing import Protocol

from gateway.connectors.base import Dossier
from gateway.errors import ErreurSource, RegistreIndisponible, SourceDelaiDepasse, SourceIndisponible

Cles = tuple[Collection[str], Collection[str], Collection[str]]  # postal codes, CFAs, identities


class DuRegistre(Protocol):
    """What the harvested registry answered."""

    @property
    def dossiers(self) -> tuple[Dossier, ...]: ...
    @property
    def as_of(self) -> datetime | None: ...
    @property
    def version(self) -> str: ...


class Registre(Protocol):
    """The harvested registry: read in its store, never asked live."""

    async def version(self) -> str: ...
    async def dossiers(
        self, codes_postaux: Collection[str], cfas: Collection[str], identites: Collection[str]
    ) -> DuRegistre: ...


async def lire_registre(
    registre: Registre, nom: str, delai: float, cles: Cles
) -> tuple[DuRegistre, datetime] | ErreurSource:
    """What it holds under these keys and when it was harvested, read within `delai` seconds. `nom`: of the source."""
    try:
        async with asyncio.timeout(max(0.0, delai)):
            reponse = await registre.dossiers(*cles)
    except TimeoutError:
        return SourceDelaiDepasse(nom, "la réponse n'est pas arrivée à temps")
    except RegistreIndisponible:
        return SourceIndisponible(nom, "la copie du registre ne répond pas")
    if reponse.as_of is None:
        return SourceIndisponible(nom, "le registre n'a pas encore été moissonné")
    return reponse, reponse.as_of
