"""Perimeters in use stay young within what partners can spare: decisions, then counts of requests over virtual hours."""

import asyncio
from contextlib import AsyncExitStack
from dataclasses import dataclass, replace

import httpx
import pytest
import respx

from gateway.cache.seam import Cache, Garde
from gateway.connectors.base import Locataire
from gateway.sources.entretien import Entretien, a_redemander, dues
from gateway.sources.fichier import CacheFichier, LimitesFichier
from gateway.sources.locataires import Abonne
from gateway.sources.partenaires import Partenaire
from gateway.sources.resilience.affluence import Affluence
from gateway.sources.unites import Echec, EtatCache, Ressource, Unite
from tests.chiffres import noter
from tests.resilience.test_revalidation import cache_de
from tests.sources_aide import BASE, UAI_A, UAI_B, Banc, banc, partenaire, transport, unite

pytestmark = pytest.mark.anyio
URL_A = f"{BASE}/liste/{UAI_A}"
A, B = unite(UAI_A), unite(UAI_B)
IMILO = Unite("imilo", Ressource.STRUCTURE, "STRUCT-1")


def test_ce_qui_sert_encore_est_revu_le_dernier_lu_d_abord() -> None:
    lues = {A: 1000.0, B: 1100.0, IMILO: 1100.0, unite("0590003H"): 99.0}
    assert dues(lues, {}, "erp", 1200.0) == [B, A]
    assert dues(lues, {B: 1200.1}, "erp", 1200.0) == [A]
    assert dues(lues, {B: 1200.0}, "erp", 1900.0) == [B]  # A was last read fifteen minutes ago


def test_une_reponse_est_redemandee_avant_la_fin_de_sa_jeunesse() -> None:
    garde = Garde(None, "v", 1000.0, 4600.0, "g", 1)
    assert a_redemander(garde, CacheFichier()) == 1240.0
    assert a_redemander(replace(garde, invalidee=True), CacheFichier()) == 1000.0


def test_rien_ne_commence_tant_qu_une_demande_est_en_cours() -> None:
    affluence = Affluence(10.0, 600.0)
    with affluence.demande("a", 0.0):
        assert not affluence.permet("b", 0.0)
    assert affluence.permet("b", 0.0)


def test_la_moitie_des_quotas_reste_a_qui_peut_venir() -> None:
    affluence = Affluence(par_seconde=2.0, par_minute_locataire=4.0)
    for cle in "abbcdefghi":
        assert affluence.permet(cle, 0.0)
        with affluence.demande(cle, 0.0):
            pass
    assert not affluence.permet("z", 9.9)  # ten in ten seconds: half of what the partner allows
    assert affluence.permet("z", 10.0)
    assert not affluence.permet("b", 59.9)  # two in a minute: half of its own
    assert affluence.permet("b", 60.0)


@dataclass
class Veille:
    """A gateway's sources and their upkeep; `dormir` turns the hand of the clock."""

    essai: Banc
    entretien: Entretien

    @classmethod
    def de(cls, essai: Banc) -> "Veille":
        async def dormir(duree: float) -> None:
            essai.secondes[0] += duree
            await asyncio.sleep(0)

        return cls(essai, Entretien(essai.sources, cache(essai), dormir))

    async def passer(self, secondes: float) -> None:
        """Let time pass, with a turn every ten seconds."""
        fin = self.essai.secondes[0] + secondes
        while self.essai.secondes[0] < fin:
            self.essai.secondes[0] += 10
            await self.entretien.tour("erp")

    async def lire(self, *unites: Unite) -> list[EtatCache | None]:
        lus = await self.essai.sources.lire(unites or (A,), 5.0)
        return [None if isinstance(lu, Echec) else lu.cache for lu in lus]


def cache(essai: Banc) -> Cache:
    return essai.sources._socle.cache


def lignes(uai: str = UAI_A) -> httpx.Response:
    return httpx.Response(200, json=[{"cle": "1", "uai": uai}], headers={"ETag": '"a"'})


def repondre(demande: httpx.Request) -> httpx.Response:
    if "If-None-Match" in demande.headers:
        return httpx.Response(304)
    return lignes(demande.url.path.rpartition("/")[2])


@pytest.fixture
def veille(essai: Banc) -> Veille:
    return Veille.de(essai)


