"""What is new in a perimeter, found once and read by who may: over both databases, with real views and a real ledger of ids."""

import asyncio
import re
from collections.abc import AsyncIterator
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from gateway.auth.policy.rules import Profil
from gateway.evenements.perimeters import WatchedPerimeter
from gateway.evenements.watcher import Watched, Watcher
from gateway.schema.nouns import Adresse, Collaboration, Contrat, Formation, SituationSuivi, Suivi
from gateway.schema.scalars import CodePostal
from gateway.stores.event_log import EventRow
from tests.e2e.test_ids import QualityCounts
from tests.support import databases
from tests.support.unit.links import IDS, T0, told
from tests.support.unit.watched_world import WatchedWorld, adviser, apprentice, names

pytestmark = pytest.mark.anyio

BROKEN_OFF = date(2026, 9, 20)
ELSEWHERE: dict[str, Any] = {"adresse": Adresse(code_postal=CodePostal("75012"))}


@pytest.fixture
async def world(url: str, tmp_path: Any) -> AsyncIterator[WatchedWorld]:
    ledger = QualityCounts(f"sqlite+aiosqlite:///{tmp_path / 'liens.sqlite'}")
    opened = WatchedWorld(ledger, url=url)
    await opened.log.store.open()
    yield opened
    await opened.close()
    await ledger.close()


async def read(url: str, query: str) -> list[Any]:
    return await asyncio.to_thread(databases.read, url, query)


def restarted(world: WatchedWorld) -> WatchedWorld:
    """Another process over the same databases, which remembers nothing; close it."""
    other = WatchedWorld(world.ledger, url=world.url, instant=world.instant, answered=dict(world.answered))
    other.told_values, other.version = world.told_values, world.version
    return other


async def test_what_is_known_at_the_first_look_is_not_announced(world: WatchedWorld) -> None:
    world.tell(apprentice("1", BROKEN_OFF))
    await world.look()
    assert await world.events() == []


async def test_a_rupture_is_told_once_whoever_tells_it_again(world: WatchedWorld) -> None:
    world.tell(apprentice("1"), apprentice("9", source="gestibase", tenant="B"))
    await world.look()
    world.later(hours=1)
    world.tell(apprentice("1", BROKEN_OFF), apprentice("9", source="gestibase", tenant="B"))
    await world.look()
    (event,) = await world.events()
    assert (event["type"], event["source"], event["jeune"]["nom"]) == ("RUPTURE_NOUVELLE", "ypareo", "Le Goff")
    assert event["rupture"]["date"] == BROKEN_OFF.isoformat()
    assert event["quand"] == "2026-10-01T10:00:00Z"
    world.later(days=2)
    world.tell(apprentice("1", BROKEN_OFF), apprentice("9", BROKEN_OFF, source="gestibase", tenant="B"))
    await world.look()
    assert [one["id"] for one in await world.events()] == [event["id"]]


async def test_a_process_that_starts_announces_nothing_again(world: WatchedWorld) -> None:
    world.tell(apprentice("1"))
    await world.look()
    world.tell(apprentice("1", BROKEN_OFF))
    await world.look()
    other = restarted(world)
    await other.look()
    assert await other.events() == await world.events() != []
    await other.close()


async def test_two_processes_that_look_together_write_each_event_once(world: WatchedWorld) -> None:
    """I8: were the lease of one taken for ended, what is written is still written once, under numbers that follow."""
    world.tell(*(apprentice(str(n), nom=f"Nom{n}") for n in range(8)))
    other = restarted(world)
    await world.look()
    await other.look()
    ruptures = [apprentice(str(n), BROKEN_OFF, nom=f"Nom{n}") for n in range(8)]
    world.tell(*ruptures)
    other.tell(*ruptures)
    await asyncio.gather(world.look(), other.look())
    events = await world.events()
    assert sorted(one["jeune"]["nom"] for one in events) == sorted(f"Nom{n}" for n in range(8))
    assert await read(world.url, "SELECT numero FROM evenements ORDER BY numero") == [(n,) for n in range(1, 9)]
    await other.close()


