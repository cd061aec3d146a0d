"""What goes wrong around an open stream, each by its name. Elsewhere: a revocation between two events, a client that changes
(`test_subscription`, `tests/e2e/test_event_stream_life.py`), streams cut by RST (`tests/e2e/test_event_properties.py`, I11),
Redis killed during fan-out, a frozen reader, a token that ends, over real HTTP (`tests/e2e/test_event_hazards.py`)."""

from collections.abc import AsyncIterator
from datetime import date
from typing import Any

import pytest

from gateway import subscription
from gateway.schema.nouns import Adresse
from gateway.schema.scalars import CodePostal
from tests.e2e.test_ids import QualityCounts
from tests.support.unit.watched_world import WatchedWorld, adviser, apprentice
from tests.unit.test_subscription import Callers, opened, received, told_by

pytestmark = pytest.mark.anyio

BROKEN_OFF, AGAIN = date(2026, 9, 20), date(2026, 9, 25)
HERE, THERE = "60001", "60002"
CREIL: dict[str, Any] = {
    "adresse": Adresse(code_postal=CodePostal("60100"), insee="60175")
}  # of the other Mission locale


@pytest.fixture
async def world(tmp_path: Any) -> AsyncIterator[WatchedWorld]:
    ledger = QualityCounts(f"sqlite+aiosqlite:///{tmp_path / 'liens.sqlite'}")
    opened_world = WatchedWorld(ledger, url=f"sqlite+aiosqlite:///{tmp_path / 'evenements.sqlite'}")
    await opened_world.log.store.open()
    opened_world.tell(apprentice("0", nom="Témoin"), apprentice("9", nom="Voisine", **CREIL))
    await opened_world.look(adviser(HERE), adviser(THERE))
    yield opened_world
    await opened_world.close()
    await ledger.close()


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(subscription, "BEAT", 0.02)
    monkeypatch.setattr(subscription, "AGAIN", 0.01)


async def tell(world: WatchedWorld, *people: Any) -> None:
    world.tell(apprentice("0", nom="Témoin"), apprentice("9", nom="Voisine", **CREIL), *people)
    await world.look(adviser(HERE), adviser(THERE))


async def test_a_young_person_who_moves_is_told_of_where_she_is_and_nowhere_else(world: WatchedWorld) -> None:
    await tell(world, apprentice("m", nom="Mobile"))
    here = await opened(world, Callers(adviser(HERE)))
    there = await opened(world, Callers(adviser(THERE)))
    await tell(world, apprentice("m", BROKEN_OFF, nom="Mobile"))
    assert [event["jeune"]["nom"] for event in told_by(await received(here))] == ["Mobile"]
    assert await received(there) == []
    await tell(world, apprentice("m", BROKEN_OFF, nom="Mobile", **CREIL))
    (event,) = told_by(await received(there))
    assert (event["type"], event["jeune"]["nom"]) == ("RUPTURE_NOUVELLE", "Mobile")
    assert await received(here) == []
    await tell(world, apprentice("m", AGAIN, nom="Mobile", **CREIL))
    assert [event["rupture"]["date"] for event in told_by(await received(there))] == [AGAIN.isoformat()]
    assert await received(here) == []


async def test_an_event_that_waits_while_she_moves_is_sent_to_nobody_who_lost_her(world: WatchedWorld) -> None:
    await tell(world, apprentice("m", nom="Mobile"))
    here = await opened(world, Callers(adviser(HERE)))
    await tell(world, apprentice("m", BROKEN_OFF, nom="Mobile"))
    await tell(world, apprentice("m", BROKEN_OFF, nom="Mobile", **CREIL))
    assert await received(here) == []


async def test_an_erp_back_after_months_is_one_event_and_no_flood(world: WatchedWorld) -> None:
    late = [apprentice(str(n), BROKEN_OFF, source="gestibase", tenant="B", nom=f"Nom{n}") for n in range(1, 9)]
    await tell(world, *late[:1])
    for _ in range(90):
        world.later(days=1)
        world.tell(apprentice("0", nom="Témoin"), apprentice("9", nom="Voisine", **CREIL))
        await world.look(adviser(HERE))
    stream = await opened(world, Callers(adviser(HERE)))
    await tell(world, *late)
    (event,) = told_by(await received(stream))
    assert (event["type"], event["source"], event["jeune"]) == ("SOURCE_AJOUTEE", "gestibase", None)
    await tell(world, *late, apprentice("n", BROKEN_OFF, nom="Nouvelle"))
    assert [one["jeune"]["nom"] for one in told_by(await received(stream))] == ["Nouvelle"]
