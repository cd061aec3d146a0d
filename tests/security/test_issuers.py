"""What tokens of likely issuers become, row by row: accepted, or refused with the reason that the operator reads.

The shapes are those that the issuers document; every token is signed by a key that its issuer publishes.
"""

import warnings
from datetime import date
from typing import Any

import pytest
from joserfc import jwt
from joserfc.errors import SecurityWarning
from joserfc.jwk import ECKey

from gateway.auth.authentication.authenticator import Authenticator, TokenVerifier
from gateway.auth.authentication.clients import Principal, RegisteredClient
from gateway.auth.authentication.jwks import KeySet, SignedTokens, UnusableKeys, read_jwks
from gateway.domain.seal import Sealer
from gateway.errors import KeysUnavailable, TokenFault, Unauthenticated
from gateway.issuer_settings import IssuerSettings
from tests.support.security.issuer import (
    AUDIENCE,
    CURVE,
    DEPARTURE,
    EDWARDS,
    ISSUER,
    ONE,
    Issuer,
    WallClock,
    claims,
    header,
    sign,
    verifier,
)

pytestmark = pytest.mark.anyio

USER = "5b1e0c9e-2a47-4a0e-9d5e-0c5a3f1a7c11"
KEYCLOAK = {"forme": "keycloak"}
ENTRA = {"forme": "entra"}


def keycloak(**others: Any) -> dict[str, Any]:
    """The claims of a user's access token, as Keycloak 26 writes them (audience mapper set)."""
    own = {"azp": "ml", "client_id": None, "sub": USER, "typ": "Bearer", "aud": [AUDIENCE, "account"], "acr": "1"}
    return claims(**{**own, "jti": "onrtac:1f0c", "sid": "s", "scope": "profile email", **others})


def entra(**others: Any) -> dict[str, Any]:
    """The claims of an access token, as Microsoft Entra ID v2 writes them."""
    own = {
        "azp": "ml",
        "azpacr": "1",
        "client_id": None,
        "jti": None,
        "sub": "pairwise",
        "oid": USER,
        "uti": "u",
        "ver": "2.0",
    }
    life = {"iat": DEPARTURE - 300, "nbf": DEPARTURE - 300, "exp": DEPARTURE + 4_200}
    return claims(**{**own, **life, "scp": "lire", **others})


def by(key: Any, algorithm: str, typ: str = "at+jwt", **others: Any) -> str:
    """A token signed by another kind of key, or by another algorithm."""
    head = {"alg": algorithm, "typ": typ, "kid": key.kid}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", SecurityWarning)
        return "Bearer " + jwt.encode(head, claims(**others), key, algorithms=[algorithm])


def typed(body: dict[str, Any], typ: str = "JWT", **others: Any) -> str:
    return sign(body, header(typ=typ, **others))


