"""Every fault on every partner, through a real gateway: no answer of 500 or more, and no row missing that is not said to be."""

import os
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from fixtures.world import World
from tests.conftest import LONG_WAIT
from tests.matrix.cells import CELLS, INDISPONIBLE, INVALID, PARTNERS, Cell
from tests.matrix.launch import Matrix
from tests.matrix.oracle import Outcome
from tests.support.figures import FIGURES, note

DEADLINE = 60.0  # seconds a cell may take, its gateway's start included


@pytest.fixture
def matrix(world: World, tmp_path: Path) -> Iterator[Matrix]:
    yield Matrix(world, tmp_path)
    world.check.lift_faults()


SHORT: tuple[
    tuple[str, str, str | None, dict[str, str]], ...
] = (  # one a partner, one after the other and none lifted: in the end the registry alone is heard
    ("ypareo", "truncate", None, {}),
    ("gestibase", "wrong_length", "short", {}),
    ("imilo", "reset", "head", {}),
    ("aimaira", "drift", "missing:Nom", {"operation": "Apprenant"}),
)


def test_partners_withheld_one_after_the_other_are_named_and_the_rest_is_whole(matrix: Matrix) -> None:
    """Each fault is told at once: an answer waits for the healthy ones, however busy this machine is."""
    matrix.response_timeout = LONG_WAIT
    selected: dict[str, Outcome] = {}
    with matrix.world.gateway(GATEWAY_CONFIG=matrix.configuration({})) as launched:
        for partner, kind, value, rest in SHORT:
            matrix.world.check.fault(partner, kind, value, **rest)
            selected[partner] = Outcome.KEPT_ROWS
            assert matrix.judge(launched, selected, {INVALID, INDISPONIBLE}) == "", partner
    note(f"matrice courte : {len(SHORT)} cellules, 0 réponse ≥ 500, 0 ligne manquante sans le dire")


@pytest.mark.chaos
def test_no_fault_of_any_partner_hides_a_row_or_breaks_an_answer(matrix: Matrix) -> None:
    typos: list[str] = []
    debut = time.monotonic()
    note(f"{'':24}" + "".join(f"{partner:>13}" for partner in PARTNERS))
    for cell in CELLS:
        if os.environ.get("PANNE", cell.nom) == cell.nom:
            note(_line(cell, _play(matrix, cell, typos)))
            print(FIGURES[-1], *typos, sep="\n", flush=True)
    note(f"matrice : {len(CELLS)} pannes × {len(PARTNERS)} partenaires en {time.monotonic() - debut:.0f} s")
    assert typos == []


def _line(cell: Cell, views: Mapping[str, str]) -> str:
    return f"{cell.nom:24}" + "".join(f"{views.get(partner, '-'):>13}" for partner in PARTNERS)


def _play(matrix: Matrix, cell: Cell, typos: list[str]) -> dict[str, str]:
    """A row: what became of the rows of each partner, or that something is wrong, which is added to `typos`."""
    views: dict[str, str] = {}
    debut = time.monotonic()
    for partner, found in _cells(matrix, cell):
        duration, debut = time.monotonic() - debut, time.monotonic()
        fault = found or (f"took {duration:.0f} s" if duration > DEADLINE else "")
        if fault:
            typos.append(f"{cell.nom}, {partner}: {fault}")
        views[partner] = "FAULT" if fault else _become(cell, partner)
    return views


def _cells(matrix: Matrix, cell: Cell) -> Iterator[tuple[str, str]]:
    yield from matrix.living(cell)
    if cell.kind != "wrong_tenant":  # those two have one tenant
        yield "registre", matrix.registry(cell)
        yield "referentiel", matrix.referentiel(cell)


def _become(cell: Cell, partner: str) -> str:
    return {"referentiel": "kept copy", "registre": "age told"}.get(partner, cell.become(partner).value)
