"""Coverage: what was read of what is expected, and the months in which it moved."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random

import pytest

from gateway.statistiques.coverage import breaks, cover
from tests.support.access.small_world import CFAS, caller
from tests.support.published_world import NIGHT, blocks, draw_counts, publish, published_world

NOW = datetime(2026, 10, 15, 1, tzinfo=UTC)
OF_A_NETWORK = """{ statistiques {
  total { apprentis inscrits rupturants abandons finsDeFormation apprenants contratsCommences ruptures }
  couverture { source attendus couverts part plusAncien etat } } }"""


def test_nothing_expected_is_not_everything_covered() -> None:
    assert cover("erp", (), {"A": NOW}, NOW).share is None


def test_what_was_not_read_for_a_week_is_not_covered_and_its_age_is_told() -> None:
    read_at = {"A": NOW, "B": datetime(2026, 10, 8, 1, tzinfo=UTC), "C": datetime(2026, 10, 8, 0, tzinfo=UTC), "Z": NOW}
    found = cover("erp", ("A", "B", "C", "D"), read_at, NOW)
    assert (found.expected, found.covered, found.share) == (4, 2, 0.5)
    assert found.oldest == read_at["C"]


def test_a_series_breaks_where_coverage_moves_by_five_points() -> None:
    by_month = {
        "2026-03": (80, 100),
        "2026-01": (74, 100),
        "2026-02": (75, 100),
        "2026-04": (76, 100),
        "2026-05": (0, 0),
    }
    assert [(b.month, b.before, b.after) for b in breaks("erp", by_month)] == [("2026-03", 0.75, 0.8)]


@pytest.mark.anyio
async def test_a_silent_network_keeps_its_figures_and_tells_their_age(tmp_path: Path) -> None:
    """What a network of CFAs gave twelve nights ago stands, and everybody who reads it is told so."""
    lots, of_network = draw_counts(Random(8)), [uai for uai, (_, _, _, reseaux, _) in CFAS.items() if "mfr" in reseaux]
    since = NIGHT - timedelta(days=12)
    readers = (caller("TETE_DE_RESEAU", "mfr"), caller("STATISTIQUES", ""))
    async with published_world(tmp_path, lots, blocks(lots)) as world:
        heard = [(await world.ask(reader, OF_A_NETWORK))["data"]["statistiques"] for reader in readers]
        await publish(world.store, lots, blocks(lots), dict.fromkeys(of_network, since))
        silent = [(await world.ask(reader, OF_A_NETWORK))["data"]["statistiques"] for reader in readers]
    for reader, others in enumerate((0, len(CFAS) - len(of_network))):
        assert silent[reader]["total"] == heard[reader]["total"]
        assert None not in heard[reader]["total"].values()
        told, before = silent[reader]["couverture"][0], heard[reader]["couverture"][0]
        assert (before["couverts"], before["part"]) == (len(of_network) + others, 1)
        assert (told["couverts"], told["attendus"]) == (others, len(of_network) + others)
        assert told["plusAncien"] == since.isoformat().replace("+00:00", "Z")
        assert told["etat"] == ("DEGRADEE" if others else "INDISPONIBLE")