async def test_two_processes_that_hear_a_source_again_tell_it_once(world: WatchedWorld) -> None:
    """Nothing tells each what the other hears, so that both look: its units are as new to both."""
    people = [apprentice("1", nom="Un")]
    late = [apprentice(str(n), BROKEN_OFF, source="gestibase", tenant="B", nom=f"Nom{n}") for n in range(2, 4)]
    world.tell(*people)
    other = restarted(world)
    await world.look()
    await other.look()
    for one in (world, other):
        one.watched[next(iter(one.watched))].is_elected = False
        one.tell(*people, *late)
    await asyncio.gather(world.look(), other.look())
    (event,) = await world.events()
    assert (event["type"], event["source"], event["nombre"]) == ("SOURCE_AJOUTEE", "gestibase", 2)
    assert await read(world.url, "SELECT numero FROM evenements") == [(1,)]
    await other.close()


async def test_each_process_looks_where_nothing_tells_it_what_the_others_hear(world: WatchedWorld) -> None:
    """Redis is lost to one, then to both: what a partner says to one of them is looked at by that one. Then one looks again."""
    perimeter = WatchedPerimeter.of(adviser())
    key, told = perimeter.key(IDS), [True, True]
    await world.log.follow(key, perimeter)
    watchers = [Watcher(world.log, world.gateway, None, is_told) for is_told in (lambda: told[0], lambda: told[1])]
    places = [(watcher, Watched(perimeter), world.log.lease(key)) for watcher in watchers]

    async def who() -> list[bool]:
        return [await watcher._is_to_poll(watched, lease) for watcher, watched, lease in places]

    assert await who() == [True, False]
    told[0] = False
    assert await who() == [True, False]  # the second asks for the place a little later
    places[1][1].renew_at = 0.0
    assert await who() == [True, True]
    told[1] = False
    assert await who() == [True, True]
    told[:] = [True, True]
    assert await who() == [True, False]


async def test_who_moves_in_is_new_and_who_moved_away_is_neither_shown_nor_counted(world: WatchedWorld) -> None:
    """I9, between two Missions locales."""
    world.tell(apprentice("1", nom="Ici"), apprentice("2", BROKEN_OFF, nom="Mobile", **ELSEWHERE))
    await world.look()
    world.tell(apprentice("1", nom="Ici"), apprentice("2", BROKEN_OFF, nom="Mobile"))
    await world.look()
    assert names(await world.events()) == [("RUPTURE_NOUVELLE", "Mobile")]
    world.later(hours=1)
    world.tell(apprentice("1", BROKEN_OFF, nom="Ici"), apprentice("2", BROKEN_OFF, nom="Mobile", **ELSEWHERE))
    await world.look()
    assert names(await world.events()) == [("RUPTURE_NOUVELLE", "Ici")]


async def test_a_perimeter_is_opened_once_all_of_its_sources_answer_or_after_a_minute(world: WatchedWorld) -> None:
    """As a process starts, partners answer one after the other: what each then says is not new."""
    viewer, loop = adviser(), asyncio.get_running_loop()
    perimeter = WatchedPerimeter.of(viewer)
    watched = world.watched[perimeter.key(IDS)] = Watched(perimeter, opens_at=loop.time() + 60)
    world.tell(apprentice("1", BROKEN_OFF, nom="Ici"))
    world.down = {"gestibase"}
    await world.look()
    late = apprentice("2", BROKEN_OFF, source="gestibase", tenant="B", nom="Tardive")
    world.tell(apprentice("1", BROKEN_OFF, nom="Ici"), late)
    world.down = set()
    await world.look()
    assert await world.events() == []
    world.tell(apprentice("1", BROKEN_OFF, nom="Ici"), late, apprentice("3", BROKEN_OFF, nom="Nouvelle"))
    await world.look()
    assert names(await world.events()) == [("RUPTURE_NOUVELLE", "Nouvelle")]
    assert watched.known is not None


