"""An issuer of real tokens for the tests: its keys, its key set, its clock. Signs whatever it is told, wrong things too."""

import base64
import hashlib
import hmac
import json
from typing import Any

from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.hashes import SHA256
from joserfc.jwk import ECKey, RSAKey

from gateway.auth.cles import JeuDeCles
from gateway.auth.jetons import Verificateur

EMETTEUR = "https://identite.invalid"
AUDIENCE = "passerelle"
DEPART = 1_764_000_000  # seconds since the epoch
UNE, DEUX = (RSAKey.generate_key(2048, {"kid": kid}, private=True) for kid in ("une", "deux"))
COURBE = ECKey.generate_key("P-256", {"kid": "courbe"}, private=True)
COURTE = {"kty": "RSA", "kid": "une", "e": "AQAB", "n": str(UNE.as_dict(private=False)["n"])[:171]}  # 1024 bits


class Horloge:
    """Seconds that pass when told to."""

    def __init__(self) -> None:
        self.maintenant = float(DEPART)

    def __call__(self) -> float:
        return self.maintenant


class Emetteur:
    """What the key set address answers, and how many times it was asked."""

    def __init__(self, *cles: RSAKey | ECKey) -> None:
        self.reponse: bytes | Exception = jwks(*cles)
        self.lectures = 0

    async def lire(self) -> bytes:
        self.lectures += 1
        if isinstance(self.reponse, Exception):
            raise self.reponse
        return self.reponse


def jwks(*cles: RSAKey | ECKey, **ajouts: str) -> bytes:
    """A published key set; `ajouts` are members added to each key."""
    return json.dumps({"keys": [{**cle.as_dict(private=False), **ajouts} for cle in cles]}).encode()


def verificateur(emetteur: Emetteur, horloge: Horloge) -> Verificateur:
    """A verifier of that issuer, for the clients `ml` and `cfa`."""
    return Verificateur(EMETTEUR, AUDIENCE, JeuDeCles(emetteur.lire, horloge), {"ml", "cfa"}, horloge)


def revendications(**autres: Any) -> dict[str, Any]:
    """Good claims, but for those given; None leaves one out."""
    bonnes = {
        "iss": EMETTEUR,
        "aud": AUDIENCE,
        "sub": "ml",
        "client_id": "ml",
        "jti": "a1b2",
        "iat": DEPART,
        "exp": DEPART + 300,
    }
    return {nom: valeur for nom, valeur in {**bonnes, **autres}.items() if valeur is not None}


def entete(**autres: Any) -> dict[str, Any]:
    """A good header, but for what is given; None leaves a member out."""
    return {n: v for n, v in {"alg": "RS256", "typ": "at+jwt", "kid": "une", **autres}.items() if v is not None}


def signer(corps: dict[str, Any] | str, tete: dict[str, Any] | str | None = None, cle: RSAKey = UNE) -> str:
    """A bearer token signed RS256 whatever its header says; texts are taken as they are."""
    message = f"{_b64(_json(entete() if tete is None else tete))}.{_b64(_json(corps))}"
    privee = cle.private_key
    assert isinstance(privee, RSAPrivateKey)
    return f"Bearer {message}.{_b64(privee.sign(message.encode(), PKCS1v15(), SHA256()))}"


def signer_hs256(corps: dict[str, Any], secret: bytes) -> str:
    """The classic confusion: an HMAC whose key is the public key."""
    message = f"{_b64(_json(entete(alg='HS256')))}.{_b64(_json(corps))}"
    return f"Bearer {message}.{_b64(hmac.new(secret, message.encode(), hashlib.sha256).digest())}"


def sans_signature(corps: dict[str, Any], alg: str) -> str:
    """A token that claims to need no signature."""
    return f"Bearer {_b64(_json(entete(alg=alg)))}.{_b64(_json(corps))}."


def _json(valeur: dict[str, Any] | str) -> bytes:
    return (valeur if isinstance(valeur, str) else json.dumps(valeur)).encode()


def _b64(octets: bytes) -> str:
    return base64.urlsafe_b64encode(octets).rstrip(b"=").decode()
