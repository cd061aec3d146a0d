"""The log of events, as its first version wrote it."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Create what is missing."""
    op.create_table(
        "evenements_perimetres",
        sa.Column("perimetre", sa.String(32), primary_key=True),
        sa.Column("numero", sa.Integer, nullable=False),
        sa.Column("ouvert", sa.Boolean, nullable=False),
        sa.Column("suivi_jusqua", sa.String(32), nullable=False),
        sa.Column("porteur", sa.String(32), nullable=True),
        sa.Column("bail", sa.Float, nullable=False),
        sa.Column("scelle", sa.LargeBinary, nullable=False),
        if_not_exists=True,
    )
    op.create_table(
        "evenements",
        sa.Column("perimetre", sa.String(32), primary_key=True),
        sa.Column("numero", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("type", sa.String(32), nullable=False),
        sa.Column("quand", sa.String(32), nullable=False),
        sa.Column("scelle", sa.LargeBinary, nullable=False),
        if_not_exists=True,
    )
    op.create_index("evenements_par_instant", "evenements", ["quand"], if_not_exists=True)
    op.create_table(
        "annonces",
        sa.Column("perimetre", sa.String(32), primary_key=True),
        sa.Column("fait", sa.String(32), primary_key=True),
        sa.Column("vu_le", sa.String(32), nullable=False),
        sa.Column("absent_depuis", sa.String(32), nullable=True),
        sa.Column("scelle", sa.LargeBinary, nullable=True),
        if_not_exists=True,
    )
    op.create_index("annonces_par_vue", "annonces", ["vu_le"], if_not_exists=True)
    op.create_table(
        "evenements_unites",
        sa.Column("perimetre", sa.String(32), primary_key=True),
        sa.Column("unite", sa.String(32), primary_key=True),
        sa.Column("entendue_le", sa.String(32), nullable=False),
        if_not_exists=True,
    )
