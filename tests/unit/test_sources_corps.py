"""Bodies read within a bound on their decoded size (SECURITY U03, U04)."""

import gzip
import tracemalloc
import zlib
from collections.abc import AsyncIterator, Iterable

import pytest

from gateway.sources.corps import CorpsInvalide, lire_corps

pytestmark = pytest.mark.anyio
TEXTE = b"des lettres " * 5000


async def flux(blocs: Iterable[bytes]) -> AsyncIterator[bytes]:
    for bloc in blocs:
        yield bloc


def hache(octets: bytes, pas: int = 100) -> list[bytes]:
    return [octets[i : i + pas] for i in range(0, len(octets), pas)]


@pytest.mark.parametrize(
    ("encodage", "corps"),
    [
        ("", TEXTE),
        ("identity", TEXTE),
        ("gzip", gzip.compress(TEXTE)),
        (" GZIP ", gzip.compress(TEXTE[:1000]) + gzip.compress(TEXTE[1000:])),
        ("deflate", zlib.compress(TEXTE)),
    ],
)
async def test_un_corps_est_decode_en_morceaux(encodage: str, corps: bytes) -> None:
    assert await lire_corps(flux(hache(corps)), encodage, len(TEXTE)) == TEXTE


@pytest.mark.parametrize(
    ("encodage", "corps"),
    [("", TEXTE), ("gzip", gzip.compress(TEXTE)), ("deflate", zlib.compress(TEXTE))],
)
async def test_u03_un_octet_de_trop_est_refuse(encodage: str, corps: bytes) -> None:
    with pytest.raises(CorpsInvalide, match="trop volumineuse"):
        await lire_corps(flux(hache(corps)), encodage, len(TEXTE) - 1)


async def test_u03_une_bombe_ne_gonfle_pas() -> None:
    """64 MiB of zeros in 64 KiB: the memory spent stays near the bound."""
    bombe = gzip.compress(bytes(64 * 1024 * 1024), 9)
    tracemalloc.start()
    with pytest.raises(CorpsInvalide):
        await lire_corps(flux([bombe]), "gzip", 1_000_000)
    pointe = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert pointe < 8_000_000


@pytest.mark.parametrize("encodage", ["br", "zstd", "gzip, gzip", "n'importe"])
async def test_un_autre_encodage_est_refuse(encodage: str) -> None:
    with pytest.raises(CorpsInvalide, match="non prise en charge"):
        await lire_corps(flux([TEXTE]), encodage, 1_000_000)


@pytest.mark.parametrize("corps", [b"pas du gzip", gzip.compress(TEXTE)[:-20], gzip.compress(TEXTE)[:-4] + b"abcd"])
async def test_u04_un_gzip_abime_est_refuse(corps: bytes) -> None:
    with pytest.raises(CorpsInvalide):
        await lire_corps(flux([corps]), "gzip", 1_000_000)


async def test_un_corps_vide_reste_vide() -> None:
    assert await lire_corps(flux([]), "gzip", 10) == b""
