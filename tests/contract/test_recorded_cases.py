"""The recorded cases are what the simulators answer: recorded again, they are the same bytes."""

from pathlib import Path

import pytest

from tests.support.contract.recording import Recorded, record, recorded_cases, root_of


@pytest.mark.parametrize("case", list(recorded_cases()), ids=lambda case: f"{case.genre}-{case.name}")
def test_a_case_is_what_its_simulator_answers(case: Recorded, tmp_path: Path) -> None:
    record(case, tmp_path)
    told = {path.name: path.read_bytes() for path in (tmp_path / case.genre / "cas").iterdir()}
    kept = {path.name: path.read_bytes() for path in (root_of(case.genre) / case.genre / "cas").glob(f"{case.name}.*")}
    del told[f"{case.name}.attendu.json"], kept[f"{case.name}.attendu.json"]
    assert told == kept
    assert told
