"""All the stores, in one list: what migrates them, seals them again or verifies a backup goes over it. Knows nothing of what they
hold.

A new store is one line here, beside its history (`stores/schema_versions.HEADS`).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import MetaData

from gateway.evenements.perimeter_logs import USAGE as EVENT
from gateway.stores import (
    blocks,
    event_log,
    journal_tables,
    links,
    quota_counters,
    reception_tables,
    registry,
    sealing_keys,
    webhook_store,
    write_tables,
)
from gateway.stores.dossier_seal import USAGE as RECEPTION
from gateway.stores.sealed_columns import SealedColumn
from gateway.stores.sql import database_url
from gateway.writes.sealed_body import USAGE as WRITE


@dataclass(frozen=True, slots=True)
class StorePlace:
    """Where databases are: a folder of files, unless an environment names others."""

    folder: Path
    environ: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class KnownStore:
    """A store, by the name of its history. `variable`: what names its database; without it, a file of its own name.
    `remade`: what it holds is read again from partners, and no backup has it; `needed`: a backup without it is none."""

    name: str
    tables: tuple[MetaData, ...]
    variable: str = "GATEWAY_DATABASE_URL"
    sealed: tuple[SealedColumn, ...] = ()
    remade: bool = False
    needed: bool = False

    def file(self, place: StorePlace) -> Path:
        return place.folder / f"{self.name}.sqlite"

    def url(self, place: StorePlace) -> str:
        """Raises ConfigurationError."""
        return database_url(place.environ, self.variable, f"sqlite+aiosqlite:///{self.file(place)}")

    def is_shared(self, place: StorePlace) -> bool:
        """Whether its database may hold other stores."""
        return bool(place.environ.get(self.variable))

    def is_there(self, place: StorePlace) -> bool:
        """Whether there is a database to open: to open a file makes it."""
        return self.is_shared(place) or self.file(place).is_file()


_RECEPTIONS = SealedColumn(reception_tables.DOSSIERS, RECEPTION, lambda row: row.cle.encode())

_WRITES = SealedColumn(write_tables.WRITES, WRITE, lambda row: row.id.encode())
_EVENTS = tuple(
    SealedColumn(table, EVENT, lambda row: row.perimetre.encode())
    for table in (event_log.PERIMETERS, event_log.EVENTS, event_log.FACTS)
)

_JOURNAL = (journal_tables.ENTRIES.metadata, quota_counters.READ.metadata)

JOURNAL = KnownStore("journal", _JOURNAL, "GATEWAY_JOURNAL_URL", needed=True)
STORES = (
    JOURNAL,
    KnownStore("liens", (links.LINKS.metadata,), needed=True),
    KnownStore("receptions", (reception_tables.DOSSIERS.metadata,), sealed=(_RECEPTIONS,)),
    KnownStore(
        "registre", (registry.ROWS.metadata, sealing_keys.NAMES.metadata), sealed=(registry.SEALED,), remade=True
    ),
    KnownStore("ecritures", (write_tables.WRITES.metadata,), sealed=(_WRITES,)),
    KnownStore("evenements", (event_log.EVENTS.metadata,), sealed=_EVENTS),
    KnownStore("abonnements", (webhook_store.ENDPOINTS.metadata,)),
    KnownStore("statistiques", (blocks.COUNTS.metadata,)),
)
