"""The guarded client over real sockets (SECURITY U01-U04, U16, T1): refusals, drips, bombs, cancellations, certificates."""

import asyncio
import socket
import struct
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from fixtures.certificats import Autorite
from gateway.errors import ErreurSource, SourceDelaiDepasse, SourceIndisponible, SourceInvalide
from gateway.sources.transport import Transport
from tests.sources_aide import Traiter, appel, horloge, serveur

pytestmark = pytest.mark.anyio
TETE = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
OK = TETE + b"Content-Length: 3\r\n\r\n[1]"


@pytest.fixture
async def reseau() -> AsyncIterator[Transport]:
    ouvert = Transport(horloge)
    yield ouvert
    await ouvert.aclose()


def dire(octets: bytes) -> Traiter:
    async def traiter(_: asyncio.StreamReader, ecrivain: asyncio.StreamWriter) -> None:
        ecrivain.write(octets)
        await ecrivain.drain()

    return traiter


def rompre(octets: bytes) -> Traiter:
    """Say this much, then reset the connection."""

    async def traiter(_: asyncio.StreamReader, ecrivain: asyncio.StreamWriter) -> None:
        ecrivain.write(octets)
        await ecrivain.drain()
        prise = ecrivain.get_extra_info("socket")
        prise.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        ecrivain.transport.abort()

    return traiter


def repeter(debut: bytes, bloc: bytes, pause: float) -> Traiter:
    """A body that never ends."""

    async def traiter(_: asyncio.StreamReader, ecrivain: asyncio.StreamWriter) -> None:
        ecrivain.write(debut)
        while not ecrivain.is_closing():
            ecrivain.write(bloc)
            await ecrivain.drain()
            await asyncio.sleep(pause)

    return traiter


async def refus(reseau: Transport, url: str, delai: float = 5.0) -> ErreurSource:
    with pytest.raises(ErreurSource) as levee:
        await reseau.demander(appel(url=url, delai=delai))
    return levee.value


async def test_une_reponse_reelle_est_lue(reseau: Transport) -> None:
    async with serveur(dire(OK)) as url:
        assert (await reseau.demander(appel(url=url))).document == [1]


async def test_u01_une_connexion_refusee(reseau: Transport) -> None:
    async with serveur(dire(OK)) as url:
        pass
    assert type(await refus(reseau, url)) is SourceIndisponible


ROMPUS = [
    pytest.param(b"", SourceIndisponible, id="avant la tête"),
    pytest.param(b"HTTP/1.1 200 OK\r\nContent-Le", SourceIndisponible, id="dans la tête"),
    pytest.param(TETE + b"Content-Length: 100\r\n\r\n[1]", SourceInvalide, id="dans le corps"),
    pytest.param(TETE + b"Transfer-Encoding: chunked\r\n\r\n64\r\n[1]", SourceInvalide, id="dans un morceau"),
]


@pytest.mark.parametrize(("dit", "sorte"), ROMPUS)
async def test_u01_une_connexion_rompue(reseau: Transport, dit: bytes, sorte: type[ErreurSource]) -> None:
    async with serveur(rompre(dit)) as url:
        assert type(await refus(reseau, url)) is sorte


TRONQUES = {
    "longueur": TETE + b"Content-Length: 100\r\n\r\n[1]",
    "morceau": TETE + b"Transfer-Encoding: chunked\r\n\r\n64\r\n[1]",
    "demi-JSON": TETE + b"Connection: close\r\n\r\n[1, 2",
}


@pytest.mark.parametrize("dit", TRONQUES.values(), ids=TRONQUES.keys())
async def test_u04_une_reponse_tronquee_est_invalide(reseau: Transport, dit: bytes) -> None:
    async with serveur(dire(dit)) as url:
        assert isinstance(await refus(reseau, url), SourceInvalide)


@pytest.mark.parametrize(
    "dit", [b"SMTP bonjour\r\n\r\n", b"HTTP/9.9 200 OK\r\n\r\n[1]", b"HTTP/1.1 2OO OK\r\n\r\n", b"\0" * 4000]
)
async def test_ce_qui_n_est_pas_http_est_une_erreur(reseau: Transport, dit: bytes) -> None:
    async with serveur(dire(dit)) as url:
        assert isinstance(await refus(reseau, url), ErreurSource)


