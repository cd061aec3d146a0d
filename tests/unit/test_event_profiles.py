"""I10 for every profile of the policy, drawn: what is pushed of a person is what `node(id)` shows at that instant, refusals
included; and of what each profile is told, by the law as docs/droits.md states it. Over HTTP:
`tests/e2e/test_event_properties.py`."""

import os
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from random import Random
from typing import Any

import orjson
import pytest

from gateway import subscription
from gateway.auth.authentication.clients import Viewer
from gateway.auth.policy.rules import Profil
from gateway.domain.seal import Sealer
from gateway.evenements.perimeter_logs import EventLog
from gateway.evenements.perimeters import WatchedPerimeter
from gateway.evenements.watcher import Watched, Watcher
from gateway.operation_runner import GraphQLRequest
from gateway.sources.units import CacheStatus, Unit, UnitFailure, UnitResult
from gateway.stores.event_log import EventStore
from gateway.subscription import SubscriptionStream, subscription_of
from tests.support.access.small_world import (
    IDS,
    RECEIVED,
    STATUSES,
    Inhabitant,
    SmallWorld,
    Sources,
    caller,
    draw_from,
)
from tests.support.e2e.drawn_streams import at_fault, refused, selection
from tests.support.figures import note
from tests.unit.test_subscription import Callers, received

pytestmark = pytest.mark.anyio
SEED = int(os.environ.get("GRAINE", "19"))
PEOPLE, CHANGED, COMPARED = 24, 4, 100
OF_CONTRACTS = frozenset({"RUPTURE_NOUVELLE", "RUPTURE_ANNULEE", "NOUVEAU_CONTRAT"})
REQUESTS = frozenset({"ACCOMPAGNEMENT_DEMANDE", "ACCOMPAGNEMENT_REPONDU"})
WAITS = frozenset({"SANS_CONTRAT_NOUVEAU", "ECHEANCE_SANS_CONTRAT"})
OF_PERSONS = OF_CONTRACTS | REQUESTS | WAITS | {"SUIVI_MODIFIE"}
OF_NOBODY = "type quand source nombre jeune { id } rupture { id }"
FREE = frozenset({"SOURCE_AJOUTEE", "LACUNE"})  # of nobody: told to whoever reads a log
# What each may be told of a person (docs/droits.md): the State's services read neither contracts, ruptures, follow-ups, requests
# nor waits, which events are of, and are told of nobody.
TOLD = {
    "ml": (caller("MISSION_LOCALE", "60001"), OF_CONTRACTS | REQUESTS | WAITS | {"SUIVI_MODIFIE"}),
    "si-ml": (caller("SI_PARTENAIRE", "60001", "MISSION_LOCALE"), OF_CONTRACTS | {"SUIVI_MODIFIE"}),
    "cfa": (caller("CFA", "0600001A"), OF_CONTRACTS | REQUESTS | {"SUIVI_MODIFIE"}),
    "si-cfa": (caller("SI_PARTENAIRE", "0600001A", "CFA"), OF_CONTRACTS | {"SUIVI_MODIFIE"}),
    "reseau": (caller("TETE_DE_RESEAU", "mfr"), OF_CONTRACTS),
    "france-travail": (caller("FRANCE_TRAVAIL", "32"), WAITS),
    "dreets": (caller("DREETS", "32"), frozenset[str]()),
    "ddets": (caller("DDETS", "60"), frozenset[str]()),
    "academie": (caller("ACADEMIE", "20"), frozenset[str]()),
}
REFUSED = [Profil.ARML, Profil.REGION, Profil.OPCO, Profil.STATISTIQUES, Profil.ADMINISTRATEUR]


@dataclass
class Changing(Sources):
    """Sources whose people change: each time, all is said anew."""

    version: int = 1

    async def kept_versions(self, units: Sequence[Unit]) -> list[UnitResult | None]:
        return [self._said(unit) for unit in units]

    async def read(self, units: Sequence[Unit], *_: object) -> list[UnitResult | UnitFailure]:
        return [self._said(unit) for unit in units]

    def _said(self, unit: Unit) -> UnitResult:
        return UnitResult(unit, self._records(unit), RECEIVED, CacheStatus.HIT, str(self.version))


