"""The harvested registry, as 0.1.0 wrote it."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None

INDEXES = {
    "registre_par_personne": ["personne", "contrat"],
    "registre_par_code_postal": ["code_postal", "contrat"],
    "registre_par_cfa": ["cfa", "contrat"],
    "registre_par_fenetre": ["fenetre"],
    "registre_par_fin": ["fin"],
}


def upgrade() -> None:
    """Create what is missing."""
    _rows()
    _harvest()


def _rows() -> None:
    op.create_table(
        "registre_lignes",
        sa.Column("contrat", sa.String(32), primary_key=True),
        sa.Column("vue", sa.String(8), primary_key=True),
        sa.Column("fenetre", sa.Date, primary_key=True),
        sa.Column("rang", sa.Integer, primary_key=True),
        sa.Column("personne", sa.String(32), nullable=False),
        sa.Column("code_postal", sa.String(5)),
        sa.Column("cfa", sa.String(14)),
        sa.Column("fin", sa.Date, nullable=False),
        sa.Column("scelle", sa.LargeBinary, nullable=False),
        if_not_exists=True,
    )
    for name, columns in INDEXES.items():
        op.create_index(name, "registre_lignes", columns, if_not_exists=True)


def _harvest() -> None:
    op.create_table(
        "registre_fenetres",
        sa.Column("debut", sa.Date, primary_key=True),
        sa.Column("fin", sa.Date, nullable=False),
        sa.Column("lignes", sa.Integer, nullable=False),
        sa.Column("importee_le", sa.String(32), nullable=False),
        if_not_exists=True,
    )
    op.create_table(
        "registre_chantier",
        sa.Column("debut", sa.Date, primary_key=True),
        sa.Column("fin", sa.Date, nullable=False),
        sa.Column("vue", sa.Integer, nullable=False),
        sa.Column("page", sa.Integer, nullable=False),
        sa.Column("total", sa.Integer, nullable=False),
        sa.Column("lignes", sa.Integer, nullable=False),
        if_not_exists=True,
    )
    op.create_table(
        "registre_etat",
        sa.Column("temoin", sa.String(32), primary_key=True),
        sa.Column("imports", sa.Integer, nullable=False),
        sa.Column("moissonneur", sa.String(32)),
        sa.Column("bail", sa.Float, nullable=False),
        if_not_exists=True,
    )
