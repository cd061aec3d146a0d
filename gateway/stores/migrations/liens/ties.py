"""What was last seen as one, where an alias that was broken cannot say so."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Add; nothing of before is changed."""
    op.create_table(
        "liens_suites",
        sa.Column("ancien", sa.String(32), primary_key=True),
        sa.Column("survivant", sa.String(32), primary_key=True),
    )
    op.create_index("liens_suites_par_survivant", "liens_suites", ["survivant"])
