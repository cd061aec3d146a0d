"""Redis fails in every way while callers come: each answer is what it would be without it, and no value is logged (C10)."""

import asyncio
import hashlib
import logging
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from random import Random

import pytest
import redis

from gateway.cache.coffre import Coffre
from gateway.cache.partage import CachePartage
from gateway.cache.redis import CacheRedis
from gateway.cache.seam import Cache, cache_local
from gateway.domain.sceau import Sceau
from gateway.sources.codec import codec
from gateway.sources.unites import Resultat
from tests.access.petit_monde import APPELANTS, tirer
from tests.chiffres import noter
from tests.redis_aide import serveur_redis
from tests.security.monde_en_cache import MondeEnCache

pytestmark = pytest.mark.anyio
TEXTE = "{ jeunes(first: 20) { totalCount edges { node { nom telephone adresse { voie } ruptures { date } } } } }"
QUESTIONS = [viewer for viewer in APPELANTS if viewer.finalite]
Panne = Callable[[redis.Redis], object]
PANNES: dict[str, Panne] = {
    "absent": lambda client: client.shutdown(nosave=True),
    "muet": lambda client: client.client_pause(1500),
    "vidé": lambda client: client.flushdb(),
    "plein": lambda client: client.config_set("maxmemory", "1"),
    "fermé": lambda client: client.config_set("requirepass", "autre"),
}
LONGUES = ("muet", "vidé", "fermé")


@pytest.fixture
def url() -> Iterator[str]:
    with serveur_redis() as adresse:
        yield adresse


def partage(url: str) -> Callable[[Callable[[], float]], Cache]:
    sceau = Sceau(hashlib.sha256(b"c10").digest())
    return lambda secondes: CachePartage(CacheRedis(url), Coffre([sceau], codec(Resultat)), cache_local(secondes))


async def tous(monde: MondeEnCache) -> list[str]:
    """Everybody at once."""
    return list(await asyncio.gather(*(monde.demander(viewer, TEXTE) for viewer in QUESTIONS)))


def rien_au_journal(caplog: pytest.LogCaptureFixture) -> None:
    dits = "".join(ligne.getMessage() for ligne in caplog.records if ligne.name != "asyncio")
    assert not any(secret in dits for secret in ("Nom0", "Contact0", "0600001A", "redis://"))


@pytest.mark.parametrize("nom", ["absent", "plein", *(pytest.param(n, marks=pytest.mark.chaos) for n in LONGUES)])
async def test_c10_redis_tombe_pendant_la_charge(url: str, nom: str, caplog: pytest.LogCaptureFixture) -> None:
    monde = MondeEnCache(tirer(Random(4), 8), partage(url))
    attendues = [await monde.sans_cache(viewer, TEXTE) for viewer in QUESTIONS]
    rendues: list[list[str]] = []
    with caplog.at_level(logging.DEBUG):
        assert await tous(monde) == attendues
        charge = [asyncio.create_task(tous(monde)) for _ in range(3)]
        with redis.Redis.from_url(url) as client:
            PANNES[nom](client)
        for passe in (0.5, 2.0, 301.0, 3601.0):  # left alone, tried again, stale, asked again
            rendues += await asyncio.gather(*charge)  # an answer under way has this clock too
            await monde.vieillir(passe)
            charge = [asyncio.create_task(tous(monde)) for _ in range(2)]
        rendues += await asyncio.gather(*charge)
    await monde.sources.aclose()
    for reponses in rendues:
        assert reponses == attendues
    rien_au_journal(caplog)
    noter(f"C10 : {len(rendues) * len(QUESTIONS)} réponses pendant que Redis est {nom}, toutes égales, 0 erreur")


@asynccontextmanager
async def deplace() -> AsyncIterator[str]:
    """A node of a cluster that has moved everything elsewhere."""

    async def repondre(lecteur: asyncio.StreamReader, ecrivain: asyncio.StreamWriter) -> None:
        while await lecteur.read(65_536):
            ecrivain.write(b"-MOVED 3999 127.0.0.1:1\r\n")
            await ecrivain.drain()
        ecrivain.close()

    ecoute = await asyncio.start_server(repondre, "127.0.0.1", 0)
    try:
        yield f"redis://127.0.0.1:{ecoute.sockets[0].getsockname()[1]}/0"
    finally:
        ecoute.close()


async def test_c10_un_redis_deplace_est_contourne(caplog: pytest.LogCaptureFixture) -> None:
    async with deplace() as url:
        monde = MondeEnCache(tirer(Random(4), 8), partage(url))
        with caplog.at_level(logging.DEBUG):
            rendues = await tous(monde)
        assert rendues == [await monde.sans_cache(viewer, TEXTE) for viewer in QUESTIONS]
        await monde.sources.aclose()
    rien_au_journal(caplog)
