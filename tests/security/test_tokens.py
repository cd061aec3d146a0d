"""The token table of docs/security.md (T01, T02, T04, T05, T07), with real signatures: all refused, and alike."""

import json

import pytest
from joserfc import jwt

from gateway.auth.authentication.authenticator import SIZE_MAX
from gateway.auth.authentication.clients import Principal
from gateway.errors import Code, TokenFault, Unauthenticated
from tests.support.security.issuer import (
    AUDIENCE,
    CURVE,
    DEPARTURE,
    ISSUER,
    ONE,
    TWO,
    Issuer,
    WallClock,
    claims,
    header,
    sign,
    signer_hs256,
    without_signature,
)
from tests.support.security.issuer import verifier as _verifier

GOOD = sign(claims())


async def _check(authorization: str | None) -> Principal:
    return await _verifier(Issuer(ONE, CURVE), WallClock()).verify(authorization)


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("authorization", "expected"),
    [
        (GOOD, Principal("ml")),
        (GOOD.replace("Bearer", "bearer"), Principal("ml")),
        (sign(claims(agent="agent-7")), Principal("ml", "agent-7")),
        (sign(claims(aud=["autre", AUDIENCE])), Principal("ml")),
        (sign(claims(), header(typ="application/at+jwt")), Principal("ml")),
        (sign(claims(), header(typ="AT+JWT", x5t="abc")), Principal("ml")),
        (sign(claims(iat=DEPARTURE + 30, exp=DEPARTURE + 330, nbf=DEPARTURE + 30)), Principal("ml")),  # clocks differ
        (sign(claims(iat=DEPARTURE - 329, exp=DEPARTURE - 29)), Principal("ml")),
        (sign(claims(iat=DEPARTURE, exp=DEPARTURE + 3600)), Principal("ml")),
        # T07: nothing in a token grants a right; only the client's id counts.
        (sign(claims(scope="admin *", profil="ADMINISTRATEUR", organisation="75")), Principal("ml")),
        (sign(claims(sub="cfa", azp="cfa", organisation=["59010"])), Principal("ml", "cfa")),
    ],
)
async def test_t07_accepted_tokens_tell_a_client_and_grant_nothing(authorization: str, expected: Principal) -> None:
    assert await _check(authorization) == expected


