"""S3: ids owe nothing, for others, to what a Mission locale joins. Over a real ledger, sources told by hand.

In process: over HTTP an id says nothing that could be compared, and no simulator tells the three records that it takes.
"""

from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from gateway.auth.policy.policy import Perimetre
from gateway.auth.policy.rules import Profil
from gateway.federation.join.components import regroup
from gateway.federation.join.follow_ups import claimed, claims
from gateway.federation.join.join_records import FollowUp, SourcedRecord, link
from gateway.federation.join.record_pool import RecordPool
from gateway.schema.nouns import Contrat, Rupture, Suivi
from gateway.schema.organisations import Cfa
from gateway.schema.scalars import UAI
from tests.e2e.test_ids import BEAUVAIS, BROKEN_OFF, QualityCounts, ToldWorld
from tests.support.unit.federation import RECEIVED
from tests.support.unit.links import told

pytestmark = pytest.mark.anyio

CFA = Perimetre(Profil.CFA, "A", frozenset({"A", "B"}))
EVERYONE = "{ jeunes(first: 9) { edges { node { id dateNaissance contrats { id } } } } }"
BIRTH, EXCHANGED = date(2006, 3, 7), date(2006, 7, 3)


def erp(key: str, tenant: str, **values: Any) -> SourcedRecord:
    """A person of a CFA, whose contract begins elsewhere for each: two records are told apart by their contracts too."""
    contrat = Contrat(
        date_debut=date(2025, 9, 1) if tenant == "A" else date(2023, 9, 1),
        date_fin=date(2027, 8, 31) if tenant == "A" else date(2024, 8, 31),
        cfa=Cfa(uai=UAI(tenant)),
        rupture=Rupture(date=BROKEN_OFF) if tenant == "A" else None,
    )
    return told("ypareo", key, tenant, contrats=[contrat], **BEAUVAIS, **values)


ONE = erp("1", "A", date_naissance=BIRTH)
# The same name, the day and the month of birth exchanged, another home: not enough to join.
TWO = told(
    "gestibase", "9", "B", date_naissance=EXCHANGED, courriel="a@exemple.invalid", contrats=erp("9", "B").jeune.contrats
)
# What a Mission locale tells is like both.
BRIDGE = told(
    "imilo", "700", "60001", date_naissance=BIRTH, courriel="a@exemple.invalid", suivi=Suivi(date=RECEIVED), **BEAUVAIS
)


async def world_of(folder: Path) -> ToldWorld:
    return ToldWorld(QualityCounts(f"sqlite+aiosqlite:///{folder / 'liens.sqlite'}"))


async def seen_by(world: ToldWorld, perimetre: Perimetre) -> dict[str, list[str]]:
    """The ids of the persons and of their contracts, by birth date."""
    edges = (await world.request_as(perimetre, EVERYONE))["jeunes"]["edges"]
    return {e["node"]["dateNaissance"]: [e["node"]["id"], *(c["id"] for c in e["node"]["contrats"])] for e in edges}


def test_the_three_records_are_joined_by_the_third_alone() -> None:
    assert [len(cluster.sourced_records) for cluster in link([ONE, TWO])] == [1, 1]
    assert [len(cluster.sourced_records) for cluster in link([ONE, TWO, BRIDGE])] == [3]


def test_s3_a_dossier_bridges_nobody_where_it_is_attached() -> None:
    assert sum(map(len, claimed_of(ONE, TWO).values())) <= 1
    assert claimed_of(TWO).keys() == {link([TWO])[0].key}


def claimed_of(*records: SourcedRecord) -> Mapping[str, Sequence[FollowUp]]:
    """What the bridge claims of the persons that these records make."""
    pool = RecordPool()
    groups = regroup(pool, {record.origin: [record] for record in records})
    return claimed(claims(groups, pool, [BRIDGE], {}))


@pytest.mark.parametrize("first", ["cfa", "ml"])
async def test_s3_ids_of_a_cfa_are_those_of_a_world_without_dossiers(tmp_path: Path, first: str) -> None:
    for name in ("with", "without"):
        (tmp_path / name).mkdir()
    plain, crossed = await world_of(tmp_path / "without"), await world_of(tmp_path / "with")
    plain.tell(ONE, TWO)
    crossed.tell(ONE, TWO, BRIDGE)
    mission = Perimetre(Profil.MISSION_LOCALE, "60001")
    if first == "ml":
        await seen_by(crossed, mission)
    expected = await seen_by(plain, CFA)
    assert len(expected) == 2
    for _ in range(2):
        assert await seen_by(crossed, CFA) == expected
        (seen,) = (await seen_by(crossed, mission)).values()
        assert seen[0] in {ids[0] for ids in expected.values()}, "the Mission locale knows the person under a CFA's id"
        crossed.tell(ONE, TWO, BRIDGE)
    # One record goes: in the Mission locale's view the other was the same person, which must not show.
    crossed.tell(TWO, BRIDGE)
    former = expected[BIRTH.isoformat()][0]
    assert await seen_by(crossed, CFA) == {EXCHANGED.isoformat(): expected[EXCHANGED.isoformat()]}
    assert (await crossed.request_as(CFA, "query U($j: ID!) { jeune(id: $j) { id } }", j=former))["jeune"] is None
    await plain.ledger.close()
    await crossed.ledger.close()


