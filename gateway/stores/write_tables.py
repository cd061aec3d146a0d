"""The tables of writes: what was accepted, the keys that were used, and who delivers. SQL, no rule.

At rest: names made with the key of the gateway (HMAC), states and instants in clear; what is written is sealed.
"""

from sqlalchemy import (
    BigInteger,
    Column,
    Float,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    UniqueConstraint,
)

_tables = MetaData()
WRITES = Table(
    "ecritures",
    _tables,
    Column("id", String(32), primary_key=True),
    Column("compte", String(32), nullable=False),
    Column("organisation", String(32), nullable=False),
    Column("acte", String(32), nullable=False),
    Column("personne", String(32), nullable=False),
    Column("sujet", String(32), nullable=False),  # the person at its destination: one order each
    Column("rang", Integer, nullable=False),
    Column("destination", String(96), nullable=False),  # partner/tenant; "": the gateway keeps it
    Column("etat", String(16), nullable=False),
    Column("acceptee_le", String(32), nullable=False),
    Column("transmise_le", String(32), nullable=False),
    Column("change_le", String(32), nullable=False),
    Column("essais", Integer, nullable=False),
    Column("incertaine", Integer, nullable=False),  # 1: a try is under way, or nobody knows how it ended
    Column("prochain", Float, nullable=False),  # seconds since 1970
    Column("motif", String(200), nullable=False),
    Column("revision", BigInteger, nullable=False),  # of the whole table, at the last change of the row
    Column("scelle", LargeBinary, nullable=False),
    UniqueConstraint("sujet", "rang", name="ecritures_en_ordre"),
    Index("ecritures_par_revision", "revision"),
    Index("ecritures_par_organisation", "organisation", "etat"),
    Index("ecritures_a_envoyer", "etat", "prochain"),
    Index("ecritures_par_personne", "personne"),
)
KEYS = Table(
    "ecritures_cles",
    _tables,
    Column("compte", String(32), primary_key=True),
    Column("cle", String(32), primary_key=True),
    Column("organisation", String(32), nullable=False),
    Column("empreinte", String(32), nullable=False),
    Column("ecriture", String(32), nullable=False),
    Column("jour", String(10), nullable=False),
    Index("ecritures_cles_par_jour", "organisation", "jour"),
)
SUITE = Table(  # one line: the last revision, and who delivers
    "ecritures_suite",
    _tables,
    Column("nom", String(16), primary_key=True),
    Column("numero", BigInteger, nullable=False),
    Column("porteur", String(32), nullable=True),
    Column("bail", Float, nullable=False),
)