async def test_a_source_that_does_not_answer_keeps_no_perimeter_from_being_opened(world: WatchedWorld) -> None:
    perimeter = WatchedPerimeter.of(adviser())
    world.watched[perimeter.key(IDS)] = Watched(perimeter, opens_at=asyncio.get_running_loop().time())
    world.tell(apprentice("1", nom="Ici"))
    world.down = {"gestibase"}
    await world.look()
    world.tell(apprentice("1", BROKEN_OFF, nom="Ici"))
    await world.look()
    assert names(await world.events()) == [("RUPTURE_NOUVELLE", "Ici")]


async def test_a_source_heard_for_the_first_time_is_one_event(world: WatchedWorld) -> None:
    world.tell(apprentice("1"))
    world.down = {"gestibase"}
    await world.look()
    world.down = set()
    late = [apprentice(str(n), BROKEN_OFF, source="gestibase", tenant="B", nom=f"Nom{n}") for n in range(3)]
    world.tell(apprentice("1"), *late)
    await world.look()
    (event,) = await world.events()
    assert (event["type"], event["source"], event["nombre"]) == ("SOURCE_AJOUTEE", "gestibase", 3)
    assert (event["jeune"], event["rupture"]) == (None, None)


async def test_a_source_back_after_eight_days_is_one_event_and_after_one_hour_none(world: WatchedWorld) -> None:
    own = apprentice("2", source="gestibase", tenant="B", nom="Martin")
    late = [apprentice(str(n), BROKEN_OFF, source="gestibase", tenant="B", nom=f"Nom{n}") for n in range(3, 6)]
    world.tell(apprentice("1"), own)
    await world.look()
    world.down = {"gestibase"}
    world.later(hours=1)
    await world.look()
    world.down = set()
    world.tell(apprentice("1"), own, late[0])
    await world.look()
    assert names(await world.events()) == [("RUPTURE_NOUVELLE", "Nom3")]
    world.down = {"gestibase"}
    for _ in range(8):
        world.later(days=1)
        await world.look()
    world.down = set()
    world.tell(apprentice("1"), own, *late)
    await world.look()
    assert [(event["type"], event["nombre"]) for event in await world.events()] == [("SOURCE_AJOUTEE", 4)]


async def test_a_rupture_is_over_once_its_source_answered_twice_without_it(world: WatchedWorld) -> None:
    world.tell(apprentice("1"))
    await world.look()
    world.tell(apprentice("1", BROKEN_OFF))
    await world.look()
    world.later(minutes=5)
    world.tell(apprentice("1"))
    await world.look()
    await world.look()
    assert await world.kinds() == ["RUPTURE_NOUVELLE"]
    world.later(minutes=5)
    world.answered["ypareo"] = world.instant
    await world.look()
    nouvelle, annulee = await world.events()
    assert (annulee["type"], annulee["rupture"], annulee["jeune"]["nom"]) == ("RUPTURE_ANNULEE", None, "Le Goff")
    assert nouvelle["rupture"] is None
    world.later(minutes=5)
    world.tell(apprentice("1", BROKEN_OFF))
    await world.look()
    assert await world.kinds() == ["RUPTURE_NOUVELLE", "RUPTURE_ANNULEE", "RUPTURE_NOUVELLE"]


async def test_a_rupture_that_is_back_before_the_second_answer_was_never_over(world: WatchedWorld) -> None:
    world.tell(apprentice("1", BROKEN_OFF))
    await world.look()
    for broken in (None, BROKEN_OFF, None):
        world.later(minutes=5)
        world.tell(apprentice("1", broken))
        await world.look()
    assert await world.events() == []


async def test_an_incomplete_view_tells_what_appears_and_never_what_disappears(world: WatchedWorld) -> None:
    martin = apprentice("2", source="gestibase", tenant="B", nom="Martin")
    world.tell(apprentice("1", BROKEN_OFF), martin)
    await world.look()
    world.down = {"gestibase"}
    for _ in range(3):
        world.later(minutes=5)
        world.tell(apprentice("1"), apprentice("3", BROKEN_OFF, nom="Durand"))
        await world.look()
    assert names(await world.events()) == [("RUPTURE_NOUVELLE", "Durand")]