async def test_s3_both_former_ids_open_the_person_that_the_mission_locale_joined(tmp_path: Path) -> None:
    world = await world_of(tmp_path)
    world.tell(ONE, TWO)
    apart = await seen_by(world, CFA)
    world.tell(ONE, TWO, BRIDGE)
    text = "query U($j: ID!) { jeune(id: $j) { id } }"
    opened = {(await world.request(text, j=ids[0]))["jeune"]["id"] for ids in apart.values()}
    assert len(opened) == 1
    await world.ledger.close()


async def test_s3_a_person_of_a_mission_locale_keeps_its_id_when_no_cfa_answers(tmp_path: Path) -> None:
    world = await world_of(tmp_path)
    mission = Perimetre(Profil.MISSION_LOCALE, "60001")
    world.tell(BRIDGE)
    (alone,) = (await seen_by(world, mission)).values()
    world.tell(ONE, BRIDGE)
    (known,) = (await seen_by(world, mission)).values()
    assert known[0] == (await seen_by(world, CFA))[BIRTH.isoformat()][0]
    text = "query U($j: ID!) { jeune(id: $j) { id } }"
    assert (await world.request(text, j=alone[0]))["jeune"]["id"] == known[0]
    world.tell(BRIDGE)
    (again,) = (await seen_by(world, mission)).values()
    assert again == known[:1]
    await world.ledger.close()


MISSION = Perimetre(Profil.MISSION_LOCALE, "60001")
OPEN = "query U($j: ID!) { jeune(id: $j) { id } }"
# Another person whom the Mission locale follows, and one that a CFA tells: views with and without a group of CFAs.
OTHER = told("imilo", "701", "60001", nom="Sow", prenom="Awa", date_naissance=date(2007, 1, 2), **BEAUVAIS)
AT_A_CFA = told(
    "ypareo",
    "3",
    "A",
    nom="Roy",
    prenom="Max",
    date_naissance=date(2005, 5, 5),
    contrats=ONE.jeune.contrats,
    **BEAUVAIS,
)


@pytest.mark.parametrize("around", [(), (AT_A_CFA,)], ids=["nobody of a CFA", "somebody of a CFA"])
async def test_s3_what_a_mission_locale_alone_knew_first_shows_in_no_id_of_a_cfa(
    tmp_path: Path, around: tuple[SourcedRecord, ...]
) -> None:
    """A world in which the Mission locale looked first, and one without it: the CFA is given the same ids."""
    for name in ("with", "without"):
        (tmp_path / name).mkdir()
    plain, crossed = await world_of(tmp_path / "without"), await world_of(tmp_path / "with")
    crossed.tell(BRIDGE, *around)
    (before,) = [ids for birth, ids in (await seen_by(crossed, MISSION)).items() if birth == BIRTH.isoformat()]
    plain.tell(ONE, *around)
    crossed.tell(ONE, BRIDGE, *around)
    expected = await seen_by(plain, CFA)
    assert await seen_by(crossed, CFA) == expected
    # docs/domaine.md, Identifiants du graphe: the CFA's id, and the first one opens it, for the Mission locale.
    own = expected[BIRTH.isoformat()][0]
    assert (await seen_by(crossed, MISSION))[BIRTH.isoformat()][0] == own
    assert (await crossed.request(OPEN, j=before[0]))["jeune"] == {"id": own}
    assert (await crossed.request_as(CFA, OPEN, j=before[0]))["jeune"] is None
    # It stays hers when the CFA does not answer.
    crossed.tell(BRIDGE, *around)
    assert (await seen_by(crossed, MISSION))[BIRTH.isoformat()][0] == own
    await plain.ledger.close()
    await crossed.ledger.close()


async def test_s3_a_person_of_a_mission_locale_keeps_its_id_whether_or_not_it_sees_somebody_of_a_cfa(
    tmp_path: Path,
) -> None:
    world = await world_of(tmp_path)
    seen = []
    for around in ((), (AT_A_CFA,), (), (AT_A_CFA,)):
        world.tell(OTHER, *around)
        seen.append((await seen_by(world, MISSION))["2007-01-02"])
    assert seen == [seen[0]] * 4
    await world.ledger.close()


async def test_s3_a_person_that_two_mission_locales_know_keeps_its_id_when_either_tells_no_more(tmp_path: Path) -> None:
    """docs/domaine.md, Identifiants du graphe: the same as long as a source tells it still, its name typed otherwise there."""
    world = await world_of(tmp_path)
    shared = {"telephone": "0639980001", "courriel": "a@exemple.invalid", **BEAUVAIS}
    here = told("imilo", "1", "60001", nom="Leclercq", **shared)
    there = told("imilo", "2", "60002", nom="Leclerq", **shared)
    seen = []
    for dossiers in ((here, there), (here,), (there,), (here, there)):
        world.tell(AT_A_CFA, *dossiers)
        seen.append((await seen_by(world, MISSION))["2006-03-07"])
    assert seen == [seen[0]] * 4
    await world.ledger.close()
