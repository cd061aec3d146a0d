"""One gateway that believes seven issuers at once, each as its kind writes tokens: over HTTP, by its own configuration."""

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from fixtures.gateway_process import LaunchedGateway
from fixtures.identity_shapes import user
from fixtures.remote_control import client_http, token
from fixtures.world import World
from tests.support.documented_issuers import documented
from tests.support.e2e.queries import until_complete
from tests.support.e2e.readings import contents
from tests.support.pair import metrics

SIGNED_OTHERWISE = """
[[emetteurs]]
emetteur = "{url}/{name}"
audience = "passerelle"
algorithmes = ["{algorithm}"]
"""
ALGORITHMS = {"es256": "ES256", "ps256": "PS256", "eddsa": "EdDSA"}
READ = "{ ruptures(first: 3) { edges { node { jeune { nom } } } } }"


def issuers(url: str) -> Iterator[str]:
    """The tables of the list: three as the documents have them, three of RFC 9068 that sign otherwise."""
    yield documented("keycloak", f"{url}/keycloak")
    yield documented("entra", f"{url}/entra", "passerelle")
    for name, algorithm in ALGORITHMS.items():
        yield SIGNED_OTHERWISE.format(url=url, name=name, algorithm=algorithm)
    yield documented("proconnect", f"{url}/proconnect")


def clients(world: World) -> str:
    """The world's register, where `ml` and `cfa` are of every issuer, and the others of the first."""
    assert world.record is not None
    text = (world.record / "clients.toml").read_text(encoding="utf-8")
    own = json.dumps([world.identity_url, *(f"{world.identity_url}/{name}" for name in world.realms.by_name)])
    for client in ("ml", "cfa"):
        text = text.replace(f"[clients.{client}]\n", f"[clients.{client}]\nemetteurs = {own}\n")
    return text


