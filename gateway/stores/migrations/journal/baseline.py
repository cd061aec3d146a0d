"""The reading journal and what quotas count, as 0.1.0 wrote them."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None

_numero = sa.BigInteger().with_variant(sa.Integer, "sqlite")


def upgrade() -> None:
    """Create what is missing."""
    _journal()
    _quotas()


def _journal() -> None:
    op.create_table(
        "journal_entrees",
        sa.Column("numero", _numero, primary_key=True, autoincrement=False),
        sa.Column("contenu", sa.LargeBinary, nullable=False),
        sa.Column("personnes", sa.LargeBinary, nullable=False),
        sa.Column("empreinte", sa.LargeBinary, nullable=False),
        sa.Column("ensemble", sa.BigInteger, nullable=False),
        if_not_exists=True,
    )
    op.create_index("journal_par_ensemble", "journal_entrees", ["ensemble", "numero"], if_not_exists=True)
    op.create_table(
        "journal_personnes",
        sa.Column("personne", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("ensemble", sa.BigInteger, primary_key=True, autoincrement=False),
        sqlite_with_rowid=False,
        if_not_exists=True,
    )
    op.create_table(
        "journal_bornes",
        sa.Column("nom", sa.String(8), primary_key=True),
        sa.Column("numero", sa.BigInteger, nullable=False),
        sa.Column("empreinte", sa.LargeBinary, nullable=False),
        sa.Column("sceau", sa.LargeBinary, nullable=False),
        sqlite_with_rowid=False,
        if_not_exists=True,
    )


def _quotas() -> None:
    op.create_table(
        "quota_lues",
        sa.Column("portee", sa.String(16), primary_key=True),
        sa.Column("qui", sa.String(256), primary_key=True),
        sa.Column("personne", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("jour", sa.Date, nullable=False),
        sqlite_with_rowid=False,
        if_not_exists=True,
    )
    op.create_index("quota_par_jour", "quota_lues", ["portee", "qui", "jour"], if_not_exists=True)
    op.create_table(
        "quota_populations",
        sa.Column("qui", sa.String(256), primary_key=True),
        sa.Column("jour", sa.Date, primary_key=True),
        sa.Column("nombre", sa.Integer, nullable=False),
        if_not_exists=True,
    )
