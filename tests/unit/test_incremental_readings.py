"""Reading only what changed: a partner that tells it is asked so, all is read at intervals, and nothing unsure is laid over what
is known. The partner is a table, asked over HTTP's own objects."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from prometheus_client import CollectorRegistry

from gateway.errors import SourceDenied
from gateway.sources.http.transport import Transport
from gateway.sources.metrics import SourceMetrics
from gateway.sources.partner_client import PartnerClient
from gateway.sources.partners.load import load_partner
from gateway.sources.resilience.budgets import Clock
from gateway.sources.unit_reader import UnitReader
from gateway.sources.units import Resource, Unit, UnitFailure, UnitResult

pytestmark = pytest.mark.anyio
UAI = "0010856A"
NOON = datetime(2026, 10, 15, 10, tzinfo=UTC)
WHOLE = 1800
PARTNER = f"""
nom = "marees"
genre = "table"
base_url = "https://marees.invalid"
locataires = "locataires.csv"
[acces.defaut]
type = "porteur"
secret = "MAREES"
[dialecte]
systeme = "cfa"
chemin = "/apprentis"
lignes = "apprentis"
pages = {{ numero = "page", total = "total" }}
exige = {{ etab = "{{uai}}" }}
[dialecte.changements]
parametres = {{ modifiedSince = "{{depuis}}" }}
entiere_secondes = {WHOLE}
[dialecte.jeune]
cle = "id"
nom = "nom"
prenom = "prenom"
date_naissance = "naissance"
"""


class ChangingPartner:
    """A partner whose rows have an instant of change; notes since when it was asked, "" for everything."""

    def __init__(self) -> None:
        self.rows: dict[int, tuple[datetime, dict[str, Any]]] = {}
        self.asked: list[str] = []
        self.refuses_changes = False

    def say(self, rank: int, at: datetime, **values: Any) -> None:
        row = {"id": rank, "nom": f"Nom{rank}", "prenom": "Zoé", "naissance": "2006-03-07", **values}
        self.rows[rank] = at, row

    def __call__(self, request: httpx.Request) -> httpx.Response:
        since = request.url.params.get("modifiedSince", "")
        self.asked.append(since)
        if since and self.refuses_changes:
            return httpx.Response(400)
        from_ = datetime.fromisoformat(since) if since else None
        rows = [row for at, row in self.rows.values() if from_ is None or at >= from_]
        given = rows if request.url.params.get("page") in {None, "1"} else []
        return httpx.Response(200, json={"etab": UAI, "total": len(rows), "apprentis": given})


class World:
    """The reader of that partner, on a clock of its own."""

    def __init__(self, folder: Path) -> None:
        (folder / "marees.toml").write_text(PARTNER, encoding="utf-8")
        (folder / "locataires.csv").write_text(f"uai,siret,code\n{UAI},,\n", encoding="utf-8")
        self.now, self.partner_side = NOON, ChangingPartner()
        for rank in range(1, 4):
            self.partner_side.say(rank, NOON - timedelta(days=2))
        partner = load_partner(folder / "marees.toml", {"MAREES": "secret"}, ())
        network = Transport(self._clock, lambda: httpx.MockTransport(self.partner_side))
        client = PartnerClient(partner, network, SourceMetrics(CollectorRegistry()), self._clock, Clock())
        self.reader = UnitReader(client, partner.connector({}), [UAI])

    def _clock(self) -> datetime:
        return self.now

    async def read(self, known: UnitResult | None = None, later: float = 240) -> UnitResult:
        """The next answer, some seconds later; what the partner was asked before is forgotten."""
        self.now += timedelta(seconds=later)
        self.partner_side.asked.clear()
        answer = await self.reader.read(Unit("marees", Resource.CFA, UAI), known)
        assert isinstance(answer, UnitResult)
        return answer


def _names(answer: UnitResult) -> dict[str, str]:
    return {record.key: record.jeune.nom or "" for record in answer.records}


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


async def test_what_changed_takes_the_place_of_what_was_known(world: World) -> None:
    first = await world.read()
    assert world.partner_side.asked == [""]
    world.partner_side.say(2, world.now + timedelta(seconds=60), nom="Autre")
    world.partner_side.say(9, world.now + timedelta(seconds=61))
    second = await world.read(first)
    # the reading before may have left thirty seconds earlier, and clocks may differ by five minutes
    assert world.partner_side.asked == ["2026-10-15T09:58:30Z"]
    assert _names(second) == {"1": "Nom1", "2": "Autre", "3": "Nom3", "9": "Nom9"}
    assert second.version != first.version
    assert second.received_at == world.now
    assert second.whole_at == first.received_at


async def test_where_nothing_changed_the_version_stays_and_so_do_the_views_made_of_it(world: World) -> None:
    first = await world.read()
    second = await world.read(first)
    assert world.partner_side.asked != [""]
    assert (second.version, second.records) == (first.version, first.records)
    assert second.received_at > first.received_at


async def test_what_a_reading_overlaps_is_said_again_and_changes_nothing(world: World) -> None:
    first = await world.read()
    world.partner_side.say(2, world.now - timedelta(seconds=100))
    again = await world.read(first)
    assert again.version == first.version


async def test_who_is_no_more_there_leaves_with_the_next_whole_reading(world: World) -> None:
    answer = await world.read()
    del world.partner_side.rows[3]
    while (world.now - NOON).total_seconds() < WHOLE:
        answer = await world.read(answer)
        assert "3" in _names(answer)
    answer = await world.read(answer)
    assert world.partner_side.asked == [""]
    assert _names(answer) == {"1": "Nom1", "2": "Nom2"}
    assert answer.whole_at is None


def _unreadable(world: World) -> None:
    world.partner_side.say(2, world.now, naissance="hier")


def _doubled(world: World) -> None:
    world.partner_side.say(4, world.now, id=2, nom="Autre", prenom="Paul", naissance="2001-01-30")
    world.partner_side.say(2, world.now)


def _refused(world: World) -> None:
    world.partner_side.refuses_changes = True


@pytest.mark.parametrize("happens", [_unreadable, _doubled, _refused])
async def test_what_is_not_sure_is_read_whole_at_once(world: World, happens: Callable[[World], None]) -> None:
    first = await world.read()
    happens(world)
    second = await world.read(first)
    assert world.partner_side.asked[0]
    assert world.partner_side.asked[-1] == ""
    assert second.whole_at is None


async def test_another_day_is_read_whole(world: World) -> None:
    first = await world.read()
    await world.read(first, later=timedelta(hours=13).total_seconds())
    assert world.partner_side.asked == [""]


async def test_a_part_that_was_missing_is_asked_with_everything(world: World) -> None:
    first = await world.read()
    await world.read(replace(first, missing=("contacts",)))
    assert world.partner_side.asked == [""]


async def test_a_partner_that_fails_fails_its_changes_too(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    first = await world.read()
    monkeypatch.setattr(ChangingPartner, "__call__", lambda *_: httpx.Response(401))
    answer = await world.reader.read(Unit("marees", Resource.CFA, UAI), first)
    assert isinstance(answer, UnitFailure)
    assert isinstance(answer.error, SourceDenied)
