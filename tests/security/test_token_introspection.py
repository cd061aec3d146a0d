"""Tokens that their issuer is asked about (RFC 7662, RFC 9701): once a minute, for us, by an answer that cannot be another's."""

import asyncio
import base64
import json
from collections.abc import Sequence
from typing import Any

import pytest
from joserfc import jwe, jwt
from joserfc.jwk import ECKey

from gateway.auth.authentication.authenticator import TokenVerifier
from gateway.auth.authentication.clients import Principal
from gateway.auth.authentication.jwks import KeySet
from gateway.auth.authentication.token_introspection import UNDER_WAY_MAX, IntrospectedTokens, encryption_key
from gateway.domain.seal import Sealer
from gateway.errors import KeysUnavailable, SourceDenied, SourceUnavailable, TokenFault, Unauthenticated
from gateway.issuer_settings import IssuerSettings
from tests.support.security.issuer import CURVE, DEPARTURE, ISSUER, Issuer, WallClock, claims, sign

pytestmark = pytest.mark.anyio

OWN = encryption_key(Sealer(b"\x07" * 32))
OTHER = encryption_key(Sealer(b"\x08" * 32))
US = "passerelle-sr"
LEAST = {"active": True, "client_id": "ml", "token_type": "Bearer"}
ACTIVE = {**LEAST, "sub": "agent-1", "exp": DEPARTURE + 300, "iat": DEPARTURE}


class Server:
    """What the introspection address answers, and what it was asked."""

    def __init__(
        self, answer: Any = ACTIVE, reponse: str = "json", audience: str = "", own: Sequence[ECKey] = (OWN,)
    ) -> None:
        self.answer, self.asked, self.clock = answer, [], WallClock()  # type: tuple[Any, list[str], WallClock]
        self.hold = asyncio.Event()
        self.hold.set()
        asked = {"client": US, "secret": "SECRET", "reponse": reponse}
        settings = IssuerSettings.model_validate(
            {"emetteur": ISSUER, "audience": audience, "algorithmes": ["ES256"], "introspection": asked}
        )
        assert settings.introspection
        keys = KeySet(Issuer(CURVE).read, self.clock, algorithms=["ES256"])
        issuer = IntrospectedTokens(settings, settings.introspection, self.ask, keys, own, self.clock)
        self.verifier = TokenVerifier([issuer], {"ml", "cfa"}, self.clock)

    async def ask(self, token: str) -> bytes | None:
        self.asked.append(token)
        await self.hold.wait()
        if isinstance(self.answer, Exception):
            raise self.answer
        if isinstance(self.answer, dict):
            return json.dumps(self.answer).encode()
        return self.answer.encode() if isinstance(self.answer, str) else None

    async def verify(self, shown: str = "opaque") -> Principal:
        return await self.verifier.verify(f"Bearer {shown}")

    async def refuses(self, fault: TokenFault, shown: str = "opaque") -> None:
        with pytest.raises(Unauthenticated) as raised:
            await self.verify(shown)
        assert raised.value.fault is fault

    async def is_unavailable(self, shown: str = "opaque") -> None:
        with pytest.raises(KeysUnavailable, match=r"^La vérification des jetons est momentanément indisponible\.$"):
            await self.verify(shown)


def signed(answer: Any = ACTIVE, typ: str = "token-introspection+jwt", key: ECKey = CURVE, **others: Any) -> str:
    """An answer as RFC 9701 has it, but for what is given."""
    body = {"iss": ISSUER, "aud": US, "iat": DEPARTURE, "token_introspection": answer, **others}
    return jwt.encode({"alg": "ES256", "typ": typ, "kid": "courbe"}, body, key, algorithms=["ES256"])


def unsigned() -> str:
    """An answer that claims to need no signature."""
    head, body, _ = signed().split(".")
    header = {**json.loads(base64.urlsafe_b64decode(head + "==")), "alg": "none"}
    return f"{base64.urlsafe_b64encode(json.dumps(header).encode()).rstrip(b'=').decode()}.{body}."


def encrypted(text: str, key: ECKey = OWN, enc: str = "A256GCM", **others: str) -> str:
    """That text for a key; the header repeats who wrote it and for whom, as issuers do (RFC 7519 §5.3)."""
    public = ECKey.import_key(key.as_dict(private=False))
    header = {"alg": "ECDH-ES", "enc": enc, "cty": "JWT", "iss": ISSUER, "aud": US, **others}
    lax = jwe.JWERegistry(algorithms=["ECDH-ES", enc, "DEF"], strict_check_header=False)
    return jwe.encrypt_compact(header, text, public, registry=lax)


async def test_a_token_is_asked_about_once_a_minute() -> None:
    server = Server()
    for second in range(0, 180, 20):
        server.clock.now = DEPARTURE + second
        assert await server.verify() == Principal("ml", "agent-1")
    assert server.asked == ["opaque"] * 3


