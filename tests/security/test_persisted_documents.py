"""Documents known by their hash: the operator's, and those a client taught, for itself only (docs/security.md G20)."""

import json
from dataclasses import replace
from hashlib import md5, sha1, sha256
from pathlib import Path

import pytest

from fixtures.world import World
from gateway.auth.authentication.clients import Viewer
from gateway.auth.policy.rules import Profil
from gateway.documents.manifests import read_manifests
from gateway.documents.parse import LEARNT_MAX, Documents, PersistedDocuments
from gateway.errors import ConfigurationError, InvalidRequest, UnknownDocument
from gateway.schema.query import build, core_schema
from tests.support.access.tools import viewer
from tests.support.security.edge import Edge, RawResponse

ME = "{ moi { profil } }"


def hashed(text: str) -> str:
    return sha256(text.encode()).hexdigest()


def caller(client: str, libre: bool = True) -> Viewer:
    return replace(viewer(Profil.MISSION_LOCALE), client=client, free_documents=libre)


def test_g20_a_taught_document_is_for_the_client_that_taught_it() -> None:
    known, one, other = PersistedDocuments({}), caller("une"), caller("autre")
    with pytest.raises(UnknownDocument):
        known.text(one, None, hashed(ME))
    assert known.text(one, ME, hashed(ME)) == ME
    assert known.text(one, None, hashed(ME)) == ME
    with pytest.raises(UnknownDocument):
        known.text(other, None, hashed(ME))


def test_g20_a_hash_is_the_hash_of_its_text() -> None:
    known, one = PersistedDocuments({}), caller("une")
    with pytest.raises(InvalidRequest):
        known.text(one, ME, hashed("{ moi { nom } }"))
    with pytest.raises(UnknownDocument):
        known.text(one, None, hashed("{ moi { nom } }"))


def test_g20_a_trusted_document_is_for_all_and_the_only_ones_of_some() -> None:
    known, closed = PersistedDocuments({hashed(ME): ME}), caller("fermee", libre=False)
    assert known.text(closed, None, hashed(ME)) == known.text(closed, ME, None) == ME
    assert known.text(caller("libre"), None, hashed(ME)) == ME
    other = "{ sources { nom } }"
    known.text(caller("libre"), other, hashed(other))
    for text, digest in ((other, None), (other, hashed(other)), (None, hashed(other))):
        with pytest.raises(InvalidRequest, match="documents enregistrés"):
            known.text(closed, text, digest)


