"""The joins of a real gateway over real HTTP, judged by the truth: what the product promises, and the command that says so."""

import json

import pytest

from fixtures.__main__ import main
from fixtures.evaluation.rapport import juger
from fixtures.monde import Monde
from tests.chiffres import noter

PRECISION, RAPPEL, RAPPEL_PIRE = 0.9999, 0.98, 0.95


def test_records_of_the_default_population_are_joined_as_promised(monde: Monde) -> None:
    rapport = juger(monde.population, monde.rapprochements())
    paires, personnes, pire = rapport.mesure.paires, rapport.mesure.personnes, rapport.pire
    assert pire is not None
    noter(
        f"joins: pairwise precision {paires.precision:.5f}, recall {paires.rappel:.4f} ({paires.justes} pairs right);"
        f" whole persons F1 {personnes.f1:.4f}; worst class {pire[0]} {pire[1].rappel:.4f}"
    )
    dite = rapport.precocite
    noter(
        f"ruptures: first told after {dite.premiere.mediane:.0f} days (median), {dite.avance.mediane:.0f} days before the"
        f" registry where an ERP tells them too; {dite.jamais_au_registre:.1%} never in the registry"
    )
    assert paires.justes > 5_000
    assert paires.precision >= PRECISION, rapport.preuves
    assert paires.rappel >= RAPPEL
    assert pire[1].rappel >= RAPPEL_PIRE


def test_the_command_prints_what_a_machine_reads(capfd: pytest.CaptureFixture[str]) -> None:
    assert main(["evaluer", "--graine", "5", "--jeunes", "300", "--aujourdhui", "2026-10-15", "--json"]) == 0
    sortie, progres = capfd.readouterr()
    lu = json.loads(sortie)
    assert lu["paires"]["justes"] > 300
    assert lu["paires"]["faux"] == 0
    assert lu["personnes"]["rappel"] > 0.98
    assert lu["precocite"]["ruptures"] > 30
    assert "records read" in progres
    assert "@exemple.invalid" not in sortie + progres
