"""Bodies read within a bound on their decoded size (docs/security.md U03, U04)."""

import gzip
import tracemalloc
import zlib
from collections.abc import AsyncIterator, Iterable

import pytest

from gateway.sources.http.decode import InvalidDocument, read_body

pytestmark = pytest.mark.anyio
TEXT = b"des lettres " * 5000


async def flux(blocks: Iterable[bytes]) -> AsyncIterator[bytes]:
    for block in blocks:
        yield block


def hashed(bytes_: bytes, step: int = 100) -> list[bytes]:
    return [bytes_[i : i + step] for i in range(0, len(bytes_), step)]


@pytest.mark.parametrize(
    ("encoding", "body"),
    [
        ("", TEXT),
        ("identity", TEXT),
        ("gzip", gzip.compress(TEXT)),
        (" GZIP ", gzip.compress(TEXT[:1000]) + gzip.compress(TEXT[1000:])),
        ("deflate", zlib.compress(TEXT)),
    ],
)
async def test_a_body_is_decoded_in_chunks(encoding: str, body: bytes) -> None:
    assert await read_body(flux(hashed(body)), encoding, len(TEXT)) == TEXT


@pytest.mark.parametrize(
    ("encoding", "body"),
    [("", TEXT), ("gzip", gzip.compress(TEXT)), ("deflate", zlib.compress(TEXT))],
)
async def test_u03_one_byte_too_many_is_refused(encoding: str, body: bytes) -> None:
    with pytest.raises(InvalidDocument, match="trop volumineuse"):
        await read_body(flux(hashed(body)), encoding, len(TEXT) - 1)


async def test_u03_a_bomb_does_not_inflate() -> None:
    """64 MiB of zeros in 64 KiB: the memory spent stays near the bound."""
    bomb = gzip.compress(bytes(64 * 1024 * 1024), 9)
    tracemalloc.start()
    with pytest.raises(InvalidDocument):
        await read_body(flux([bomb]), "gzip", 1_000_000)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 8_000_000


@pytest.mark.parametrize("encoding", ["br", "zstd", "gzip, gzip", "n'importe"])
async def test_another_encoding_is_refused(encoding: str) -> None:
    with pytest.raises(InvalidDocument, match="non prise en charge"):
        await read_body(flux([TEXT]), encoding, 1_000_000)


@pytest.mark.parametrize("body", [b"pas du gzip", gzip.compress(TEXT)[:-20], gzip.compress(TEXT)[:-4] + b"abcd"])
async def test_u04_a_damaged_gzip_is_refused(body: bytes) -> None:
    with pytest.raises(InvalidDocument):
        await read_body(flux([body]), "gzip", 1_000_000)


async def test_an_empty_body_stays_empty() -> None:
    assert await read_body(flux([]), "gzip", 10) == b""
