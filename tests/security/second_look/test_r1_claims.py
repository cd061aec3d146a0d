"""R1, at the door: a claim that could not be written is no claim, whichever it is; never an error of ours."""

import pytest

from gateway.auth.authentication.authenticator import TokenVerifier
from gateway.auth.authentication.clients import Principal
from gateway.errors import Unauthenticated
from tests.support.security.issuer import ONE, Issuer, WallClock, claims, sign
from tests.support.security.issuer import verifier as verifier_of

pytestmark = pytest.mark.anyio

UNWRITABLE = {
    "nul": "a\0b",
    "half a character": "\ud800",
    "the other half": "a\udfff",
    "too long": "a" * 257,
    "blank": " ",
    "blanks around": " a ",
    "line": "a\nb",
    "tab": "a\tb",
    "escape": "\x1b[2J",
    "deleted": "\x7f",
    "right to left": "\u202ea",
    "zero width": "a\u200bb",
    "line separator": "a\u2028b",
    "no break": "\u00a0",
    "private": "\ue000",
    "nothing": "",
}
OTHER_TYPES: tuple[object, ...] = (None, 7, 1.5, True, ["a"], {"a": "b"}, [])


def verifier(account_claim: str = "agent") -> TokenVerifier:
    return verifier_of(Issuer(ONE), WallClock(), compte=account_claim)


@pytest.mark.parametrize("claim", ["agent", "sub", "jti", "client_id", "iss", "aud"])
@pytest.mark.parametrize("text", UNWRITABLE.values(), ids=UNWRITABLE)
async def test_r1_no_claim_holds_what_cannot_be_written(claim: str, text: str) -> None:
    with pytest.raises(Unauthenticated):
        await verifier().verify(sign({**claims(), claim: text}))


@pytest.mark.parametrize("claim", ["agent", "sub", "jti", "client_id", "iss", "aud", "iat", "exp", "nbf"])
@pytest.mark.parametrize("value", OTHER_TYPES, ids=repr)
async def test_r1_no_claim_is_of_another_type(claim: str, value: object) -> None:
    if claim in ("iat", "exp", "nbf") and value == 7:
        value = -7
    with pytest.raises(Unauthenticated):
        await verifier().verify(sign({**claims(), claim: value}))


@pytest.mark.parametrize(
    "value", ["\ud800", "\0", 7, None, {"a": ["\ud800"]}, ["\ud800", "mfa\0", 7, [], {}]], ids=repr
)
@pytest.mark.parametrize("claim", ["amr", "org", "scope", "name", "\ud800", "\0", "__class__"], ids=repr)
async def test_r1_what_is_not_read_changes_nothing(claim: str, value: object) -> None:
    assert await verifier().verify(sign({**claims(agent="a"), claim: value})) == Principal("ml", "a")


async def test_s7_the_account_is_the_claim_of_the_configuration_else_who_is_told_else_the_client() -> None:
    told = claims(agent="a" * 64, sub="u-1", courriel="x@exemple.fr")
    assert await verifier().verify(sign(told)) == Principal("ml", "a" * 64)
    assert await verifier("courriel").verify(sign(told)) == Principal("ml", "x@exemple.fr")
    assert await verifier("absent").verify(sign(told)) == Principal("ml", "u-1")
    assert await verifier().verify(sign(claims(sub="conseillère 12"))) == Principal("ml", "conseillère 12")
    assert await verifier().verify(sign(claims(sub="ml"))) == Principal("ml")
    with pytest.raises(Unauthenticated):
        await verifier().verify(sign(claims(agent="a" * 65)))