T01 = {
    "alg none": without_signature(claims(), "none"),
    "alg nOnE": without_signature(claims(), "nOnE"),
    "alg none, signé": sign(claims(), header(alg="none")),
    "alg absent": sign(claims(), header(alg=None)),
    "alg liste": sign(claims(), header(alg=["RS256"])),
    "alg PS256": sign(claims(), header(alg="PS256")),
    "alg RS512": sign(claims(), header(alg="RS512")),
    "alg deux fois": sign(claims(), '{"alg":"none","typ":"at+jwt","kid":"une","alg":"RS256"}'),
    "HS256 par la clé publique PEM": signer_hs256(claims(), ONE.as_pem(private=False)),
    "HS256 par la clé publique JWK": signer_hs256(claims(), json.dumps(ONE.as_dict(private=False)).encode()),
    "ES256 publié": "Bearer " + jwt.encode({"alg": "ES256", "typ": "at+jwt", "kid": "courbe"}, claims(), CURVE),
    "crit inconnu": sign(claims(), header(crit=["exp"], exp=1)),
    "crit vide": sign(claims(), header(crit=[])),
    "b64 faux": sign(claims(), header(b64=False, crit=["b64"])),
    "jwk embarquée": sign(claims(), header(jwk=TWO.as_dict(private=False)), TWO),
    "jku": sign(claims(), header(jku="https://ailleurs.invalid/jwks"), TWO),
    "x5u": sign(claims(), header(x5u="https://ailleurs.invalid/x5"), TWO),
    "x5c": sign(claims(), header(x5c=["AAAA"]), TWO),
    "signé par une autre clé": sign(claims(), key=TWO),
    "signature coupée": GOOD[:-6],
    "signature changée": GOOD[:-6] + ("AAAAAA" if GOOD[-6:] != "AAAAAA" else "BBBBBB"),
    "corps changé": ".".join([*GOOD.split(".")[:1], sign(claims(client_id="cfa")).split(".")[1], *GOOD.split(".")[2:]]),
}
T02 = {
    "kid chemin": sign(claims(), header(kid="../../dev/null")),
    "kid SQL": sign(claims(), header(kid="une' OR '1'='1")),
    "kid long": sign(claims(), header(kid="k" * 300)),
    "kid énorme": sign(claims(), header(kid="k" * 1_000_000)),
    "kid absent": sign(claims(), header(kid=None)),
    "kid vide": sign(claims(), header(kid="")),
    "kid nombre": sign(claims(), header(kid=1)),
    "kid deux fois": sign(claims(), '{"alg":"RS256","typ":"at+jwt","kid":"deux","kid":"une"}'),
    "kid inconnu": sign(claims(), header(kid="trois")),
}
T04 = {
    **{f"{nom} absent": sign(claims(**{nom: None})) for nom in ("exp", "iss", "aud", "sub", "iat", "jti")},
    **{f"{nom} vide": sign(claims(**{nom: ""})) for nom in ("iss", "aud", "sub", "jti", "client_id")},
    "aud autre": sign(claims(aud="autre")),
    "aud liste d'autres": sign(claims(aud=["autre", "encore"])),
    "aud liste vide": sign(claims(aud=[])),
    "aud préfixe": sign(claims(aud=AUDIENCE[:-1])),
    "aud suffixe": sign(claims(aud=AUDIENCE + "2")),
    "aud objet": sign(claims(aud={AUDIENCE: True})),
    "iss barre": sign(claims(iss=ISSUER + "/")),
    "iss casse": sign(claims(iss=ISSUER.upper())),
    "iss liste": sign(claims(iss=[ISSUER])),
    "exp texte": sign(claims(exp=str(DEPARTURE + 300))),
    "exp décimal": sign(claims(exp=DEPARTURE + 300.5)),
    "exp booléen": sign(claims(exp=True)),
    "exp négatif": sign(claims(exp=-1)),
    "exp an 9999": sign(claims(exp=253_402_300_799)),
    "exp infini": sign('{"exp": Infinity, "iat": 0}'),
    "exp de 5000 chiffres": sign('{"exp": ' + "9" * 5000 + "}"),
    "exp passé": sign(claims(iat=DEPARTURE - 330, exp=DEPARTURE - 30)),
    "exp avant iat": sign(claims(iat=DEPARTURE + 20, exp=DEPARTURE + 10)),
    "iat futur": sign(claims(iat=DEPARTURE + 31)),
    "nbf futur": sign(claims(nbf=DEPARTURE + 31)),
    "nbf texte": sign(claims(nbf="0")),
    "vie de plus d'une heure": sign(claims(exp=DEPARTURE + 3601)),
    "corps non objet": sign("[]"),
    "corps non JSON": sign("{"),
    "client inconnu": sign(claims(client_id="prefet")),
    "client liste": sign(claims(client_id=["ml"])),
    "client absent": sign(claims(client_id=None)),
    "client de même apparence": sign(claims(client_id="mⅼ")),
    "agent vide": sign(claims(agent="")),
    "agent nombre": sign(claims(agent=7)),
    "agent long": sign(claims(agent="a" * 257)),
}
T05 = {
    "typ absent": sign(claims(), header(typ=None)),
    "jeton d'identité": sign(claims(nonce="n"), header(typ="JWT")),
    "jeton de renouvellement": sign(claims(), header(typ="refresh+jwt")),
    "autre environnement": sign(claims(iss="https://recette.invalid"), key=TWO),
}
HEADERS = {
    "rien": None,
    "vide": "",
    "sans schéma": GOOD.removeprefix("Bearer "),
    "autre schéma": GOOD.replace("Bearer", "Basic"),
    "deux espaces": GOOD.replace(" ", "  "),
    "espace après": GOOD + " ",
    "deux jetons": f"{GOOD}, {GOOD}",
    "sans point": "Bearer abcdef",
    "points seuls": "Bearer ..",
    "quatre parties": GOOD + ".x",
    "hors ASCII": "Bearer é",
    "trop long": "Bearer " + "a" * (SIZE_MAX + 1),
    "crochets": sign(claims(), "[" * 5000),
}


