"""What the age of a kept answer allows: stale while asked again, stale when the partner fails, fresher on demand.

SECURITY §5 (staleness), C01, C04, C12; ANSWERS 8. Time is the cache's own, turned by hand.
"""

import asyncio
from dataclasses import replace

import httpx
import pytest
import respx

from gateway.errors import ErreurSource, SourceDelaiDepasse, SourceIndisponible
from gateway.sources.fichier import CacheFichier
from gateway.sources.fraicheur import Usage, usage
from gateway.sources.unites import Echec, EtatCache, Resultat
from tests.sources_aide import BASE, UAI_A, UAI_B, Banc, banc, partenaire, transport, unite

pytestmark = pytest.mark.anyio
URL_A = f"{BASE}/liste/{UAI_A}"
REGLES = CacheFichier()


def lignes(*cles: str) -> httpx.Response:
    return httpx.Response(200, json=[{"cle": cle, "uai": UAI_A} for cle in cles])


async def lire(essai: Banc, delai: float = 5.0, age_max: float | None = None) -> Resultat | Echec:
    (lu,) = await essai.sources.lire([unite()], delai, age_max)
    return lu


async def repos() -> None:
    """Let the flights behind come to their end."""
    for _ in range(100):
        await asyncio.sleep(0.001)


def vu(lu: Resultat | Echec) -> tuple[list[str], EtatCache, float]:
    assert isinstance(lu, Resultat), lu
    return [dossier.cle for dossier in lu.dossiers], lu.cache, lu.age


def secouru(lu: Resultat | Echec) -> tuple[type[ErreurSource], list[str], EtatCache, float]:
    assert isinstance(lu, Echec)
    assert lu.secours
    return (type(lu.erreur), *vu(lu.secours))


@pytest.mark.parametrize(
    ("age", "attendu"),
    [
        (0.0, Usage.FRAICHE),
        (299.9, Usage.FRAICHE),
        (300.0, Usage.PERIMEE),
        (899.9, Usage.PERIMEE),
        (900.0, Usage.SECOURS),
        (3599.9, Usage.SECOURS),
    ],
)
def test_les_ages_d_une_reponse(age: float, attendu: Usage) -> None:
    assert usage(age, False, True, REGLES) is attendu


def test_c12_une_absence_n_est_fraiche_qu_une_minute() -> None:
    assert [usage(age, True, True, REGLES) for age in (59.9, 60.0)] == [Usage.FRAICHE, Usage.SECOURS]


def test_ce_qui_fut_lu_la_veille_n_est_plus_frais() -> None:
    assert usage(1.0, False, False, REGLES) is Usage.PERIMEE


@pytest.mark.parametrize(
    ("age", "age_max", "attendu"),
    [
        (59.0, 60.0, Usage.FRAICHE),
        (60.0, 60.0, Usage.SECOURS),
        (9.9, 0.0, Usage.FRAICHE),  # the partner is spared
        (10.0, 0.0, Usage.SECOURS),
        (300.0, 86_400.0, Usage.SECOURS),  # asking for less never makes a stale answer fresh
    ],
)
def test_une_fraicheur_demandee(age: float, age_max: float, attendu: Usage) -> None:
    assert usage(age, False, True, REGLES, age_max) is attendu


async def test_une_reponse_perimee_sert_pendant_qu_on_redemande(routeur: respx.MockRouter, essai: Banc) -> None:
    route = routeur.get(URL_A).mock(side_effect=[lignes("1"), lignes("1", "2")])
    await lire(essai)
    essai.secondes[0] += 301
    assert vu(await lire(essai)) == (["1"], EtatCache.PERIME, 301.0)
    await repos()
    assert route.call_count == 2
    assert vu(await lire(essai)) == (["1", "2"], EtatCache.TOUCHE, 0.0)


async def test_c06_vingt_lecteurs_d_une_reponse_perimee_un_seul_appel(routeur: respx.MockRouter, essai: Banc) -> None:
    route = routeur.get(URL_A).mock(return_value=lignes("1"))
    await lire(essai)
    essai.secondes[0] += 301
    lus = await asyncio.gather(*(lire(essai) for _ in range(20)))
    await repos()
    assert {vu(lu)[1] for lu in lus} == {EtatCache.PERIME}
    assert route.call_count == 2


async def test_une_panne_laisse_la_reponse_precedente_et_son_age(routeur: respx.MockRouter, essai: Banc) -> None:
    routeur.get(URL_A).mock(side_effect=[lignes("1"), httpx.Response(500)])
    await lire(essai)
    essai.secondes[0] += 1200
    assert secouru(await lire(essai)) == (SourceIndisponible, ["1"], EtatCache.PERIME, 1200.0)


