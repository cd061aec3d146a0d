"""Keys of the cache: canonical, of one size, telling nothing. Two different lists of parts never give the same key."""

import hashlib


def canonical_key(*parts: str) -> str:
    """SHA-256, in hexadecimal, of the parts, each preceded by its length in bytes (docs/security.md F6, C02)."""
    digest = hashlib.sha256()
    for part in parts:
        encoded = part.encode()
        digest.update(len(encoded).to_bytes(8, "big") + encoded)
    return digest.hexdigest()
