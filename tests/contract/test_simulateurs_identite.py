"""The demo's identity provider: client credentials, RFC 9068 access tokens, errors of RFC 6749."""

import time
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from joserfc import jwt
from joserfc.jwk import KeySet

from fixtures.identite import Identite
from fixtures.serveurs import HOTE, Serveurs, reserver
from fixtures.telecommande import client_http, jeton

FORMULAIRE = {"grant_type": "client_credentials", "client_id": "ml", "client_secret": "demo"}


@pytest.fixture(scope="module")
def http() -> Iterator[httpx.Client]:
    prise = reserver(0)
    url = f"http://{HOTE}:{prise.getsockname()[1]}"
    with Serveurs([(prise, Identite(url, {"ml", "cfa"}).application())]), client_http(url) as client:
        yield client


def lire(http: httpx.Client, texte: str) -> jwt.Token:
    return jwt.decode(texte, KeySet.import_key_set(http.get("/.well-known/jwks.json").json()), algorithms=["RS256"])


def test_access_token_of_rfc_9068(http: httpx.Client) -> None:
    reponse = http.post("/token", data=FORMULAIRE)
    assert (reponse.status_code, reponse.headers["cache-control"]) == (200, "no-store")
    corps = reponse.json()
    assert (corps["token_type"], corps["expires_in"]) == ("Bearer", 600)
    lu = lire(http, corps["access_token"])
    assert (lu.header["typ"], lu.header["alg"]) == ("at+jwt", "RS256")
    claims: dict[str, Any] = dict(lu.claims)
    emis, jti = claims.pop("iat"), claims.pop("jti")
    assert abs(emis - time.time()) < 60
    assert len(jti) == 32
    emetteur = str(http.base_url).rstrip("/")
    assert claims == {
        "iss": emetteur,
        "sub": "ml",
        "client_id": "ml",
        "aud": "passerelle",
        "exp": emis + 600,
        "amr": ["mfa"],
    }


def test_agent_is_signed_with_the_rest_and_tokens_are_never_the_same(http: httpx.Client) -> None:
    url = str(http.base_url)
    un, autre = (lire(http, jeton(url, "ml", agent="camille")).claims for _ in range(2))
    assert un["agent"] == autre["agent"] == "camille"
    assert un["jti"] != autre["jti"]


def test_public_key_set_holds_no_private_part(http: httpx.Client) -> None:
    (cle,) = http.get("/.well-known/jwks.json").json()["keys"]
    assert {"kid", "n", "e", "kty"} <= set(cle)
    assert not {"d", "p", "q", "dp", "dq", "qi"} & set(cle)


def test_basic_is_accepted_and_discovery_says_where(http: httpx.Client) -> None:
    decouverte = http.get("/.well-known/openid-configuration").json()
    reponse = http.post(decouverte["token_endpoint"], data={"grant_type": "client_credentials"}, auth=("cfa", "demo"))
    assert lire(http, reponse.json()["access_token"]).claims["client_id"] == "cfa"
    assert decouverte["jwks_uri"] == f"{decouverte['issuer']}/.well-known/jwks.json"


@pytest.mark.parametrize(
    ("champs", "statut", "erreur"),
    [
        ({**FORMULAIRE, "client_secret": "autre"}, 401, "invalid_client"),
        ({**FORMULAIRE, "client_id": "inconnu"}, 401, "invalid_client"),
        ({"grant_type": "client_credentials"}, 401, "invalid_client"),
        ({**FORMULAIRE, "grant_type": "password"}, 400, "unsupported_grant_type"),
        ({"client_id": "ml", "client_secret": "demo"}, 400, "invalid_request"),
        ({**FORMULAIRE, "client_id": ["ml", "cfa"]}, 400, "invalid_request"),
    ],
)
def test_refusals(http: httpx.Client, champs: dict[str, Any], statut: int, erreur: str) -> None:
    reponse = http.post("/token", data=champs)
    assert (reponse.status_code, reponse.json()) == (statut, {"error": erreur})
    assert ("www-authenticate" in reponse.headers) == (statut == 401)


def test_two_authentications_at_once_or_another_media_type_are_refused(http: httpx.Client) -> None:
    assert http.post("/token", data=FORMULAIRE, auth=("ml", "demo")).json() == {"error": "invalid_request"}
    assert http.post("/token", json=FORMULAIRE).json() == {"error": "invalid_request"}
    sans_secret = {"grant_type": "client_credentials"}
    assert http.post("/token", data=sans_secret, headers={"Authorization": "Basic ***"}).status_code == 401
