"""Compiled execution answers as graphql-core does; the long form is `python -m tests.execution.differential`."""

from collections import Counter
from pathlib import Path
from random import Random

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis_graphql import nodes, queries

from gateway.auth.policy.rules import Profil
from tests.execution.differential import DifferentialHarness, DrawnWorld
from tests.support.access.tools import SCHEMA
from tests.support.execution.operations import VALUES
from tests.support.figures import note

PASSED = Path(__file__).parent / "passed.txt"
SCALARS = {
    nom: st.sampled_from([valeur.strip('"') for valeur in VALUES[nom]]).map(nodes.String)
    for nom in ("Date", "UAI", "SIRET", "CodeInsee")
}


def test_generated_operations_answer_as_graphql_core_does() -> None:
    harness = DifferentialHarness()
    harness.generate(seed=3, operations=550)
    assert harness.differences == []
    assert harness.execution_paths["plan"] > 700
    assert harness.execution_paths["repli"] == 0
    note(f"exécution compilée contre graphql-core : {harness.figure()}")


def test_operations_that_once_differed() -> None:
    harness = DifferentialHarness()
    for seed in range(6):
        world = DrawnWorld(Random(seed), spoilt=seed % 2 == 1)
        for text in PASSED.read_text(encoding="utf-8").splitlines():
            for profil in (Profil.MISSION_LOCALE, Profil.CFA, Profil.TETE_DE_RESEAU):
                harness.attempt(text, {}, profil, world)
    assert harness.differences == []


@settings(max_examples=60, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(text=queries(SCHEMA, custom_scalars=SCALARS), seed=st.integers(0, 50))
def test_operations_of_a_stranger(text: str, seed: int) -> None:
    harness = DifferentialHarness()
    harness.attempt(text, {}, Profil.MISSION_LOCALE, DrawnWorld(Random(seed), spoilt=False))
    assert harness.differences == []
    assert set(harness.execution_paths) <= {"premiere_vue", "plan"}, Counter(harness.execution_paths)
