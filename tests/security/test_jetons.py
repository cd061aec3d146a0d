"""The token table of SECURITY §2.4 (T01, T02, T04, T05, T07), with real signatures: all refused, and alike."""

import json

import pytest
from joserfc import jwt

from gateway.auth.jetons import TAILLE_MAX
from gateway.auth.viewer import Jeton
from gateway.errors import Code, NonAuthentifie
from tests.security.emetteur import (
    AUDIENCE,
    COURBE,
    DEPART,
    DEUX,
    EMETTEUR,
    UNE,
    Emetteur,
    Horloge,
    entete,
    revendications,
    sans_signature,
    signer,
    signer_hs256,
)
from tests.security.emetteur import verificateur as _verificateur

BON = signer(revendications())


async def _verifier(autorisation: str | None) -> Jeton:
    return await _verificateur(Emetteur(UNE, COURBE), Horloge()).verifier(autorisation)


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("autorisation", "attendu"),
    [
        (BON, Jeton("ml")),
        (BON.replace("Bearer", "bearer"), Jeton("ml")),
        (signer(revendications(agent="agent-7")), Jeton("ml", "agent-7")),
        (signer(revendications(aud=["autre", AUDIENCE])), Jeton("ml")),
        (signer(revendications(), entete(typ="application/at+jwt")), Jeton("ml")),
        (signer(revendications(), entete(typ="AT+JWT", x5t="abc")), Jeton("ml")),
        (signer(revendications(iat=DEPART + 30, exp=DEPART + 330, nbf=DEPART + 30)), Jeton("ml")),  # clocks differ
        (signer(revendications(iat=DEPART - 329, exp=DEPART - 29)), Jeton("ml")),
        (signer(revendications(iat=DEPART, exp=DEPART + 3600)), Jeton("ml")),
        # T07: nothing in a token grants a right; only the client's id counts.
        (signer(revendications(scope="admin *", profil="ADMINISTRATEUR", organisation="75")), Jeton("ml")),
        (signer(revendications(sub="cfa", azp="cfa", organisation=["59010"])), Jeton("ml")),
    ],
)
async def test_t07_accepted_tokens_tell_a_client_and_grant_nothing(autorisation: str, attendu: Jeton) -> None:
    assert await _verifier(autorisation) == attendu