ACCEPTED: dict[str, tuple[dict[str, Any], str, Principal]] = {
    "RFC 9068, client credentials": ({}, sign(claims()), Principal("ml")),
    "RFC 9068, authorization code": ({}, sign(claims(sub="agent-1")), Principal("ml", "agent-1")),
    "Keycloak 26.2, at+jwt, service account": (
        {},
        typed(keycloak(client_id="ml", preferred_username="service-account-ml"), "at+jwt"),
        Principal("ml", USER),
    ),
    "Keycloak, typ JWT, service account": (KEYCLOAK, typed(keycloak(client_id="ml")), Principal("ml", USER)),
    "Keycloak, typ JWT, user": (KEYCLOAK, typed(keycloak()), Principal("ml", USER)),
    "Keycloak, at+jwt, user": (KEYCLOAK, typed(keycloak(), "at+jwt"), Principal("ml", USER)),
    "Keycloak before 25, a nonce in the access token": (KEYCLOAK, typed(keycloak(nonce="n")), Principal("ml", USER)),
    "Entra ID v2": (ENTRA, typed(entra(), x5t="abc"), Principal("ml", USER)),
    "ES256": ({"algorithmes": ["ES256"]}, by(CURVE, "ES256"), Principal("ml")),
    "PS256": ({"algorithmes": ["RS256", "PS256"]}, by(ONE, "PS256"), Principal("ml")),
    "EdDSA": ({"algorithmes": ["EdDSA"]}, by(EDWARDS, "EdDSA"), Principal("ml")),
    "Ed25519": ({"algorithmes": ["Ed25519"]}, by(EDWARDS, "Ed25519"), Principal("ml")),
    "a life of 3601 s, where the issuer's is longer": (
        {"vie_max_secondes": 3_601},
        sign(claims(exp=DEPARTURE + 3_601)),
        Principal("ml"),
    ),
    "another claim for the client": ({"client": "appid"}, sign(claims(client_id=None, appid="ml")), Principal("ml")),
    "a level that tells of a second factor": (
        {"acr_admis": ["eidas2"]},
        sign(claims(acr="eidas2")),
        Principal("ml", mfa=True),
    ),
    "a level that tells of none": ({"acr_admis": ["eidas2"]}, sign(claims(acr="eidas1")), Principal("ml")),
    "the subject as the account": ({"compte": "sub"}, sign(claims(sub="a", agent="b")), Principal("ml", "a")),
    "another claim as the account": ({"compte": "email"}, sign(claims(sub="a", email="b")), Principal("ml", "b")),
}
REFUSED: dict[str, tuple[dict[str, Any], str | None, TokenFault, str]] = {
    "nothing": ({}, None, TokenFault.ABSENT, ""),
    "Keycloak's default, where RFC 9068 is expected": ({}, typed(keycloak()), TokenFault.TYPE, "JWT"),
    "Keycloak, at+jwt, user: azp, no client_id": ({}, typed(keycloak(), "at+jwt"), TokenFault.CLAIM, "client_id"),
    "Keycloak without an audience mapper": (KEYCLOAK, typed(keycloak(aud="account")), TokenFault.AUDIENCE, ""),
    "Entra's, where RFC 9068 is expected": ({}, typed(entra()), TokenFault.TYPE, "JWT"),
    "no jti": ({}, sign(claims(jti=None)), TokenFault.CLAIM, "jti"),
    "exp a float": ({}, sign(claims(exp=DEPARTURE + 300.5)), TokenFault.CLAIM, "exp"),
    "a life of 3601 s": ({}, sign(claims(exp=DEPARTURE + 3_601)), TokenFault.LIFE, ""),
    "iat 60 s ahead": ({}, sign(claims(iat=DEPARTURE + 60, exp=DEPARTURE + 360)), TokenFault.EARLY, "iat"),
    "nbf ahead": ({}, sign(claims(nbf=DEPARTURE + 60)), TokenFault.EARLY, "nbf"),
    "ended": ({}, sign(claims(iat=DEPARTURE - 400, exp=DEPARTURE - 100)), TokenFault.EXPIRED, ""),
    "ES256, not accepted": ({}, by(CURVE, "ES256"), TokenFault.ALGORITHM, "ES256"),
    "PS256, not accepted": ({}, by(ONE, "PS256"), TokenFault.ALGORITHM, "PS256"),
    "EdDSA, not accepted": ({}, by(EDWARDS, "EdDSA"), TokenFault.ALGORITHM, "EdDSA"),
    "RS256, no longer accepted": ({"algorithmes": ["PS256"]}, sign(claims()), TokenFault.ALGORITHM, "RS256"),
    "opaque, nobody to ask": ({}, "Bearer 8nR2sVQ0pGkX", TokenFault.UNREADABLE, ""),
    "another issuer": ({}, sign(claims(iss="https://ailleurs.invalid")), TokenFault.ISSUER, ""),
    "an unpublished key": ({}, sign(claims(), header(kid="trois")), TokenFault.KEY, "trois"),
    "a key in the header": ({}, sign(claims(), header(jku="https://ailleurs.invalid")), TokenFault.HEADER, "jku"),
    "a signature of nobody": ({}, sign(claims())[:-8] + "AAAAAAAA", TokenFault.SIGNATURE, ""),
    "an unknown client": ({}, sign(claims(client_id="prefet")), TokenFault.CLIENT, "prefet"),
    "ID token": ({}, typed(claims(aud="ml", nonce="n")), TokenFault.TYPE, "JWT"),
    "ID token of Keycloak": (
        KEYCLOAK,
        typed(keycloak(typ="ID", aud="ml", nonce="n", at_hash="h")),
        TokenFault.AUDIENCE,
        "",
    ),
    "ID token of Keycloak, for us": (KEYCLOAK, typed(keycloak(typ="ID", aud=AUDIENCE)), TokenFault.LOGIN, ""),
    "refresh token of Keycloak, for us": (KEYCLOAK, typed(keycloak(typ="Refresh", aud=AUDIENCE)), TokenFault.LOGIN, ""),
    "ID token whose audiences are the client and us": (KEYCLOAK, typed(keycloak(aud=["ml", AUDIENCE])), TokenFault.LOGIN, ""),
    "ID token of Entra": (ENTRA, typed(entra(azp=None, nonce="n")), TokenFault.CLAIM, "azp"),
    "ID token of Entra, with a party": (ENTRA, typed(entra(nonce="n")), TokenFault.LOGIN, ""),
    "bound by DPoP": ({}, sign(claims(cnf={"jkt": "x"})), TokenFault.BOUND, ""),
    "bound by mTLS": ({}, sign(claims(cnf={"x5t#S256": "x"})), TokenFault.BOUND, ""),
    "bound, of Keycloak": (KEYCLOAK, typed(keycloak(cnf={})), TokenFault.BOUND, ""),
}  # fmt: skip