@dataclass
class ChangingWorld:
    """People who change, and the perimeters that look at them."""

    random: Random
    log: EventLog
    people: list[Inhabitant] = field(default_factory=list)
    watched: dict[str, Watched] = field(default_factory=dict)
    seconds: float = 0.0
    instant: datetime = RECEIVED

    def __post_init__(self) -> None:
        self.people = draw_from(self.random, PEOPLE)
        self.sources = Changing(self.people)
        self.small = SmallWorld(self.people, live_sources=self.sources, seconds=lambda: self.seconds)
        self.small.gateway = replace(self.small.gateway, log=self.log, now=lambda: self.instant)
        self.watcher = Watcher(self.log, self.small.gateway)

    def change(self) -> None:
        """Some are told otherwise: their status, their home, who follows them, what their request and their telephone are."""
        for one in self.random.sample(self.people, CHANGED):
            (other,) = draw_from(self.random, 1)
            one.statut = self.random.choice(sorted(STATUSES))
            if other.mission_locale[:2] == one.mission_locale[:2]:
                one.mission_locale, one.followed_by = other.mission_locale, other.followed_by
            one.collaboration, one.asked_by = other.collaboration, self.random.choice(("", one.cfa))
            one.cachets["CONTACT"] = f"Contact{self.random.random()}"
        self.sources.version += 1
        self.seconds += 2.0

    async def look(self) -> None:
        for viewer, _ in TOLD.values():
            perimeter = WatchedPerimeter.of(viewer)
            key = perimeter.key(IDS)
            await self.log.follow(key, perimeter)
            await self.watcher.poll(key, self.watched.setdefault(key, Watched(perimeter)))

    async def pushed(self, viewer: Viewer, text: str, number: int) -> list[dict[str, Any]]:
        """What a stream sends beyond a number."""
        place = await self.place(viewer, number)
        validated = await subscription_of(self.small.gateway, viewer, GraphQLRequest(text, None, {}))
        assert validated is not None
        stream = SubscriptionStream(self.small.gateway, viewer, validated, Callers(viewer), place)
        assert await stream.open() is None
        return await received(stream)

    async def place(self, viewer: Viewer, number: int) -> str:
        """The place of a number in the log of its perimeter."""
        key = WatchedPerimeter.of(viewer).key(IDS)
        return self.log.shown(key, await self.log.read(key)).seal(number)

    async def kinds_in_log(self, viewer: Viewer) -> set[str]:
        """Of the events of its perimeter, told to it or not."""
        return {event.kind for event in (await self.log.read(WatchedPerimeter.of(viewer).key(IDS))).events}

    async def end_of_log(self, viewer: Viewer) -> int:
        """The number of the last event of its perimeter, told to it or not."""
        return (await self.log.read(WatchedPerimeter.of(viewer).key(IDS))).last


