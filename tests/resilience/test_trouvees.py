"""What the simulation found, played again by itself: a promise each, broken before."""

import pytest
import respx

from gateway.cache.memoire import CacheMemoire
from gateway.cache.seam import CacheLocal, Cle
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
