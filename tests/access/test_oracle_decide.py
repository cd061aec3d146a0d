"""Ten thousand (viewer, operation, data): the server shows what the oracle says, on every coordinate, and refuses the same."""

import asyncio
import json
import os
from dataclasses import asdict, dataclass
from functools import reduce
from operator import getitem
from pathlib import Path
from random import Random
from typing import Any

import pytest

from gateway.auth.policy.policy import AccessPolicy
from gateway.auth.policy.rules import CategorieDonnee
from tests.support.access.law import Known
from tests.support.access.operations import FIELDS, RootField, comparable, draw_operation, wait, write
from tests.support.access.small_world import CALLERS, SmallWorld, caller, draw_from, facts, reader
from tests.support.access.tools import POLICY
from tests.support.figures import note

# Operations on which the two once differed, each over the population of its seed.
CORPUS = json.loads(Path(__file__).with_name("oracle_corpus.json").read_text(encoding="utf-8"))
CASE = 10_000
PER_WORLD = 80  # operations over one drawn population
INHABITANTS = 7


def _read_everything() -> AccessPolicy:
    """A policy under which a CFA reads everything of its people: what there is to be known."""
    rows = [line for line in POLICY.regle if "CFA" not in {profil.value for profil in line.profils}]
    own = next(line for line in POLICY.regle if "CFA" in {profil.value for profil in line.profils})
    whole = own.model_copy(update={"categories": frozenset(CategorieDonnee)})
    return POLICY.model_copy(update={"regle": (*rows, whole)})


def _leaves(type_: str, but: tuple[str, ...] = ()) -> str:
    return " ".join(
        name if target is None else f"{name} {{ {_leaves(target)} }}"
        for name, (_, target) in FIELDS[type_].items()
        if name not in but
    )


RUPTURE = _leaves("Rupture", ("contrat", "jeune"))
CONTRAT = f"{_leaves('Contrat', ('rupture', 'jeune'))} rupture {{ {RUPTURE} }}"
JEUNE = f"{_leaves('Jeune', ('contrats', 'ruptures'))} contrats {{ {CONTRAT} }}"
ALL = f"{{ jeunes(first: 50) {{ edges {{ node {{ {JEUNE} }} }} }} }}"
OMNISCIENT = [caller("CFA", "0600001A"), caller("CFA", "0750001U"), caller("CFA", "0770001H")]


async def truth(world: SmallWorld) -> list[tuple[Known, dict[str, Any]]]:
    """What is to be known of each person, and what the graph tells of it to who may read everything."""
    integer = SmallWorld(world.inhabitants, _read_everything())
    told_values: dict[int, dict[str, Any]] = {}
    for cfa in OMNISCIENT:
        response = await integer.request(cfa, ALL)
        for edge in response["data"]["jeunes"]["edges"]:
            jeune = edge["node"]
            told_values[int(jeune["nom"].split()[0].removeprefix("Nom"))] = _linked(jeune)
    assert len(told_values) == len(world.inhabitants)
    return [(facts(one), told_values[one.numero]) for one in world.inhabitants]


def _linked(jeune: dict[str, Any]) -> dict[str, Any]:
    for contrat in jeune["contrats"]:
        contrat["jeune"] = jeune
        if contrat["rupture"]:
            contrat["rupture"] |= {"contrat": contrat, "jeune": jeune}
    jeune["ruptures"] = [contrat["rupture"] for contrat in jeune["contrats"] if contrat["rupture"]]
    return jeune


@dataclass
class Confrontation:
    """A drawn population, what is to be known of it, and the ids of everybody's objects."""

    seed: int
    world: SmallWorld
    known: list[tuple[Known, dict[str, Any]]]
    ids: dict[str, list[str]]

    @classmethod
    async def draw_from(cls, seed: int) -> "Confrontation":
        world = SmallWorld(draw_from(Random(seed), INHABITANTS))
        known = await truth(world)
        contrats = [contrat for _, jeune in known for contrat in jeune["contrats"]]
        ids = {
            "Jeune": [jeune["id"] for _, jeune in known],
            "Contrat": [contrat["id"] for contrat in contrats],
            "Rupture": [contrat["rupture"]["id"] for contrat in contrats if contrat["rupture"]],
        }
        return cls(seed, world, known, ids)

    async def compare(self, operation: list[RootField]) -> int:
        """One operation asked by every caller. Returns the number of cases."""
        text = write(operation, Random(self.seed), self.ids)
        for viewer in CALLERS:
            waiting = wait(reader(viewer), operation, self.known, self.ids)
            received = await self.world.request(viewer, text)
            case = json.dumps({"graine": self.seed, "operation": [asdict(root) for root in operation]})
            where = f"{viewer.profil.value} {viewer.organisation}\n{text}\nfor the corpus: {case}"
            refusal = [e["extensions"]["code"] for e in received.get("errors", [])]
            if refusal == ["REQUETE_TROP_COUTEUSE"]:
                return 0  # drawn beyond what anybody may ask: nothing was decided
            if waiting.data is None:
                assert (received["data"], refusal) == (None, ["ARGUMENT_REFUSE"]), where
                continue
            lines = [(tuple(line["chemin"]), line["code"]) for line in received["extensions"].get("refus", [])]
            assert sorted(lines) == sorted(set(waiting.refusal)), where
            assert_places(received)
            assert comparable(received["data"]) == comparable(waiting.data), where
        assert self.world.stopped == []
        return len(CALLERS)


def assert_places(received: dict[str, Any]) -> None:
    """Each error with a path is at a null of the answer, on the way of a line; the others tell a line's (GraphQL §7.1.2)."""
    patterns = [line["chemin"] for line in received["extensions"].get("refus", [])]
    for error in received.get("errors", []):
        if "path" not in error:
            assert error["extensions"]["chemin"] in patterns, error
            continue
        keys = [key for key in error["path"] if isinstance(key, str)]
        assert any(pattern[: len(keys)] == keys for pattern in patterns), error
        assert reduce(getitem, error["path"], received["data"]) is None, error


@pytest.mark.parametrize("rank", range(len(CORPUS)))
def test_past_differences_stay_settled(rank: int) -> None:
    async def replay() -> None:
        confrontation = await Confrontation.draw_from(CORPUS[rank]["graine"])
        await confrontation.compare([RootField(**root) for root in CORPUS[rank]["operation"]])

    asyncio.run(replay())


def test_a11_the_server_agrees_with_the_oracle_on_every_coordinate() -> None:
    """New draws in every run; a difference prints the line to be added to the corpus."""
    first = int.from_bytes(os.urandom(6))

    async def confront() -> int:
        case = 0
        while case < CASE:
            seed = first + case
            confrontation, randomness = await Confrontation.draw_from(seed), Random(seed)
            case += sum([await confrontation.compare(draw_operation(randomness)) for _ in range(PER_WORLD)])
        return case

    case = asyncio.run(confront())
    note(f"oracle  : {case} cas (appelant, opération, données), 0 désaccord (graine {first})")
    assert case >= CASE
