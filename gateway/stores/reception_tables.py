"""The tables of what ERPs transmitted, and their rows as values. Knows no query."""

from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from msgspec import Struct
from sqlalchemy import Column, Index, Integer, LargeBinary, MetaData, String, Table

TABLES = MetaData()
DOSSIERS = Table(
    "receptions",
    TABLES,
    Column("cle", String(32), primary_key=True),
    Column("uai", String(8), nullable=False),
    Column("empreinte", String(32), nullable=False),
    Column("recu_le", String(32), nullable=False),
    Column("scelle", LargeBinary, nullable=False),
    Column("change_le", String(32)),
    Index("receptions_par_uai", "uai"),
    Index("receptions_par_recu", "recu_le"),
)
CFAS = Table(
    "receptions_cfa",
    TABLES,
    Column("uai", String(8), primary_key=True),
    Column("version", Integer, nullable=False),
    Column("transmis_le", String(32), nullable=False),
)
DAYS = Table(
    "receptions_jours",
    TABLES,
    Column("uai", String(8), primary_key=True),
    Column("jour", String(10), primary_key=True),
)
ERASED = Table(
    "receptions_effacees",
    TABLES,
    Column("cle", String(32), primary_key=True),
    Column("vue_le", String(32), nullable=False),
)
TRANSMISSIONS = Table(
    "transmissions",
    TABLES,
    Column("organisme", String(8), primary_key=True),
    Column("jour", String(10), primary_key=True),
    Column("empreinte", String(32), primary_key=True),
    *(Column(name, Integer, nullable=False) for name in ("acceptes", "partiels", "rejetes", "rejoues")),
)
ERRORS = Table(
    "transmissions_erreurs",
    TABLES,
    Column("organisme", String(8), nullable=False),
    Column("jour", String(10), nullable=False),
    Column("empreinte", String(32), nullable=False),
    Column("id_erp", String(64), nullable=False),
    Column("annee", String(32), nullable=False),
    Column("champs", String(256), nullable=False),
    Column("message", String(256), nullable=False),
    Index("transmissions_erreurs_par_jour", "organisme", "jour"),
)
KEYS = Table(
    "receptions_cles",
    TABLES,
    Column("empreinte", String(32), primary_key=True),
    Column("client", String(256), nullable=False),
    Column("servie_le", String(10), nullable=False),
)


class ReceivedDossier(Struct, frozen=True, array_like=True, gc=False):
    """A dossier to be kept. `digest` stands for what it says: the same, and nothing has changed.

    One process gives two thousand of them to another: as a plain class, decoding them held up whoever read meanwhile.
    """

    key: str
    uai: str
    digest: str
    sealed: bytes


@dataclass(frozen=True, slots=True)
class TransmissionError:
    """A line of validation of a dossier, by the ERP's own key. Never a value."""

    id_erp: str
    annee: str
    champs: str
    message: str


@dataclass(frozen=True, slots=True)
class Transmission:
    """What one body made, of an organisation and a day; `digest` stands for the body."""

    organisme: str
    jour: str
    digest: str
    acceptes: int
    partiels: int
    rejetes: int
    errors: tuple[TransmissionError, ...] = ()


@dataclass(frozen=True, slots=True)
class KeptDossier:
    """A dossier as it is kept; `changed_at`: when what it says was received."""

    key: str
    sealed: bytes
    received_at: datetime
    changed_at: datetime


class CfaState(NamedTuple):
    """How often the dossiers of a CFA changed, and when it last transmitted."""

    version: int
    transmitted_at: datetime
