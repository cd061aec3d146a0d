"""The store of receptions, as its first version wrote it."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Create what is missing."""
    op.create_table(
        "receptions",
        sa.Column("cle", sa.String(32), primary_key=True),
        sa.Column("uai", sa.String(8), nullable=False),
        sa.Column("empreinte", sa.String(32), nullable=False),
        sa.Column("recu_le", sa.String(32), nullable=False),
        sa.Column("scelle", sa.LargeBinary, nullable=False),
        if_not_exists=True,
    )
    op.create_index("receptions_par_uai", "receptions", ["uai"], if_not_exists=True)
    op.create_index("receptions_par_recu", "receptions", ["recu_le"], if_not_exists=True)
    op.create_table(
        "receptions_cfa",
        sa.Column("uai", sa.String(8), primary_key=True),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("transmis_le", sa.String(32), nullable=False),
        if_not_exists=True,
    )
    op.create_table(
        "transmissions",
        sa.Column("organisme", sa.String(8), primary_key=True),
        sa.Column("jour", sa.String(10), primary_key=True),
        sa.Column("empreinte", sa.String(32), primary_key=True),
        *(sa.Column(name, sa.Integer, nullable=False) for name in ("acceptes", "partiels", "rejetes", "rejoues")),
        if_not_exists=True,
    )
    op.create_table(
        "transmissions_erreurs",
        sa.Column("organisme", sa.String(8), nullable=False),
        sa.Column("jour", sa.String(10), nullable=False),
        sa.Column("empreinte", sa.String(32), nullable=False),
        sa.Column("id_erp", sa.String(64), nullable=False),
        sa.Column("annee", sa.String(32), nullable=False),
        sa.Column("champs", sa.String(256), nullable=False),
        sa.Column("message", sa.String(256), nullable=False),
        if_not_exists=True,
    )
    op.create_index(
        "transmissions_erreurs_par_jour", "transmissions_erreurs", ["organisme", "jour"], if_not_exists=True
    )
    op.create_table(
        "receptions_cles",
        sa.Column("empreinte", sa.String(32), primary_key=True),
        sa.Column("client", sa.String(256), nullable=False),
        sa.Column("servie_le", sa.String(10), nullable=False),
        if_not_exists=True,
    )