async def test_t08_a_revoked_token_is_refused_within_the_minute() -> None:
    server = Server()
    await server.verify()
    server.answer = {"active": False}
    server.clock.now += 59
    await server.verify()
    server.clock.now += 1
    await server.refuses(TokenFault.INACTIVE)


async def test_an_answer_is_not_kept_beyond_the_life_of_the_token() -> None:
    server = Server({**ACTIVE, "exp": DEPARTURE + 10})
    await server.verify()
    server.clock.now += 10
    server.answer = {"active": False}
    await server.refuses(TokenFault.INACTIVE)


async def test_a_refused_token_is_asked_about_once_a_minute_too() -> None:
    server = Server({"active": False})
    for _ in range(5):
        await server.refuses(TokenFault.INACTIVE)
    assert len(server.asked) == 1
    server.clock.now += 60
    await server.refuses(TokenFault.INACTIVE)
    assert len(server.asked) == 2


async def test_many_who_show_one_token_cost_one_call() -> None:
    server = Server()
    assert await asyncio.gather(*(server.verify() for _ in range(50))) == [Principal("ml", "agent-1")] * 50
    assert len(server.asked) == 1


async def test_tokens_at_random_are_not_all_sent_on() -> None:
    server = Server({"active": False})
    server.hold.clear()
    first = [asyncio.create_task(server.refuses(TokenFault.INACTIVE, f"t{n}")) for n in range(UNDER_WAY_MAX)]
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    await server.is_unavailable("one-more")
    server.hold.set()
    await asyncio.gather(*first)
    assert len(server.asked) == UNDER_WAY_MAX
    await server.refuses(TokenFault.INACTIVE, "one-more")


async def test_an_issuer_away_is_503_and_left_alone_for_a_while() -> None:
    server = Server(SourceUnavailable("identite", "partenaire injoignable"))
    for _ in range(3):
        await server.is_unavailable()
    assert len(server.asked) == 1
    server.answer = ACTIVE
    server.clock.now += 5
    assert await server.verify() == Principal("ml", "agent-1")


async def test_what_the_issuer_takes_for_no_token_is_refused() -> None:
    await Server(None).refuses(TokenFault.INACTIVE)


async def test_an_issuer_that_refuses_one_request_is_asked_about_the_next_token() -> None:
    """A token chosen to be refused on its way must not close the door to others."""
    server = Server(SourceDenied("identite", "accès refusé par le partenaire"))
    await server.is_unavailable("odd")
    server.answer = ACTIVE
    assert await server.verify() == Principal("ml", "agent-1")


@pytest.mark.parametrize("shown", ["a'OR'1", "<script>", "a b", "=", "%00", "a=b"])
async def test_what_is_no_token_is_sent_to_nobody(shown: str) -> None:
    server = Server()
    await server.refuses(TokenFault.UNREADABLE, shown)
    assert server.asked == []


@pytest.mark.parametrize(
    ("answer", "principal"),
    [
        (LEAST, Principal("ml")),  # RFC 7662 §2.2: the rest is optional
        ({**LEAST, "sub": "ml"}, Principal("ml")),
        ({"active": True, "client_id": "ml", "typ": "Bearer"}, Principal("ml")),  # as Keycloak says it
        ({**ACTIVE, "iss": ISSUER, "aud": "passerelle"}, Principal("ml", "agent-1")),
        ({**ACTIVE, "amr": ["pwd", "mfa"]}, Principal("ml", "agent-1", mfa=True)),
        ({**ACTIVE, "agent": "a7"}, Principal("ml", "a7")),
    ],
)
async def test_an_active_token_tells_its_client_and_who_acts(answer: dict[str, Any], principal: Principal) -> None:
    assert await Server(answer).verify() == principal


@pytest.mark.parametrize(
    ("answer", "fault"),
    [
        ({}, TokenFault.INACTIVE),
        ({**ACTIVE, "active": "true"}, TokenFault.INACTIVE),
        ({**ACTIVE, "active": 1}, TokenFault.INACTIVE),
        ({**ACTIVE, "iss": "https://ailleurs.invalid"}, TokenFault.ISSUER),
        ({**ACTIVE, "client_id": "prefet"}, TokenFault.CLIENT),
        ({"active": True, "sub": "agent-1", "token_type": "bearer"}, TokenFault.CLAIM),
        ({"active": True, "client_id": "ml"}, TokenFault.TYPE),  # a refresh token, for all that is said
        ({**ACTIVE, "token_type": "DPoP"}, TokenFault.TYPE),
        ({"active": True, "client_id": "ml", "typ": "Refresh"}, TokenFault.TYPE),
        ({**ACTIVE, "sub": ""}, TokenFault.CLAIM),
        ({**ACTIVE, "exp": "demain"}, TokenFault.CLAIM),
        ({**ACTIVE, "exp": DEPARTURE - 60}, TokenFault.EXPIRED),
        ({**ACTIVE, "cnf": {"jkt": "x"}}, TokenFault.BOUND),
    ],
)
async def test_a_token_that_is_not_for_use_is_refused(answer: dict[str, Any], fault: TokenFault) -> None:
    await Server(answer).refuses(fault)


