"""The demo's identity provider: client credentials, RFC 9068 access tokens, errors of RFC 6749."""

import time
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from joserfc import jwt
from joserfc.jwk import KeySet

from fixtures.identity_provider import Identity
from fixtures.remote_control import client_http, token
from fixtures.servers import HOST, Servers, reserve

FORM = {"grant_type": "client_credentials", "client_id": "ml", "client_secret": "demo"}


@pytest.fixture(scope="module")
def http() -> Iterator[httpx.Client]:
    taken = reserve(0)
    url = f"http://{HOST}:{taken.getsockname()[1]}"
    with Servers([(taken, Identity(url, {"ml", "cfa"}).application())]), client_http(url) as client:
        yield client


def read(http: httpx.Client, text: str) -> jwt.Token:
    return jwt.decode(text, KeySet.import_key_set(http.get("/.well-known/jwks.json").json()), algorithms=["RS256"])


def test_access_token_of_rfc_9068(http: httpx.Client) -> None:
    response = http.post("/token", data=FORM)
    assert (response.status_code, response.headers["cache-control"]) == (200, "no-store")
    body = response.json()
    assert (body["token_type"], body["expires_in"]) == ("Bearer", 600)
    result = read(http, body["access_token"])
    assert (result.header["typ"], result.header["alg"]) == ("at+jwt", "RS256")
    claims: dict[str, Any] = dict(result.claims)
    issued, jti = claims.pop("iat"), claims.pop("jti")
    assert abs(issued - time.time()) < 60
    assert len(jti) == 32
    issuer = str(http.base_url).rstrip("/")
    assert claims == {
        "iss": issuer,
        "sub": "ml",
        "client_id": "ml",
        "aud": "passerelle",
        "exp": issued + 600,
        "amr": ["mfa"],
    }


def test_agent_is_signed_with_the_rest_and_tokens_are_never_the_same(http: httpx.Client) -> None:
    url = str(http.base_url)
    one, other = (read(http, token(url, "ml", agent="camille")).claims for _ in range(2))
    assert one["agent"] == other["agent"] == "camille"
    assert one["jti"] != other["jti"]


def test_public_key_set_holds_no_private_part(http: httpx.Client) -> None:
    (key,) = http.get("/.well-known/jwks.json").json()["keys"]
    assert {"kid", "n", "e", "kty"} <= set(key)
    assert not {"d", "p", "q", "dp", "dq", "qi"} & set(key)


def test_basic_is_accepted_and_discovery_says_where(http: httpx.Client) -> None:
    discovery = http.get("/.well-known/openid-configuration").json()
    response = http.post(discovery["token_endpoint"], data={"grant_type": "client_credentials"}, auth=("cfa", "demo"))
    assert read(http, response.json()["access_token"]).claims["client_id"] == "cfa"
    assert discovery["jwks_uri"] == f"{discovery['issuer']}/.well-known/jwks.json"


@pytest.mark.parametrize(
    ("champs", "statut", "error"),
    [
        ({**FORM, "client_secret": "autre"}, 401, "invalid_client"),
        ({**FORM, "client_id": "inconnu"}, 401, "invalid_client"),
        ({"grant_type": "client_credentials"}, 401, "invalid_client"),
        ({**FORM, "grant_type": "password"}, 400, "unsupported_grant_type"),
        ({"client_id": "ml", "client_secret": "demo"}, 400, "invalid_request"),
        ({**FORM, "client_id": ["ml", "cfa"]}, 400, "invalid_request"),
    ],
)
def test_refusals(http: httpx.Client, champs: dict[str, Any], statut: int, error: str) -> None:
    response = http.post("/token", data=champs)
    assert (response.status_code, response.json()) == (statut, {"error": error})
    assert ("www-authenticate" in response.headers) == (statut == 401)


def test_two_authentications_at_once_or_another_media_type_are_refused(http: httpx.Client) -> None:
    assert http.post("/token", data=FORM, auth=("ml", "demo")).json() == {"error": "invalid_request"}
    assert http.post("/token", json=FORM).json() == {"error": "invalid_request"}
    without_secret = {"grant_type": "client_credentials"}
    assert http.post("/token", data=without_secret, headers={"Authorization": "Basic ***"}).status_code == 401
