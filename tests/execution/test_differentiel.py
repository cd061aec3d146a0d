"""Compiled execution answers as graphql-core does; the long form is `python -m tests.execution.differentiel`."""

from collections import Counter
from pathlib import Path
from random import Random

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis_graphql import nodes, queries

from gateway.auth.rules import Profil
from tests.access.outils import SCHEMA
from tests.chiffres import noter
from tests.execution.differentiel import Banc, Monde
from tests.execution.operations import VALEURS

PASSE = Path(__file__).parent / "passe.txt"
SCALAIRES = {
    nom: st.sampled_from([valeur.strip('"') for valeur in VALEURS[nom]]).map(nodes.String)
    for nom in ("Date", "UAI", "SIRET", "CodeInsee")
}


def test_generated_operations_answer_as_graphql_core_does() -> None:
    banc = Banc()
    banc.generer(graine=3, operations=500)
    assert banc.ecarts == []
    assert banc.voies["plan"] > 700
    assert banc.voies["repli"] == 0
    noter(f"exécution compilée contre graphql-core : {banc.figure()}")


def test_operations_that_once_differed() -> None:
    banc = Banc()
    for graine in range(6):
        monde = Monde(Random(graine), gatee=graine % 2 == 1)
        for texte in PASSE.read_text(encoding="utf-8").splitlines():
            for profil in (Profil.MISSION_LOCALE, Profil.CFA, Profil.TETE_DE_RESEAU):
                banc.essayer(texte, {}, profil, monde)
    assert banc.ecarts == []


@settings(max_examples=60, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(texte=queries(SCHEMA, custom_scalars=SCALAIRES), graine=st.integers(0, 50))
def test_operations_of_a_stranger(texte: str, graine: int) -> None:
    banc = Banc()
    banc.essayer(texte, {}, Profil.MISSION_LOCALE, Monde(Random(graine), gatee=False))
    assert banc.ecarts == []
    assert set(banc.voies) <= {"premiere_vue", "plan"}, Counter(banc.voies)
