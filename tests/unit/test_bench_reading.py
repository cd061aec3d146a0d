"""The bench of readings: what it records is read again without the simulators; what two commits read otherwise has a place."""

import json
from copy import deepcopy
from datetime import date
from pathlib import Path

import pytest

from bench._reading_side import PAGES, RecordedNetwork, RecordedPartners, told
from bench.reading import differences_of, record
from fixtures.population.generator import generate

SIX = {"aimaira", "gestibase", "imilo", "referentiel", "registre", "ypareo"}


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> RecordedPartners:
    folder: Path = tmp_path_factory.mktemp("pages")
    population = generate(seed=3, jeunes=150, departements=("01",), today=date(2026, 10, 15), rarer=False)
    assert set(record(population, folder)) == SIX
    return RecordedPartners(folder, RecordedNetwork(json.loads((folder / PAGES).read_text(encoding="utf-8"))))


@pytest.mark.parametrize("name", sorted(SIX))
def test_what_was_recorded_is_read_again_alike(recorded: RecordedPartners, name: str) -> None:
    first, second = (told(recorded, name) for _ in range(2))
    assert first
    assert not differences_of(first, second, ())


def test_a_noun_that_is_read_otherwise_is_told_by_its_place(recorded: RecordedPartners) -> None:
    before = told(recorded, "ypareo")
    after = deepcopy(before)
    key = next(key for key, noun in before.items() if noun and "jeune" in noun)
    after[key]["jeune"]["nom"] += "!"
    assert differences_of(before, after, ()) == {".jeune.nom": 1}
    assert not differences_of(before, after, {"nom"})
    del after[key]
    assert differences_of(before, after, ()) == {"only there": 1}