@pytest.fixture
async def world(tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[ChangingWorld]:
    monkeypatch.setattr(subscription, "BEAT", 0.01)
    store = EventStore(f"sqlite+aiosqlite:///{tmp_path / 'evenements.sqlite'}")
    await store.open()
    opened = ChangingWorld(Random(SEED), EventLog(store, Sealer(bytes(32)), IDS, lambda: opened.instant))
    await opened.look()
    yield opened
    await store.close()


async def test_i10_a_push_equals_what_node_shows_then_for_every_profile(world: ChangingWorld) -> None:
    compared: Counter[str] = Counter()
    kinds: dict[str, set[str]] = {name: set() for name in TOLD}
    while compared.total() < COMPARED:
        ends = {name: await world.end_of_log(viewer) for name, (viewer, _) in TOLD.items()}
        world.change()
        await world.look()
        for name, (viewer, _) in TOLD.items():
            if ends[name] and ends[name] != await world.end_of_log(viewer):
                fields = selection(world.random, "Jeune"), selection(world.random, "Rupture")
                found = await _compared(world, viewer, ends[name], *fields)
                compared[name] += len(found)
                kinds[name].update(found)
    for name, (viewer, told) in TOLD.items():
        assert kinds[name] - FREE <= told, name
        assert bool(kinds[name] - FREE) == bool(told), name
        # Who is told of nobody is so by law, and not for want of anything to tell.
        assert OF_PERSONS & await world.kinds_in_log(viewer), name
    note(f"I10     : {dict(compared)} envois égaux à node(id), dans le processus (graine {SEED})")


async def _compared(world: ChangingWorld, viewer: Viewer, end: int, jeune: str, rupture: str) -> list[str]:
    """The kinds of what is pushed beyond a number, each found equal to what is asked."""
    text = f"subscription {{ evenements {{ type jeune {{ {jeune} }} rupture {{ {rupture} }} }} }}"
    found = []
    for document in await world.pushed(viewer, text, end):
        event = document["data"]["evenements"]
        found.append(event["type"])
        for of, fields, shown in (("Jeune", jeune, event["jeune"]), ("Rupture", rupture, event["rupture"])):
            if shown is None:
                continue
            asked = f'{{ node(id: "{shown["id"]}") {{ ... on {of} {{ {fields} }} }} }}'
            answer, root = await world.small.request(viewer, asked), ("evenements", of.lower())
            assert answer["data"]["node"] == shown
            assert refused(document, *root) == refused(answer, "node")
            assert at_fault(document, *root) == at_fault(answer, "node")
    return found


async def test_i10_what_is_told_of_nobody_is_pushed_to_every_profile_as_the_page_tells_it(world: ChangingWorld) -> None:
    """After eight days without a word, to each: that some events are forgotten, and that its sources are heard again, of as
    many persons as its list shows. Profiles that are told of nobody were compared on nothing."""
    ends = dict.fromkeys(TOLD, 0)
    while not all(ends.values()):
        world.change()
        await world.look()
        ends = {name: await world.end_of_log(viewer) for name, (viewer, _) in TOLD.items()}
    world.instant += timedelta(days=8)
    world.change()
    await world.look()
    text, compared = f"subscription {{ evenements {{ {OF_NOBODY} }} }}", Counter[str]()
    for name, (viewer, told) in TOLD.items():
        pushed = [document["data"]["evenements"] for document in await world.pushed(viewer, text, ends[name] - 1)]
        place = await world.place(viewer, ends[name] - 1)
        asked = f'{{ evenements(depuis: "{place}") {{ nodes {{ {OF_NOBODY} }} }} jeunes(first: 1) {{ totalCount }} }}'
        page = (await world.small.request(viewer, asked))["data"]
        assert pushed == page["evenements"]["nodes"], name
        assert [event["type"] for event in pushed[:2]] == ["LACUNE", "SOURCE_AJOUTEE"], name
        numbers = {event["source"]: event["nombre"] for event in pushed if event["type"] == "SOURCE_AJOUTEE"}
        assert numbers["erp"] == page["jeunes"]["totalCount"] > 0, name
        # Who reads no follow-up does not learn that a Mission locale knows anybody.
        assert numbers.keys() <= ({"erp", "imilo"} if "SUIVI_MODIFIE" in told else {"erp"}), name
        compared[name] = len(pushed)
    note(f"I10     : {dict(compared)} envois de personne, égaux à la page (graine {SEED})")


@pytest.mark.parametrize("profil", REFUSED)
async def test_i10_who_reads_nobody_is_refused_the_stream_as_the_page(world: ChangingWorld, profil: Profil) -> None:
    viewer = caller(profil.value, "32")
    text = "subscription { evenements { type jeune { id } } }"
    validated = await subscription_of(world.small.gateway, viewer, GraphQLRequest(text, None, {}))
    assert validated is not None
    response = await SubscriptionStream(world.small.gateway, viewer, validated, Callers(viewer)).open()
    assert response is not None
    page = await world.small.request(viewer, "{ evenements { totalCount } }")
    assert orjson.loads(orjson.dumps(response.data)) == page["data"] == {"evenements": None}
    codes = [error["extensions"]["code"] for error in response.errors]
    assert codes == [error["extensions"]["code"] for error in page["errors"]]
    assert codes


def test_every_profile_is_tried() -> None:
    """Of one that is added to the policy, somebody says here what it is told."""
    assert {viewer.profil for viewer, _ in TOLD.values()} | set(REFUSED) == set(Profil)
