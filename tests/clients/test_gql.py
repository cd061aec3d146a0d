"""Python's `gql`, against one real gateway (docs/clients.md)."""

import json
from typing import Any

import pytest
from gql import Client, GraphQLRequest
from gql.client import SyncClientSession
from gql.transport.exceptions import TransportQueryError
from gql.transport.httpx import HTTPXTransport

from tests.clients.conftest import Context
from tests.clients.documents import REFUSE, RUPTURES, hashed


def by_its_hash(payload: dict[str, Any]) -> str:
    """The body of a request, its document named and not sent."""
    return json.dumps({"documentId": hashed(payload.pop("query")), **payload})


def client(context: Context, who: str, **options: Any) -> Client:
    headers = {"Authorization": f"Bearer {context.tokens[who]}"}
    transport = HTTPXTransport(url=context.url, headers=headers, **options)
    return Client(transport=transport)


def answered(session: SyncClientSession, request: GraphQLRequest) -> tuple[Any, list[Any]]:
    """What is there, and the errors beside it."""
    try:
        return session.execute(request), []
    except TransportQueryError as error:
        return error.data, error.errors or []


def test_gql_pages_through_a_list(context: Context) -> None:
    results: list[str] = []
    page: dict[str, Any] = {"hasNextPage": True, "endCursor": None}
    with client(context, "ml") as session:
        while page["hasNextPage"]:
            request = GraphQLRequest(RUPTURES, variable_values={"first": 5, "after": page["endCursor"]})
            liste = session.execute(request)["ruptures"]
            results += [edge["node"]["id"] for edge in liste["edges"]]
            page = liste["pageInfo"]
    assert results == context.ruptures


def test_gql_raises_on_a_refused_field_and_the_error_holds_all_the_rest(context: Context) -> None:
    with client(context, "ml") as session:
        with pytest.raises(TransportQueryError):
            session.execute(GraphQLRequest(REFUSE))
        data, errors = answered(session, GraphQLRequest(REFUSE))
    assert [edge["node"]["ine"] for edge in data["jeunes"]["edges"]] == [None] * 3
    assert [(error["extensions"]["code"], error["path"]) for error in errors] == [
        ("CHAMP_REFUSE", ["jeunes", "edges", n, "node", "ine"]) for n in range(3)
    ]


def test_gql_shows_what_is_there_when_a_partner_is_down(context: Context) -> None:
    with client(context, "partial") as session:
        data, errors = answered(session, GraphQLRequest(RUPTURES, variable_values={"first": 5}))
    assert data["ruptures"]["complet"] is False
    assert len(data["ruptures"]["edges"]) == 5
    assert [error["extensions"]["source"] for error in errors] == ["imilo"]


def test_gql_names_a_trusted_document_by_its_hash(context: Context) -> None:
    request = GraphQLRequest(RUPTURES, variable_values={"first": 2})
    with client(context, "trusted", json_serialize=by_its_hash) as session:
        liste = session.execute(request)["ruptures"]
    assert [edge["node"]["id"] for edge in liste["edges"]] == context.ruptures[:2]
