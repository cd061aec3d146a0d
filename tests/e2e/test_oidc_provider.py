"""A real OpenID provider (npm oidc-provider): what it publishes, signs and answers is read by the gateway's own clients."""

import asyncio
import base64
import hashlib
import json
import os
import re
import secrets
import subprocess
import time
import tomllib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from joserfc.jwk import ECKey, OKPKey, RSAKey
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from fixtures.remote_control import client_http
from fixtures.servers import HOST, Servers, free_port, reserve
from gateway.auth.authentication.authenticator import TokenVerifier
from gateway.auth.authentication.clients import Principal
from gateway.auth.authentication.jwks import KeySet, SignedTokens
from gateway.auth.authentication.token_introspection import IntrospectedTokens, encryption_key
from gateway.domain.seal import Sealer
from gateway.errors import TokenFault, Unauthenticated
from gateway.issuer_settings import IssuerSettings
from gateway.sources.http.issuers import IssuerClient
from gateway.sources.http.transport import Transport
from tests.support.documented_issuers import documented
from tests.support.node import installed

FOLDER = Path(__file__).parent.parent / "oidc_provider"
STARTED = 60.0  # seconds
RETURN = "https://outil.invalid/retour"
OWN = encryption_key(Sealer(b"\x07" * 32))
Key = RSAKey | ECKey | OKPKey


def keys() -> list[Key]:
    return [
        RSAKey.generate_key(2048, {"use": "sig"}, auto_kid=True),
        ECKey.generate_key("P-256", {"use": "sig"}, auto_kid=True),
        OKPKey.generate_key("Ed25519", {"use": "sig"}, auto_kid=True),
    ]