def test_g20_what_clients_teach_is_bounded() -> None:
    known, one = PersistedDocuments({}), caller("une")
    texts = [f"# {n} " + "x" * 200_000 for n in range(LEARNT_MAX // 200_000 + 2)]
    for text in texts:
        known.text(one, text, hashed(text))
    with pytest.raises(UnknownDocument):
        known.text(one, None, hashed(texts[0]))
    assert known.text(one, None, hashed(texts[-1])) == texts[-1]


def _persisted(edge: Edge, text: str | None, digest: str, **headers: str) -> RawResponse:
    body = {"query": text, "extensions": {"persistedQuery": {"version": 1, "sha256Hash": digest}}}
    return edge.graphql({key: value for key, value in body.items() if value}, **headers)


def test_g20_the_protocol_of_apollo_over_http(edge: Edge, world: World) -> None:
    text = "query Persistee { moi { profil finalite } }"
    missed = _persisted(edge, None, hashed(text))
    assert (missed.statut, missed.codes) == (200, ["PERSISTED_QUERY_NOT_FOUND"])
    assert missed.json["errors"][0]["message"] == "PersistedQueryNotFound"
    for sending in (text, None):
        assert _persisted(edge, sending, hashed(text)).json["data"]["moi"]["profil"] == "MISSION_LOCALE"
    other = _persisted(edge, None, hashed(text), authorization=f"Bearer {world.token('cfa')}")
    assert other.codes == ["PERSISTED_QUERY_NOT_FOUND"]


def test_g20_a_costly_document_is_judged_each_time_it_is_run(edge: Edge) -> None:
    heavy = "query($n: Int!) { jeunes(first: $n) { edges { node { ...C } } } } " + (
        "fragment C on Jeune { contrats { jeune { contrats { jeune { parcours { depuis } } } } } }"
    )
    for text in (heavy, None):
        body = {
            "extensions": {"persistedQuery": {"version": 1, "sha256Hash": hashed(heavy)}},
            "variables": {"n": 500},
        }
        response = edge.graphql(body | ({"query": text} if text else {}))
        assert response.codes == ["REQUETE_TROP_COUTEUSE"]


DOCUMENTS = Documents(core_schema(build()), str)


def test_a_manifest_is_read_and_its_documents_validated(tmp_path: Path) -> None:
    (tmp_path / "front.json").write_text(json.dumps({hashed(ME): ME}))
    assert read_manifests(tmp_path, DOCUMENTS.validate) == {hashed(ME): ME}
    assert read_manifests(tmp_path / "absent", DOCUMENTS.validate) == {}


@pytest.mark.parametrize(
    "content",
    ["{", "[]", '{"ab": "{ moi { profil } }"}', json.dumps({hashed("{ x }"): "{ x }"}), '{"a": 1}', "\x00"],
    ids=["JSON", "list", "hash", "document", "text", "bytes"],
)
def test_a_manifest_that_does_not_hold_stops_the_start(tmp_path: Path, content: str) -> None:
    (tmp_path / "front.json").write_text(content)
    with pytest.raises(ConfigurationError, match=r"^documents/front\.json : "):
        read_manifests(tmp_path, DOCUMENTS.validate)


def _md5(text: str) -> str:
    return md5(text.encode(), usedforsecurity=False).hexdigest()


def _sha1(text: str) -> str:
    return sha1(text.encode(), usedforsecurity=False).hexdigest()


APOLLO = {
    "format": "apollo-persisted-query-manifest",
    "version": 1,
    "operations": [{"id": hashed(ME), "name": "Moi", "type": "query", "body": ME}],
}
MANIFESTS = {
    "graphql-codegen, SHA-1": {_sha1(ME): ME},
    "graphql-codegen, SHA-256": {f"sha256:{hashed(ME)}": ME},
    "Apollo": APOLLO,
    "Relay": {_md5(ME): ME},
}


@pytest.mark.parametrize("tool", MANIFESTS)
def test_b5_the_manifest_of_each_tool_is_read(tmp_path: Path, tool: str) -> None:
    (tmp_path / "front.json").write_text(json.dumps(MANIFESTS[tool]))
    trusted = read_manifests(tmp_path, DOCUMENTS.validate)
    identifier = {"graphql-codegen, SHA-1": _sha1(ME), "Relay": _md5(ME)}.get(tool, hashed(ME))
    known, closed = PersistedDocuments(trusted), caller("fermee", libre=False)
    assert known.text(closed, None, identifier) == ME
    assert known.text(closed, ME, None) == ME


@pytest.mark.parametrize(
    "content",
    [
        {_md5("{ moi { nom } }"): ME},
        {f"sha256:{_sha1(ME)}0": ME},
        APOLLO | {"operations": [{"id": hashed("autre"), "body": ME}]},
        APOLLO | {"operations": {"id": hashed(ME), "body": ME}},
        APOLLO | {"operations": [{"id": hashed(ME)}]},
        APOLLO | {"operations": ["x"]},
        {_sha1("{ inconnu }"): "{ inconnu }"},
    ],
)
def test_b5_a_manifest_whose_hashes_are_not_those_of_its_texts_stops_the_start(
    tmp_path: Path, content: dict[str, object]
) -> None:
    (tmp_path / "front.json").write_text(json.dumps(content))
    with pytest.raises(ConfigurationError, match=r"^documents/front\.json : "):
        read_manifests(tmp_path, DOCUMENTS.validate)


def test_b5_a_document_is_named_by_the_key_of_graphql_over_http(edge: Edge) -> None:
    text = "query ParSonNom { moi { profil } }"
    assert _persisted(edge, text, hashed(text)).json["data"]["moi"]["profil"] == "MISSION_LOCALE"
    for key in ("documentId", "id", "doc_id"):
        for identifier in (hashed(text), f"sha256:{hashed(text)}"):
            assert edge.graphql({key: identifier}).json["data"]["moi"]["profil"] == "MISSION_LOCALE"
        assert edge.graphql({key: hashed("autre")}).codes == ["PERSISTED_QUERY_NOT_FOUND"]


@pytest.mark.parametrize("body", [{"documentId": 3}, {"documentId": "x"}, {"documentId": "a" * 64, "id": "a" * 64}])
def test_b5_a_document_is_named_once_and_by_a_hash(edge: Edge, body: dict[str, object]) -> None:
    response = edge.graphql(body)
    assert (response.statut, response.codes) == (400, ["REQUETE_INVALIDE"])
    assert "documentId" in response.json["errors"][0]["message"]