async def test_une_panne_connue_est_dite_avec_la_reponse_perimee(routeur: respx.MockRouter, essai: Banc) -> None:
    routeur.get(URL_A).mock(side_effect=[lignes("1"), httpx.Response(500), lignes("1"), lignes("1")])
    await lire(essai)
    essai.secondes[0] += 301
    assert vu(await lire(essai))[1] is EtatCache.PERIME  # nobody knows yet
    await repos()
    assert secouru(await lire(essai)) == (SourceIndisponible, ["1"], EtatCache.PERIME, 301.0)
    await repos()
    assert vu(await lire(essai))[1] is EtatCache.TOUCHE


async def test_un_partenaire_lent_laisse_la_reponse_precedente(routeur: respx.MockRouter, essai: Banc) -> None:
    async def jamais(_: httpx.Request) -> httpx.Response:
        await asyncio.sleep(3600)
        raise AssertionError

    routeur.get(URL_A).mock(return_value=lignes("1"))
    await lire(essai)
    routeur.get(URL_A).mock(side_effect=jamais)
    essai.secondes[0] += 1200
    assert secouru(await lire(essai, delai=0.01)) == (SourceDelaiDepasse, ["1"], EtatCache.PERIME, 1200.0)


async def test_au_dela_d_une_heure_rien_ne_remplace_le_partenaire(routeur: respx.MockRouter, essai: Banc) -> None:
    routeur.get(URL_A).mock(side_effect=[lignes("1"), httpx.Response(500)])
    await lire(essai)
    essai.secondes[0] += 3600
    lu = await lire(essai)
    assert isinstance(lu, Echec)
    assert lu.secours is None


async def test_une_fraicheur_demandee_attend_le_partenaire(routeur: respx.MockRouter, essai: Banc) -> None:
    route = routeur.get(URL_A).mock(side_effect=[lignes("1"), lignes("2"), httpx.Response(500)])
    await lire(essai)
    essai.secondes[0] += 30
    assert vu(await lire(essai, age_max=60)) == (["1"], EtatCache.TOUCHE, 30.0)
    assert vu(await lire(essai, age_max=20)) == (["2"], EtatCache.MANQUE, 0.0)
    essai.secondes[0] += 9
    assert vu(await lire(essai, age_max=0)) == (["2"], EtatCache.TOUCHE, 9.0)
    essai.secondes[0] += 9
    assert secouru(await lire(essai, age_max=0)) == (SourceIndisponible, ["2"], EtatCache.PERIME, 18.0)
    assert route.call_count == 3


async def test_une_purge_fait_redemander(routeur: respx.MockRouter, essai: Banc) -> None:
    route = routeur.get(URL_A).mock(return_value=lignes("1"))
    await lire(essai)
    await essai.sources.purger("erp")
    assert vu(await lire(essai))[1] is EtatCache.MANQUE
    assert route.call_count == 2


async def test_c12_une_lecture_incomplete_n_est_pas_gardee(routeur: respx.MockRouter, essai: Banc) -> None:
    """A second page that fails is a failure of the whole."""
    route = routeur.get(URL_A).mock(side_effect=[httpx.Response(429), lignes("1")])
    assert isinstance(await lire(essai), Echec)
    assert vu(await lire(essai)) == (["1"], EtatCache.MANQUE, 0.0)
    assert route.call_count == 2


async def test_c01_deux_etablissements_ne_partagent_rien(routeur: respx.MockRouter, essai: Banc) -> None:
    routeur.get(URL_A).mock(return_value=lignes("1"))
    routeur.get(f"{BASE}/liste/{UAI_B}").respond(json=[{"cle": "9", "uai": UAI_B}])
    for _ in range(2):
        lus = await essai.sources.lire([unite(UAI_B), unite()], 5.0)
        assert [vu(lu)[0] for lu in lus] == [["9"], ["1"]]


async def test_les_regles_sont_celles_du_partenaire(routeur: respx.MockRouter) -> None:
    regles = CacheFichier(duree_secondes=10, perime_secondes=10, secours_secondes=20)
    route = routeur.get(URL_A).mock(side_effect=[lignes("1"), lignes("2"), httpx.Response(500)])
    async with banc(transport(routeur), replace(partenaire(), cache=regles)) as essai:
        await lire(essai)
        essai.secondes[0] += 10
        assert vu(await lire(essai))[0] == ["2"]
        essai.secondes[0] += 20
        assert (await lire(essai)).secours is None  # type: ignore[union-attr]
    assert route.call_count == 3
