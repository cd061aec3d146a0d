"""The issuer's keys through rotation, floods and outages (docs/security.md T02, T03), on a clock that is told."""

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest

from gateway.auth.authentication.authenticator import TokenVerifier
from gateway.auth.authentication.jwks import SignedTokens, read_jwks
from gateway.domain.seal import Sealer
from gateway.errors import KeysUnavailable, Unauthenticated
from gateway.sources.http.issuers import JwksFile
from tests.support.security.issuer import (
    CURVE,
    ONE,
    SHORT,
    TWO,
    Issuer,
    WallClock,
    claims,
    header,
    jwks,
    sign,
    verifier,
)

pytestmark = pytest.mark.anyio


def _token(wall_clock: WallClock, kid: str) -> str:
    """A token issued now by that key, or under an id that nobody publishes."""
    now = int(wall_clock())
    key = {"une": ONE, "deux": TWO}.get(kid, ONE)
    return sign(claims(iat=now, exp=now + 300), header(kid=kid), key)


async def _accepts(authenticator: TokenVerifier, wall_clock: WallClock, kid: str) -> bool:
    try:
        await authenticator.verify(_token(wall_clock, kid))
    except Unauthenticated:
        return False
    return True


async def test_one_reading_for_many_tokens() -> None:
    issuer, wall_clock = Issuer(ONE), WallClock()
    authenticator = verifier(issuer, wall_clock)
    assert all(await asyncio.gather(*(_accepts(authenticator, wall_clock, "une") for _ in range(20))))
    assert issuer.readings_journal == 1


async def test_t02_a_flood_of_unknown_kid_reads_only_once_a_minute() -> None:
    issuer, wall_clock = Issuer(ONE), WallClock()
    authenticator = verifier(issuer, wall_clock)
    assert await _accepts(authenticator, wall_clock, "une")
    wall_clock.now += 60
    for n in range(50):
        assert not await _accepts(authenticator, wall_clock, f"inconnu-{n}")
    assert issuer.readings_journal == 2
    wall_clock.now += 59
    assert not await _accepts(authenticator, wall_clock, "inconnu")
    assert issuer.readings_journal == 2
    wall_clock.now += 1
    assert not await _accepts(authenticator, wall_clock, "inconnu")
    assert issuer.readings_journal == 3


async def test_t03_a_new_key_serves_within_the_minute_and_a_withdrawn_key_is_refused_within_ten() -> None:
    issuer, wall_clock = Issuer(ONE), WallClock()
    authenticator = verifier(issuer, wall_clock)
    assert await _accepts(authenticator, wall_clock, "une")
    issuer.reponse = jwks(TWO)
    wall_clock.now += 60
    assert await _accepts(authenticator, wall_clock, "deux")
    assert not await _accepts(authenticator, wall_clock, "une")


async def test_t03_a_withdrawn_key_is_refused_even_if_nothing_had_it_read_again() -> None:
    issuer, wall_clock = Issuer(ONE), WallClock()
    authenticator = verifier(issuer, wall_clock)
    assert await _accepts(authenticator, wall_clock, "une")
    issuer.reponse = jwks(TWO)
    wall_clock.now += 599
    assert await _accepts(authenticator, wall_clock, "une")
    wall_clock.now += 2
    assert not await _accepts(authenticator, wall_clock, "une")


async def test_t03_a_failure_is_outlived_for_an_hour_then_closes_without_blaming_the_token() -> None:
    issuer, wall_clock = Issuer(ONE), WallClock()
    authenticator = verifier(issuer, wall_clock)
    assert await _accepts(authenticator, wall_clock, "une")
    issuer.reponse = OSError("injoignable")
    wall_clock.now += 3600
    assert await _accepts(authenticator, wall_clock, "une")
    wall_clock.now += 1
    with pytest.raises(KeysUnavailable, match="momentanément indisponible"):
        await authenticator.verify(_token(wall_clock, "une"))
    issuer.reponse = jwks(ONE)
    wall_clock.now += 60
    assert await _accepts(authenticator, wall_clock, "une")


async def test_t03_failing_at_startup_then_present() -> None:
    issuer, wall_clock = Issuer(ONE), WallClock()
    good, issuer.reponse = issuer.reponse, OSError("pas encore là")
    authenticator = verifier(issuer, wall_clock)
    for _ in range(3):
        with pytest.raises(KeysUnavailable):
            await authenticator.verify(_token(wall_clock, "une"))
    assert issuer.readings_journal == 1
    issuer.reponse = good
    wall_clock.now += 5
    assert await _accepts(authenticator, wall_clock, "une")


BAD: dict[str, bytes] = {
    "page HTML": b"<html>login</html>",
    "vide": b"",
    "nul": b"null",
    "liste": b"[]",
    "sans clé": b'{"keys": []}',
    "clés qui n'en sont pas": b'{"keys": [1, null, {}, {"kty": "RSA", "kid": "une"}]}',
    "clé secrète": b'{"keys": [{"kty": "oct", "kid": "une", "k": "c2VjcmV0"}]}',
    "courbe": jwks(CURVE),
    "clé trop courte": json.dumps({"keys": [SHORT]}).encode(),
    "clé de chiffrement": jwks(ONE, use="enc"),
    "autre algorithme": jwks(ONE, alg="RS512"),
    "kid deux fois": jwks(ONE, ONE),
    "trop long": jwks(ONE) + b" " * 65_536,
    "profond": b'{"keys": ' + b"[" * 60_000,
    "pas de l'UTF-8": b"\xff\xfe{",
}


