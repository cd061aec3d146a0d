"""Counts by lot, protected blocks by snapshot, and what tells their age and coverage (docs/statistiques.md)."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Create all."""
    _counts()
    _blocks()
    _ages()


def _cell() -> list[sa.Column[str]]:
    sizes = {"maille": 2, "lieu": 16, "mois": 7, "cles": 64, "classe": 20}
    return [sa.Column(name, sa.String(size), primary_key=True) for name, size in sizes.items()]


def _counts() -> None:
    op.create_table(
        "statistiques_apports",
        sa.Column("lot", sa.String(32), primary_key=True),
        *_cell(),
        sa.Column("nombre", sa.Integer, nullable=False),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "statistiques_lots",
        sa.Column("lot", sa.String(32), primary_key=True),
        sa.Column("source", sa.String(64), nullable=False),
        sa.Column("vu_le", sa.String(32)),
        sa.Column("etat", sa.String(16), nullable=False),
        sa.Column("compte_au", sa.Date),
    )


def _blocks() -> None:
    op.create_table(
        "statistiques_blocs",
        sa.Column("releve", sa.Integer, primary_key=True, autoincrement=False),
        *_cell(),
        sa.Column("protege", sa.Integer, nullable=False),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "statistiques_releves",
        sa.Column("numero", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("etat_au", sa.Date, nullable=False),
        sa.Column("publie_le", sa.String(32), nullable=False),
        sa.Column("pas", sa.Integer, nullable=False),
        sa.Column("audit_minimum", sa.Integer),
    )


def _ages() -> None:
    op.create_table(
        "statistiques_couverture",
        sa.Column("source", sa.String(64), primary_key=True),
        sa.Column("lieu", sa.String(16), primary_key=True),
        sa.Column("mois", sa.String(7), primary_key=True),
        sa.Column("couverts", sa.Integer, nullable=False),
        sa.Column("attendus", sa.Integer, nullable=False),
        sqlite_with_rowid=False,
    )
    state = op.create_table(
        "statistiques_etat",
        sa.Column("temoin", sa.String(16), primary_key=True),
        sa.Column("titulaire", sa.String(32)),
        sa.Column("echeance", sa.Float, nullable=False),
        sa.Column("refus_le", sa.String(32)),
        sa.Column("refus_minimum", sa.Integer),
    )
    op.bulk_insert(state, [{"temoin": "releve", "echeance": 0.0}])