async def test_a_rupture_dated_anew_is_told_and_the_former_is_not_over(world: WatchedWorld) -> None:
    world.tell(apprentice("1", BROKEN_OFF))
    await world.look()
    for _ in range(3):
        world.later(minutes=5)
        world.tell(apprentice("1", BROKEN_OFF + timedelta(days=1)))
        await world.look()
    (event,) = await world.events()
    assert (event["type"], event["rupture"]["date"]) == ("RUPTURE_NOUVELLE", "2026-09-21")


async def test_an_old_rupture_and_a_former_contract_are_no_news(world: WatchedWorld) -> None:
    former = Contrat(date_debut=date(2023, 9, 1), date_fin=date(2025, 8, 31))
    world.tell(apprentice("1"))
    await world.look()
    newcomer = apprentice("2", T0.date() - timedelta(days=181), nom="Martin")
    world.tell(apprentice("1"), newcomer, apprentice("3", nom="Durand", contrats=[former]))
    await world.look()
    assert await world.events() == []


async def test_two_records_found_to_be_one_person_are_announced_once(world: WatchedWorld) -> None:
    world.tell(apprentice("1"), apprentice("9", tenant="B", source="gestibase", nom="Martin"))
    await world.look()
    broken = apprentice("1", BROKEN_OFF)
    world.tell(broken, apprentice("9", BROKEN_OFF, tenant="B", source="gestibase", nom="Martin"))
    await world.look()
    assert sorted(await world.kinds()) == ["RUPTURE_NOUVELLE"] * 2
    world.later(hours=1)
    world.tell(broken, apprentice("9", BROKEN_OFF, tenant="B", source="gestibase"))
    await world.look()
    assert len(await read(world.url, "SELECT numero FROM evenements")) == 2
    assert {one["jeune"]["nom"] for one in await world.events()} == {"Le Goff"}


def followed(**values: Any) -> Any:
    return told("imilo", "7", "60001", **values)


async def test_a_follow_up_and_a_request_are_told_to_those_who_read_them(world: WatchedWorld) -> None:
    """The system of a Mission locale reads no request for joint support: that one was made is neither shown nor counted."""
    system = adviser(profil=Profil.SI_PARTENAIRE)
    world.tell(apprentice("1"), followed())
    await world.look(adviser(), system)
    noted = Suivi(situation=SituationSuivi.RDV_PRIS, date=datetime(2026, 10, 1, 8, tzinfo=UTC))
    asked = Collaboration(demandee_le=datetime(2026, 10, 1, 8, tzinfo=UTC), uai="0600001A")
    world.tell(apprentice("1"), followed(suivi=noted, collaboration=asked))
    await world.look(adviser(), system)
    assert sorted(await world.kinds()) == ["ACCOMPAGNEMENT_DEMANDE", "SUIVI_MODIFIE"]
    assert await world.kinds(system) == ["SUIVI_MODIFIE"]
    whole = await read(world.url, "SELECT type FROM evenements ORDER BY type")
    assert whole == [("ACCOMPAGNEMENT_DEMANDE",)] * 2 + [("SUIVI_MODIFIE",)] * 2


async def test_the_wait_for_a_contract_is_told_as_days_pass(world: WatchedWorld) -> None:
    """Nothing else changes: the day does. The deadline is 90 days after the first one in training."""
    begun = date(2026, 9, 1)
    training = Formation(date_debut=begun, date_fin=date(2028, 8, 31))
    world.tell(apprentice("1"))
    await world.look()
    world.tell(apprentice("1"), apprentice("2", nom="Martin", contrats=[], formations=[training]))
    await world.look()
    assert names(await world.events()) == [("SANS_CONTRAT_NOUVEAU", "Martin")]
    for days in (59, 60, 61, 82, 83, 84, 90, 91):
        world.instant = datetime(2026, 9, 1, 9, tzinfo=UTC) + timedelta(days=days)
        await world.look()
    rows = await read(world.url, "SELECT quand, type FROM evenements WHERE type LIKE 'ECHEANCE%' ORDER BY numero")
    assert [(quand[:10], kind) for quand, kind in rows] == [
        ("2026-10-31", "ECHEANCE_SANS_CONTRAT"),
        ("2026-11-23", "ECHEANCE_SANS_CONTRAT"),
    ]


