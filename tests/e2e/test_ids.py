"""Ids across what changes at the sources, asked in GraphQL: one operation after the other, over a real ledger.

The sources are told by hand here, so that a name may be corrected and two persons found to be one.
"""

from collections.abc import AsyncIterator, Collection
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import orjson
import pytest

from gateway.auth.authentication.clients import Viewer
from gateway.auth.authorization.decision_cache import DecisionCache
from gateway.auth.authorization.visible_schema import VisibleSchemas
from gateway.auth.policy.policy import Perimetre, read_policy
from gateway.auth.policy.rules import Profil
from gateway.documents.parse import Documents, PersistedDocuments
from gateway.domain.links import KnownLinks
from gateway.execution.executor import Executor
from gateway.federation.collect.kept_readings import SourceReadings
from gateway.federation.join.join_records import SourcedRecord
from gateway.federation.organisation_directory import Directory
from gateway.operation import Gateway, answer
from gateway.operation_runner import GraphQLRequest
from gateway.reception.report import TransmissionReports
from gateway.schema.nouns import Adresse, Contrat, Rupture
from gateway.schema.query import build, core_schema
from gateway.schema.scalars import CodePostal
from gateway.stores.links import LinkStore
from tests.support.access.small_world import WithoutAccounting, WithoutEvents
from tests.support.access.tools import FINALITES
from tests.support.answered_figures import statistics
from tests.support.unit.federation import DIRECTORY
from tests.support.unit.links import IDS, T0, reader, told

pytestmark = pytest.mark.anyio

BROKEN_OFF = date(2026, 9, 20)
BEAUVAIS = {"adresse": Adresse(code_postal=CodePostal("60000"))}


class QualityCounts(LinkStore):
    """The real ledger, that counts its reads."""

    readings_journal = 0

    async def read(self, keys: Collection[str]) -> KnownLinks:
        self.readings_journal += 1
        return await super().read(keys)


@dataclass
class ToldWorld:
    """A gateway whose sources say what a test tells them to."""

    ledger: QualityCounts
    told_values: list[SourcedRecord] = field(default_factory=list)
    version: int = 0
    timeout: float = 3.0

    def __post_init__(self) -> None:
        schema = core_schema(build())
        policy = read_policy()
        self.gateway = Gateway(
            schema=schema,
            policy=policy,
            documents=Documents(schema, str),
            persisted_documents=PersistedDocuments({}),
            executor=Executor(schema, lambda _path: None),
            decision_cache=DecisionCache(schema, policy),
            shapes=VisibleSchemas(schema, policy),
            candidate=None,
            stopped=lambda _: None,
            collector=self,  # type: ignore[arg-type]
            opaque_ids=IDS,
            id_assigner=reader(self.ledger).id_assigner,
            statistics=statistics(policy, IDS, T0),
            log=WithoutEvents(),  # type: ignore[arg-type]
            accounting=WithoutAccounting(),  # type: ignore[arg-type]
            directory=lambda: DIRECTORY,
            states=list,
            state_of=lambda _: None,
            source_of_cfa=lambda _: None,
            pushing=lambda _: None,
            reports=TransmissionReports(None, lambda: T0),
            now=lambda: T0,
        )

    def wall_clock(self) -> float:
        return T0.timestamp()

    async def collect(self, _: object, __: Directory, *___: object, timeout: float | None = None) -> SourceReadings:
        return SourceReadings(list(self.told_values), registry=str(self.version), suivi_heard=frozenset({"60001"}))

    def tell(self, *sourced_records: SourcedRecord) -> None:
        self.told_values, self.version = list(sourced_records), self.version + 1

    async def request(self, partner_request: str, code: str = "60001", **variables: Any) -> Any:
        return await self.request_as(Perimetre(Profil.MISSION_LOCALE, code), partner_request, **variables)

    async def request_as(self, perimetre: Perimetre, partner_request: str, **variables: Any) -> Any:
        who, finalite = perimetre.profil, FINALITES[perimetre.profil]
        viewer = Viewer("c", "c", who, perimetre.organisation, "nom", (finalite,), finalite, perimetre)
        response = await answer(self.gateway, viewer, GraphQLRequest(partner_request, None, variables))
        assert not response.errors, response.errors
        return orjson.loads(orjson.dumps(response.data))


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[ToldWorld]:
    ledger = QualityCounts(f"sqlite+aiosqlite:///{tmp_path / 'liens.sqlite'}")
    yield ToldWorld(ledger)
    await ledger.close()


def erp(key: str, tenant: str, broken: date | None = BROKEN_OFF, **values: Any) -> SourcedRecord:
    rupture = Rupture(date=broken) if broken else None
    contrats = [Contrat(date_debut=date(2025, 9, 1), date_fin=date(2027, 8, 31), rupture=rupture)]
    return told("ypareo", key, tenant, contrats=contrats, **BEAUVAIS, **values)


