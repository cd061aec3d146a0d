"""Two vendors that are tables, XML and GraphQL, in the default population: all that they tell is read, joined and told apart."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from typing import Any

import pytest

from fixtures.evaluation.report import judge
from fixtures.population.vendors import RARER
from fixtures.world import World

TODAY = date(2026, 10, 15)


@dataclass
class Judged:
    world: World
    people: list[dict[str, Any]]


@pytest.fixture(scope="module")
def judged() -> Iterator[Judged]:
    with World.generated(seed=5, jeunes=1400, departements=("02",), today=TODAY) as world:
        world.harvest()
        yield Judged(world, world.rapprochements())


def test_every_record_of_theirs_is_read(judged: Judged) -> None:
    for vendor in RARER:
        accounts = judged.world.population.accounts[vendor]
        wanted = {f"{account.tenant}/{account.key}" for own in accounts.values() for account in own}
        read = {one for person in judged.people for one in person["enregistrements"].get(vendor, [])}
        assert read == wanted
        assert len(wanted) > 40


def test_their_people_are_joined_to_the_others_and_nobody_wrongly(judged: Judged) -> None:
    report = judge(judged.world.population, judged.people)
    assert report.cost.false_pairs == []
    assert report.cost.pairs.recall >= 0.97