async def test_a_place_leads_to_what_follows_it_and_is_of_one_perimeter(world: WatchedWorld) -> None:
    world.tell(*(apprentice(str(n), nom=f"Nom{n}") for n in range(5)))
    await world.look()
    for told_ in range(1, 6):
        world.tell(*(apprentice(str(n), BROKEN_OFF if n < told_ else None, nom=f"Nom{n}") for n in range(5)))
        await world.look()
    whole = await world.events()
    assert [event["jeune"]["nom"] for event in whole] == [f"Nom{n}" for n in range(5)]
    page = (await world.asked(adviser(), first=2, depuis=whole[1]["id"]))["data"]["evenements"]
    assert [event["id"] for event in page["nodes"]] == [whole[2]["id"], whole[3]["id"]]
    assert (page["totalCount"], page["pageInfo"]["hasNextPage"], page["pageInfo"]["endCursor"]) == (
        3,
        True,
        whole[3]["id"],
    )
    assert await world.events(depuis=whole[4]["id"]) == []
    for who, place in ((adviser("60002"), whole[0]["id"]), (adviser(), whole[0]["jeune"]["id"]), (adviser(), "x")):
        refused = await world.asked(who, depuis=place)
        assert refused["data"]["evenements"] is None
        assert [error["extensions"]["code"] for error in refused["errors"]] == ["CURSEUR_INVALIDE"]


async def test_what_is_older_than_seven_days_is_forgotten_and_a_place_before_it_says_so(world: WatchedWorld) -> None:
    world.tell(apprentice("1"), apprentice("2", nom="Martin"))
    await world.look()
    world.tell(apprentice("1", BROKEN_OFF), apprentice("2", nom="Martin"))
    await world.look()
    world.tell(apprentice("1", BROKEN_OFF), apprentice("2", BROKEN_OFF, nom="Martin"))
    await world.look()
    first, second = await world.events()
    world.later(days=6)
    world.tell(apprentice("1", BROKEN_OFF), apprentice("2", BROKEN_OFF + timedelta(days=1), nom="Martin"))
    await world.look()
    world.later(days=1, minutes=1)
    await world.log.store.purge(world.instant)
    for reader in (world, restarted(world)):
        assert [event["type"] for event in await reader.events()] == ["RUPTURE_NOUVELLE"]
        gap, left = await reader.events(depuis=first["id"])
        assert (gap["type"], gap["jeune"], left["type"]) == ("LACUNE", None, "RUPTURE_NOUVELLE")
        assert [event["id"] for event in await reader.events(depuis=second["id"])] == [left["id"]]
        assert [event["id"] for event in await reader.events(depuis=gap["id"])] == [left["id"]]
        if reader is not world:
            await reader.close()
    assert len(await read(world.url, "SELECT numero FROM evenements")) == 1


async def test_the_filter_keeps_the_types_asked(world: WatchedWorld) -> None:
    world.tell(apprentice("1"), followed())
    await world.look()
    noted = Suivi(situation=SituationSuivi.RDV_PRIS, date=datetime(2026, 10, 1, 8, tzinfo=UTC))
    world.tell(apprentice("1", BROKEN_OFF), followed(suivi=noted))
    await world.look()
    kept = await world.events(filtre={"types": ["SUIVI_MODIFIE", "NOUVEAU_CONTRAT"]})
    assert [event["type"] for event in kept] == ["SUIVI_MODIFIE"]
    assert sorted(await world.kinds()) == ["RUPTURE_NOUVELLE", "SUIVI_MODIFIE"]


