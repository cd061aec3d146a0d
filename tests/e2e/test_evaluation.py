"""The joins of a real gateway over real HTTP, judged by the truth: what the product promises, and the command that says so."""

import json

import pytest

from fixtures.__main__ import main
from fixtures.evaluation.report import judge
from fixtures.world import World
from tests.support.figures import note

PRECISION, RECALL, WORST_RECALL = 0.9999, 0.98, 0.95


def test_records_of_the_default_population_are_joined_as_promised(default_world: World) -> None:
    report = judge(default_world.population, default_world.rapprochements())
    pairs, persons, worst = report.cost.pairs, report.cost.persons, report.worst
    assert worst is not None
    note(
        f"joins: pairwise precision {pairs.precision:.5f}, recall {pairs.recall:.4f} ({pairs.justes} pairs right);"
        f" whole persons F1 {persons.f1:.4f}; worst class {worst[0]} {worst[1].recall:.4f}"
    )
    told = report.earliness
    note(
        f"ruptures: first told after {told.premiere.mediane:.0f} days (median), {told.avance.mediane:.0f} days before the"
        f" registry where an ERP tells them too; {told.jamais_au_registre:.1%} never in the registry"
    )
    assert pairs.justes > 5_000
    assert pairs.precision >= PRECISION, report.evidence
    assert pairs.recall >= RECALL
    assert worst[1].recall >= WORST_RECALL


def test_the_command_prints_what_a_machine_reads(capfd: pytest.CaptureFixture[str]) -> None:
    assert main(["evaluer", "--graine", "5", "--jeunes", "300", "--aujourdhui", "2026-10-15", "--json"]) == 0
    output, progress = capfd.readouterr()
    result = json.loads(output)
    assert result["paires"]["justes"] > 300
    assert result["paires"]["faux"] == 0
    assert result["personnes"]["rappel"] > 0.98
    assert result["precocite"]["ruptures"] > 30
    assert "enregistrements lus" in progress
    assert "@exemple.invalid" not in output + progress