@pytest.mark.parametrize("reponse", [pytest.param(content, id=name) for name, content in BAD.items()])
async def test_t03_a_bad_set_does_not_replace_the_good_one(reponse: bytes) -> None:
    issuer, wall_clock = Issuer(ONE), WallClock()
    authenticator = verifier(issuer, wall_clock)
    assert await _accepts(authenticator, wall_clock, "une")
    issuer.reponse = reponse
    wall_clock.now += 601
    assert await _accepts(authenticator, wall_clock, "une")
    assert issuer.readings_journal == 2


@pytest.mark.parametrize("reponse", [pytest.param(content, id=name) for name, content in BAD.items()])
async def test_t03_a_bad_set_at_startup_opens_nothing(reponse: bytes) -> None:
    issuer, wall_clock = Issuer(ONE), WallClock()
    issuer.reponse = reponse
    with pytest.raises(KeysUnavailable):
        await verifier(issuer, wall_clock).verify(_token(wall_clock, "une"))


async def test_only_the_good_keys_of_a_set_are_kept() -> None:
    published: list[dict[str, Any]] = [
        *json.loads(jwks(ONE, TWO, CURVE))["keys"],
        {"kty": "RSA", "kid": "sans n", "e": "AQAB"},
        {"kty": "RSA", "kid": 7, "n": "AQAB", "e": "AQAB"},
        {**TWO.as_dict(private=False), "kid": "deux"},
    ]
    assert list(read_jwks({"keys": published})) == ["une"]


async def test_a_caller_who_leaves_does_not_stop_the_reading() -> None:
    issuer, wall_clock = Issuer(ONE), WallClock()
    authenticator, following = verifier(issuer, wall_clock), asyncio.Event()
    read = issuer.read

    async def slow() -> Any:
        await following.wait()
        return await read()

    (source,) = authenticator.issuers
    assert isinstance(source, SignedTokens)
    source.keys._read = slow
    gone = asyncio.create_task(authenticator.verify(_token(wall_clock, "une")))
    rest = asyncio.create_task(_accepts(authenticator, wall_clock, "une"))
    await asyncio.sleep(0)
    gone.cancel()
    following.set()
    assert await rest
    assert issuer.readings_journal == 1


async def test_a_failure_tells_nothing_of_the_address(caplog: pytest.LogCaptureFixture) -> None:
    issuer, wall_clock = Issuer(ONE), WallClock()
    issuer.reponse = OSError("http://identite.invalid/jwks?cle=secret")
    with pytest.raises(KeysUnavailable):
        await verifier(issuer, wall_clock).verify(_token(wall_clock, "une"))
    assert "OSError" in caplog.text
    assert "identite.invalid" not in caplog.text


async def test_t03_a_token_already_verified_is_refused_as_soon_as_nothing_carries_it() -> None:
    """Its signature is verified once; its dates, its client and its key are looked at each time."""
    issuer, wall_clock = Issuer(ONE), WallClock()
    authenticator = verifier(issuer, wall_clock)
    clients = authenticator.clients
    assert isinstance(clients, set)
    token = _token(wall_clock, "une")
    for _ in range(2):
        await authenticator.verify(token)
    assert len(authenticator.verified) == 1
    clients.discard("ml")
    with pytest.raises(Unauthenticated):
        await authenticator.verify(token)
    clients.add("ml")
    with pytest.raises(Unauthenticated):
        await authenticator.verify(token[:-6] + "AAAAAA")
    wall_clock.now += 331
    with pytest.raises(Unauthenticated):
        await authenticator.verify(token)


async def test_t03_a_key_republished_under_the_same_name_is_verified_anew() -> None:
    issuer, wall_clock = Issuer(ONE), WallClock()
    authenticator = verifier(issuer, wall_clock)
    token = sign(claims(exp=int(wall_clock()) + 3600))
    await authenticator.verify(token)
    issuer.reponse = json.dumps({"keys": [{**TWO.as_dict(private=False), "kid": "une"}]}).encode()
    wall_clock.now += 601
    with pytest.raises(Unauthenticated):
        await authenticator.verify(token)


async def test_t02_the_kept_keys_of_an_issuer_are_not_another_ones(tmp_path: Path) -> None:
    """Be a sealed file put in the place of another, or the first issuer of gateway.toml replaced."""
    sealer, path = Sealer(bytes(32)), tmp_path / "jwks.scelle"
    JwksFile(path, sealer, "https://un.invalid").keep(5.0, b"keys of the one")
    assert JwksFile(path, sealer, "https://un.invalid").resume() == (5.0, b"keys of the one")
    assert JwksFile(path, sealer, "https://deux.invalid").resume() is None
    assert JwksFile(path, sealer).resume() is None


async def test_the_keys_that_an_earlier_release_kept_open(tmp_path: Path) -> None:
    JwksFile(tmp_path / "jwks.scelle", Sealer(bytes(32))).keep(5.0, b"keys")
    assert JwksFile(tmp_path / "jwks.scelle", Sealer(bytes(32)), "https://un.invalid").resume() == (5.0, b"keys")
