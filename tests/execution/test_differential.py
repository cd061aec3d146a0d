"""Compiled execution answers as graphql-core does; the long form is `python -m tests.execution.differential`."""

from collections import Counter
from pathlib import Path
from random import Random

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis_graphql import nodes, queries

from gateway.auth.policy.rules import Profil
from tests.execution.differential import Bench, World
from tests.support.access.tools import SCHEMA
from tests.support.execution.operations import VALUES
from tests.support.figures import note

PASSED = Path(__file__).parent / "passed.txt"
SCALARS = {
    nom: st.sampled_from([valeur.strip('"') for valeur in VALUES[nom]]).map(nodes.String)
    for nom in ("Date", "UAI", "SIRET", "CodeInsee")
}


def test_generated_operations_answer_as_graphql_core_does() -> None:
    bench_ = Bench()
    bench_.generate(seed=3, operations=500)
    assert bench_.differences == []
    assert bench_.execution_paths["plan"] > 700
    assert bench_.execution_paths["repli"] == 0
    note(f"exécution compilée contre graphql-core : {bench_.figure()}")


def test_operations_that_once_differed() -> None:
    bench_ = Bench()
    for seed in range(6):
        world = World(Random(seed), spoilt=seed % 2 == 1)
        for text in PASSED.read_text(encoding="utf-8").splitlines():
            for profil in (Profil.MISSION_LOCALE, Profil.CFA, Profil.TETE_DE_RESEAU):
                bench_.try_(text, {}, profil, world)
    assert bench_.differences == []


@settings(max_examples=60, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(text=queries(SCHEMA, custom_scalars=SCALARS), seed=st.integers(0, 50))
def test_operations_of_a_stranger(text: str, seed: int) -> None:
    bench_ = Bench()
    bench_.try_(text, {}, Profil.MISSION_LOCALE, World(Random(seed), spoilt=False))
    assert bench_.differences == []
    assert set(bench_.execution_paths) <= {"premiere_vue", "plan"}, Counter(bench_.execution_paths)