@contextmanager
def provider(port: int, signing: Sequence[Key], jwks_uri: str) -> Iterator[str]:
    """The provider of that port, which signs by the first key of each kind."""
    node = installed(FOLDER)
    jwks = json.dumps({"keys": [key.as_dict(private=True) for key in signing]})
    env = {**os.environ, "PORT": str(port), "JWKS": jwks, "JWKS_URI": jwks_uri}
    command = [node, "provider.mjs"]
    with subprocess.Popen(command, cwd=FOLDER, env=env, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout
            assert next(line for line in process.stdout if line.startswith("ready"))
            yield f"http://{HOST}:{port}"
        finally:
            process.terminate()


@pytest.fixture(scope="module")
def signing() -> list[Key]:
    return keys()


@pytest.fixture(scope="module")
def issuer(signing: list[Key]) -> Iterator[str]:
    """A provider, and the address where it finds the key for which it encrypts."""

    async def published(request: Request) -> Response:
        del request
        return JSONResponse({"keys": [OWN.as_dict(private=False)]})

    taken = reserve(0)
    address = f"http://{HOST}:{taken.getsockname()[1]}/jwks"
    with (
        Servers([(taken, Starlette(routes=[Route("/jwks", published)]))]),
        provider(free_port(), signing, address) as url,
    ):
        yield url


class Clock:
    """The time, which may be moved on."""

    def __init__(self) -> None:
        self.ahead = 0.0

    def __call__(self) -> float:
        return time.time() + self.ahead


def verify(text: str, clock: Clock | None = None, **settings: Any) -> Principal:
    """Who a token says calls, as a gateway of that configuration has it."""
    return asyncio.run(_verify([text], clock or Clock(), settings))[0]


async def _verify(texts: Sequence[str], clock: Clock, settings: dict[str, Any]) -> list[Principal]:
    transport = Transport(lambda: datetime.now(UTC))
    try:
        verifier = verifier_of(IssuerSettings.model_validate({"audience": "passerelle", **settings}), clock, transport)
        await verifier.open()
        return [await verifier.verify(f"Bearer {text}") for text in texts]
    finally:
        await transport.aclose()


def verifier_of(settings: IssuerSettings, clock: Clock, transport: Transport) -> TokenVerifier:
    client = IssuerClient(settings, "demo", transport, clock)
    published = KeySet(client.keys, clock, algorithms=settings.algorithmes)
    if settings.introspection:
        asked = IntrospectedTokens(settings, settings.introspection, client.introspect, published, [OWN], clock)
        return TokenVerifier([asked], {"ml"}, clock)
    return TokenVerifier([SignedTokens(settings, published)], {"ml"}, clock)


def machine(issuer: str, name: str) -> str:
    """An access token by client credentials, for the resource of that name."""
    form = {"grant_type": "client_credentials", "scope": "lire", "resource": f"urn:passerelle:{name}"}
    with client_http(issuer) as http:
        response = http.post("/token", data=form, auth=("ml", "demo"))
    response.raise_for_status()
    return str(response.json()["access_token"])


def person(issuer: str, name: str, login: str) -> dict[str, str]:
    """The tokens of somebody who signs in and consents, by authorization code and PKCE."""
    verifier = secrets.token_urlsafe(32)
    challenge = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()
    asked = {
        "client_id": "ml",
        "response_type": "code",
        "redirect_uri": RETURN,
        "scope": "openid lire",
        "resource": f"urn:passerelle:{name}",
        "code_challenge": challenge,
        "code_challenge_method": "S256",
    }
    with client_http(issuer) as http:
        code = _signed_in(http, http.get("/auth", params=asked), login)
        form = {"grant_type": "authorization_code", "code": code, "redirect_uri": RETURN, "code_verifier": verifier}
        form["resource"] = asked["resource"]  # else the token is for the provider's own userinfo
        answer = http.post("/token", data=form, auth=("ml", "demo"))
    answer.raise_for_status()
    return dict(answer.json())


def _signed_in(http: httpx.Client, response: httpx.Response, login: str) -> str:
    """The code at the end of the forms that a browser would fill in."""
    for _ in range(12):
        if response.is_redirect:
            place = response.headers["location"]
            if place.startswith(RETURN):
                return parse_qs(urlsplit(place).query)["code"][0]
            response = http.get(place)
        else:
            (action,) = re.findall(r'<form[^>]* action="([^"]+)"', response.text)
            (prompt,) = re.findall(r'name="prompt" value="(\w+)"', response.text)
            response = http.post(action, data={"prompt": prompt, "login": login, "password": "x"})
    raise AssertionError("the provider never sent us back")


def test_client_credentials_by_what_it_publishes(issuer: str) -> None:
    assert verify(machine(issuer, "rs256"), emetteur=issuer) == Principal("ml")


@pytest.mark.parametrize("name", ["ps256", "es256", "eddsa", "ed25519"])
def test_each_algorithm_where_it_is_accepted(issuer: str, name: str) -> None:
    algorithm = {"eddsa": "EdDSA", "ed25519": "Ed25519"}.get(name, name.upper())
    text = machine(issuer, name)
    assert verify(text, emetteur=issuer, algorithmes=[algorithm]) == Principal("ml")
    with pytest.raises(Unauthenticated) as raised:
        verify(text, emetteur=issuer)
    assert raised.value.fault is TokenFault.ALGORITHM


def test_authorization_code_and_pkce_tell_two_persons_apart_and_an_id_token_is_refused(issuer: str) -> None:
    one, two = person(issuer, "rs256", "agent-1"), person(issuer, "rs256", "agent-2")
    assert verify(one["access_token"], emetteur=issuer) == Principal("ml", "agent-1")
    assert verify(two["access_token"], emetteur=issuer) == Principal("ml", "agent-2")
    for forme, fault in (("rfc9068", TokenFault.TYPE), ("keycloak", TokenFault.TYPE)):
        with pytest.raises(Unauthenticated) as raised:
            verify(one["id_token"], emetteur=issuer, forme=forme)
        assert raised.value.fault is fault


def introspection(client: str, **others: Any) -> dict[str, Any]:
    return {"client": client, "secret": "SECRET", **others}


ASKED = {
    "json": introspection("sr-json"),
    "json, secret in the form": introspection("sr-post", authentification="post"),
    "signed": introspection("sr-signee", reponse="signee"),
    "signed and encrypted": introspection("sr-chiffree", reponse="chiffree"),
}


@pytest.mark.parametrize("way", ASKED)
def test_opaque_tokens_are_asked_about(issuer: str, way: str) -> None:
    settings: dict[str, Any] = {"emetteur": issuer, "algorithmes": ["ES256"], "introspection": ASKED[way]}
    assert verify(machine(issuer, "opaque"), **settings) == Principal("ml")
    assert verify(person(issuer, "opaque", "agent-1")["access_token"], **settings) == Principal("ml", "agent-1")
    refused = {
        "A" * 43: TokenFault.INACTIVE,  # of nobody
        machine(issuer, "rs256"): TokenFault.INACTIVE,  # it signed it, and says nothing of it
        person(issuer, "opaque", "agent-1")["refresh_token"]: TokenFault.TYPE,  # active, and no access token
    }
    for text, fault in refused.items():
        with pytest.raises(Unauthenticated) as raised:
            verify(text, **settings)
        assert raised.value.fault is fault


def test_the_page_on_proconnect_works_as_it_is_written(issuer: str) -> None:
    (table,) = tomllib.loads(documented("proconnect", issuer))["emetteurs"]
    text = person(issuer, "opaque", "agent-1")["access_token"]
    assert verify(text, **table) == Principal("ml", "agent-1")
    assert verify(machine(issuer, "opaque"), **table) == Principal("ml")


def test_a_token_that_is_revoked_is_refused_within_the_minute(issuer: str) -> None:
    text, clock = machine(issuer, "opaque"), Clock()
    settings = IssuerSettings.model_validate(
        {"emetteur": issuer, "audience": "passerelle", "introspection": ASKED["json"]}
    )

    async def scene() -> None:
        transport = Transport(lambda: datetime.now(UTC))
        verifier = verifier_of(settings, clock, transport)
        assert await verifier.verify(f"Bearer {text}") == Principal("ml")
        with client_http(issuer) as http:
            http.post("/token/revocation", data={"token": text}, auth=("ml", "demo")).raise_for_status()
        clock.ahead = 61
        with pytest.raises(Unauthenticated) as raised:
            await verifier.verify(f"Bearer {text}")
        assert raised.value.fault is TokenFault.INACTIVE
        await transport.aclose()

    asyncio.run(scene())


def test_a_new_key_is_believed_within_the_minute_and_a_withdrawn_one_no_longer(signing: list[Key]) -> None:
    clock, port, nowhere = Clock(), free_port(), f"http://{HOST}:9/jwks"
    settings = IssuerSettings.model_validate({"emetteur": f"http://{HOST}:{port}", "audience": "passerelle"})

    async def scene() -> None:
        transport = Transport(lambda: datetime.now(UTC))
        verifier = verifier_of(settings, clock, transport)
        with provider(port, signing, nowhere) as url:
            before = machine(url, "rs256")
            assert await verifier.verify(f"Bearer {before}") == Principal("ml")
        with provider(port, [*keys(), *signing], nowhere) as url:  # both, the new one signs
            after = machine(url, "rs256")
            clock.ahead = 61
            assert await verifier.verify(f"Bearer {after}") == Principal("ml")
            assert await verifier.verify(f"Bearer {before}") == Principal("ml")
        with provider(port, keys(), nowhere):
            clock.ahead = 61 + 601
            with pytest.raises(Unauthenticated) as raised:
                await verifier.verify(f"Bearer {after}")
            assert raised.value.fault is TokenFault.KEY
        await transport.aclose()

    asyncio.run(scene())
