"""A gateway over a population that a test wrote, of this checkout or of the one that AUTRE_DEPOT names, asked over HTTP."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from fixtures import gateway_process
from fixtures.gateway_process import LaunchedGateway
from fixtures.population.model import Account, Population
from fixtures.world import World
from tests.support.e2e.queries import until_complete

JOINED = ("ypareo", "gestibase", "aimaira", "registre")  # whoever tells a person but a Mission locale


@contextmanager
def crafted_world(population: Population, folder: Path) -> Iterator[tuple[World, LaunchedGateway]]:
    """The simulators of that population, its registry harvested, and a gateway that asks them."""
    with pytest.MonkeyPatch.context() as patch:
        if other := os.environ.get("AUTRE_DEPOT"):
            patch.setattr(gateway_process, "ROOT", Path(other))
        with World(population, folder) as world:
            world.harvest()
            with world.gateway() as gateway:
                yield world, gateway


def told_by(population: Population, *systems: str) -> dict[int, list[Account]]:
    """What these systems tell, by number of the person."""
    found: dict[int, list[Account]] = {}
    for system in systems:
        for accounts in population.accounts.get(system, {}).values():
            for account in accounts:
                found.setdefault(account.person.numero, []).append(account)
    return found


def everybody(world: World, gateway: LaunchedGateway, client: str, fields: str) -> list[dict[str, Any]]:
    """The nodes of the list of persons of a client, page after page."""
    nodes: list[dict[str, Any]] = []
    text = f"""query T($a: String) {{ jeunes(first: 100, after: $a) {{ pageInfo {{ hasNextPage endCursor }}
 edges {{ node {{ {fields} }} }} }} }}"""
    after = None
    while True:
        answer = until_complete(gateway, world.token(client), text, a=after)
        page = answer["data"]["jeunes"]
        nodes += [edge["node"] for edge in page["edges"]]
        if not page["pageInfo"]["hasNextPage"]:
            return nodes
        after = page["pageInfo"]["endCursor"]


def by_number(population: Population, nodes: list[dict[str, Any]]) -> dict[int, dict[str, Any]]:
    """The nodes by number of their person, known by the numbers of their contracts; those without any are left out."""
    holders = {contrat.numero: person.numero for person in population.persons for contrat in person.contrats}
    found = {}
    for node in nodes:
        numbers = {holders[contrat["numero"]] for contrat in node["contrats"] or [] if contrat["numero"] in holders}
        if len(numbers) == 1:
            found[numbers.pop()] = node
    return found
