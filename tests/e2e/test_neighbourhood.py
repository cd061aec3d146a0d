"""A Mission locale joins only those who may be its own and whom links lead to from them: it must be what joining all gives."""

import asyncio

from fixtures.world import World
from gateway.config import load
from gateway.federation.join.components import regroup
from gateway.federation.join.join_records import Cluster, SourcedRecord, link
from gateway.federation.join.record_pool import RecordPool
from gateway.federation.linkage_export import read_all_records
from gateway.federation.organisation_directory import Directory
from gateway.server.composition import build_gateway
from gateway.server.services import build_services
from tests.support.figures import note


async def hear_all(environment: dict[str, str]) -> tuple[list[SourcedRecord], Directory]:
    services = build_services(load(environment), environment)
    gateway = build_gateway(services)
    try:
        await services.registry.open()
        await services.keeper.open()
        return await read_all_records(gateway.collector, gateway.directory(), lambda _: None), gateway.directory()
    finally:
        await services.aclose()


def described(groups: list[Cluster]) -> dict[str, object]:
    return {
        group.key: (
            [(t.origin, t.record.key) for t in group.sourced_records],
            group.niveau,
            [(link.left.rank, link.right.rank, link.score) for link in group.links],
            sorted((link.left.rank, link.right.rank, link.score) for link in group.doubtful),
        )
        for group in groups
    }


def test_following_links_from_its_own_gives_what_joining_all_gives(world: World) -> None:
    sourced_records, directory = asyncio.run(hear_all(world.environment))
    everything, compares = link(sourced_records), 0
    missions = sorted(world.population.geographie.missions_locales)[::3]
    for code in missions:

        def concerns(sourced_record: SourcedRecord, code: str = code) -> bool:
            return directory.mission_locale_of_home(sourced_record.jeune.adresse) == code

        own = [group for group in everything if any(map(concerns, group.sourced_records))]
        near = regroup(RecordPool(), {("", ""): sourced_records}, concerns)
        assert described(own) == described(
            [group for group in near.in_order if any(map(concerns, group.sourced_records))]
        )
        compares += len(near.owner)
    heard = len({(t.origin, t.record.key) for t in sourced_records})
    assert 5 * compares < len(missions) * heard
    note(f"composantes : {compares // len(missions)} dossiers comparés pour une Mission locale, au lieu de {heard}")
