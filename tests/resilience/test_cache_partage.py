"""The cache that processes share, over a real Redis: sealed, leased, purged, and never an error (SECURITY C08-C10, T2)."""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import pytest
import redis
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.cache.cles import cle_canonique
from gateway.cache.coffre import Codec, Coffre
from gateway.cache.memoire import CacheMemoire
from gateway.cache.ouverture import ouvrir_cache
from gateway.cache.partage import CachePartage
from gateway.cache.redis import CacheRedis
from gateway.cache.seam import CacheLocal, Cle, Garde
from gateway.connectors.base import Dossier
from gateway.domain.sceau import Sceau
from gateway.errors import ErreurConfiguration
from gateway.schema.nouns import Adresse, Contrat, Jeune, Rupture, Sexe
from gateway.sources.codec import codec
from gateway.sources.unites import EtatCache, Ressource, Resultat, Unite
from tests.chiffres import noter
from tests.sources_aide import INSTANT

pytestmark = pytest.mark.anyio
UN, AUTRE = Sceau(b"1" * 32), Sceau(b"2" * 32)
CLE = Cle(cle_canonique("erp", "cfa", "0590001F"), "erp")


def jeune(nom: str) -> Jeune:
    rompu = Contrat(date_debut=date(2025, 9, 1), rupture=Rupture(date=date(2026, 1, 2), cause="MALADIE"))
    return Jeune(nom=nom, sexe=Sexe.F, telephone="0639980001", adresse=Adresse(voie="1 rue"), contrats=[rompu])


def resultat(nom: str = "ZZTOPNOM", version: str = "v1") -> Resultat:
    dossiers = (Dossier("1", jeune(nom), INSTANT), Dossier("2", Jeune(autres_noms=("A", "B"))))
    return Resultat(Unite("erp", Ressource.CFA, "0590001F"), dossiers, INSTANT, EtatCache.MANQUE, version)


@dataclass
class Processus:
    """What one process holds: its memory, and its way to the cache that all share."""

    cache: CachePartage
    secondes: list[float]

    async def garder(self, cle: Cle = CLE, lu: Resultat | None = None) -> None:
        lu = lu or resultat()
        ne_a = self.secondes[0]
        await self.cache.garder(cle, Garde(lu, lu.version, ne_a, ne_a + 60, await self.cache.generation("erp"), 1))

    async def lire(self, cle: Cle = CLE) -> Resultat | None:
        (garde,) = await self.cache.lire([cle])
        return garde.valeur if garde else None


def coffre(*sceaux: Sceau, forme: Codec | None = None) -> Coffre:
    return Coffre(sceaux or (UN,), forme or codec(Resultat))


@asynccontextmanager
async def processus(url: str, *sceaux: Sceau, forme: Codec | None = None) -> AsyncIterator[Processus]:
    secondes = [1_000_000.0]
    minuterie: Callable[[], float] = lambda: secondes[0]  # noqa: E731
    local = CacheLocal(CacheMemoire(100, 10_000_000, minuterie), minuterie)
    cache = CachePartage(CacheRedis(url), coffre(*sceaux, forme=forme), local)
    try:
        yield Processus(cache, secondes)
    finally:
        await cache.aclose()


@pytest.fixture
def vide(url_redis: str) -> str:
    with redis.Redis.from_url(url_redis) as client:
        client.flushdb()
    return url_redis


def entrees(url: str) -> dict[bytes, bytes]:
    with redis.Redis.from_url(url) as client:
        return {nom: client.get(nom) or b"" for nom in client.keys("*")}


async def test_ce_qu_un_processus_garde_un_autre_le_lit(vide: str) -> None:
    async with processus(vide) as un, processus(vide) as autre:
        await un.garder()
        assert await autre.lire() == resultat()
        await un.garder(lu=resultat("NOUVEAU", "v2"))
        assert await autre.lire() == resultat("NOUVEAU", "v2")


async def test_un_corps_deja_ouvert_n_est_pas_relu(vide: str) -> None:
    async with processus(vide) as un, processus(vide) as autre:
        await un.garder()
        await autre.lire()
        (corps,) = [nom for nom in entrees(vide) if b":v:" in nom]
        with redis.Redis.from_url(vide) as client:
            client.delete(corps)
        assert await autre.lire() == resultat()


async def test_c09_rien_d_une_personne_ni_d_un_etablissement_n_est_lisible(vide: str) -> None:
    async with processus(vide) as un:
        await un.garder()
    tout = b"".join(nom + valeur for nom, valeur in entrees(vide).items())
    assert entrees(vide)
    for clair in (b"ZZTOPNOM", b"0639980001", b"MALADIE", b"0590001F", b"erp", CLE.nom.encode()):
        assert clair not in tout


