"""The store of writes, as its first version wrote it."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Create what is missing."""
    op.create_table(
        "ecritures",
        sa.Column("id", sa.String(32), primary_key=True),
        sa.Column("compte", sa.String(32), nullable=False),
        sa.Column("organisation", sa.String(32), nullable=False),
        sa.Column("acte", sa.String(32), nullable=False),
        sa.Column("personne", sa.String(32), nullable=False),
        sa.Column("sujet", sa.String(32), nullable=False),
        sa.Column("rang", sa.Integer, nullable=False),
        sa.Column("destination", sa.String(96), nullable=False),
        sa.Column("etat", sa.String(16), nullable=False),
        sa.Column("acceptee_le", sa.String(32), nullable=False),
        sa.Column("transmise_le", sa.String(32), nullable=False),
        sa.Column("change_le", sa.String(32), nullable=False),
        sa.Column("essais", sa.Integer, nullable=False),
        sa.Column("incertaine", sa.Integer, nullable=False),
        sa.Column("prochain", sa.Float, nullable=False),
        sa.Column("motif", sa.String(200), nullable=False),
        sa.Column("revision", sa.BigInteger, nullable=False),
        sa.Column("scelle", sa.LargeBinary, nullable=False),
        sa.UniqueConstraint("sujet", "rang", name="ecritures_en_ordre"),
        if_not_exists=True,
    )
    op.create_index("ecritures_par_revision", "ecritures", ["revision"], if_not_exists=True)
    op.create_index("ecritures_par_organisation", "ecritures", ["organisation", "etat"], if_not_exists=True)
    op.create_index("ecritures_a_envoyer", "ecritures", ["etat", "prochain"], if_not_exists=True)
    op.create_index("ecritures_par_personne", "ecritures", ["personne"], if_not_exists=True)
    op.create_table(
        "ecritures_cles",
        sa.Column("compte", sa.String(32), primary_key=True),
        sa.Column("cle", sa.String(32), primary_key=True),
        sa.Column("organisation", sa.String(32), nullable=False),
        sa.Column("empreinte", sa.String(32), nullable=False),
        sa.Column("ecriture", sa.String(32), nullable=False),
        sa.Column("jour", sa.String(10), nullable=False),
        if_not_exists=True,
    )
    op.create_index("ecritures_cles_par_jour", "ecritures_cles", ["organisation", "jour"], if_not_exists=True)
    op.create_table(
        "ecritures_suite",
        sa.Column("nom", sa.String(16), primary_key=True),
        sa.Column("numero", sa.BigInteger, nullable=False),
        sa.Column("porteur", sa.String(32), nullable=True),
        sa.Column("bail", sa.Float, nullable=False),
        if_not_exists=True,
    )
    suite = sa.table("ecritures_suite", sa.column("nom"), sa.column("numero"), sa.column("bail"))
    if not op.get_bind().scalar(sa.select(sa.func.count()).select_from(suite)):
        op.bulk_insert(suite, [{"nom": "ecritures", "numero": 0, "bail": 0.0}])
