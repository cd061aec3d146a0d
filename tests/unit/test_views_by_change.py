"""A view built from the last one is the view built from nothing, whatever changed and whoever looks; what did not change is the
very same, is counted, and is never written to."""

from collections.abc import Collection, Sequence
from dataclasses import fields, is_dataclass
from datetime import UTC, datetime
from typing import Any

import pytest

from bench._region import referentiel_of
from fixtures.population.generator import generate
from gateway.auth.policy.policy import Perimetre
from gateway.auth.policy.rules import Profil
from gateway.domain.links import KnownLinks, LinkWrites
from gateway.domain.seal import OpaqueIds, Sealer
from gateway.federation.collect.kept_readings import Part, SourceReadings
from gateway.federation.ids.id_assigner import Fact, FirstSeen, IdAssigner, derivation
from gateway.federation.join.record_pool import RecordPool
from gateway.federation.organisation_directory import Directory
from gateway.federation.views.build import ViewCache, find_view
from gateway.federation.views.view import Rights, View
from gateway.sources.units import Resource, Unit
from tests.support.access.tools import FINALITES, POLICY
from tests.support.changed_world import TODAY, ChangedWorld
from tests.support.figures import note

pytestmark = pytest.mark.anyio
JEUNES, CHANGES, SEED = 120, 40, 31
IDS = OpaqueIds(Sealer(bytes(32)))
INSTANT = datetime(2026, 10, 15, 9, tzinfo=UTC)
LEFT_OUT = {"indices", "rows"}  # lines written when they are asked for


class EmptyLedger:
    """A ledger that knows nobody, and counts the groups that it is asked for."""

    def __init__(self) -> None:
        self.asked = 0

    async def read(self, keys: Collection[str]) -> KnownLinks:
        self.asked += len(keys)
        return KnownLinks()

    async def read_cousins(self, _identities: Collection[str]) -> KnownLinks:
        return KnownLinks()

    async def write(self, _writes: LinkWrites) -> None:
        return None

    async def first_seen(self, facts: Sequence[Fact], instant: datetime) -> FirstSeen:
        return {fact[:2]: instant for fact in facts}


class Reader:
    """Whoever looks again and again at a world that changes."""

    def __init__(self, rights: Rights, directory: Directory, pool: RecordPool) -> None:
        self.rights, self.directory, self.pool = rights, directory, pool
        self.views, self.ledger = ViewCache(), EmptyLedger()

    async def look(self, world: ChangedWorld) -> View:
        parts = {origin: Part("", list(told), INSTANT) for origin, told in world.told.items()}
        # As the cache of readings keeps them: one object as long as nothing of an installation changed.
        units = {Unit(source, Resource.CFA, tenant): str(id(world.told[source, tenant])) for source, tenant in parts}
        readings = SourceReadings(units=units, pool=self.pool, parts=parts)
        readings.sourced_records = [who for part in parts.values() for who in part.records]
        assigner = IdAssigner(self.ledger, derivation(IDS), lambda: INSTANT, lambda: None)
        view, _ = await find_view(self.views, assigner, readings, self.rights, self.directory, TODAY)
        return view


def told(noun: Any, path: tuple[int, ...] = ()) -> Any:
    """All that a noun holds; what leads back to where one comes from is said to."""
    if isinstance(noun, list | tuple):
        return [told(each, path) for each in noun]
    if not is_dataclass(noun) or isinstance(noun, type):
        return noun
    if id(noun) in path:
        return "back"
    inner = (*path, id(noun))
    values = {one.name: getattr(noun, one.name) for one in fields(noun) if one.name not in LEFT_OUT}
    return {name: told(value, inner) for name, value in values.items() if not callable(value)}


def held(view: View) -> dict[str, Any]:
    """All that a view holds: persons, rights on each, contracts, ruptures, ids, what joined the records."""
    return {
        "persons": [
            (key, told(one.jeune), one.categories, one.affiliation, one.sources, _joined(one))
            for key, one in view.persons.items()
        ],
        "contrats": [(key, person.jeune.id) for key, (person, _) in view.contrats.items()],
        "ruptures": [(key, person.jeune.id) for key, (person, _) in view.ruptures.items()],
        "records": view.records,
        "former_ids": view.former_ids,
    }


def _joined(person: Any) -> Any:
    cluster = person.merged.cluster
    pairs = [*cluster.links, *cluster.doubtful, *(pair for _, pair in person.merged.follow_ups)]
    return cluster.key, [(pair.left.rank, pair.right.rank, pair.similarity) for pair in pairs]


def readers(pool: RecordPool) -> list[Reader]:
    population = generate(seed=SEED, jeunes=JEUNES, today=TODAY, noise=3.0)
    directory = Directory(referentiel_of(population), IDS)
    served = [person.mission_locale for person in population.persons]
    mission = max(sorted(set(served)), key=served.count)
    region = population.geographie.communes[population.geographie.missions_locales[mission].commune].region
    cfa = max(sorted(population.cfas), key=lambda uai: sum(len(t.get(uai, ())) for t in population.accounts.values()))
    perimetres = [
        Perimetre(Profil.MISSION_LOCALE, mission),
        Perimetre(Profil.DREETS, region),
        Perimetre(Profil.FRANCE_TRAVAIL, region),
        Perimetre(Profil.CFA, cfa, frozenset({cfa})),
    ]
    return [Reader(Rights(POLICY, p.profil, FINALITES[p.profil], p), directory, pool) for p in perimetres]


async def test_a_view_built_from_the_last_one_is_the_view_built_from_nothing() -> None:
    world, everybody, seen, kept = ChangedWorld.drawn(SEED, JEUNES, 30), readers(RecordPool()), 0, 0
    for _ in range(CHANGES):
        for one in everybody:
            before = one.views.last(next(iter(one.views._known), None))
            was = held(before) if before else None
            view = await one.look(world)
            fresh = Reader(one.rights, one.directory, RecordPool())
            assert held(view) == held(await fresh.look(world)), one.rights.profil
            if before and before is not view:
                assert held(before) == was, "a view that somebody may still read"
                kept += sum(view.persons.get(key) is person for key, person in before.persons.items())
                seen += len(before.persons)
        world.change()
    assert seen > 2_000
    # All but a few: one change of a record touches a component, and whoever shows doubtful links to it.
    assert kept > 0.9 * seen
    note(
        f"vues : {CHANGES} changements vus par {len(everybody)} profils, 0 écart ; {kept} personnes gardées sur {seen}"
    )


async def test_the_ledger_is_asked_nothing_where_no_key_changed() -> None:
    """A telephone is no key of a person, nor of a contract."""
    world, (mission, *_) = ChangedWorld.drawn(SEED, JEUNES, 0), readers(RecordPool())
    view = await mission.look(world)
    asked, who = mission.ledger.asked, next(iter(view.persons.values())).merged.cluster.sourced_records[0]
    world.put(who.origin, who.record.key, telephone="0639989999")
    again = await mission.look(world)
    assert (mission.ledger.asked, asked > 20, again is not view) == (asked, True, True)
    assert [key for key, one in again.persons.items() if view.persons[key] is not one] == [
        key for key, one in view.persons.items() if who in one.merged.cluster.sourced_records
    ]