async def test_an_audience_that_is_configured_is_required() -> None:
    await Server({**ACTIVE, "aud": ["autre", "passerelle"]}, audience="passerelle").verify()
    await Server({**ACTIVE, "aud": "autre"}, audience="passerelle").refuses(TokenFault.AUDIENCE)
    await Server(ACTIVE, audience="passerelle").refuses(TokenFault.AUDIENCE)


async def test_the_token_of_another_issuer_is_shown_to_nobody() -> None:
    server = Server()
    await server.refuses(TokenFault.ISSUER, sign(claims(iss="https://ailleurs.invalid")).removeprefix("Bearer "))
    assert server.asked == []
    await server.verify(sign(claims()).removeprefix("Bearer "))
    assert len(server.asked) == 1


async def test_a_signed_answer_is_believed() -> None:
    assert await Server(signed(), "signee").verify() == Principal("ml", "agent-1")
    await Server(signed({"active": False}), "signee").refuses(TokenFault.INACTIVE)


async def test_a_signed_and_encrypted_answer_is_believed() -> None:
    assert await Server(encrypted(signed()), "chiffree").verify() == Principal("ml", "agent-1")
    await Server(encrypted(signed({"active": False})), "chiffree").refuses(TokenFault.INACTIVE)


async def test_an_answer_for_the_former_key_is_believed_while_the_ring_has_it() -> None:
    """The issuer encrypts for the key that it read last: ours turns before it reads again."""
    former, now = (encrypted(signed(), key) for key in (OWN, OTHER))
    for answer in (former, now):
        turned = Server(answer, "chiffree", own=(OTHER, OWN))
        assert await turned.verify() == Principal("ml", "agent-1")
    await Server(former, "chiffree", own=(OTHER,)).is_unavailable()


NOT_BELIEVED = {
    "plain, where it must be signed": (ACTIVE, "signee"),
    "signed, where it must be plain": (signed(), "json"),
    "signed, where it must be encrypted": (signed(), "chiffree"),
    "encrypted, where it must be signed": (encrypted(signed()), "signee"),
    "plain in an envelope": (encrypted(json.dumps(ACTIVE)), "chiffree"),
    "for another's key": (encrypted(signed(), OTHER), "chiffree"),
    "compressed": (encrypted(signed(), zip="DEF"), "chiffree"),
    "weaker encryption": (encrypted(signed(), enc="A128GCM"), "chiffree"),
    "unsigned": (unsigned(), "signee"),
    "of another type": (signed(typ="JWT"), "signee"),
    "an access token": (signed(typ="at+jwt"), "signee"),
    "signed by another": (signed(key=ECKey.generate_key("P-256", {"kid": "courbe"})), "signee"),
    "of another issuer": (signed(iss="https://ailleurs.invalid"), "signee"),
    "for another server": (signed(aud="autre"), "signee"),
    "for nobody": (signed(aud=None), "signee"),
    "of an hour ago": (signed(iat=DEPARTURE - 3_600), "signee"),
    "of a time to come": (signed(iat=DEPARTURE + 3_600), "signee"),
    "without an instant": (signed(iat=None), "signee"),
    "without an answer": (signed(None), "signee"),
    "a list": (signed([ACTIVE]), "signee"),
    "HTML": ("<html>login</html>", "json"),
    "empty": ("", "json"),
    "twice active": ('{"active": false, "active": true, "client_id": "ml"}', "json"),
    "bottomless": ("[" * 60_000, "json"),
}


@pytest.mark.parametrize("row", NOT_BELIEVED)
async def test_an_answer_that_cannot_be_believed_blames_no_token(row: str, caplog: pytest.LogCaptureFixture) -> None:
    answer, reponse = NOT_BELIEVED[row]
    await Server(answer, reponse).is_unavailable()
    (line,) = [record.getMessage() for record in caplog.records if record.name == "gateway.auth.introspection"]
    assert line.startswith("émetteur interrogé en vain : réponse ")
    assert "opaque" not in line
    assert "agent-1" not in line


def test_the_key_pair_is_the_same_wherever_the_gateways_key_is() -> None:
    again = encryption_key(Sealer(b"\x07" * 32))
    assert again.as_dict(private=True) == OWN.as_dict(private=True) != OTHER.as_dict(private=True)
    public = OWN.as_dict(private=False)
    assert (public["kty"], public["crv"], public["use"], public["alg"]) == ("EC", "P-256", "enc", "ECDH-ES")
    assert "d" not in public
    assert public["kid"]
