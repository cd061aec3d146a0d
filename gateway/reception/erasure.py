"""Erases what was received of one person: found by its identity alone, for dossiers are sealed, and kept away ever since.

The identity is the exact one: spelled as the ERP does, but for case, accents and marks. Knows no command and no journal.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from gateway.domain.official_numbers import identity_key
from gateway.domain.seal import Sealer
from gateway.stores.dossier_seal import opened
from gateway.stores.reception_tables import KeptDossier
from gateway.stores.receptions import ReceptionStore


@dataclass(frozen=True, slots=True)
class FoundDossier:
    """A dossier of the person, as its CFA knows it."""

    key: str
    uai: str
    annee: str
    id_erp: str


@dataclass(frozen=True, slots=True)
class ReceivedErasure:
    """The dossiers received. Its calls raise ReceptionUnavailable."""

    store: ReceptionStore
    sealer: Sealer

    async def find(self, identity: str) -> list[FoundDossier]:
        """The dossiers of whoever bears an exact identity (`identity_key`): each one kept is opened."""
        found: list[FoundDossier] = []
        async for dossiers in self.store.every():
            found += await asyncio.to_thread(self._borne, identity, dossiers)
        return sorted(found, key=lambda one: (one.uai, one.annee, one.id_erp))

    async def erase(self, found: Sequence[FoundDossier], now: datetime) -> int:
        """Erase them, in one transaction, and remember what stands for each; how many were there."""
        return await self.store.erase([one.key for one in found], now)

    def _borne(self, identity: str, dossiers: Sequence[KeptDossier]) -> list[FoundDossier]:
        said = [(one.key, opened(one.key, one.sealed, self.sealer)) for one in dossiers]
        return [_found(key, record) for key, record in said if record and _identity(record) == identity]


def _identity(record: dict[str, Any]) -> str:
    born = date.fromisoformat(record["date_de_naissance_apprenant"])
    return identity_key(record["nom_apprenant"], record["prenom_apprenant"], born)


def _found(key: str, record: dict[str, Any]) -> FoundDossier:
    return FoundDossier(
        key, record["etablissement_formateur_uai"], record["annee_scolaire"], record["id_erp_apprenant"]
    )
