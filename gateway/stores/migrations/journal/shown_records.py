"""What codes of persons stand for, and the entry that proves each count: who read a person does not depend on ids any more."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Add; nothing of before is changed."""
    op.create_table(
        "journal_fiches",
        sa.Column("fiche", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("dossier", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("personne", sa.BigInteger, nullable=False),
        sqlite_with_rowid=False,
    )
    for column in ("dossier", "personne"):
        op.create_index(f"journal_fiches_par_{column}", "journal_fiches", [column])
    op.add_column("quota_lues", sa.Column("entree", sa.BigInteger))
