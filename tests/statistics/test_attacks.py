"""Attacks on published figures, replayed over the graph: windows that differ by a month, averages, nights, sums of several grids.

Whoever averages two hundred differences learns the block, and nothing more than the block (docs/statistiques.md, Secret).
"""

from collections import Counter, defaultdict
from collections.abc import AsyncIterator
from itertools import pairwise
from random import Random
from typing import Any

import pytest

from gateway.statistiques.disclosure import possible_counts
from tests.support.access.small_world import CFAS, caller
from tests.support.figures import note
from tests.support.published_world import MONTHS, VALUES, Counts, PublishedWorld, blocks, publish, published_world

pytestmark = pytest.mark.anyio

STATISTICIAN = caller("STATISTIQUES", "")
STAY = 0.56  # that one more is counted: 44 % of small cells hold one person, as ruptures of a CFA and month do
STARTS, TARGETS = 5, 20  # windows a month, and months: 200 queries, each of all the cells
NIGHTS = 30
LEAST = 4


def draw_small(randomness: Random) -> Counts:
    """Ruptures by département, level and month, most of them of few."""
    lots: Counts = {}
    for uai, (_, departement, _, _, _) in CFAS.items():
        counts: Counter[Any] = Counter()
        for mois in MONTHS:
            for niveau in VALUES["NIVEAU"]:
                number = 1
                while randomness.random() < STAY:
                    number += 1
                counts["2a", departement, niveau, mois, "RUPTURE"] = number
        lots[f"CFA:{uai}"] = counts
    return lots


LOTS = draw_small(Random(21))