EVERYONE = "{ jeunes(first: 9) { edges { cursor node { id nom contrats { id rupture { id signaleeLe } } } } } }"
UN = """query U($j: ID!, $c: ID!, $r: ID!) { jeune(id: $j) { id nom } contrat(id: $c) { id } rupture(id: $r) { id }
 a: node(id: $j) { id } b: node(id: $c) { id } c: node(id: $r) { id } }"""


def ids(node: Any) -> dict[str, str]:
    contrat = node["contrats"][0]
    return {"j": node["id"], "c": contrat["id"], "r": contrat["rupture"]["id"]}


async def test_a_name_corrected_at_the_source_shows_under_the_same_ids(world: ToldWorld) -> None:
    world.tell(erp("1", "A", nom="Le Gof"))
    (before,) = (await world.request(EVERYONE))["jeunes"]["edges"]
    world.tell(erp("1", "A", nom="Le Goff"))
    (after,) = (await world.request(EVERYONE))["jeunes"]["edges"]
    assert (before["node"]["nom"], after["node"]["nom"]) == ("Le Gof", "Le Goff")
    assert ids(before["node"]) == ids(after["node"])
    assert (await world.request(UN, **ids(before["node"])))["jeune"]["nom"] == "Le Goff"


async def test_ids_of_two_persons_found_to_be_one_open_the_survivor_and_cursors_go_on(world: ToldWorld) -> None:
    world.tell(erp("1", "A"), erp("9", "B", nom="Martin"))
    list_query = (await world.request(EVERYONE))["jeunes"]["edges"]
    world.tell(erp("1", "A"), erp("9", "B"))
    (rest,) = (await world.request(EVERYONE))["jeunes"]["edges"]
    single = ids(rest["node"])
    assert len({ids(edge["node"])["j"] for edge in list_query}) == 2
    assert single["j"] in [ids(edge["node"])["j"] for edge in list_query]
    for edge in list_query:
        result = await world.request(UN, **ids(edge["node"]))
        assert result["jeune"]["id"] == result["a"]["id"] == single["j"]
        assert result["contrat"]["id"] == result["b"]["id"] == single["c"]
        assert result["rupture"]["id"] == result["c"]["id"] == single["r"]
        following = "query S($a: String) { jeunes(first: 9, after: $a) { totalCount } }"
        assert (await world.request(following, a=edge["cursor"]))["jeunes"]["totalCount"] == 1


async def test_ids_of_before_open_nothing_out_of_perimeter(world: ToldWorld) -> None:
    world.tell(erp("1", "A"), erp("9", "B", nom="Martin"))
    list_query = (await world.request(EVERYONE))["jeunes"]["edges"]
    assert len(list_query) == 2
    world.tell(erp("1", "A"), erp("9", "B"))
    for edge in list_query:
        result = await world.request(UN, "60002", **ids(edge["node"]))
        assert set(result.values()) == {None}


async def test_a_warm_view_reads_the_ledger_no_more(world: ToldWorld) -> None:
    world.tell(erp("1", "A"))
    await world.request(EVERYONE)
    when_cold = world.ledger.readings_journal
    await world.request(EVERYONE)
    await world.request("{ ruptures(first: 1) { totalCount } }")
    assert world.ledger.readings_journal == when_cold > 0


async def test_a_rupture_that_no_source_dates_was_told_when_it_was_first_seen(world: ToldWorld) -> None:
    world.tell(erp("1", "A"))
    (edge,) = (await world.request(EVERYONE))["jeunes"]["edges"]
    assert edge["node"]["contrats"][0]["rupture"]["signaleeLe"] == T0.date().isoformat()
    ahead = "{ ruptures(first: 1) { edges { node { delaiSignalementJours avanceSurRegistreJours } } } }"
    (edge,) = (await world.request(ahead))["ruptures"]["edges"]
    assert edge["node"] == {"delaiSignalementJours": (T0.date() - BROKEN_OFF).days, "avanceSurRegistreJours": None}


async def test_without_the_ledger_the_answer_goes_on_and_the_view_is_tried_again_later(world: ToldWorld) -> None:
    failures: list[int] = []
    ledger = QualityCounts("sqlite+aiosqlite:////nowhere/liens.sqlite")
    without = ToldWorld(ledger)
    object.__setattr__(without.gateway, "id_assigner", reader(ledger, failures).id_assigner)
    for one in (world, without):
        one.tell(erp("1", "A"))
    expected = await world.request(EVERYONE)
    result = await without.request(EVERYONE)
    assert ids(result["jeunes"]["edges"][0]["node"]) == ids(expected["jeunes"]["edges"][0]["node"])
    await without.request(EVERYONE)
    assert len(failures) == 1
    ((_, view),) = without.gateway.views._known.values()
    assert view.stale is not None
    view.stale -= timedelta(minutes=1).total_seconds()
    await without.request(EVERYONE)
    assert len(failures) == 2
    await ledger.close()
