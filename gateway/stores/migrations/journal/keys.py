"""Which key signs the entries, from a number on: keys turn."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Add; nothing of before is changed."""
    op.create_table(
        "journal_cles",
        sa.Column("depuis", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("cle", sa.String(16), nullable=False),
        sqlite_with_rowid=False,
    )