@pytest.mark.parametrize("row", ACCEPTED)
async def test_what_an_issuer_is_configured_for_is_accepted(row: str) -> None:
    settings, token, expected = ACCEPTED[row]
    assert await verifier(Issuer(ONE, CURVE, EDWARDS), WallClock(), **settings).verify(token) == expected


@pytest.mark.parametrize("row", REFUSED)
async def test_what_is_refused_says_why_to_the_operator_and_nothing_to_the_caller(row: str) -> None:
    settings, token, fault, detail = REFUSED[row]
    with pytest.raises(Unauthenticated) as raised:
        await verifier(Issuer(ONE, CURVE, EDWARDS), WallClock(), **settings).verify(token)
    assert (raised.value.fault, raised.value.detail) == (fault, detail)
    assert str(raised.value) == "Jeton d'accès absent, invalide ou expiré."


@pytest.mark.parametrize("fault", TokenFault)
def test_a_reason_can_stand_in_a_header(fault: TokenFault) -> None:
    assert fault.value.isascii()
    assert fault.value.isprintable()
    assert not set(fault.value) & set('"\\')


@pytest.mark.parametrize("own", ["PS256", "RS512", "RS256x"])
async def test_a_key_signs_by_its_own_algorithm_only(own: str) -> None:
    settings = {"algorithmes": ["RS256", "PS256"]}
    issuer, clock = Issuer(ONE), WallClock()
    published = {**ONE.as_dict(private=False), "alg": own}
    issuer.publish(published, CURVE.as_dict(private=False), EDWARDS.as_dict(private=False))
    with pytest.raises((Unauthenticated, KeysUnavailable)):
        await verifier(issuer, clock, **settings).verify(sign(claims()))


def test_a_set_without_a_key_for_us_says_how_many_it_has() -> None:
    published = {"keys": [CURVE.as_dict(private=False), EDWARDS.as_dict(private=False)]}
    with pytest.raises(UnusableKeys, match=r"^2 clés, aucune pour RS256$"):
        read_jwks(published)
    with pytest.raises(UnusableKeys, match=r"^pas un jeu de clés : « keys » absent$"):
        read_jwks({"issuer": ISSUER, "jwks_uri": f"{ISSUER}/jwks"})


@pytest.mark.parametrize("curve", ["P-384", "P-521"])
def test_a_key_of_another_curve_signs_nothing(curve: str) -> None:
    other = ECKey.generate_key(curve, {"kid": "autre"})
    with pytest.raises(UnusableKeys, match=r"^1 clés, aucune pour ES256$"):
        read_jwks({"keys": [other.as_dict(private=False)]}, ["ES256"])


