"""The demo's authorization page: a code for who one chooses to be, and a token for it, once, by PKCE (RFC 7636)."""

import base64
import hashlib
import html
import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from starlette.applications import Starlette

from fixtures.authorization import AuthorizationPage
from fixtures.clients import Client
from fixtures.remote_control import client_http
from fixtures.servers import HOST, Servers, reserve

VERIFIER = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"  # RFC 7636, appendix B
CHALLENGE = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"
PAGE = "http://127.0.0.1:8000/graphql"
ASKED = {
    "response_type": "code",
    "client_id": "graphiql",
    "redirect_uri": PAGE,
    "state": "etat",
    "code_challenge": CHALLENGE,
    "code_challenge_method": "S256",
}
CLIENTS = {
    "ml": Client("MISSION_LOCALE", "1", "Mission locale d'<Ici>", ("ACCOMPAGNEMENT",)),
    "cfa": Client("CFA", "0600002B", "CFA d'ailleurs", ("GESTION_CFA",)),
    "ml-60001": Client("MISSION_LOCALE", "60001", "Mission locale 60001", ("ACCOMPAGNEMENT",)),
}


@pytest.fixture(scope="module")
def http() -> Iterator[httpx.Client]:
    taken = reserve(0)
    door = Starlette(routes=AuthorizationPage("jeton de {}".format, CLIENTS).routes())
    with Servers([(taken, door)]), client_http(f"http://{HOST}:{taken.getsockname()[1]}") as client:
        yield client


def codes(http: httpx.Client) -> dict[str, str]:
    """The code of each client that the page offers, as its links carry them."""
    text = http.get("/authorize", params=ASKED).text
    links = [(html.unescape(address), label) for address, label in re.findall(r'<a href="(.*?)">(.*?)</a>', text)]
    assert [label for _, label in links] == [
        "MISSION_LOCALE · Mission locale d&#x27;&lt;Ici&gt; (ml)",
        "CFA · CFA d&#x27;ailleurs (cfa)",
        "MISSION_LOCALE · Mission locale 60001 (ml-60001)",
    ]
    assert text.index("(cfa)") < text.index("Chacune des 1 Missions locales") < text.index("(ml-60001)")
    returned = [parse_qs(urlsplit(address).query) for address, _ in links]
    assert {address.partition("?")[0] for address, _ in links} == {PAGE}
    assert [one["state"] for one in returned] == [["etat"]] * len(CLIENTS)
    return dict(zip(CLIENTS, (one["code"][0] for one in returned), strict=True))


def exchange(http: httpx.Client, code: str, **changed: Any) -> httpx.Response:
    form = {"grant_type": "authorization_code", "code": code, "redirect_uri": PAGE, "code_verifier": VERIFIER}
    return http.post("/authorize/token", data={**form, **changed})


def test_the_proof_is_the_one_of_the_rfc() -> None:
    digest = hashlib.sha256(VERIFIER.encode()).digest()
    assert base64.urlsafe_b64encode(digest).decode().rstrip("=") == CHALLENGE


def test_a_code_gives_the_token_of_who_was_chosen_once_and_to_any_page(http: httpx.Client) -> None:
    offered = codes(http)
    response = exchange(http, offered["cfa"])
    assert response.json() == {"access_token": "jeton de cfa", "token_type": "Bearer"}
    assert response.headers["access-control-allow-origin"] == "*"
    assert response.headers["cache-control"] == "no-store"
    assert exchange(http, offered["cfa"]).json() == {"error": "invalid_grant"}
    assert exchange(http, offered["ml"]).json()["access_token"] == "jeton de ml"


@pytest.mark.parametrize(
    "changed",
    [
        {"code_verifier": VERIFIER[:-1] + "A"},
        {"code_verifier": ""},
        {"redirect_uri": "http://127.0.0.1:8001/graphql"},
        {"grant_type": "client_credentials"},
    ],
)
def test_a_code_without_its_proof_gives_nothing_and_is_lost(http: httpx.Client, changed: dict[str, str]) -> None:
    code = codes(http)["ml"]
    assert (exchange(http, code, **changed).status_code, exchange(http, code).status_code) == (400, 400)


@pytest.mark.parametrize(
    "changed",
    [
        {"redirect_uri": "https://ailleurs.exemple.invalid/graphql"},
        {"code_challenge": ""},
        {"code_challenge_method": "plain"},
        {"client_id": "ml"},
        {"response_type": "token"},
    ],
)
def test_a_request_that_is_not_of_the_page_of_this_machine_is_refused(
    http: httpx.Client, changed: dict[str, str]
) -> None:
    response = http.get("/authorize", params={**ASKED, **changed})
    assert (response.status_code, "code=" in response.text) == (400, False)
