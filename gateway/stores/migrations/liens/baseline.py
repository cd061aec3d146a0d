"""The ledger of links, as 0.1.0 wrote it."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Create what is missing."""
    op.create_table(
        "liens",
        sa.Column("cle", sa.String(32), primary_key=True),
        sa.Column("objet", sa.String(32), nullable=False),
        sa.Column("depuis", sa.String(32), nullable=False),
        sa.Column("vu_le", sa.String(32), nullable=False),
        sa.Column("identite", sa.String(32), nullable=False),
        sa.Column("origine", sa.String(32), nullable=False),
        if_not_exists=True,
    )
    for index, column in (("objet", "objet"), ("identite", "identite"), ("vue", "vu_le")):
        op.create_index(f"liens_par_{index}", "liens", [column], if_not_exists=True)
    op.create_table(
        "liens_alias",
        sa.Column("ancien", sa.String(32), primary_key=True),
        sa.Column("survivant", sa.String(32), nullable=False),
        sa.Column("depuis", sa.String(32), nullable=False),
        sa.Column("rompu", sa.Boolean, nullable=False),
        if_not_exists=True,
    )
    op.create_index("liens_alias_par_survivant", "liens_alias", ["survivant"], if_not_exists=True)
    op.create_table(
        "liens_faits",
        sa.Column("cle", sa.String(32), primary_key=True),
        sa.Column("fait", sa.String(32), primary_key=True),
        sa.Column("source", sa.String(64), nullable=False),
        sa.Column("vu_le", sa.String(32), nullable=False),
        if_not_exists=True,
    )
