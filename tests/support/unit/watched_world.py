"""A gateway whose sources say what a test tells them to, at the hour that it says, and the watcher of its events over a real
store: what tests of the log are written with."""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from typing import Any

import orjson

from gateway.auth.authentication.clients import Viewer, build_perimetre
from gateway.auth.policy.rules import Finalite, Profil
from gateway.domain.days import paris_day
from gateway.domain.seal import Sealer
from gateway.edge.graphql_http import body
from gateway.errors import SourceUnavailable
from gateway.evenements.perimeter_logs import EventLog
from gateway.evenements.perimeters import WatchedPerimeter
from gateway.evenements.watcher import Watched, Watcher
from gateway.federation.collect.kept_readings import Freshness, SourceReadings
from gateway.federation.join.join_records import SourcedRecord
from gateway.federation.organisation_directory import Directory
from gateway.operation import Gateway, answer
from gateway.operation_runner import GraphQLRequest
from gateway.schema.nouns import Contrat, Rupture
from gateway.schema.organisations import TypeSource
from gateway.sources.units import CacheStatus, Resource, Unit
from gateway.stores.event_log import EventStore
from tests.e2e.test_ids import BEAUVAIS, ToldWorld
from tests.support.unit.federation import DIRECTORY
from tests.support.unit.links import IDS, T0, reader, told

ML = Profil.MISSION_LOCALE
EVENTS = """query E($depuis: ID, $first: Int! = 500, $filtre: FiltreEvenements) {
 evenements(depuis: $depuis, first: $first, filtre: $filtre) { totalCount complet pageInfo { hasNextPage endCursor }
 nodes { id type quand source nombre jeune { id nom } rupture { id date } } } }"""


@dataclass
class WatchedWorld(ToldWorld):
    """`answered`: when each source last said what it says; `down`: those that do not answer."""

    url: str = ""
    instant: datetime = T0
    answered: dict[str, datetime] = field(default_factory=dict)
    down: set[str] = field(default_factory=set)
    watched: dict[str, Watched] = field(default_factory=dict)

    def __post_init__(self) -> None:
        super().__post_init__()
        ids = replace(reader(self.ledger).id_assigner, now=lambda: self.instant)
        self.log = EventLog(EventStore(self.url), Sealer(bytes(32)), IDS, lambda: self.instant)
        self.gateway: Gateway = replace(self.gateway, log=self.log, id_assigner=ids, now=lambda: self.instant)
        self.watcher: Watcher = Watcher(self.log, self.gateway)

    def wall_clock(self) -> float:
        return self.instant.timestamp()

    async def collect(self, _: object, __: Directory, *___: object, timeout: float | None = None) -> SourceReadings:
        spoken = [record for record in self.told_values if record.source not in self.down]
        return SourceReadings(
            sourced_records=spoken,
            errors={name: SourceUnavailable(name, "ne répond pas") for name in self.down},
            freshness_by_source={record.source: self._freshness(record) for record in spoken},
            units={_unit(r): str(self.version) for r in spoken if r.type is not TypeSource.REGISTRE_CONTRATS},
            registry=str(self.version),
            suivi_heard=frozenset({"60001"}),
        )

    def _freshness(self, record: SourcedRecord) -> Freshness:
        as_of = self.answered[record.source] if record.type is TypeSource.REGISTRE_CONTRATS else None
        return Freshness(CacheStatus.HIT.value, self.answered[record.source].timestamp(), as_of)

    def tell(self, *sourced_records: SourcedRecord) -> None:
        """Every source answers anew: what is told is all that they know."""
        super().tell(*sourced_records)
        self.answered |= {record.source: self.instant for record in sourced_records}

    def later(self, **span: float) -> None:
        self.instant += timedelta(**span)

    async def look(self, *viewers: Viewer) -> None:
        """One look of this process at the perimeter of each."""
        for viewer in viewers or (adviser(),):
            perimeter = WatchedPerimeter.of(viewer)
            key = perimeter.key(IDS)
            await self.log.follow(key, perimeter)
            await self.watcher.poll(key, self.watched.setdefault(key, Watched(perimeter)))

    async def asked(self, viewer: Viewer, text: str = EVENTS, **variables: Any) -> dict[str, Any]:
        """The answer, as its JSON document."""
        response = await answer(self.gateway, viewer, GraphQLRequest(text, None, variables))
        result: dict[str, Any] = orjson.loads(orjson.dumps(body(response, "")))
        return result

    async def events(self, viewer: Viewer | None = None, **variables: Any) -> list[dict[str, Any]]:
        """The events that somebody reads; the total is theirs."""
        response = await self.asked(viewer or adviser(), **variables)
        page = response["data"]["evenements"]
        assert page["totalCount"] == len(page["nodes"])
        nodes: list[dict[str, Any]] = page["nodes"]
        return nodes

    async def kinds(self, viewer: Viewer | None = None) -> list[str]:
        return [event["type"] for event in await self.events(viewer)]

    async def close(self) -> None:
        await self.log.store.close()


def _unit(record: SourcedRecord) -> Unit:
    resource = Resource.STRUCTURE if record.type is TypeSource.MISSION_LOCALE else Resource.CFA
    return Unit(record.source, resource, record.tenant)


def adviser(code: str = "60001", profil: Profil = ML, client: str = "c") -> Viewer:
    """Whoever reads a Mission locale's perimeter, for itself or by a system."""
    finalite = Finalite.ACCOMPAGNEMENT
    perimetre = build_perimetre(ML, code, DIRECTORY.referentiel)
    return Viewer(client, client, profil, code, "nom", (finalite,), finalite, perimetre)


def apprentice(key: str, broken: date | None = None, tenant: str = "A", **values: Any) -> SourcedRecord:
    """Somebody of Beauvais, as an ERP tells of her."""
    rupture = Rupture(date=broken) if broken else None
    contrats = [Contrat(date_debut=date(2025, 9, 1), date_fin=date(2027, 8, 31), rupture=rupture)]
    return told(values.pop("source", "ypareo"), key, tenant, **{"contrats": contrats, **BEAUVAIS, **values})


def names(events: Iterable[dict[str, Any]]) -> list[tuple[str, str | None]]:
    """What each event tells, and of whom."""
    return [(event["type"], event["jeune"] and event["jeune"]["nom"]) for event in events]


def today(world: WatchedWorld) -> date:
    return paris_day(world.instant)
