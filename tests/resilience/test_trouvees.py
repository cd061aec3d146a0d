"""What the simulation and the matrix found, played again by itself: a promise each, broken before."""

import itertools
from collections.abc import Sequence

import httpx
import pytest
import respx

from gateway.cache.memoire import CacheMemoire
from gateway.cache.seam import CacheLocal, Cle, Garde
from gateway.sources.fichier import CacheFichier
from gateway.sources.unites import EtatCache, Resultat
from tests.sources_aide import BASE, UAI_A, banc, partenaire, transport, unite

pytestmark = pytest.mark.anyio


class Baux(CacheLocal):
    """A cache that notes for how long it is asked to keep others away."""

    demandes: list[float]

    async def prendre(self, cle: Cle, duree: float) -> str | None:
        self.demandes.append(duree)
        return await super().prendre(cle, duree)


async def test_le_bail_d_un_vol_dure_plus_que_sa_lecture(routeur: respx.MockRouter) -> None:
    """Another process asked the partner for the same in the last hundredths of a second of a reading that was late."""
    routeur.get(f"{BASE}/liste/{UAI_A}").respond(json=[])
    cache = Baux(CacheMemoire(100, 1_000_000))
    cache.demandes = []
    async with banc(transport(routeur), cache=cache) as essai:
        await essai.sources.lire([unite()], 5.0)
    assert cache.demandes == [partenaire().limites.delai_secondes + 2.0]


async def test_une_reponse_perimee_avant_d_etre_gardee_est_servie(routeur: respx.MockRouter) -> None:
    """Half a second of life, and a clock that moves by one each time it is looked at: it was an error 500."""
    routeur.get(f"{BASE}/liste/{UAI_A}").respond(json=[{"cle": "1", "uai": UAI_A}])
    secondes = itertools.count(1_000_000.0)
    minuterie = lambda: next(secondes)  # noqa: E731
    cache = CacheLocal(CacheMemoire(100, 1_000_000, minuterie), minuterie)
    regles = CacheFichier(duree_secondes=0.5, perime_secondes=0.5, secours_secondes=0.5)
    async with banc(transport(routeur), partenaire(cache=regles), cache=cache) as essai:
        (lu,) = await essai.sources.lire([unite()], 5.0)
    assert isinstance(lu, Resultat)
    assert [dossier.cle for dossier in lu.dossiers] == ["1"]


class Distrait(CacheLocal):
    """A cache that others share, whose next reading brings nothing, as when it does not answer."""

    muet = False

    async def prendre(self, cle: Cle, duree: float) -> str | None:
        return "bail"

    async def lire(self, cles: Sequence[Cle]) -> list[Garde | None]:
        if self.muet:
            self.muet = False
            return [None] * len(cles)
        return await super().lire(cles)


@pytest.mark.parametrize(
    ("vieillie", "cle", "age", "etat"),
    [(5.1, "maintenant", 0.0, EtatCache.MANQUE), (4.0, "avant", 4.0, EtatCache.TOUCHE)],
    ids=["vieille", "jeune"],
)
async def test_une_copie_que_le_cache_n_a_pas_rendue_n_est_pas_une_reponse_neuve(
    routeur: respx.MockRouter, vieillie: float, cle: str, age: float, etat: EtatCache
) -> None:
    """The flight found it. Past its life, it was given as what a partner had just said; young, it was told as asked for."""
    routeur.get(f"{BASE}/liste/{UAI_A}").mock(side_effect=[reponse("avant"), reponse("maintenant")])
    instant = [1_000_000.0]
    cache = Distrait(CacheMemoire(100, 1_000_000, lambda: instant[0]), lambda: instant[0])
    async with banc(transport(routeur), partenaire(cache=CacheFichier(duree_secondes=5.0)), cache=cache) as essai:
        (premiere,) = await essai.sources.lire([unite()], 5.0)
        instant[0] += vieillie
        cache.muet = True
        (lu,) = await essai.sources.lire([unite()], 5.0)
        lectures = [
            essai.compteur("passerelle_lectures", partenaire="erp", ressource="cfa", cache=un.value)
            for un in (EtatCache.MANQUE, EtatCache.TOUCHE)
        ]
    assert isinstance(premiere, Resultat)
    assert isinstance(lu, Resultat)
    assert ([dossier.cle for dossier in lu.dossiers], lu.age, lu.cache) == ([cle], age, etat)
    assert lectures == ([2, 0] if etat is EtatCache.MANQUE else [1, 1])


def reponse(cle: str) -> httpx.Response:
    return httpx.Response(200, json=[{"cle": cle, "uai": UAI_A}])
