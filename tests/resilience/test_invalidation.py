"""One unit told to have changed: asked again by the next reader, alone, in every process, and kept to stand in."""

import asyncio

import httpx
import pytest
import redis
import respx

from gateway.cache.seam import Garde, cache_local
from gateway.sources.fichier import CacheFichier
from gateway.sources.fraicheur import Usage, usage
from gateway.sources.unites import Echec, EtatCache, Resultat, Unite
from gateway.sources.vols import Trajet, Vols
from tests.resilience.test_cache_partage import CLE, processus, resultat
from tests.resilience.test_fraicheur import lignes, lire, secouru, vu
from tests.sources_aide import BASE, UAI_A, UAI_B, Banc, unite

pytestmark = pytest.mark.anyio
URL_A = f"{BASE}/liste/{UAI_A}"
REGLES = CacheFichier()


@pytest.mark.parametrize(("age", "attendu"), [(1.9, Usage.FRAICHE), (2.0, Usage.SECOURS), (3599.0, Usage.SECOURS)])
def test_ce_qui_est_invalide_n_est_frais_que_deux_secondes(age: float, attendu: Usage) -> None:
    assert usage(age, False, True, REGLES, invalidee=True) is attendu


async def test_une_unite_invalidee_est_redemandee_elle_seule(routeur: respx.MockRouter, essai: Banc) -> None:
    route = routeur.get(URL_A).mock(side_effect=[lignes("1"), lignes("1", "2")])
    voisine = routeur.get(f"{BASE}/liste/{UAI_B}").respond(json=[{"cle": "9", "uai": UAI_B}])
    deux = [unite(), unite(UAI_B)]
    await essai.sources.lire(deux, 5.0)
    essai.secondes[0] += 30
    assert await essai.sources.invalider(unite())
    assert [tenue is None for tenue in await essai.sources.tenues(deux)] == [True, False]
    lue, autre = await essai.sources.lire(deux, 5.0)
    assert vu(lue) == (["1", "2"], EtatCache.MANQUE, 0.0)
    assert vu(autre) == (["9"], EtatCache.TOUCHE, 30.0)
    assert (route.call_count, voisine.call_count) == (2, 1)


async def test_cent_evenements_font_une_demande_par_periode_de_repos(routeur: respx.MockRouter, essai: Banc) -> None:
    """Ten seconds of events and of readers, ten of each a second: a request every two seconds, and the last change is read."""
    route = routeur.get(URL_A).mock(side_effect=[lignes(str(rang)) for rang in range(9)])
    for _ in range(100):
        await essai.sources.invalider(unite())
        await lire(essai)
        essai.secondes[0] += 0.1
    assert route.call_count == 5
    essai.secondes[0] += 2
    assert vu(await lire(essai))[0] == ["5"]  # the sixth answer
    essai.secondes[0] += 2
    assert vu(await lire(essai))[1] is EtatCache.TOUCHE


async def test_un_partenaire_en_panne_apres_un_evenement_laisse_ce_qu_il_avait_dit(
    routeur: respx.MockRouter, essai: Banc
) -> None:
    routeur.get(URL_A).mock(side_effect=[lignes("1"), httpx.Response(500)])
    await lire(essai)
    essai.secondes[0] += 30
    await essai.sources.invalider(unite())
    assert secouru(await lire(essai))[1:] == (["1"], EtatCache.PERIME, 30.0)


async def test_ce_qui_fut_demande_avant_l_evenement_est_redemande(routeur: respx.MockRouter, essai: Banc) -> None:
    """The event comes while the partner answers: its answer may be older, and is not believed for long."""
    arrivee, suite = asyncio.Event(), asyncio.Event()

    async def lente(_: httpx.Request) -> httpx.Response:
        arrivee.set()
        await suite.wait()
        return lignes("avant")

    routeur.get(URL_A).mock(side_effect=lente)
    lecture = asyncio.create_task(lire(essai))
    await arrivee.wait()
    await essai.sources.invalider(unite())
    suite.set()
    assert vu(await lecture)[0] == ["avant"]
    routeur.get(URL_A).mock(return_value=lignes("apres"))
    essai.secondes[0] += 2
    assert vu(await lire(essai))[0] == ["apres"]


async def test_un_vol_qui_vient_d_arriver_n_est_plus_en_vol() -> None:
    """Who wakes in the same turn of the loop, before the flight is forgotten, gets another: the first may be too old."""
    vols, depart, lus = Vols(cache_local()), asyncio.Event(), 0

    async def lire_une_fois(unite: Unite, connue: Resultat | None) -> Resultat | Echec:
        nonlocal lus
        lus += 1
        await depart.wait()
        return resultat(version=str(lus))

    trajet = Trajet(unite(), CLE, lire_une_fois, 5.0, 60.0, lambda _: True)

    async def redemander() -> tuple[bool, bool]:
        await depart.wait()
        return premier.done(), vols.vol(trajet) is premier

    premier = vols.vol(trajet)
    await asyncio.sleep(0)  # it waits for the start before the other does
    second = asyncio.create_task(redemander())
    await asyncio.sleep(0)
    depart.set()
    assert await second == (True, False)
    await vols.aclose()


async def test_une_invalidation_vaut_pour_tous_les_processus(url_redis: str) -> None:
    async with processus(url_redis) as un, processus(url_redis) as autre:
        await un.garder()
        assert await autre.lire() == resultat()
        assert await un.cache.invalider(CLE)
        invalidees = [(await p.cache.lire([CLE]))[0] for p in (un, autre)]
        assert [garde is not None and garde.invalidee for garde in invalidees] == [True, True]
        assert await autre.lire() == resultat()  # to stand in
        neuve = resultat(version="v2")
        marque = await autre.cache.marque(CLE)
        generation = await autre.cache.generation("erp")
        await autre.cache.garder(CLE, Garde(neuve, "v2", 1_000_000.0, 1_000_060.0, generation, 1, marque))
        (lue,) = await un.cache.lire([CLE])
        assert lue is not None
        assert (lue.version, lue.invalidee) == ("v2", False)


async def test_une_marque_oubliee_par_redis_ne_fait_pas_differer_deux_processus(url_redis: str) -> None:
    """Each believes what the shared cache says, an absent mark included: one more request, then they agree."""
    async with processus(url_redis) as un, processus(url_redis) as autre:
        await un.cache.invalider(CLE)
        assert await autre.cache.marque(CLE) == await un.cache.marque(CLE) != ""
        with redis.Redis.from_url(url_redis) as client:
            client.flushdb()
        assert [await p.cache.marque(CLE) for p in (un, autre)] == ["", ""]


async def test_une_invalidation_que_redis_n_entend_pas_se_dit(url_redis: str) -> None:
    """Whoever told it then tells it again."""
    async with processus(url_redis.replace("127.0.0.1", "127.0.0.2")) as sourd:
        assert not await sourd.cache.invalider(CLE)
