"""Two processes over one log and one ledger, each with readings and a cache of its own: what one heard, and the other had not
when the event came, is neither lost nor told of who may not know (docs/decisions/0158)."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from datetime import date
from typing import Any

import pytest

from gateway import subscription
from gateway.domain.perimeter_events import About, Changes, Fact
from gateway.errors import SourceUnavailable
from gateway.evenements import catch_up
from gateway.evenements.catch_up import GIVEN_UP, EventCatchUp
from gateway.federation.collect.collector import Collector
from gateway.federation.join.join_records import SourcedRecord
from gateway.schema.organisations import TypeSource
from gateway.sources.units import CacheStatus, Resource, Unit, UnitFailure, UnitResult
from gateway.subscription import SubscriptionStream
from tests.e2e.test_ids import QualityCounts
from tests.support.access.small_world import RegistryStore
from tests.support.unit.links import T0
from tests.support.unit.told_endpoint import ToldEndpoint, receiving
from tests.support.unit.watched_world import WatchedWorld, adviser, apprentice, names
from tests.unit.test_subscription import ALL, Callers, opened, received, told_by
from tests.unit.test_webhook_delivery import system

pytestmark = pytest.mark.anyio

BROKEN_OFF, OTHER_DAY = date(2026, 9, 20), date(2026, 9, 25)
UNIT = Unit("imilo", Resource.STRUCTURE, "60001")
RUPTURES = "subscription { ruptures { id type jeune { nom } rupture { date } } }"


def hers(name: str, broken: date | None = None, **values: Any) -> SourcedRecord:
    """A young person as the one system of these tests tells of her."""
    return apprentice(name, broken, UNIT.key, source=UNIT.source, nom=name, **values)


class KeptAnswers:
    """What a process kept of the partner, and asks it. `shared`: what one process hears, its cache tells it."""

    def __init__(self, partner: "Partner", shared: bool) -> None:
        self.partner, self.shared = partner, shared
        self.kept: UnitResult | None = None
        self.said_at, self.asked, self.invalidated, self.fails = 0.0, 0, False, False

    def partner_of_cfa(self, _uai: str) -> str | None:
        return None

    def sources_of_cfa(self, _uai: str) -> tuple[str, ...]:
        return ()

    def sources_of(self, _nature: TypeSource) -> tuple[str, ...]:
        return ()

    def partners_of_structure(self, _code: str) -> tuple[str, ...]:
        return (UNIT.source,)

    def cap(self, _source: str) -> int:
        return 200

    async def invalidate(self, unit: Unit) -> bool:
        assert unit == UNIT
        self.invalidated = True
        return False

    async def kept_versions(self, units: Sequence[Unit]) -> list[UnitResult | None]:
        return [self._kept() for _ in units]

    async def read(self, units: Sequence[Unit], *_: object) -> list[UnitResult | UnitFailure]:
        return [self._kept() or self._ask() for _ in units]

    def _kept(self) -> UnitResult | None:
        kept, version = self.kept, str(self.partner.version)
        if kept is None or self.invalidated or (self.shared and kept.version != version):
            return None
        return replace(kept, cache=CacheStatus.HIT, age=self.partner.wall_clock() - self.said_at)

    def _ask(self) -> UnitResult | UnitFailure:
        if self.fails and self.kept:
            said = replace(self.kept, age=self.partner.wall_clock() - self.said_at)
            return UnitFailure(UNIT, SourceUnavailable(UNIT.source, "ne répond pas"), said)
        records = tuple(one.record for one in self.partner.told_values)
        version = str(self.partner.version)
        self.kept = UnitResult(UNIT, records, T0, CacheStatus.MISSED, version)
        self.said_at, self.invalidated, self.asked = self.partner.wall_clock(), False, self.asked + 1
        return self.kept


class Partner(WatchedWorld):
    """The process that hears the partner, and looks. `ticks`: its clock goes on by itself, as clocks do."""

    ticks = False

    def wall_clock(self) -> float:
        if self.ticks:
            self.later(microseconds=1)
        return super().wall_clock()


class Behind(WatchedWorld):
    """The process that listens: another reading, over the same log and ledger. `is_told`: whether the shared cache answers."""

    def follow(self, partner: Partner, shared: bool) -> "Behind":
        self.partner, self.is_told = partner, shared
        self.answers = KeptAnswers(partner, shared)
        hour = lambda: partner.instant  # noqa: E731
        self.log.now = hour
        collector = Collector(self.answers, RegistryStore(), "registre", 3.0, partner.wall_clock, lambda *_: None)
        self.log.catch_up = EventCatchUp(self.answers.invalidate, lambda: self.is_told, partner.wall_clock, hour)
        ids = replace(self.gateway.id_assigner, now=hour)
        self.gateway = replace(self.gateway, collector=collector, now=hour, id_assigner=ids)
        return self


@pytest.fixture
async def partner(tmp_path: Any) -> AsyncIterator[Partner]:
    ledger = QualityCounts(f"sqlite+aiosqlite:///{tmp_path / 'liens.sqlite'}")
    world = Partner(ledger, url=f"sqlite+aiosqlite:///{tmp_path / 'evenements.sqlite'}")
    await world.log.store.open()
    world.tell(hers("Témoin"))
    await world.look(adviser(), system())
    yield world
    await world.close()
    await ledger.close()


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(subscription, "BEAT", 0.02)
    monkeypatch.setattr(subscription, "LOOK_AGAIN", 0.05)  # after a beat: `received` ends at one


@pytest.fixture(params=[True, False], ids=["shared", "alone"])
async def behind(partner: Partner, request: pytest.FixtureRequest) -> AsyncIterator[Behind]:
    world = Behind(partner.ledger, url=partner.url).follow(partner, request.param)
    yield world
    await world.close()


SHARED = pytest.mark.parametrize("behind", [True], indirect=True, ids=["shared"])
ALONE = pytest.mark.parametrize("behind", [False], indirect=True, ids=["alone"])


async def listened(behind: Behind, text: str = ALL) -> SubscriptionStream:
    """A stream of the process that is behind, which has just read what the partner said before."""
    stream = await opened(behind, Callers(), text)
    await behind.asked(adviser(), "{ jeunes(first: 1) { totalCount } }")
    assert behind.answers.asked == 1
    return stream


async def heard(partner: Partner, *people: SourcedRecord) -> None:
    """The partner tells the other process, which writes it in the log."""
    partner.tell(hers("Témoin"), *people)
    await partner.look(adviser(), system())


async def until(partner: Partner, stream: SubscriptionStream, seconds: int) -> list[list[dict[str, Any]]]:
    """What is sent at each of so many seconds."""
    sent = []
    for _ in range(seconds):
        partner.later(seconds=1)
        sent.append(await received(stream))
    return sent


@pytest.mark.parametrize("text", [ALL, RUPTURES], ids=["evenements", "ruptures"])
async def test_what_came_after_the_last_reading_is_sent_once_it_is_read(
    partner: Partner, behind: Behind, text: str
) -> None:
    """The defect: the reading is a moment older than the event, or its unit is kept while Redis is dead; it was passed over."""
    stream = await listened(behind, text)
    await heard(partner, hers("Un", BROKEN_OFF))
    sent = [*await received(stream), *(one for documents in await until(partner, stream, 3) for one in documents)]
    root = "evenements" if text == ALL else "ruptures"
    assert [(one["type"], one["jeune"]["nom"]) for one in told_by(sent, root)] == [("RUPTURE_NOUVELLE", "Un")]
    assert behind.answers.asked == 2


@pytest.mark.parametrize("behind", [True, False], indirect=True, ids=["shared", "alone"])
async def test_who_left_before_it_was_sent_is_not_told_of_and_holds_the_others_for_two_looks(
    partner: Partner, behind: Behind
) -> None:
    """A right that is lost: neither sent nor counted, and no gap that would tell of it."""
    stream = await listened(behind)
    await heard(partner, hers("Partie", BROKEN_OFF))
    await heard(partner, hers("Deux", BROKEN_OFF))
    sent = await until(partner, stream, 3)
    assert [[one["jeune"]["nom"] for one in told_by(documents)] for documents in sent][:2] in (
        [["Deux"], []],
        [[], ["Deux"]],
    )
    assert "Partie" not in repr(sent)
    assert behind.answers.asked == 2


async def page(behind: Behind, place: str | None = None) -> tuple[list[tuple[str, str | None]], int, bool, str | None]:
    """What the process that is behind answers to who reads the log: the events, their number, whether all, where they end."""
    found = (await behind.asked(adviser(), depuis=place))["data"]["evenements"]
    return names(found["nodes"]), found["totalCount"], found["complet"], found["pageInfo"]["endCursor"]


async def test_a_page_ends_before_what_this_process_has_not_heard_and_its_place_passes_over_nothing(
    partner: Partner, behind: Behind
) -> None:
    """The defect: the page lacked the event, and showed a later one, whose place passed over it."""
    await heard(partner, hers("Avant", BROKEN_OFF))
    await behind.asked(adviser())
    partner.later(seconds=2)
    events, _, complete, place = await page(behind)
    assert (events, complete) == ([("RUPTURE_NOUVELLE", "Avant")], True)
    await heard(partner, hers("Avant", BROKEN_OFF), hers("Un", BROKEN_OFF), hers("Partie", BROKEN_OFF))
    await free_event(partner)
    partner.tell(hers("Témoin"), hers("Avant", BROKEN_OFF), hers("Un", BROKEN_OFF))
    read: list[tuple[str, str | None]] = []
    for _ in range(4):
        events, number, complete, end = await page(behind, place)
        assert len(events) == number
        place, read = end or place, read + events
        partner.later(seconds=1)
    assert (read, complete) == ([("RUPTURE_NOUVELLE", "Un"), ("SOURCE_AJOUTEE", None)], True)


async def free_event(partner: Partner) -> None:
    """One that is of nobody, and told to whoever reads."""
    key = next(iter(partner.watched))  # of the adviser
    about = About(source="gestibase", nombre=1)
    await partner.log.write(key, Changes(added=(Fact("ajout", "SOURCE_AJOUTEE", about),)))


@SHARED
async def test_a_page_is_of_a_reading_begun_after_its_events_were_met(partner: Partner, behind: Behind) -> None:
    """Where the shared cache tells what others heard, nobody waits: the reading is verified at once."""
    await page(behind)
    await heard(partner, hers("Un", BROKEN_OFF))
    partner.ticks = True
    assert await page(behind) == ([("RUPTURE_NOUVELLE", "Un")], 1, True, (await page(behind))[3])
    assert behind.answers.asked == 2


@ALONE
async def test_what_a_process_without_redis_found_is_asked_again_by_one_that_redis_answers(
    partner: Partner, behind: Behind
) -> None:
    """The defect: the second takes what the shared cache says for all there is, and passes over what the first alone was told."""
    stream = await listened(behind)
    behind.is_told = True
    partner.log.catch_up = EventCatchUp(behind.answers.invalidate, lambda: False, partner.wall_clock, partner.log.now)
    await heard(partner, hers("Un", BROKEN_OFF))
    sent = [*await received(stream), *(one for documents in await until(partner, stream, 3) for one in documents)]
    assert [one["jeune"]["nom"] for one in told_by(sent)] == ["Un"]
    assert behind.answers.asked == 2


@ALONE
async def test_what_is_never_found_holds_a_page_for_thirty_seconds_which_is_not_whole_then(
    partner: Partner, behind: Behind
) -> None:
    await page(behind)
    partner.later(seconds=1)
    behind.answers.fails = True
    await heard(partner, hers("Un", BROKEN_OFF))
    assert (await page(behind))[:3] == ([], 0, False)
    partner.later(seconds=GIVEN_UP + 1)
    await free_event(partner)
    assert (await page(behind))[:3] == ([("SOURCE_AJOUTEE", None)], 1, False)


@ALONE
async def test_what_is_never_found_is_told_as_a_gap_and_holds_nobody_longer(partner: Partner, behind: Behind) -> None:
    """The partner does not answer this process any more, which nobody tells of the others: not silence."""
    stream = await listened(behind)
    behind.answers.fails = True
    await heard(partner, hers("Un", BROKEN_OFF))
    await heard(partner, hers("Un", BROKEN_OFF), hers("Deux", BROKEN_OFF))
    sent = await until(partner, stream, int(GIVEN_UP) + 1)
    assert [len(documents) for documents in sent[: int(GIVEN_UP)]] == [0] * int(GIVEN_UP)
    assert [(one["type"], one["jeune"]) for one in told_by(sent[-1])] == [("LACUNE", None), ("LACUNE", None)]
    assert "nombre" in sent[-1][0]["data"]["evenements"]
    assert await received(stream) == []


async def test_a_rupture_of_another_day_is_shown_as_it_is_now(partner: Partner, behind: Behind) -> None:
    """The same rupture for the graph, of which the former date was in sight: it was sent as it had been."""
    await heard(partner, hers("Un", BROKEN_OFF))
    stream = await listened(behind)
    await heard(partner, hers("Un", OTHER_DAY))
    sent = [document for documents in await until(partner, stream, 3) for document in documents]
    assert [one["rupture"]["date"] for one in told_by(sent)] == [OTHER_DAY.isoformat()]


@ALONE
async def test_the_partner_is_asked_once_whatever_is_missed(partner: Partner, behind: Behind) -> None:
    streams_ = [await listened(behind), await opened(behind, Callers(adviser(client="d")))]
    await heard(partner, hers("Un", BROKEN_OFF))
    await heard(partner, hers("Un", BROKEN_OFF), hers("Deux", BROKEN_OFF))
    for stream in streams_:
        sent = [document for documents in await until(partner, stream, 2) for document in documents]
        assert [one["jeune"]["nom"] for one in told_by(sent)] == ["Un", "Deux"]
    assert behind.answers.asked == 2


@ALONE
async def test_more_than_fifty_that_are_not_found_are_no_silence(
    partner: Partner, behind: Behind, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The one gap that stands for many counts those in sight: none is, yet."""
    monkeypatch.setattr(subscription, "WAITING_MAX", 1)
    stream = await listened(behind)
    await heard(partner, hers("Un", BROKEN_OFF), hers("Deux", BROKEN_OFF))
    sent = [document for documents in await until(partner, stream, 3) for document in documents]
    assert [(one["type"], one["nombre"]) for one in told_by(sent)] == [("LACUNE", 2)]


async def test_an_endpoint_is_told_later_and_what_it_may_not_know_is_left_out(partner: Partner, behind: Behind) -> None:
    with receiving() as receiver:
        endpoint = await ToldEndpoint(behind, receiver).open()
        await behind.asked(system(), "{ jeunes(first: 1) { totalCount } }")
        await heard(partner, hers("Un", BROKEN_OFF), hers("Partie", BROKEN_OFF))
        assert await endpoint.send() == catch_up.AGAIN
        assert (endpoint.kinds(), endpoint.counted()) == ([], {})
        partner.tell(hers("Témoin"), hers("Un", BROKEN_OFF))
        for _ in range(3):
            partner.later(seconds=1)
            await endpoint.send()
        assert endpoint.kinds() == ["rupture.nouvelle"]
        assert endpoint.counted() == {"remis": 1.0, "ecarte": 1.0}
        await endpoint.close()