async def test_c09_chaque_entree_a_une_fin(vide: str) -> None:
    async with processus(vide) as un:
        await un.garder()
        await un.cache.prendre(CLE, 30.0)
    with redis.Redis.from_url(vide) as client:
        fins = {nom.split(b":")[1]: client.ttl(nom) for nom in client.keys("*")}
    assert {sorte: fin > 0 for sorte, fin in fins.items()} == {b"b": True, b"g": True, b"t": True, b"v": True}
    assert fins[b"v"] <= 60
    assert fins[b"t"] <= 60


ALTERATIONS: dict[str, Callable[[bytes], bytes]] = {
    "tronquée": lambda scelle: scelle[: len(scelle) // 2],
    "vide": lambda _: b"",
    "un bit": lambda scelle: bytes([scelle[0] ^ 1]) + scelle[1:],
    "pickle": lambda _: b"cos\nsystem\n(S'true'\ntR.",
}


@pytest.mark.parametrize("alterer", ALTERATIONS.values(), ids=ALTERATIONS.keys())
async def test_c08_une_valeur_alteree_est_une_absence(vide: str, alterer: Callable[[bytes], bytes]) -> None:
    async with processus(vide) as un, processus(vide) as autre:
        await un.garder()
        ((corps, scelle),) = [(nom, valeur) for nom, valeur in entrees(vide).items() if b":v:" in nom]
        with redis.Redis.from_url(vide) as client:
            client.set(corps, alterer(scelle))
        assert await autre.lire() is None


async def test_c08_une_valeur_deplacee_sous_une_autre_cle_est_une_absence(vide: str) -> None:
    ailleurs = Cle(cle_canonique("erp", "cfa", "0590002G"), "erp")
    async with processus(vide) as un, processus(vide) as autre:
        await un.garder()
        await un.garder(ailleurs, resultat("AUTRE", "v2"))
        noms = un.cache._noms("v", [CLE.nom, ailleurs.nom])
        with redis.Redis.from_url(vide) as client:
            client.set(noms[1], client.get(noms[0]) or b"")
        assert (await autre.lire(ailleurs), await autre.lire()) == (None, resultat())


async def test_c08_une_autre_version_du_format_est_une_absence(vide: str) -> None:
    memes = codec(Resultat)
    async with processus(vide) as un, processus(vide, forme=Codec("autre", memes.ecrire, memes.lire)) as autre:
        await un.garder()
        assert await autre.lire() is None


async def test_c08_une_autre_cle_ne_trouve_rien_et_une_rotation_ne_perd_rien(vide: str) -> None:
    async with processus(vide, UN) as avant, processus(vide, AUTRE, UN) as pendant, processus(vide, AUTRE) as sans:
        await avant.garder()
        assert await pendant.lire() == resultat()
        assert await sans.lire() is None
        await pendant.garder(lu=resultat("NOUVEAU", "v2"))
        assert await avant.lire() == resultat()  # sealed by a key it has not: its own goes on until it expires


async def test_une_purge_vaut_pour_tous(vide: str) -> None:
    async with processus(vide) as un, processus(vide) as autre:
        await un.garder()
        await autre.lire()
        assert await un.cache.purger("erp")
        assert (await un.lire(), await autre.lire()) == (None, None)


async def test_une_generation_oubliee_ne_ressuscite_rien(vide: str) -> None:
    async with processus(vide) as un:
        await un.garder()
        with redis.Redis.from_url(vide) as client:
            client.delete(*un.cache._noms("g", ["erp"]))
        assert await un.lire() is None
        await un.cache.generation("erp")
        assert await un.lire() is None


async def test_t2_un_seul_a_le_bail_et_lui_seul_le_rend(vide: str) -> None:
    async with processus(vide) as un, processus(vide) as autre:
        bail = await un.cache.prendre(CLE, 30.0)
        assert bail
        assert await autre.cache.prendre(CLE, 30.0) is None
        await autre.cache.rendre(CLE, "un autre")
        assert await autre.cache.prendre(CLE, 30.0) is None
        await un.cache.rendre(CLE, bail)
        assert await autre.cache.prendre(CLE, 30.0)


async def test_t2_un_bail_expire(vide: str) -> None:
    async with processus(vide) as un, processus(vide) as autre:
        assert await un.cache.prendre(CLE, 0.05)
        await asyncio.sleep(0.1)
        assert await autre.cache.prendre(CLE, 30.0)


async def test_c10_sans_redis_chacun_a_le_sien_sans_valeur_au_journal(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG):
        async with processus("redis://:motdepasse@127.0.0.1:1/0") as seul:
            await seul.garder()
            assert await seul.lire() == resultat()
            assert await seul.cache.prendre(CLE, 30.0)
            assert not await seul.cache.purger("erp")
    for secret in ("ZZTOPNOM", CLE.nom, "motdepasse", "127.0.0.1"):
        assert secret not in "".join(ligne.getMessage() for ligne in caplog.records if ligne.name != "asyncio")
    assert len([ligne for ligne in caplog.records if ligne.name == "gateway.cache"]) == 1  # then left alone


async def test_c10_un_redis_qui_ne_repond_plus_est_contourne_puis_retrouve(vide: str) -> None:
    async with processus(vide) as un, processus(vide) as autre:
        await un.garder()
        with redis.Redis.from_url(vide) as client:
            client.execute_command("CLIENT", "PAUSE", "700", "ALL")
            debut = asyncio.get_running_loop().time()
            assert await un.lire() == resultat()
            premiere = asyncio.get_running_loop().time() - debut
            debut = asyncio.get_running_loop().time()
            assert await un.lire() == resultat()
            noter(
                f"cache : Redis muet, première lecture {premiere * 1000:.0f} ms (délai 250 ms), "
                f"suivante {(asyncio.get_running_loop().time() - debut) * 1000:.1f} ms"
            )
            client.execute_command("CLIENT", "UNPAUSE")
        un.secondes[0] += 2.0
        await un.garder(lu=resultat("NOUVEAU", "v2"))
        assert await autre.lire() == resultat("NOUVEAU", "v2")


async def test_c10_un_redis_vide_est_une_absence(vide: str) -> None:
    async with processus(vide) as un:
        await un.garder()
        with redis.Redis.from_url(vide) as client:
            client.flushdb()
        assert await un.lire() is None
        await un.garder()
        assert await un.lire() == resultat()


async def test_c10_un_redis_plein_est_une_absence(vide: str) -> None:
    async with processus(vide) as un, processus(vide) as autre:
        with redis.Redis.from_url(vide) as client:
            client.config_set("maxmemory", "1")
            await un.garder()
            client.config_set("maxmemory", "0")
        assert (await un.lire(), await autre.lire()) == (resultat(), None)


@pytest.mark.parametrize("url", ["redis://a:port", "http://127.0.0.1", "memcached://127.0.0.1"])
def test_une_adresse_de_cache_inconnue_arrete_le_demarrage(url: str) -> None:
    with pytest.raises(ErreurConfiguration, match="GATEWAY_CACHE_URL"):
        ouvrir_cache(url, coffre())


@settings(max_examples=50, deadline=None)
@given(
    st.builds(
        Jeune,
        nom=st.none() | st.text(),
        rqth=st.none() | st.booleans(),
        age=st.none() | st.integers(),
        sexe=st.none() | st.sampled_from(Sexe),
        date_naissance=st.none() | st.dates(),
        autres_noms=st.lists(st.text()).map(tuple),
        contrats=st.none() | st.lists(st.builds(Contrat, date_fin=st.none() | st.dates(), annule=st.booleans())),
    )
)
def test_ce_qui_est_ecrit_se_relit(dit: Jeune) -> None:
    ecrit = codec(Dossier)
    dossier = Dossier("1", dit, INSTANT, "59")
    assert ecrit.lire(ecrit.ecrire(dossier)) == dossier


def test_a_number_of_any_size_is_kept() -> None:
    ecrit, dossier = codec(Dossier), Dossier("1", Jeune(age=10**30), INSTANT, "59")
    assert ecrit.lire(ecrit.ecrire(dossier)) == dossier


@pytest.mark.parametrize("octets", [b"", b"{", b"null", b'{"cle": 1, "jeune": {}}', b'{"cle": "1"}', b"\xff"])
def test_bytes_that_are_no_record_are_refused(octets: bytes) -> None:
    with pytest.raises(ValueError, match=r".+"):
        codec(Dossier).lire(octets)


def test_un_champ_de_plus_change_la_version() -> None:
    assert codec(Resultat).version == codec(Resultat).version != codec(Dossier).version


def test_f7_le_cache_n_importe_pas_pickle() -> None:
    for fichier in (*Path("gateway/cache").glob("*.py"), Path("gateway/sources/codec.py")):
        assert "pickle" not in fichier.read_text(encoding="utf-8")