T01 = {
    "alg none": sans_signature(revendications(), "none"),
    "alg nOnE": sans_signature(revendications(), "nOnE"),
    "alg none, signé": signer(revendications(), entete(alg="none")),
    "alg absent": signer(revendications(), entete(alg=None)),
    "alg liste": signer(revendications(), entete(alg=["RS256"])),
    "alg PS256": signer(revendications(), entete(alg="PS256")),
    "alg RS512": signer(revendications(), entete(alg="RS512")),
    "alg deux fois": signer(revendications(), '{"alg":"none","typ":"at+jwt","kid":"une","alg":"RS256"}'),
    "HS256 par la clé publique PEM": signer_hs256(revendications(), UNE.as_pem(private=False)),
    "HS256 par la clé publique JWK": signer_hs256(revendications(), json.dumps(UNE.as_dict(private=False)).encode()),
    "ES256 publié": "Bearer "
    + jwt.encode({"alg": "ES256", "typ": "at+jwt", "kid": "courbe"}, revendications(), COURBE),
    "crit inconnu": signer(revendications(), entete(crit=["exp"], exp=1)),
    "crit vide": signer(revendications(), entete(crit=[])),
    "b64 faux": signer(revendications(), entete(b64=False, crit=["b64"])),
    "jwk embarquée": signer(revendications(), entete(jwk=DEUX.as_dict(private=False)), DEUX),
    "jku": signer(revendications(), entete(jku="https://ailleurs.invalid/jwks"), DEUX),
    "x5u": signer(revendications(), entete(x5u="https://ailleurs.invalid/x5"), DEUX),
    "x5c": signer(revendications(), entete(x5c=["AAAA"]), DEUX),
    "signé par une autre clé": signer(revendications(), cle=DEUX),
    "signature coupée": BON[:-6],
    "signature changée": BON[:-6] + ("AAAAAA" if BON[-6:] != "AAAAAA" else "BBBBBB"),
    "corps changé": ".".join(
        [*BON.split(".")[:1], signer(revendications(client_id="cfa")).split(".")[1], *BON.split(".")[2:]]
    ),
}
T02 = {
    "kid chemin": signer(revendications(), entete(kid="../../dev/null")),
    "kid SQL": signer(revendications(), entete(kid="une' OR '1'='1")),
    "kid long": signer(revendications(), entete(kid="k" * 300)),
    "kid énorme": signer(revendications(), entete(kid="k" * 1_000_000)),
    "kid absent": signer(revendications(), entete(kid=None)),
    "kid vide": signer(revendications(), entete(kid="")),
    "kid nombre": signer(revendications(), entete(kid=1)),
    "kid deux fois": signer(revendications(), '{"alg":"RS256","typ":"at+jwt","kid":"deux","kid":"une"}'),
    "kid inconnu": signer(revendications(), entete(kid="trois")),
}
T04 = {
    **{f"{nom} absent": signer(revendications(**{nom: None})) for nom in ("exp", "iss", "aud", "sub", "iat", "jti")},
    **{f"{nom} vide": signer(revendications(**{nom: ""})) for nom in ("iss", "aud", "sub", "jti", "client_id")},
    "aud autre": signer(revendications(aud="autre")),
    "aud liste d'autres": signer(revendications(aud=["autre", "encore"])),
    "aud liste vide": signer(revendications(aud=[])),
    "aud préfixe": signer(revendications(aud=AUDIENCE[:-1])),
    "aud suffixe": signer(revendications(aud=AUDIENCE + "2")),
    "aud objet": signer(revendications(aud={AUDIENCE: True})),
    "iss barre": signer(revendications(iss=EMETTEUR + "/")),
    "iss casse": signer(revendications(iss=EMETTEUR.upper())),
    "iss liste": signer(revendications(iss=[EMETTEUR])),
    "exp texte": signer(revendications(exp=str(DEPART + 300))),
    "exp décimal": signer(revendications(exp=DEPART + 300.5)),
    "exp booléen": signer(revendications(exp=True)),
    "exp négatif": signer(revendications(exp=-1)),
    "exp an 9999": signer(revendications(exp=253_402_300_799)),
    "exp infini": signer('{"exp": Infinity, "iat": 0}'),
    "exp de 5000 chiffres": signer('{"exp": ' + "9" * 5000 + "}"),
    "exp passé": signer(revendications(iat=DEPART - 330, exp=DEPART - 30)),
    "exp avant iat": signer(revendications(iat=DEPART + 20, exp=DEPART + 10)),
    "iat futur": signer(revendications(iat=DEPART + 31)),
    "nbf futur": signer(revendications(nbf=DEPART + 31)),
    "nbf texte": signer(revendications(nbf="0")),
    "vie de plus d'une heure": signer(revendications(exp=DEPART + 3601)),
    "corps non objet": signer("[]"),
    "corps non JSON": signer("{"),
    "client inconnu": signer(revendications(client_id="prefet")),
    "client liste": signer(revendications(client_id=["ml"])),
    "client absent": signer(revendications(client_id=None)),
    "client de même apparence": signer(revendications(client_id="mⅼ")),
    "agent vide": signer(revendications(agent="")),
    "agent nombre": signer(revendications(agent=7)),
    "agent long": signer(revendications(agent="a" * 257)),
}
T05 = {
    "typ absent": signer(revendications(), entete(typ=None)),
    "jeton d'identité": signer(revendications(nonce="n"), entete(typ="JWT")),
    "jeton de renouvellement": signer(revendications(), entete(typ="refresh+jwt")),
    "autre environnement": signer(revendications(iss="https://recette.invalid"), cle=DEUX),
}
ENTETES = {
    "rien": None,
    "vide": "",
    "sans schéma": BON.removeprefix("Bearer "),
    "autre schéma": BON.replace("Bearer", "Basic"),
    "deux espaces": BON.replace(" ", "  "),
    "espace après": BON + " ",
    "deux jetons": f"{BON}, {BON}",
    "sans point": "Bearer abcdef",
    "points seuls": "Bearer ..",
    "quatre parties": BON + ".x",
    "hors ASCII": "Bearer é",
    "trop long": "Bearer " + "a" * (TAILLE_MAX + 1),
    "crochets": signer(revendications(), "[" * 5000),
}


async def _est_refuse(autorisation: str | None) -> None:
    with pytest.raises(NonAuthentifie) as leve:
        await _verifier(autorisation)
    assert leve.value.code is Code.NON_AUTHENTIFIE
    assert str(leve.value) == "Jeton d'accès absent, invalide ou expiré."
    assert leve.value.__suppress_context__ or leve.value.__context__ is None


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
@pytest.mark.parametrize("nom", ENTETES)
async def test_t04_the_header_holds_one_bearer_token(nom: str) -> None:
    await _est_refuse(ENTETES[nom])


@pytest.mark.anyio
async def test_u12_thirty_seconds_of_leeway_and_not_one_more() -> None:
    await _verifier(signer(revendications(iat=DEPART + 30, exp=DEPART + 330)))
    await _verifier(signer(revendications(iat=DEPART - 300, exp=DEPART - 29)))
    await _est_refuse(signer(revendications(iat=DEPART + 31, exp=DEPART + 330)))
    await _est_refuse(signer(revendications(iat=DEPART - 300, exp=DEPART - 30)))


@pytest.mark.anyio
async def test_t06_a_token_is_dead_61_seconds_after_its_end() -> None:
    await _est_refuse(signer(revendications(iat=DEPART - 361, exp=DEPART - 61)))


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("amr", "attendu"),
    [(["pwd", "mfa"], True), (["pwd"], False), ("mfa", False), ([["mfa"]], False), ({"mfa": 1}, False), (None, False)],
)
async def test_t10_a_second_factor_is_read_from_a_list_of_methods(amr: object, attendu: bool) -> None:
    assert (await _verifier(signer(revendications(amr=amr)))).mfa is attendu
