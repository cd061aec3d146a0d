"""When what a dossier says was received, and the days on which CFAs transmitted: what tells a dossier no longer sent."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Add; nothing of before is changed."""
    op.add_column("receptions", sa.Column("change_le", sa.String(32)))
    op.create_table(
        "receptions_jours",
        sa.Column("uai", sa.String(8), primary_key=True),
        sa.Column("jour", sa.String(10), primary_key=True),
    )
