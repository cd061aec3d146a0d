"""Two worlds that differ only in what a caller may not see: the same bytes, the same requests to partners (docs/security.md).

And one world with its cache and without it, asked by everybody at once: the same bytes again (docs/security.md C01).
"""

import asyncio
import json
from dataclasses import replace
from random import Random
from typing import Any

import pytest

from gateway.auth.authentication.clients import Viewer
from tests.support.access.law import Asker, reads
from tests.support.access.operations import draw_operation, write
from tests.support.access.small_world import CALLERS, Inhabitant, SmallWorld, caller, draw_from, facts, reader
from tests.support.figures import note

INHABITANTS, OPERATIONS = 14, 12
IDS = "{ jeunes(first: 50) { edges { node { id contrats { id rupture { id } } } } } }"
TEXTS = ("CONTACT", "ADRESSE", "REPRESENTANT", "IDENTIFIANT_NATIONAL", "CONTRAT", "SUIVI", "COLLABORATION")


def other_world(inhabitants: list[Inhabitant], viewer: Viewer, randomness: Random) -> list[Inhabitant]:
    """The same people for that caller; for everybody else, another world."""
    who = reader(viewer)
    seen = [one for one in inhabitants if reads(who, facts(one), "PARCOURS")]
    changes = [_change(one, who) for one in seen]
    unknown = [one for one in draw_from(randomness, 40) if not reads(who, facts(one), "PARCOURS")]
    others = [
        replace(one, numero=len(inhabitants) + rank) for rank, one in enumerate(unknown[: randomness.randint(0, 12)])
    ]
    return sorted(changes + others, key=lambda one: one.numero)


def _change(one: Inhabitant, who: Asker) -> Inhabitant:
    """The same person with other values wherever the caller reads nothing."""

    def hidden(categorie: str) -> bool:
        return not reads(who, facts(one), categorie)

    cachets = {categorie: f"Autre{one.numero}" for categorie in TEXTS if hidden(categorie)}
    return replace(
        one,
        cachets=cachets,
        rqth=not one.rqth if hidden("SENSIBLE") else one.rqth,
        **_request(one, who),
        souhaite_rdv=not one.souhaite_rdv if hidden("SUIVI") else one.souhaite_rdv,
    )


def _request(one: Inhabitant, who: Asker) -> dict[str, Any]:
    """A request of another CFA where there was none, or none where there was: wherever the caller reads neither."""
    other = replace(one, collaboration=not one.collaboration, asked_by="0770001H")
    told = [(reads(who, facts(each), "COLLABORATION"), reads(who, facts(each), "SUIVI")) for each in (one, other)]
    unread = told[0] == told[1] and not told[0][0]
    return {"collaboration": other.collaboration, "asked_by": other.asked_by} if unread else {}


def _bytes(reponse: dict[str, Any]) -> str:
    return json.dumps({key: reponse.get(key) for key in ("data", "errors")}, ensure_ascii=False)


async def _ids(world: SmallWorld) -> dict[str, list[str]]:
    """Ids of everybody's objects, those that the caller may not see included."""
    found: dict[str, list[str]] = {"Jeune": [], "Contrat": [], "Rupture": []}
    for uai in ("0600001A", "0750001U", "0770001H"):
        response = await world.request(caller("CFA", uai), IDS)
        for edge in response["data"]["jeunes"]["edges"]:
            found["Jeune"].append(edge["node"]["id"])
            for contrat in edge["node"]["contrats"]:
                found["Contrat"].append(contrat["id"])
                found["Rupture"] += [contrat["rupture"]["id"]] if contrat["rupture"] else []
    return found


@pytest.mark.parametrize("seed", range(6))
def test_a05_a06_what_may_not_be_seen_changes_no_byte_and_no_request(seed: int) -> None:
    async def compare() -> int:
        randomness = Random(seed)
        inhabitants = draw_from(randomness, INHABITANTS)
        ids = await _ids(SmallWorld(inhabitants))
        texts = [write(draw_operation(randomness), randomness, ids) for _ in range(OPERATIONS)]
        for viewer in CALLERS:
            one, other = SmallWorld(inhabitants), SmallWorld(other_world(inhabitants, viewer, randomness))
            for text in texts:
                here, over_there = await one.request(viewer, text), await other.request(viewer, text)
                assert _bytes(here) == _bytes(over_there), (viewer.profil, text)
                assert one.sources.requests == other.sources.requests, (viewer.profil, text)
        return len(CALLERS) * OPERATIONS

    case = asyncio.run(compare())
    if seed == 0:
        note(
            f"non-interférence : 6 × {case} paires de mondes (appelant, opération), 0 octet et 0 requête de différence"
        )


def test_two_worlds_that_differ_in_what_is_seen_do_differ() -> None:
    """The control: the comparison above is able to fail."""

    async def compare() -> None:
        inhabitants = [replace(one, mission_locale="60001", cfa="0600001A", age=17) for one in draw_from(Random(1), 3)]
        others = [replace(one, cachets={"CONTACT": "Autre"}) for one in inhabitants]
        text = "{ jeunes { edges { node { telephone } } } }"
        here, over_there = [await SmallWorld(m).request(CALLERS[0], text) for m in (inhabitants, others)]
        assert here["data"]["jeunes"]["edges"]
        assert _bytes(here) != _bytes(over_there)

    asyncio.run(compare())


@pytest.mark.parametrize("seed", [10, 11])
def test_c01_c06_with_and_without_memory_everybody_at_once(seed: int) -> None:
    """Views, masks and decisions kept between callers, asked concurrently in a drawn order: as if nothing were kept."""

    async def compare() -> None:
        randomness = Random(seed)
        inhabitants = draw_from(randomness, INHABITANTS)
        ids = await _ids(SmallWorld(inhabitants))
        texts = [write(draw_operation(randomness), randomness, ids) for _ in range(6)]
        questions = [(viewer, text) for viewer in CALLERS for text in texts] * 2
        randomness.shuffle(questions)
        single = {question: _bytes(await SmallWorld(inhabitants).request(*question)) for question in set(questions)}
        warm = SmallWorld(inhabitants)
        for debut in range(0, len(questions), 20):
            batch = questions[debut : debut + 20]
            responses = await asyncio.gather(*(warm.request(*question) for question in batch))
            assert [_bytes(response) for response in responses] == [single[question] for question in batch]

    asyncio.run(compare())
