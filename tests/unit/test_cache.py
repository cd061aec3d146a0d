"""The cache: bounds, lifetimes, keys, and that its failures are misses (SECURITY F5-F7, C02, C07)."""

import logging
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.cache.cles import cle_canonique
from gateway.cache.memoire import CacheMemoire
from gateway.cache.seam import Cache, ouvrir_cache
from gateway.errors import ErreurConfiguration

pytestmark = pytest.mark.anyio


class Montre:
    def __init__(self) -> None:
        self.secondes = 0.0

    def __call__(self) -> float:
        return self.secondes


def cache(entrees: int = 10, octets: int = 1000, montre: Callable[[], float] | None = None) -> Cache:
    return Cache(CacheMemoire(entrees, octets, montre or Montre()))


async def test_une_valeur_est_gardee_sa_duree() -> None:
    montre = Montre()
    garde = cache(montre=montre)
    await garde.garder("a", ("valeur",), 5.0, 1)
    montre.secondes = 4.9
    assert await garde.lire(["a", "b"]) == [("valeur",), None]
    montre.secondes = 5.0
    assert await garde.lire(["a"]) == [None]


async def test_une_valeur_remplacee_prend_sa_nouvelle_duree() -> None:
    montre = Montre()
    garde = cache(montre=montre)
    await garde.garder("a", 1, 5.0, 1)
    montre.secondes = 4.0
    await garde.garder("a", 2, 5.0, 1)
    montre.secondes = 8.0
    assert await garde.lire(["a"]) == [2]


@pytest.mark.parametrize("duree", [0.0, -1.0, float("nan")])
async def test_f6_une_duree_nulle_est_refusee(duree: float) -> None:
    with pytest.raises(ValueError, match="lifetime above zero"):
        await cache().garder("a", 1, duree, 1)


async def test_c07_les_entrees_sont_bornees_la_moins_lue_part() -> None:
    garde = cache(entrees=3)
    for cle in "abc":
        await garde.garder(cle, cle, 5.0, 1)
    await garde.lire(["a"])
    await garde.garder("d", "d", 5.0, 1)
    assert await garde.lire(["a", "b", "c", "d"]) == ["a", None, "c", "d"]


async def test_c07_les_octets_sont_bornes() -> None:
    garde = cache(entrees=10, octets=1000)
    await garde.garder("a", "a", 5.0, 600)
    await garde.garder("b", "b", 5.0, 600)
    assert await garde.lire(["a", "b"]) == [None, "b"]


async def test_une_valeur_plus_grande_que_le_cache_n_est_pas_gardee() -> None:
    garde = cache(octets=1000)
    await garde.garder("a", "a", 5.0, 1001)
    assert await garde.lire(["a"]) == [None]


async def test_c07_cent_mille_cles_restent_bornees() -> None:
    interne = CacheMemoire(100, 1_000_000, Montre())
    garde = Cache(interne)
    for numero in range(20_000):
        await garde.garder(str(numero), numero, 5.0, 1)
    assert len(interne._entrees) == 100


async def test_f6_une_panne_du_cache_est_une_absence_sans_valeur_au_journal(
    caplog: pytest.LogCaptureFixture,
) -> None:
    class EnPanne(CacheMemoire):
        async def _multi_get(self, *_: Any, **__: Any) -> Any:
            raise ConnectionError("DUPONT")

        async def _set(self, *_: Any, **__: Any) -> Any:
            raise ConnectionError("DUPONT")

    garde = Cache(EnPanne(10, 1000))
    with caplog.at_level(logging.DEBUG):
        await garde.garder("a", "MARTIN", 5.0, 1)
        assert await garde.lire(["a"]) == [None]
    assert len(caplog.records) == 2
    assert "DUPONT" not in caplog.text
    assert "MARTIN" not in caplog.text


async def test_aiocache_desactive_par_l_environnement_reste_juste(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AIOCACHE_DISABLE", "1")
    assert await cache().lire(["a", "b"]) == [None, None]


def test_seule_la_memoire_existe() -> None:
    assert isinstance(ouvrir_cache(), Cache)
    with pytest.raises(ErreurConfiguration, match="GATEWAY_CACHE_URL"):
        ouvrir_cache("redis://localhost")


@given(st.lists(st.text(max_size=6), max_size=4), st.lists(st.text(max_size=6), max_size=4))
def test_c02_deux_cles_sont_egales_quand_leurs_parties_le_sont(une: list[str], autre: list[str]) -> None:
    assert (cle_canonique(*une) == cle_canonique(*autre)) == (une == autre)


def test_c02_la_coupe_des_parties_compte() -> None:
    assert cle_canonique("ml:1", "2") != cle_canonique("ml", "1:2")
    assert cle_canonique("a", "") != cle_canonique("", "a")