@pytest.fixture(scope="module")
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(scope="module")
async def world(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[PublishedWorld]:
    async with published_world(tmp_path_factory.mktemp("blocs"), LOTS, blocks(LOTS)) as world:
        yield world


async def window(world: PublishedWorld, first: str, last: str) -> dict[tuple[str, str], int | None]:
    """Ruptures of a window, by département and level."""
    asked = f'filtre: {{depuis: "{first}-01", jusqua: "{last}-01"}}, dimensions: [DEPARTEMENT, NIVEAU]'
    told = await world.ask(
        STATISTICIAN, f"{{ statistiques({asked}) {{ lignes {{ dimensions {{ code }} ruptures }} }} }}"
    )
    lines = told["data"]["statistiques"]["lignes"]
    return {(line["dimensions"][0]["code"], line["dimensions"][1]["code"]): line["ruptures"] for line in lines}


async def differences(world: PublishedWorld) -> dict[tuple[str, str, str], set[int]]:
    """What the target months add to windows, whichever their start, by cell: only what is shown on both sides."""
    told: dict[tuple[str, str, str], set[int]] = defaultdict(set)
    for before, month in list(pairwise(MONTHS[:-1]))[-TARGETS:]:
        for start in MONTHS[:STARTS]:
            with_it, without = await window(world, start, month), await window(world, start, before)
            for cell, value in with_it.items():
                other = without.get(cell)
                if value is not None and other is not None:
                    told[(*cell, month)].add(value - other)
    return told


def best_guess(block: int) -> int:
    """Of whoever knows how counts are drawn, and that one is between 1 and 10: the likeliest under the block."""
    chances = {}
    for number in range(1, 11):
        offsets = sum(5 * ((number + offset) // 5) == block for offset in range(5))
        chances[number] = STAY ** (number - 1) * offsets
    return max(chances, key=lambda number: (chances[number], -number))


async def test_windows_that_move_tell_the_block_and_no_average_of_them_more(world: PublishedWorld) -> None:
    told, exact, blind, near = await differences(world), 0, 0, 0
    counts = {(cell[1], cell[2], cell[3]): n for lot in LOTS.values() for cell, n in lot.items()}
    protected = {(cell[1], cell[2], cell[3]): m for cell, m in blocks(LOTS).items()}
    small = {cell for cell in told if 1 <= counts[cell] <= 10}
    assert len(small) > 100
    for cell in small:
        # However many windows: one value, the block's. There is nothing to average.
        assert told[cell] == {protected.get(cell, 0)}
        low, high = possible_counts(protected.get(cell, 0))
        assert high - low + 1 >= LEAST
        guess = best_guess(protected.get(cell, 0))
        exact += guess == counts[cell]
        near += abs(guess - counts[cell]) <= 1
        blind += counts[cell] == 1
    queries = 2 * STARTS * TARGETS
    note(
        f"attaque par fenêtres : {queries} requêtes, {len(small)} cases de 1 à 10, {exact / len(small):.0%} devinées "
        f"({near / len(small):.0%} à 1 près), {blind / len(small):.0%} sans rien lire"
    )
    assert exact / len(small) <= blind / len(small) + 0.05


async def test_nights_without_change_give_the_same_answer(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Offsets belong to cells: thirty snapshots are one look."""
    async with published_world(tmp_path_factory.mktemp("nuits"), LOTS, blocks(LOTS)) as world:
        first, protected = await window(world, "2025-01", "2026-09"), blocks(LOTS)
        for night in range(2, NIGHTS + 1):
            await publish(world.store, LOTS, protected)
            snapshot = await world.store.snapshot()
            assert snapshot is not None
            assert snapshot.number == night
            assert await window(world, "2025-01", "2026-09") == first


async def test_a_cursor_of_a_former_snapshot_is_refused(tmp_path_factory: pytest.TempPathFactory) -> None:
    query = """query P($a: String) { statistiques(dimensions: [MOIS], first: 3, after: $a) {
      lignes { dimensions { code } } pageInfo { hasNextPage hasPreviousPage startCursor endCursor } nombreDeLignes } }"""
    async with published_world(tmp_path_factory.mktemp("curseurs"), LOTS, blocks(LOTS)) as world:
        codes: list[str] = []
        after: str | None = None
        while True:
            page = (await world.ask(STATISTICIAN, query, a=after))["data"]["statistiques"]
            codes += [line["dimensions"][0]["code"] for line in page["lignes"]]
            first, after = after, page["pageInfo"]["endCursor"]
            assert page["pageInfo"]["hasPreviousPage"] is (first is not None)
            if not page["pageInfo"]["hasNextPage"]:
                break
        assert codes == sorted(codes)
        assert len(codes) == page["nombreDeLignes"] == 12
        other = caller("REGION", "11")
        await publish(world.store, LOTS, blocks(LOTS))
        for who in (STATISTICIAN, other):
            (error,) = (await world.ask(who, query, a=after))["errors"]
            assert error["extensions"]["code"] == "CURSEUR_INVALIDE"


@pytest.mark.parametrize(
    ("asked", "told"),
    [
        ('filtre: {region: "99"}', "REGION ne connaît pas"),
        ('filtre: {region: "11", regions: ["32"]}', "filtre.region et filtre.regions ne vont pas ensemble"),
        ('filtre: {departements: ["2a"]}', "DEPARTEMENT ne connaît pas"),
        ("filtre: {niveau: 12}", "admis : 3, 4, 5, 6, 7, 8"),
        ('filtre: {depuis: "2026-05-01", jusqua: "2026-04-01"}', "filtre"),
        ('filtre: {depuis: "2027-01-01"}', "filtre.depuis vient après le dernier jour compté"),
        ("dimensions: [CFA, SEXE]", "Aucune maille ne croise"),
        ("dimensions: [CFA, MISSION_LOCALE]", "2c : MISSION_LOCALE ou DEPARTEMENT ou REGION"),
        ("first: 5001", "0 à 5000"),
    ],
)
async def test_what_is_not_told_is_refused_in_french(world: PublishedWorld, asked: str, told: str) -> None:
    answer = await world.ask(STATISTICIAN, f"{{ statistiques({asked}) {{ origine }} }}")
    (error,) = answer["errors"]
    assert error["extensions"]["code"] in ("ARGUMENT_REFUSE", "REQUETE_INVALIDE")
    assert told in error["message"]


async def test_definitions_are_those_that_are_declared(world: PublishedWorld) -> None:
    answer = await world.ask(STATISTICIAN, '{ statistiques { definitions(noms: ["ruptures"]) { nom unite source } } }')
    assert answer["data"]["statistiques"]["definitions"] == [
        {"nom": "ruptures", "unite": "ruptures", "source": "ERP des CFA et registre des contrats"}
    ]
    (error,) = (await world.ask(STATISTICIAN, '{ statistiques { definitions(noms: ["rupture"]) { nom } } }'))["errors"]
    assert error["extensions"]["code"] == "ARGUMENT_REFUSE"
