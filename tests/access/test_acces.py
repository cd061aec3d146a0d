"""ACCES.md says what the policy and the schema say today, and changes only with them."""

from pathlib import Path

from gateway.auth.acces import tableau
from gateway.auth.rules import CategorieDonnee, Profil
from tests.access.outils import POLITIQUE, SCHEMA

ACCES = Path(__file__).parents[2] / "ACCES.md"


def test_acces_md_est_a_jour() -> None:
    assert ACCES.read_text(encoding="utf-8") == tableau(POLITIQUE, SCHEMA)


def test_tout_le_monde_et_tout_y_est() -> None:
    lignes = tableau(POLITIQUE, SCHEMA).splitlines()
    for profil in Profil:
        assert sum(ligne.startswith(f"| {profil.value} |") for ligne in lignes) >= 2, profil
    for categorie in CategorieDonnee:
        assert any(ligne.startswith(f"| {categorie.value} |") for ligne in lignes), categorie


def test_quelques_lignes() -> None:
    lignes = tableau(POLITIQUE, SCHEMA).splitlines()
    assert (
        "| FRANCE_TRAVAIL | RESIDENCE_REGION | INSCRIT | ACCOMPAGNEMENT | PARCOURS, IDENTITE, CONTACT, ADRESSE, SENSIBLE |  |"
        in lignes
    )
    assert "| CFA | CFA | tous | GESTION_CFA | SUIVI | collaboration_demandee |" in lignes
    assert "| ADMINISTRATEUR | aucune personne |  | EXPLOITATION | TECHNIQUE |  |" in lignes
    assert "| Jeune.rqth | SENSIBLE |" in lignes
    assert "| FiltreRuptures.prioritaire | SENSIBLE, SUIVI, COLLABORATION |" in lignes
    assert "| Query.contrat(numero:) | CONTRAT |" in lignes
