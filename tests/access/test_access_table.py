"""ACCES.md says what the policy and the schema say today, and changes only with them."""

from pathlib import Path

from gateway.auth.policy.access_table import render
from gateway.auth.policy.rules import CategorieDonnee, Profil
from tests.support.access.tools import POLICY, SCHEMA

ACCESS = Path(__file__).parents[2] / "ACCES.md"


def test_acces_md_is_up_to_date() -> None:
    assert ACCESS.read_text(encoding="utf-8") == render(POLICY, SCHEMA)


def test_everyone_and_everything_is_there() -> None:
    rows = render(POLICY, SCHEMA).splitlines()
    for profil in Profil:
        assert sum(line.startswith(f"| {profil.value} |") for line in rows) >= 2, profil
    for categorie in CategorieDonnee:
        assert any(line.startswith(f"| {categorie.value} |") for line in rows), categorie


def test_some_rows_of_the_table() -> None:
    rows = render(POLICY, SCHEMA).splitlines()
    assert (
        "| FRANCE_TRAVAIL | RESIDENCE_REGION | INSCRIT | ACCOMPAGNEMENT | PARCOURS, IDENTITE, CONTACT, ADRESSE, SENSIBLE |  |"
        in rows
    )
    assert "| CFA | CFA | tous | GESTION_CFA | SUIVI | collaboration_demandee |" in rows
    assert "| ADMINISTRATEUR | aucune personne |  | EXPLOITATION | TECHNIQUE |  |" in rows
    assert "| Jeune.rqth | SENSIBLE |" in rows
    assert "| FiltreRuptures.prioritaire | SENSIBLE, SUIVI, COLLABORATION |" in rows
    assert "| Query.contrat(numero:) | CONTRAT |" in rows