def two_issuers(clock: WallClock) -> TokenVerifier:
    """Two issuers that sign by keys of their own, under the same id."""
    other = IssuerSettings.model_validate(
        {"emetteur": "https://autre.invalid", "audience": AUDIENCE, "algorithmes": ["ES256"], "client": "azp"}
    )
    own = verifier(Issuer(ONE), clock).issuers
    keys = KeySet(Issuer(CURVE).read, clock, algorithms=["ES256"])
    return TokenVerifier([*own, SignedTokens(other, keys)], {"ml", "cfa"}, clock)


async def test_each_issuer_is_believed_by_its_own_keys_and_rules() -> None:
    both = two_issuers(WallClock())
    elsewhere = {"iss": "https://autre.invalid", "azp": "cfa"}
    assert await both.verify(sign(claims())) == Principal("ml")
    assert await both.verify(by(CURVE, "ES256", **elsewhere)) == Principal("cfa", "ml")
    for token, fault in (
        (by(CURVE, "ES256"), TokenFault.ALGORITHM),  # of the first, by the algorithm of the other
        (sign(claims(**elsewhere)), TokenFault.ALGORITHM),
        (by(CURVE, "ES256", iss="https://autre.invalid"), TokenFault.CLAIM),  # the first's claim names no client there
    ):
        with pytest.raises(Unauthenticated) as raised:
            await both.verify(token)
        assert raised.value.fault is fault


@pytest.mark.parametrize(
    ("register", "own", "elsewhere"),
    [
        ({}, True, False),
        ({"emetteurs": ["https://autre.invalid"]}, False, True),
        ({"emetteurs": [ISSUER]}, True, False),
    ],
)
async def test_a_client_is_named_by_its_own_issuers_else_by_the_first(
    register: dict[str, Any], own: bool, elsewhere: bool
) -> None:
    client = {"profil": "ADMINISTRATEUR", "organisation": "", "nom": "ML", "finalites": ["EXPLOITATION"], **register}
    clients = {"ml": RegisteredClient.model_validate(client)}
    door = Authenticator(two_issuers(WallClock()), clients, Sealer(b"\x07" * 32), lambda: date(2026, 10, 15))
    tokens = {sign(claims()): own, by(CURVE, "ES256", iss="https://autre.invalid", azp="ml"): elsewhere}
    for token, admitted in tokens.items():
        if admitted:
            assert (await door.authenticate(token, None))[0] == Principal("ml")
        else:
            with pytest.raises(Unauthenticated) as raised:
                await door.authenticate(token, None)
            assert (raised.value.fault, raised.value.detail) == (TokenFault.CLIENT, "ml")


async def test_two_issuers_of_a_client_do_not_share_the_accounts_of_those_they_name_alike() -> None:
    client = {"profil": "ADMINISTRATEUR", "organisation": "", "nom": "ML", "finalites": ["EXPLOITATION"]}
    clients = {"ml": RegisteredClient.model_validate(client | {"emetteurs": [ISSUER, "https://autre.invalid"]})}
    door = Authenticator(two_issuers(WallClock()), clients, Sealer(b"\x07" * 32), lambda: date(2026, 10, 15))
    elsewhere = {"iss": "https://autre.invalid", "azp": "ml"}
    tokens = (
        sign(claims(agent="alice")),
        by(CURVE, "ES256", **elsewhere, agent="alice"),
        by(CURVE, "ES256", **elsewhere),  # the client itself, wherever it got its token
    )
    accounts = [(await door.authenticate(token, None))[0].agent for token in tokens]
    assert accounts == ["alice", "alice\u00a0(https://autre.invalid)", None]
    with pytest.raises(Unauthenticated):
        await door.authenticate(sign(claims(agent="alice\u00a0(https://autre.invalid)")), None)


async def test_one_of_two_issuers_away_leaves_the_other(caplog: pytest.LogCaptureFixture) -> None:
    clock = WallClock()
    both = two_issuers(clock)
    away = both.issuers[1]
    assert isinstance(away, SignedTokens)

    async def fail() -> Any:
        raise OSError

    away.keys._read = fail
    await both.open()
    assert "jeu de clés illisible (OSError)" in caplog.text
    assert await both.is_usable()
    assert not await both.all_usable()
    assert await both.verify(sign(claims())) == Principal("ml")
    with pytest.raises(KeysUnavailable):
        await both.verify(by(CURVE, "ES256", iss="https://autre.invalid", azp="ml"))
