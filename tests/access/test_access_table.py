"""ACCES.md says what the policy and the schema say today, and changes only with them."""

import re
from pathlib import Path

from gateway.auth.policy.access_table import CONDITION_MEANING, render
from gateway.auth.policy.policy import Relation
from gateway.auth.policy.rules import CategorieDonnee, Profil
from tests.support.access.tools import POLICY, SCHEMA

ACCESS = Path(__file__).parents[2] / "ACCES.md"


def test_acces_md_is_up_to_date() -> None:
    assert ACCESS.read_text(encoding="utf-8") == render(POLICY, SCHEMA)


def test_everyone_and_everything_is_there() -> None:
    rows = render(POLICY, SCHEMA).splitlines()
    for profil in Profil:
        assert sum(line.startswith((f"| {profil.value} |", f"| {profil.value} comme ")) for line in rows) >= 2, profil
    for categorie in CategorieDonnee:
        assert any(line.startswith(f"| {categorie.value} |") for line in rows), categorie


def test_some_rows_of_the_table() -> None:
    rows = render(POLICY, SCHEMA).splitlines()
    rights = {" | ".join(row.split(" | ")[:6]) + " |" for row in rows}
    read = "PARCOURS, IDENTITE, CONTACT, ADRESSE, SENSIBLE, SANS_CONTRAT"
    assert f"| FRANCE_TRAVAIL | RESIDENCE_REGION | INSCRIT | ACCOMPAGNEMENT | {read} |  |" in rights
    assert "| CFA | CFA | tous | GESTION_CFA | SUIVI, COLLABORATION | collaboration_demandee |" in rights
    assert "| SI_PARTENAIRE comme CFA | CFA | tous | ACCOMPAGNEMENT | SUIVI | collaboration_demandee |" in rights
    assert "| ADMINISTRATEUR | aucune personne |  | EXPLOITATION | TECHNIQUE |  |" in rights
    assert "| Cfa.source | TECHNIQUE |" in rows
    assert "| Jeune.rqth | SENSIBLE |" in rows
    assert "| FiltreRuptures.prioritaire | SENSIBLE, SUIVI, COLLABORATION |" in rows
    assert "| Query.contrat(numero:) | CONTRAT |" in rows


def test_each_relation_and_condition_is_said_in_words_and_each_line_with_its_ground() -> None:
    text = render(POLICY, SCHEMA)
    for relation in Relation:
        assert re.search(rf"^\| {relation.value} \| [a-zé'].{{20,}} \|$", text, re.MULTILINE), relation
    assert CONDITION_MEANING.keys() == {row.condition for row in POLICY.regle} - {None}
    for row in (*POLICY.regle, POLICY.agregat, POLICY.exploitation):
        assert f"| {row.fondement} | {row.conservation} |" in text
    assert "(docs/droits.md)" in text
