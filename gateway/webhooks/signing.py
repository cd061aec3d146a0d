"""Signs a webhook as Standard Webhooks 1.0.0 says: HMAC-SHA256 of `<id>.<seconds>.<body>`, a signature for each secret.

While a secret is replaced by another both sign, and a receiver that knows one of them accepts. Knows no event and no HTTP.
"""

import base64
import hashlib
import hmac
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

PREFIX = "whsec_"
SHORTEST, LONGEST = 24, 64  # bytes of a secret, by the specification
SECRETS_MAX = 2


@dataclass(frozen=True, slots=True)
class WebhookMessage:
    """What is sent: `identifier` is the same at each try, and tells a receiver what it has already had."""

    identifier: str
    body: bytes

    def headers(self, secrets: Sequence[bytes], seconds: float) -> Mapping[str, str]:
        """The three that the specification asks for, signed now."""
        instant = str(int(seconds))
        signed = f"{self.identifier}.{instant}.".encode() + self.body
        signatures = [f"v1,{_signature(secret, signed)}" for secret in secrets]
        return {
            "webhook-id": self.identifier,
            "webhook-timestamp": instant,
            "webhook-signature": " ".join(signatures),
        }


def read_secrets(text: str) -> tuple[bytes, ...]:
    """The secrets of a variable, the new one first. Raises ValueError, whose message holds nothing of the text."""
    secrets = tuple(_secret(part.strip()) for part in text.split(","))
    if len(secrets) > SECRETS_MAX:
        raise ValueError(f"{SECRETS_MAX} secrets au plus, séparés par une virgule")
    return secrets


def _secret(text: str) -> bytes:
    encoded = text.removeprefix(PREFIX)
    try:
        secret = base64.b64decode(encoded, validate=True)
    except ValueError:
        secret = b""
    if encoded == text or not SHORTEST <= len(secret) <= LONGEST:
        raise ValueError(f"« {PREFIX} » suivi de {SHORTEST} à {LONGEST} octets en base64 attendu")
    return secret


def _signature(secret: bytes, signed: bytes) -> str:
    return base64.b64encode(hmac.digest(secret, signed, hashlib.sha256)).decode()
