"""The cache of one process: bounds, lifetimes, keys, generations (SECURITY F5-F7, C02, C07, C11)."""

from collections.abc import Callable
from dataclasses import FrozenInstanceError

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.cache.cles import cle_canonique
from gateway.cache.memoire import CacheMemoire
from gateway.cache.seam import CacheLocal, Cle, Garde

pytestmark = pytest.mark.anyio


class Montre:
    def __init__(self) -> None:
        self.secondes = 0.0

    def __call__(self) -> float:
        return self.secondes


def cache(entrees: int = 10, octets: int = 1000, montre: Callable[[], float] | None = None) -> CacheLocal:
    montre = montre or Montre()
    return CacheLocal(CacheMemoire(entrees, octets, montre), montre)


def cle(nom: str, etiquette: str = "erp") -> Cle:
    return Cle(nom, etiquette)


async def garder(garde: CacheLocal, nom: str, valeur: object, duree: float = 5.0, octets: int = 1) -> None:
    ne_a = garde.maintenant()
    entree = Garde(valeur, str(valeur), ne_a, ne_a + duree, await garde.generation("erp"), octets)
    await garde.garder(cle(nom), entree)


async def lire(garde: CacheLocal, *noms: str) -> list[object]:
    return [lue.valeur if lue else None for lue in await garde.lire([cle(nom) for nom in noms])]


async def test_une_valeur_est_gardee_sa_duree() -> None:
    montre = Montre()
    garde = cache(montre=montre)
    await garder(garde, "a", ("valeur",))
    montre.secondes = 4.9
    assert await lire(garde, "a", "b") == [("valeur",), None]
    montre.secondes = 5.0
    assert await lire(garde, "a") == [None]


async def test_une_valeur_remplacee_prend_sa_nouvelle_duree() -> None:
    montre = Montre()
    garde = cache(montre=montre)
    await garder(garde, "a", 1)
    montre.secondes = 4.0
    await garder(garde, "a", 2)
    montre.secondes = 8.0
    assert await lire(garde, "a") == [2]


@pytest.mark.parametrize("duree", [0.0, -1.0, float("nan")])
async def test_f6_une_duree_nulle_n_est_pas_pour_toujours(duree: float) -> None:
    """aiocache takes 0 for ever: what is over before it is kept is not kept, and the backend refuses it."""
    garde = cache()
    await garder(garde, "a", 1, duree)
    assert await lire(garde, "a") == [None]
    with pytest.raises(ValueError, match="lifetime above zero"):
        await CacheMemoire(10, 1000).set("a", 1, ttl=duree)


async def test_c07_les_entrees_sont_bornees_la_moins_lue_part() -> None:
    garde = cache(entrees=3)
    for nom in "abc":
        await garder(garde, nom, nom)
    await lire(garde, "a")
    await garder(garde, "d", "d")
    assert await lire(garde, "a", "b", "c", "d") == ["a", None, "c", "d"]


async def test_c07_les_octets_sont_bornes() -> None:
    garde = cache(entrees=10, octets=1000)
    await garder(garde, "a", "a", octets=600)
    await garder(garde, "b", "b", octets=600)
    assert await lire(garde, "a", "b") == [None, "b"]


async def test_une_valeur_plus_grande_que_le_cache_n_est_pas_gardee() -> None:
    garde = cache(octets=1000)
    await garder(garde, "a", "a", octets=1001)
    assert await lire(garde, "a") == [None]


async def test_c07_vingt_mille_cles_restent_bornees() -> None:
    montre = Montre()
    interne = CacheMemoire(100, 1_000_000, montre)
    garde = CacheLocal(interne, montre)
    for numero in range(20_000):
        await garder(garde, str(numero), numero)
    assert len(interne._entrees) == 100


async def test_c11_ce_qui_est_garde_ne_se_change_pas() -> None:
    garde = cache()
    await garder(garde, "a", "a")
    (lue,) = await garde.lire([cle("a")])
    assert lue
    with pytest.raises(FrozenInstanceError):
        lue.valeur = "b"  # type: ignore[misc]


async def test_une_etiquette_purgee_perd_tout_et_elle_seule() -> None:
    garde = cache()
    await garder(garde, "a", "a")
    autre = Garde("b", "b", 0.0, 5.0, await garde.generation("autre"), 1)
    await garde.garder(cle("b", "autre"), autre)
    assert await garde.purger("erp")
    assert [lue and lue.valeur for lue in await garde.lire([cle("a"), cle("b", "autre")])] == [None, "b"]


async def test_une_reponse_demandee_avant_la_purge_ne_la_defait_pas() -> None:
    garde = cache()
    avant = await garde.generation("erp")
    await garde.purger("erp")
    await garde.garder(cle("a"), Garde("a", "a", 0.0, 5.0, avant, 1))
    assert await lire(garde, "a") == [None]


async def test_aiocache_desactive_par_l_environnement_reste_juste(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AIOCACHE_DISABLE", "1")
    assert await lire(cache(), "a", "b") == [None, None]


@given(st.lists(st.text(max_size=6), max_size=4), st.lists(st.text(max_size=6), max_size=4))
def test_c02_deux_cles_sont_egales_quand_leurs_parties_le_sont(une: list[str], autre: list[str]) -> None:
    assert (cle_canonique(*une) == cle_canonique(*autre)) == (une == autre)


def test_c02_la_coupe_des_parties_compte() -> None:
    assert cle_canonique("ml:1", "2") != cle_canonique("ml", "1:2")
    assert cle_canonique("a", "") != cle_canonique("", "a")
