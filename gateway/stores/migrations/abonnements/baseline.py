"""The store of webhooks, as its first version wrote it."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Create what is missing."""
    op.create_table(
        "abonnements",
        sa.Column("nom", sa.String(40), primary_key=True),
        sa.Column("perimetre", sa.String(32), nullable=False),
        sa.Column("numero", sa.Integer, nullable=False),
        sa.Column("actif", sa.Boolean, nullable=False),
        sa.Column("motif", sa.String(200), nullable=False),
        sa.Column("echec_depuis", sa.Float, nullable=True),
        sa.Column("remis_le", sa.Float, nullable=True),
        sa.Column("porteur", sa.String(32), nullable=True),
        sa.Column("bail", sa.Float, nullable=False),
        if_not_exists=True,
    )
    op.create_table(
        "abonnements_envois",
        sa.Column("nom", sa.String(40), primary_key=True),
        sa.Column("numero", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("essais", sa.Integer, nullable=False),
        sa.Column("premier", sa.Float, nullable=False),
        sa.Column("prochain", sa.Float, nullable=True),
        if_not_exists=True,
    )