async def _est_refuse(authorization: str | None) -> None:
    with pytest.raises(Unauthenticated) as raised:
        await _check(authorization)
    assert raised.value.code is Code.NON_AUTHENTIFIE
    assert str(raised.value) == "Jeton d'accès absent, invalide ou expiré."
    assert raised.value.__suppress_context__ or raised.value.__context__ is None


@pytest.mark.anyio
@pytest.mark.parametrize("nom", T01)
async def test_t01_only_one_algorithm_and_the_keys_of_the_configured_address(nom: str) -> None:
    await _est_refuse(T01[nom])


@pytest.mark.anyio
@pytest.mark.parametrize("nom", T02)
async def test_t02_a_key_id_is_only_looked_up(nom: str) -> None:
    await _est_refuse(T02[nom])


@pytest.mark.anyio
@pytest.mark.parametrize("nom", T04)
async def test_t04_every_claim_is_there_and_means_one_thing(nom: str) -> None:
    await _est_refuse(T04[nom])


@pytest.mark.anyio
@pytest.mark.parametrize("nom", T05)
async def test_t05_an_id_token_or_a_refresh_token_is_not_an_access_token(nom: str) -> None:
    await _est_refuse(T05[nom])


@pytest.mark.anyio
@pytest.mark.parametrize("nom", HEADERS)
async def test_t04_the_header_holds_one_bearer_token(nom: str) -> None:
    await _est_refuse(HEADERS[nom])


@pytest.mark.anyio
async def test_u12_thirty_seconds_of_leeway_and_not_one_more() -> None:
    await _check(sign(claims(iat=DEPARTURE + 30, exp=DEPARTURE + 330)))
    await _check(sign(claims(iat=DEPARTURE - 300, exp=DEPARTURE - 29)))
    await _est_refuse(sign(claims(iat=DEPARTURE + 31, exp=DEPARTURE + 330)))
    await _est_refuse(sign(claims(iat=DEPARTURE - 300, exp=DEPARTURE - 30)))


@pytest.mark.anyio
async def test_t06_a_token_is_dead_61_seconds_after_its_end() -> None:
    await _est_refuse(sign(claims(iat=DEPARTURE - 361, exp=DEPARTURE - 61)))


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("amr", "expected"),
    [(["pwd", "mfa"], True), (["pwd"], False), ("mfa", False), ([["mfa"]], False), ({"mfa": 1}, False), (None, False)],
)
async def test_t10_a_second_factor_is_read_from_a_list_of_methods(amr: object, expected: bool) -> None:
    assert (await _check(sign(claims(amr=amr)))).mfa is expected


@pytest.mark.anyio
async def test_t02_who_signs_for_an_issuer_vouches_for_no_other_one() -> None:
    """The claims that a signature holds are looked at again, whoever chose the issuer."""
    tokens = _verifier(Issuer(ONE, CURVE), WallClock()).issuers[0]
    assert (await tokens.verify(GOOD.removeprefix("Bearer "))).claims["iss"] == ISSUER
    with pytest.raises(Unauthenticated) as refused:
        await tokens.verify(sign(claims(iss="https://autre.invalid")).removeprefix("Bearer "))
    assert refused.value.fault is TokenFault.ISSUER
