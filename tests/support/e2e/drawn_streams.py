"""Streams opened over real HTTP at a place, read as far as a test says and left; and drawn selections of what an event shows."""

import json
from collections.abc import Mapping
from random import Random
from typing import Any

import httpx
from graphql import (
    GraphQLInterfaceType,
    GraphQLObjectType,
    GraphQLSchema,
    build_schema,
    get_named_type,
    is_leaf_type,
    is_required_argument,
)

from fixtures.gateway_process import ROOT, LaunchedGateway
from fixtures.servers import NO_AUTHORITY

SCHEMA = build_schema((ROOT / "schema.graphql").read_text(encoding="utf-8"))
MOVING = {"Source", "Ecriture"}  # they tell how old something is: two answers differ by the seconds between them
DEPTH, FIELDS = 3, 5
LOG = """query L($depuis: ID) { evenements(depuis: $depuis, first: 500) { totalCount complet
 nodes { id type jeune { id } rupture { id } } } }"""

Document = dict[str, Any]


def selection(random: Random, of: str, schema: GraphQLSchema = SCHEMA, depth: int = DEPTH) -> str:
    """Drawn fields of a type, without those that need an argument."""
    type_ = schema.type_map[of]
    assert isinstance(type_, GraphQLObjectType | GraphQLInterfaceType)
    chosen = ["id"] if "id" in type_.fields else ["__typename"]
    for name in random.sample(sorted(type_.fields), min(FIELDS, len(type_.fields))):
        field = type_.fields[name]
        inner = get_named_type(field.type)
        if any(map(is_required_argument, field.args.values())) or inner.name in MOVING:
            continue
        if is_leaf_type(inner):
            chosen.append(name)
        elif depth and isinstance(inner, GraphQLObjectType) and not inner.name.endswith("Connection"):
            chosen.append(f"{name} {{ {selection(random, inner.name, schema, depth - 1)} }}")
    return " ".join(dict.fromkeys(chosen))


def client() -> httpx.AsyncClient:
    return httpx.AsyncClient(timeout=60, verify=NO_AUTHORITY, limits=httpx.Limits(max_connections=None))


async def pushed(
    http: httpx.AsyncClient, url: str, token: str, query: str, *, place: str | None = None, number: int = 1
) -> list[Document]:
    """What is sent beyond a place, up to so many documents or the end of the stream, each with its place; then leave."""
    headers = {"authorization": f"Bearer {token}", "accept": "text/event-stream"} | (
        {"last-event-id": place} if place else {}
    )
    documents: list[Document] = []
    async with http.stream("POST", f"{url}/graphql", json={"query": query}, headers=headers) as answer:
        assert answer.status_code == 200, await answer.aread()
        at = ""
        async for line in answer.aiter_lines():
            if line.startswith("id: "):
                at = line[4:]
            elif line.startswith("data: {"):
                documents.append({**json.loads(line[6:]), "place": at})
                if len(documents) == number:
                    break
    return documents


async def asked(
    http: httpx.AsyncClient, url: str, token: str, query: str, variables: Mapping[str, Any] | None = None
) -> Document:
    """The answer to a query."""
    headers = {"authorization": f"Bearer {token}"}
    answer = await http.post(f"{url}/graphql", json={"query": query, "variables": variables or {}}, headers=headers)
    document: Document = answer.json()
    return document


def log_of(gateway: LaunchedGateway, token: str, place: str | None = None) -> list[Document]:
    """The events that a caller may read beyond a place."""
    answer = gateway.graphql(token, LOG, {"depuis": place})
    page = (answer.get("data") or {}).get("evenements")
    return page["nodes"] if page else []


def refused(document: Document, *root: str) -> set[tuple[tuple[str, ...], str]]:
    """What is refused below a path, by path and code."""
    lines = document.get("extensions", {}).get("refus", [])
    return {
        (tuple(line["chemin"][len(root) :]), line["code"]) for line in lines if line["chemin"][: len(root)] == [*root]
    }


def at_fault(document: Document, *root: str) -> set[tuple[tuple[str, ...], str]]:
    """What is in error below a path, by path and code."""
    told = [(error.get("path") or [], error["extensions"]["code"]) for error in document.get("errors", [])]
    return {(tuple(map(str, path[len(root) :])), code) for path, code in told if path[: len(root)] == [*root]}