async def test_without_its_store_the_log_is_an_error_and_the_lists_are_served(world: WatchedWorld) -> None:
    world.tell(apprentice("1", BROKEN_OFF))
    await world.look()
    for table in ("evenements", "evenements_perimetres"):
        await asyncio.to_thread(databases.write, world.url, f"DROP TABLE {table}")
    answered = await world.asked(adviser(), "{ ruptures { totalCount } evenements { totalCount } }")
    assert answered["data"] == {"ruptures": {"totalCount": 1}, "evenements": None}
    (error,) = answered["errors"]
    assert (error["extensions"]["code"], error["path"]) == ("EVENEMENTS_INDISPONIBLES", ["evenements"])


async def test_nothing_at_rest_tells_who_it_is_about(world: WatchedWorld) -> None:
    """Names, days of birth, ids of the graph, organisations: nothing of them is in clear, nor the same in two perimeters."""
    world.tell(apprentice("1"), followed())
    await world.look()
    world.tell(apprentice("1", BROKEN_OFF), followed())
    await world.look()
    (event,) = await world.events()
    tables = ("evenements", "annonces", "evenements_perimetres", "evenements_unites")
    kept = repr([await read(world.url, f"SELECT * FROM {table}") for table in tables])
    for value in ("Goff", "2006-03-07", "60001", "ypareo", event["jeune"]["id"], event["rupture"]["id"], "2026-09-20"):
        assert value not in kept
    keys = [row[0] for row in await read(world.url, "SELECT fait FROM annonces")]
    assert keys
    assert all(re.fullmatch("[0-9a-f]{32}", key) for key in keys)


async def test_one_process_at_a_time_holds_the_place_of_a_perimeter(world: WatchedWorld) -> None:
    world.tell(apprentice("1"))
    await world.look()
    await world.look(adviser("60002"))
    (one, other) = world.watched
    ours, theirs, elsewhere = world.log.lease(one), world.log.lease(one), world.log.lease(other)
    assert [await ours.elect(), await theirs.elect(), await elsewhere.elect(), await ours.elect()] == [
        True,
        False,
        True,
        True,
    ]
    await elsewhere.release()
    assert not await theirs.elect()
    await ours.release()
    assert await theirs.elect()
    await theirs.release()


async def test_a_perimeter_is_watched_for_a_day_after_somebody_read_its_log(world: WatchedWorld) -> None:
    assert await world.log.followed() == {}
    await world.asked(adviser())
    (perimeter,) = (await world.log.followed()).values()
    assert (perimeter.role, perimeter.organisation) == (Profil.MISSION_LOCALE, "60001")
    world.later(hours=24, minutes=1)
    assert await world.log.followed() == {}


async def test_ids_given_without_the_ledger_announce_nothing(world: WatchedWorld) -> None:
    world.tell(apprentice("1"))
    await world.look()
    key, watched = next(iter(world.watched.items()))
    without = WatchedWorld(QualityCounts("sqlite+aiosqlite:////nowhere/liens.sqlite"), url=world.url)
    without.tell(apprentice("1", BROKEN_OFF))
    await without.watcher.poll(key, Watched(watched.perimeter))
    assert await read(world.url, "SELECT numero FROM evenements") == []
    await without.close()
    await without.ledger.close()


async def test_what_is_written_while_a_log_is_first_read_is_read_the_next_time(world: WatchedWorld) -> None:
    """Found by reading: the last number was asked after the events, and what came between the two was passed over."""
    world.tell(apprentice("1"))
    await world.look()
    other, (key,) = restarted(world), world.watched
    read_events = other.log.store.after

    async def after(perimetre: str, numero: int) -> list[EventRow]:
        rows = await read_events(perimetre, numero)
        if not numero:
            world.tell(apprentice("1", BROKEN_OFF))
            await world.look()
        return rows

    other.log.store.after = after  # type: ignore[method-assign]
    assert (await other.log.read(key)).events == ()
    other.log.store.after = read_events  # type: ignore[method-assign]
    assert [event.kind for event in (await other.log.read(key)).events] == ["RUPTURE_NOUVELLE"]
    await other.close()
