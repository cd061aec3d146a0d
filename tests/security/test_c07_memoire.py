"""A million distinct keys leave a bounded memory and no timer (SECURITY C07). Minutes: run by `make chaos`."""

import asyncio
import gc
from pathlib import Path

import pytest

from gateway.cache.cles import cle_canonique
from gateway.cache.memoire import CacheMemoire
from gateway.cache.seam import ENTREES_MAX, CacheLocal, Cle, Garde
from tests.chiffres import noter

pytestmark = [pytest.mark.anyio, pytest.mark.chaos]
CLES, OCTETS = 1_000_000, 64 * 1024 * 1024
VALEUR = 4_096


def mo_residents() -> float:
    ligne = next(x for x in Path("/proc/self/status").read_text(encoding="ascii").splitlines() if x.startswith("VmRSS"))
    return int(ligne.split()[1]) / 1024


async def test_c07_un_million_de_cles_restent_bornees() -> None:
    """Values of four kilobytes: four gigabytes in all, of which sixty-four megabytes may stay."""
    seconde = [0.0]
    memoire = CacheMemoire(ENTREES_MAX, OCTETS, lambda: seconde[0])
    cache = CacheLocal(memoire, lambda: seconde[0])
    gc.collect()
    avant, sommet = mo_residents(), 0.0
    for rang in range(CLES):
        cle = Cle(cle_canonique("erp", str(rang)), "erp")
        await cache.garder(cle, Garde(bytes(VALEUR), str(rang), seconde[0], seconde[0] + 3600, "g", VALEUR))
        await cache.invalider(cle)
        if rang % 50_000 == 0:
            seconde[0] += 1.0
            sommet = max(sommet, mo_residents())
    boucle = asyncio.get_running_loop()
    retenues, taches = len(memoire._entrees), len(asyncio.all_tasks())
    noter(f"C07 : {CLES} clés, {retenues} gardées (≤ {ENTREES_MAX}), +{sommet - avant:.0f} Mo au sommet")
    assert retenues <= ENTREES_MAX
    assert memoire._entrees.currsize <= OCTETS + ENTREES_MAX  # an entry weighs a whole number of bytes at least
    assert len(cache._marques) <= ENTREES_MAX
    assert taches <= 2
    assert len(getattr(boucle, "_scheduled", ())) <= 1
    assert sommet - avant <= 2 * OCTETS / 1024 / 1024
