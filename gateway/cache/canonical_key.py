"""Keys of the cache: canonical, of one size, telling nothing. Two different lists of parts never give the same key."""

import hashlib


def canonical_key(*parties: str) -> str:
    """SHA-256, in hexadecimal, of the parts, each preceded by its length in bytes (docs/security.md F6, C02)."""
    digest = hashlib.sha256()
    for part in parties:
        bytes_ = part.encode()
        digest.update(len(bytes_).to_bytes(8, "big") + bytes_)
    return digest.hexdigest()
