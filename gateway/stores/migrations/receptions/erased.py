"""What stands for the dossiers that were erased, so that what ERPs send again each night is set aside."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Add; nothing of before is changed."""
    op.create_table(
        "receptions_effacees",
        sa.Column("cle", sa.String(32), primary_key=True),
        sa.Column("vue_le", sa.String(32), nullable=False),
    )