async def test_un_perimetre_utilise_ne_vieillit_jamais(routeur: respx.MockRouter, veille: Veille) -> None:
    """Read every minute for an hour: always young, a request every four minutes; left, fifteen minutes later nothing."""
    route = routeur.get(URL_A).mock(side_effect=repondre)
    vus = [*await veille.lire()]
    for _ in range(60):
        await veille.passer(60)
        vus += await veille.lire()
    heure = route.call_count
    await veille.passer(3600)
    assert vus == [EtatCache.MANQUE, *[EtatCache.TOUCHE] * 60]
    assert heure == 1 + 3600 // 240
    assert route.call_count - heure == 3  # in the fifteen minutes that follow the last reading
    assert veille.essai.sources.lues == {}
    noter(
        f"entretien : lu chaque minute une heure, {heure} demandes, 0 lecture périmée ; puis {route.call_count - heure}"
    )


async def test_ce_qui_ne_contient_personne_n_est_pas_entretenu(routeur: respx.MockRouter, veille: Veille) -> None:
    route = routeur.get(URL_A).respond(json=[])
    await veille.lire()
    await veille.passer(600)
    assert route.call_count == 1


async def test_un_appelant_qui_attend_passe_avant(routeur: respx.MockRouter, veille: Veille) -> None:
    """B is asked by somebody and does not come: A, due, is left alone until it has."""
    arrivee, route_a = asyncio.Event(), routeur.get(URL_A).mock(side_effect=repondre)

    async def attendre(_: httpx.Request) -> httpx.Response:
        await arrivee.wait()
        return lignes(UAI_B)

    routeur.get(f"{BASE}/liste/{UAI_B}").mock(side_effect=attendre)
    await veille.lire(A)
    lecture = asyncio.create_task(veille.lire(B))
    for _ in range(5):
        await asyncio.sleep(0.001)
    await veille.passer(280)
    assert route_a.call_count == 1
    arrivee.set()
    assert await lecture == [EtatCache.MANQUE]
    await veille.passer(10)
    assert route_a.call_count == 2


async def test_l_entretien_ne_prend_que_la_moitie_du_quota(routeur: respx.MockRouter) -> None:
    """A hundred CFAs due at once, two requests a second allowed: ten in ten seconds, the last read first."""
    uais = [f"059{rang:04}A" for rang in range(100)]
    route = routeur.get(url__startswith=BASE).mock(side_effect=repondre)
    abonnes = {uai: Abonne(Locataire(uai, code=uai)) for uai in uais}
    lent: Partenaire = partenaire(abonnes=abonnes, limites=LimitesFichier(par_seconde=2.0, simultanes=50))
    async with banc(transport(routeur), lent) as essai:
        veille = Veille.de(essai)
        await veille.lire(*map(unite, uais))
        essai.secondes[0] += 240
        await veille.lire(*map(unite, uais[:10]))
        depart = essai.secondes[0]
        await veille.entretien.tour("erp")
        duree, faites = essai.secondes[0] - depart, route.call_count - 100
        premieres = {appel.request.url.path.rpartition("/")[2] for appel in list(route.calls)[100:110]}
    assert premieres == set(uais[:10])
    assert (faites, round(duree)) == (20, 16)  # two windows of ten seconds; the 80 that wait are left to the next turn
    noter(f"entretien : {faites} demandes en {duree:.0f} s pour un quota de 2 par seconde, le reste aux appelants")


async def test_un_partenaire_en_panne_est_laisse_en_paix(routeur: respx.MockRouter, veille: Veille) -> None:
    """Three refusals in a row: nothing is asked any more of what nobody waits for."""
    route = routeur.get(URL_A).mock(side_effect=repondre)
    await veille.lire()
    route.mock(side_effect=httpx.ConnectError("refus"))
    await veille.passer(900)
    assert route.call_count == 1 + 3
    assert veille.essai.sources._lecteurs["erp"].etat().value == "INDISPONIBLE"


async def test_un_seul_entretien_pour_deux_processus(routeur: respx.MockRouter, url_redis: str) -> None:
    """Both use the same CFAs: each is asked once, by one of them, and is young for both."""
    route = routeur.get(url__startswith=BASE).mock(side_effect=repondre)
    minute = [1_000_000.0]
    async with AsyncExitStack() as pile:
        caches = [cache_de(url_redis, f"entretien-{id(routeur)}", minute) for _ in range(2)]
        essais = [await pile.enter_async_context(banc(transport(routeur), cache=cache)) for cache in caches]
        veilles = [Veille.de(essai) for essai in essais]
        for veille in veilles:
            await veille.lire(A, B)
        minute[0] += 240
        for _ in range(2):
            await asyncio.gather(*(veille.entretien.tour("erp") for veille in veilles))
        vus = [await veille.lire(A, B) for veille in veilles]
    assert vus == [[EtatCache.TOUCHE] * 2] * 2
    assert route.call_count == 2 + 2