@pytest.fixture(scope="module")
def folder(world: World, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The world's configuration, with its issuers in a list, and data of its own."""
    assert world.record is not None
    copy = tmp_path_factory.mktemp("émetteurs")
    shutil.copytree(world.record / "partenaires", copy / "partenaires")
    (copy / "clients.toml").write_text(clients(world), encoding="utf-8")
    text = (world.record / "gateway.toml").read_text(encoding="utf-8")
    (copy / "gateway.toml").write_text("\n".join([text, *issuers(world.identity_url)]), encoding="utf-8")
    return copy


@pytest.fixture(scope="module")
def believing(world: World, folder: Path) -> Iterator[LaunchedGateway]:
    with world.gateway(
        GATEWAY_CONFIG=str(folder),
        GATEWAY_JOURNAL_URL=f"sqlite+aiosqlite:///{folder}/journal.sqlite",
        GATEWAY_LOGS="json",
        PROCONNECT_SECRET="demo",
    ) as launched:
        world.realms.proconnect.jwks_uri = f"{launched.url}/jwks"
        yield launched


def ask(gateway: LaunchedGateway, authorization: str | None, query: str = "{ moi { profil } }") -> httpx.Response:
    headers = {"Authorization": authorization} if authorization else {}
    with client_http(gateway.url) as http:
        return http.post("/graphql", json={"query": query}, headers=headers)


def line(gateway: LaunchedGateway, response: httpx.Response) -> dict[str, Any]:
    """The line of the log for a request."""
    identifier = response.headers["x-request-id"]
    texts = gateway.journal.read_text(encoding="utf-8").splitlines()
    (found,) = [json.loads(text) for text in texts if identifier in text and '"gateway.requetes"' in text]
    return dict(found)


def shown(world: World, realm: str, client: str, **fields: str) -> str:
    return "Bearer " + token(f"{world.identity_url}/{realm}", client, **fields)


@pytest.mark.parametrize("realm", ["", "keycloak", "entra", "es256", "ps256", "eddsa", "proconnect"])
def test_each_issuer_of_the_list_is_believed(world: World, believing: LaunchedGateway, realm: str) -> None:
    response = ask(believing, shown(world, realm, "cfa", agent="agent-1"))
    assert (response.status_code, response.json()["data"]) == (200, {"moi": {"profil": "CFA"}})


def test_an_issuer_names_no_client_of_another(world: World, believing: LaunchedGateway) -> None:
    assert ask(believing, shown(world, "", "dreets")).status_code == 200
    response = ask(believing, shown(world, "es256", "dreets"))
    assert response.status_code == 401
    assert line(believing, response)["refus"] == "client_inconnu (dreets)"


def test_a_refusal_says_why_in_its_header_in_one_line_and_in_a_count(world: World, believing: LaunchedGateway) -> None:
    entra = shown(world, "entra", "ml")
    unknown = shown(world, "keycloak", "cfa").replace("Bearer e", "Bearer f")
    rows = [
        (None, 'Bearer realm="passerelle"', "preuve_absente"),
        (unknown, 'error="invalid_token", error_description="jeton_illisible"', "jeton_illisible"),
        ("Bearer " + "A" * 43, 'error="invalid_token", error_description="jeton_inactif"', "jeton_inactif"),
        (
            entra,
            'error="insufficient_user_authentication", error_description="second_facteur_non_dit"',
            "second_facteur_non_dit",
        ),
    ]
    for authorization, challenge, refusal in rows:
        response = ask(believing, authorization)
        assert response.status_code == 401
        assert response.headers["www-authenticate"] in (challenge, f'Bearer realm="passerelle", {challenge}')
        told = line(believing, response)
        assert (told["refus"], told["statut"]) == (refusal, 401)
        assert authorization is None or authorization.removeprefix("Bearer ") not in json.dumps(told)
        assert f'passerelle_jetons_refuses_total{{motif="{refusal}"}}' in metrics(believing)
    assert response.json()["errors"][0]["message"] == (
        "Une authentification à deux facteurs est requise pour ce client."
    )


def test_two_users_of_one_client_are_two_accounts(world: World, believing: LaunchedGateway, folder: Path) -> None:
    journal = f"sqlite+aiosqlite:///{folder}/journal.sqlite"
    expected = []
    for realm, agent in (("keycloak", "agent-1"), ("keycloak", "agent-2"), ("proconnect", "agent-1")):
        text = shown(world, realm, "ml", agent=agent).removeprefix("Bearer ")
        answer = until_complete(believing, text, READ)
        assert len(answer["data"]["ruptures"]["edges"]) == 3
        named = user("ml", agent) if realm == "keycloak" else agent
        expected.append(("ml", f"{named}\u00a0({world.identity_url}/{realm})"))  # of its issuers, not the first
    written = [(entry["client"], entry["compte"]) for entry in contents(journal) if entry["acte"] == "LECTURE"]
    assert list(dict.fromkeys(written)) == expected
    assert len({account for _, account in written}) == 3


def test_introspection_costs_one_call_a_token_and_minute(world: World, believing: LaunchedGateway) -> None:
    server, text = world.realms.proconnect, shown(world, "proconnect", "cfa", agent="agent-9")
    before = server.asked
    assert [ask(believing, text).status_code for _ in range(20)] == [200] * 20
    assert server.asked == before + 1


def test_the_key_for_which_an_issuer_encrypts_is_published(believing: LaunchedGateway) -> None:
    with client_http(believing.url) as http:
        response = http.get("/jwks")
    (key,) = response.json()["keys"]
    assert response.headers["content-type"] == "application/jwk-set+json"
    assert (key["kty"], key["crv"], key["use"], key["alg"]) == ("EC", "P-256", "enc", "ECDH-ES")
    assert "d" not in key


def test_without_an_issuer_that_encrypts_there_is_no_key_to_publish(gateway: LaunchedGateway) -> None:
    with client_http(gateway.url) as http:
        assert http.get("/jwks").status_code == 404


def test_an_issuer_that_is_asked_and_away_is_503(world: World, believing: LaunchedGateway) -> None:
    text = shown(world, "proconnect", "cfa")
    world.realms.proconnect.down = True
    try:
        assert ask(believing, text).status_code == 503
        assert ask(believing, shown(world, "es256", "cfa")).status_code == 200
    finally:
        world.realms.proconnect.down = False
