"""An issuer of real tokens for the tests: its keys, its key set, its clock. Signs whatever it is told, wrong things too."""

import base64
import hashlib
import hmac
import json
from collections.abc import Mapping
from typing import Any

from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.hashes import SHA256
from joserfc.jwk import ECKey, OKPKey, RSAKey

from gateway.auth.authentication.authenticator import TokenVerifier
from gateway.auth.authentication.jwks import BYTES_MAX, KeySet, SignedTokens
from gateway.issuer_settings import IssuerSettings
from gateway.sources.http.decode import InvalidDocument, decode_json

ISSUER = "https://identite.invalid"
AUDIENCE = "passerelle"
DEPARTURE = 1_764_000_000  # seconds since the epoch
ONE, TWO = (RSAKey.generate_key(2048, {"kid": kid}, private=True) for kid in ("une", "deux"))
CURVE = ECKey.generate_key("P-256", {"kid": "courbe"}, private=True)
EDWARDS = OKPKey.generate_key("Ed25519", {"kid": "edwards"}, private=True)
SHORT = {"kty": "RSA", "kid": "une", "e": "AQAB", "n": str(ONE.as_dict(private=False)["n"])[:171]}  # 1024 bits


class WallClock:
    """Seconds that pass when told to."""

    def __init__(self) -> None:
        self.now = float(DEPARTURE)

    def __call__(self) -> float:
        return self.now


class Issuer:
    """What the key set address answers, and how many times it was asked."""

    def __init__(self, *keys: RSAKey | ECKey | OKPKey) -> None:
        self.reponse: bytes | Exception = jwks(*keys)
        self.readings_journal = 0

    def publish(self, *keys: Mapping[str, Any]) -> None:
        self.reponse = json.dumps({"keys": keys}).encode()

    async def read(self) -> Any:
        """The document of the answer, bounded and read as the transport does."""
        self.readings_journal += 1
        if isinstance(self.reponse, Exception):
            raise self.reponse
        if len(self.reponse) > BYTES_MAX:
            raise InvalidDocument("trop long")
        return decode_json(self.reponse)


def jwks(*keys: RSAKey | ECKey | OKPKey, **additions: str) -> bytes:
    """A published key set; `additions` are members added to each key."""
    return json.dumps({"keys": [{**key.as_dict(private=False), **additions} for key in keys]}).encode()


def verifier(emetteur: Issuer, wall_clock: WallClock, **settings: Any) -> TokenVerifier:
    """A verifier of that issuer, for the clients `ml` and `cfa`; `settings` are further keys of its table."""
    chosen = IssuerSettings.model_validate({"emetteur": ISSUER, "audience": AUDIENCE, **settings})
    keys = KeySet(emetteur.read, wall_clock, algorithms=chosen.algorithmes)
    return TokenVerifier([SignedTokens(chosen, keys)], {"ml", "cfa"}, wall_clock)


def claims(**others: Any) -> dict[str, Any]:
    """Good claims, but for those given; None leaves one out."""
    good = {
        "iss": ISSUER,
        "aud": AUDIENCE,
        "sub": "ml",
        "client_id": "ml",
        "jti": "a1b2",
        "iat": DEPARTURE,
        "exp": DEPARTURE + 300,
    }
    return {name: value for name, value in {**good, **others}.items() if value is not None}


def header(**others: Any) -> dict[str, Any]:
    """A good header, but for what is given; None leaves a member out."""
    return {n: v for n, v in {"alg": "RS256", "typ": "at+jwt", "kid": "une", **others}.items() if v is not None}


def sign(body: dict[str, Any] | str, head: dict[str, Any] | str | None = None, key: RSAKey = ONE) -> str:
    """A bearer token signed RS256 whatever its header says; texts are taken as they are."""
    message = f"{_b64(_json(header() if head is None else head))}.{_b64(_json(body))}"
    private = key.private_key
    assert isinstance(private, RSAPrivateKey)
    return f"Bearer {message}.{_b64(private.sign(message.encode(), PKCS1v15(), SHA256()))}"


def signer_hs256(body: dict[str, Any], secret: bytes) -> str:
    """The classic confusion: an HMAC whose key is the public key."""
    message = f"{_b64(_json(header(alg='HS256')))}.{_b64(_json(body))}"
    return f"Bearer {message}.{_b64(hmac.new(secret, message.encode(), hashlib.sha256).digest())}"


def without_signature(body: dict[str, Any], alg: str) -> str:
    """A token that claims to need no signature."""
    return f"Bearer {_b64(_json(header(alg=alg)))}.{_b64(_json(body))}."


def _json(valeur: dict[str, Any] | str) -> bytes:
    return (valeur if isinstance(valeur, str) else json.dumps(valeur)).encode()


def _b64(bytes_: bytes) -> str:
    return base64.urlsafe_b64encode(bytes_).rstrip(b"=").decode()
