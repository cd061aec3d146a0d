"""The names of the keys that sealed what is kept: one that lacks is told."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Add; nothing of before is changed."""
    op.create_table("registre_cles", sa.Column("nom", sa.String(16), primary_key=True))
