"""Whoever may count nothing exactly is answered from the blocks and from nothing else: other true counts under the same blocks
give the same bytes, of the graph, of files and of the public page."""

from collections.abc import AsyncIterator
from pathlib import Path
from random import Random
from typing import Any

import orjson
import pytest

from gateway.auth.authentication.clients import Viewer
from gateway.errors import CallerError
from gateway.statistiques.exports import FORMATS, dataset
from gateway.statistiques.file_request import as_graph
from gateway.statistiques.indicators import indicators
from gateway.statistiques.public_figures import PublicFigures
from gateway.statistiques.public_page import public_page
from gateway.statistiques.questions import Question
from gateway.stores.quota_counters import RateLimits
from gateway.web.statistics_page import page_html
from tests.support.access.small_world import CFAS, REGIONS, caller
from tests.support.figures import note
from tests.support.published_world import PublishedWorld, blocks, draw_counts, published_world, redrawn

pytestmark = pytest.mark.anyio

QUERIES, FILES = 2_000, 300
LOTS = draw_counts(Random(7))
PROTECTED = [
    caller("STATISTIQUES", ""),
    caller("ARML", "32"),
    caller("REGION", "11"),
    caller("OPCO", "OPCO"),
    *(
        caller(*who, finalite="EXPLOITATION")
        for who in (("MISSION_LOCALE", "60001"), ("CFA", "0600001A"), ("DREETS", "32"))
    ),
]
DIMENSIONS = ("REGION", "DEPARTEMENT", "ACADEMIE", "RESEAU", "CFA", "MISSION_LOCALE", "NIVEAU", "SEXE", "TRANCHE_AGE",
              "SECTEUR", "STATUT", "MOIS", "ANNEE_SCOLAIRE")  # fmt: skip
LOCALES = [code for codes in REGIONS.values() for code in codes]
FILTERS: dict[str, list[Any]] = {
    "region": sorted(REGIONS),
    "regions": [["11", "32"], ["11"]],
    "departements": [["60"], ["60", "75"], ["02", "77"]],
    "cfas": [[uai] for uai in CFAS],
    "missionsLocales": [[code] for code in LOCALES],
    "niveau": [3, 4],
    "sexe": ["F", "M"],
    "secteur": ["A", "G"],
    "lieu": ["FORMATION", "RESIDENCE"],
    "depuis": ["2024-08-15", "2025-01-01", "2026-03-01"],
    "jusqua": ["2026-10-31", "2026-06-30"],
}
FIELDS = " ".join(indicators())
QUERY = f"""query Q($f: FiltreStatistiques, $d: [Dimension!]!, $n: Int!) {{ statistiques(filtre: $f, dimensions: $d, first: $n) {{
  lignes {{ dimensions {{ dimension code libelle }} {FIELDS} secret masques provisoire marges {{ champ valeur }} }}
  total {{ {FIELDS} masques marges {{ champ valeur }} }} comparaisons {{ dimensions {{ code }} {FIELDS} masques }}
  nombreDeLignes calculeesLe etatAu protection {{ exacte pas seuil maille }} couverture {{ source part }}
  pageInfo {{ hasNextPage endCursor }} }} }}"""


@pytest.fixture(scope="module")
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(scope="module")
async def worlds(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[tuple[PublishedWorld, PublishedWorld]]:
    folders: list[Path] = [tmp_path_factory.mktemp(name) for name in ("un", "autre")]
    other = redrawn(LOTS, Random(8))
    assert other != LOTS
    same = blocks(LOTS)
    async with published_world(folders[0], LOTS, same) as one, published_world(folders[1], other, same) as another:
        yield one, another


def draw_question(randomness: Random) -> dict[str, Any]:
    filtre = {
        name: randomness.choice(FILTERS[name]) for name in randomness.sample(sorted(FILTERS), randomness.randint(0, 3))
    }
    if "region" in filtre:
        filtre.pop("regions", None)
    dimensions = randomness.sample(DIMENSIONS, randomness.choice((0, 1, 1, 1, 2, 2, 3)))
    return {"f": filtre, "d": dimensions, "n": randomness.choice((0, 1, 3, 1000))}


async def test_other_counts_under_the_same_blocks_give_the_same_bytes(
    worlds: tuple[PublishedWorld, PublishedWorld],
) -> None:
    randomness, told = Random(11), 0
    for _ in range(QUERIES):
        who, variables = randomness.choice(PROTECTED), draw_question(randomness)
        one, other = [orjson.dumps(await world.ask(who, QUERY, **variables)) for world in worlds]
        assert one == other, (who.profil, variables)
        told += b'"statistiques":{' in one
    assert told > QUERIES / 5
    note(f"non-interférence : {QUERIES} requêtes, {told} répondues, octets identiques sous les mêmes blocs")


async def test_the_reader_of_exact_counts_does_see_the_other_counts(
    worlds: tuple[PublishedWorld, PublishedWorld],
) -> None:
    """The same trial on whoever may count exactly: it can fail."""
    who = caller("TETE_DE_RESEAU", "mfr")
    one, other = [orjson.dumps(await world.ask(who, QUERY, f={}, d=["MOIS"], n=1000)) for world in worlds]
    assert one != other


def public(world: PublishedWorld) -> PublicFigures:
    statistics, directory = world.world.gateway.statistics, world.world.gateway.directory
    return PublicFigures(world.published, lambda: statistics.known(directory()), RateLimits())


async def test_files_and_the_public_page_are_of_the_blocks_alone(worlds: tuple[PublishedWorld, PublishedWorld]) -> None:
    pages = [page_html(await public_page(public(world))).body for world in worlds]
    assert pages[0] == pages[1]
    randomness, told = Random(13), 0
    for _ in range(FILES):
        dimensions = tuple(
            randomness.sample(("REGION", "DEPARTEMENT", "NIVEAU", "MOIS", "SECTEUR", "SEXE", "STATUT"), 2)
        )
        files = []
        for world in worlds:
            try:
                answer = as_graph(await public(world).told(Question(dimensions)))
            except CallerError as error:
                files.append([str(error).encode()])
                continue
            files.append([write(dataset(answer, answer["lignes"], dimensions), False) for _, write in FORMATS.values()])
        assert files[0] == files[1]
        told += len(files[0]) > 1
    assert told > FILES / 10


@pytest.mark.parametrize("who", PROTECTED[:1], ids=lambda who: who.profil.value)
async def test_what_everybody_reads_is_a_multiple_of_ten_from_twenty_on(
    worlds: tuple[PublishedWorld, PublishedWorld], who: Viewer
) -> None:
    answer = await public(worlds[0]).told(Question(("DEPARTEMENT", "MOIS")))
    counts = [line.ruptures for line in answer.lignes if line.ruptures is not None]
    assert counts
    assert all(count >= 20 and count % 10 == 0 for count in counts)
    with pytest.raises(CallerError, match="Sans identification"):
        await public(worlds[0]).told(Question(("CFA",)))
