"""Keys of the cache: canonical, of one size, telling nothing. Two different lists of parts never give the same key."""

import hashlib


def cle_canonique(*parties: str) -> str:
    """SHA-256, in hexadecimal, of the parts, each preceded by its length in bytes (SECURITY F6, C02)."""
    condense = hashlib.sha256()
    for partie in parties:
        octets = partie.encode()
        condense.update(len(octets).to_bytes(8, "big") + octets)
    return condense.hexdigest()