GOUTTES = {
    "octet par octet": repeter(TETE + b"Content-Length: 1000000\r\n\r\n", b" ", 0.01),
    "tête sans fin": repeter(b"HTTP/1.1 200 OK\r\n", b"X: 1\r\n", 0.05),
    "muet": repeter(b"", b"", 0.05),
}


@pytest.mark.parametrize("traiter", GOUTTES.values(), ids=GOUTTES.keys())
async def test_u02_un_goutte_a_goutte_est_coupe_au_delai_total(reseau: Transport, traiter: Traiter) -> None:
    async with serveur(traiter) as url:
        assert isinstance(await refus(reseau, url, delai=0.1), SourceDelaiDepasse)


async def test_u02_un_corps_sans_fin_est_coupe_a_sa_taille(reseau: Transport) -> None:
    morceaux = repeter(TETE + b"Transfer-Encoding: chunked\r\n\r\n", b"10000\r\n" + b" " * 65_536 + b"\r\n", 0)
    async with serveur(morceaux) as url:
        erreur = await refus(reseau, url, delai=30.0)
    assert str(erreur) == "réponse du partenaire invalide : réponse trop volumineuse"


@pytest.mark.parametrize(
    "entetes",
    [b"X: " + b"a" * 5_000_000 + b"\r\n", b"".join(b"X-%d: 1\r\n" % i for i in range(100_000))],
    ids=["5 Mo", "cent mille"],
)
async def test_u03_une_tete_enorme_est_refusee(reseau: Transport, entetes: bytes) -> None:
    async with serveur(dire(b"HTTP/1.1 200 OK\r\n" + entetes + b"Content-Length: 3\r\n\r\n[1]")) as url:
        assert isinstance(await refus(reseau, url), ErreurSource)


async def test_t1_apres_une_tempete_d_annulations_le_partenaire_repond(reseau: Transport) -> None:
    """Deadlines cut requests at every stage, under contention; the pool must be as sound afterwards."""

    async def lent(_: asyncio.StreamReader, ecrivain: asyncio.StreamWriter) -> None:
        await asyncio.sleep(0.02)
        ecrivain.write(OK)
        await ecrivain.drain()

    async with serveur(lent) as url:
        for tour in range(20):
            delais = [0.0005 * (tour + place) for place in range(20)]
            demandes = (reseau.demander(appel(url=url, delai=delai)) for delai in delais)
            await asyncio.gather(*demandes, return_exceptions=True)
        reponses = await asyncio.gather(*(reseau.demander(appel(url=url)) for _ in range(10)))
    assert [reponse.document for reponse in reponses] == [[1]] * 10


@pytest.mark.parametrize("defaut", [None, "self_signed", "expired", "wrong_host", "tls_1_1"])
async def test_u16_un_certificat_douteux_est_refuse_avant_de_rien_dire(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, defaut: str | None
) -> None:
    """The authority is one that this machine trusts: only the flaw is refused."""
    autorite, recus = Autorite(tmp_path), []
    monkeypatch.setenv("SSL_CERT_FILE", str(autorite.fichier))

    async def recevoir(lecteur: asyncio.StreamReader, ecrivain: asyncio.StreamWriter) -> None:
        recus.append(await lecteur.readuntil(b"\r\n\r\n"))
        ecrivain.write(OK)
        await ecrivain.drain()
        ecrivain.close()

    reseau = Transport(horloge)
    async with await asyncio.start_server(recevoir, "127.0.0.1", 0, ssl=autorite.contexte(defaut)) as ecoute:
        url = f"https://127.0.0.1:{ecoute.sockets[0].getsockname()[1]}/"
        if defaut is None:
            assert (await reseau.demander(appel(url=url))).document == [1]
        else:
            assert type(await refus(reseau, url)) is SourceIndisponible
    await reseau.aclose()
    assert len(recus) == (defaut is None)
