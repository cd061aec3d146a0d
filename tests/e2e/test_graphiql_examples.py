"""The examples of the GraphiQL page, asked of a real gateway by a client of each profile that they are for."""

import json
from typing import Any

import pytest

from fixtures.clients import is_repeated
from fixtures.gateway_process import LaunchedGateway
from fixtures.world import World
from tests.support.examples import Example, examples, persons_of

# Those of figures need a snapshot: `test_statistics` asks them; that of transmissions, a CFA that pushes: `test_pushing`; those
# that write, and that of an answer, people of their own: `test_writes`; the one that is streamed, a partner that tells:
# `test_graphiql_events`.
ELSEWHERE = ("statistiques", "transmissions", "ecriture", "subscription", "ReponseDeLaMissionLocale")
OF_PEOPLE = [one for one in examples() if not any(word in one.query for word in ELSEWHERE)]


@pytest.mark.parametrize("example", OF_PEOPLE, ids=lambda example: example.title)
def test_an_example_finds_somebody_for_each_profile_it_is_for(
    example: Example, gateway: LaunchedGateway, world: World
) -> None:
    """But for the fields that the page leaves out: those that a caller's graph has not are refused here."""
    for client in _of_each_profile(world, example):
        variables = _values(example, gateway, world.token(client))
        response = _until_heard(gateway, world.token(client), example.query, variables)
        assert persons_of(response["data"]) > 0, client


def _of_each_profile(world: World, example: Example) -> list[str]:
    """A client of each profile that the example is for, and of each that a partner's software acts for."""
    named = {(one.profil, one.comme): name for name, one in world.clients.items() if not is_repeated(name)}
    return [name for (profile, _), name in named.items() if example.is_for(profile)]


def _values(example: Example, gateway: LaunchedGateway, token: str) -> dict[str, Any]:
    """As the page finds them: the first row that says all that is asked of one."""
    if example.search is None:
        return {}
    (found,) = _until_heard(gateway, token, example.search, {})["data"].values()
    rows = [_leaves(row) for row in found["edges"]]
    row = next(row for row in rows if None not in row.values())
    return {name: row[name] for name in example.variables}


def _leaves(value: dict[str, Any]) -> dict[str, Any]:
    """Its values by their names, however deep; of a list, those of its first element."""
    found: dict[str, Any] = {}
    for name, inner in value.items():
        first = inner[0] if isinstance(inner, list) and inner else inner
        found |= _leaves(first) if isinstance(first, dict) else {name: inner}
    return found


def _until_heard(gateway: LaunchedGateway, token: str, query: str, variables: dict[str, Any]) -> Any:
    for _ in range(20):
        response = gateway.graphql(token, query, variables)
        if not any("source" in error["extensions"] for error in response.get("errors", [])):
            return response
    pytest.fail(json.dumps(response["errors"], ensure_ascii=False))
