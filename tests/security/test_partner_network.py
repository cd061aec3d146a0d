"""A partner is reached by its own proxy, believed by its own authorities, and shown our certificate: over sockets."""

import asyncio
import ssl
from asyncio import StreamReader, StreamWriter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest

from fixtures.certificates import Authority
from fixtures.servers import HOST, free_port
from gateway.connectors.base import PartnerRequest
from gateway.errors import ConfigurationError, SourceUnavailable
from gateway.sources.http.transport import Exchange, Transport
from gateway.sources.partners.load import Partner, load_partner
from tests.support.security.tunnel import tunnel

pytestmark = pytest.mark.anyio

TABLE = """
nom = "prive"
genre = "ypareo"
base_url = "https://prive.invalid/{{code}}"
locataires = "locataires.csv"
{network}
[acces.defaut]
type = "entete"
nom = "X-Auth-Token"
secret = "CLE"
"""


def partner(folder: Path, network: str) -> Partner:
    (folder / "locataires.csv").write_text("uai,siret,code\n0010856A,73282932000074,un\n", encoding="utf-8")
    path = folder / "prive.toml"
    path.write_text(TABLE.format(network=network), encoding="utf-8")
    return load_partner(path, {"CLE": "s"}, ["ypareo"])


@asynccontextmanager
async def partner_under_tls(context: ssl.SSLContext) -> AsyncIterator[tuple[int, list[str]]]:
    """A partner that answers an empty list; the common names of the certificates it was shown."""
    shown: list[str] = []

    async def answer(reader: StreamReader, writer: StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        told = writer.get_extra_info("ssl_object").getpeercert() or {}
        shown.append(next((value for ((name, value),) in told.get("subject", ()) if name == "commonName"), ""))
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\n[]")
        await writer.drain()
        writer.close()

    async with await asyncio.start_server(answer, HOST, 0, ssl=context) as server:
        yield server.sockets[0].getsockname()[1], shown


async def asked(own: Partner, port: int) -> object:
    shared = Transport(lambda: datetime.now(UTC))
    transport = shared.through(own.network)
    try:
        call = Exchange("prive", f"https://{HOST}:{port}/x", PartnerRequest("x", "/x"), None, 5.0, 1000)
        return (await transport.request(call)).document
    finally:
        await transport.aclose()
        await shared.aclose()


async def test_an_authority_that_certifies_one_partner_is_believed_for_it_alone(tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    async with partner_under_tls(authority.context()) as (port, _):
        assert await asked(partner(tmp_path, 'autorites = "autorite.pem"'), port) == []
        with pytest.raises(SourceUnavailable, match="certificat non reconnu"):
            await asked(partner(tmp_path, ""), port)


async def test_our_certificate_is_shown_to_the_partner_that_asks_for_it(tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    certificate, key = authority.client("passerelle")
    context = authority.context()
    context.verify_mode = ssl.CERT_REQUIRED
    context.load_verify_locations(authority.file)
    network = f'autorites = "autorite.pem"\ncertificat = "{certificate.name}"\ncle_certificat = "{key.name}"'
    async with partner_under_tls(context) as (port, shown):
        assert await asked(partner(tmp_path, network), port) == []
        assert shown == ["passerelle"]
        with pytest.raises(SourceUnavailable):
            await asked(partner(tmp_path, 'autorites = "autorite.pem"'), port)
        assert shown == ["passerelle"]


async def test_a_partner_behind_a_proxy_is_asked_through_it_and_not_around(tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    async with partner_under_tls(authority.context()) as (port, _), tunnel() as (proxy, connects):
        assert await asked(partner(tmp_path, f'autorites = "autorite.pem"\nmandataire = "{proxy}"'), port) == []
        assert connects == [f"CONNECT {HOST}:{port}"]
        absent = f'autorites = "autorite.pem"\nmandataire = "http://{HOST}:{free_port()}"'
        with pytest.raises(SourceUnavailable, match="partenaire injoignable"):
            await asked(partner(tmp_path, absent), port)


@pytest.mark.parametrize(
    ("network", "told"),
    [
        ('autorites = "absent.pem"', r"autorites : fichier PEM attendu \(n'existe pas\)"),
        ('autorites = "texte.pem"', r"autorites : fichier PEM attendu"),
        ('certificat = "texte.pem"', r"certificat et cle_certificat : PEM d'un certificat et de sa clé attendus"),
        ('certificat = "autre.pem"\ncle_certificat = "client.key"', r"certificat et cle_certificat : PEM"),
        ('cle_certificat = "client.key"', r"cle_certificat demande « certificat »"),
        ('mandataire = "prive"', r"mandataire"),
    ],
)
def test_what_is_wrong_is_told_at_the_start_by_its_file_and_key(tmp_path: Path, network: str, told: str) -> None:
    authority = Authority(tmp_path)
    certificate, key = authority.client("passerelle")
    key.rename(tmp_path / "client.key")
    authority.client("autre")[0].rename(tmp_path / "autre.pem")
    (tmp_path / "texte.pem").write_text("ce n'est pas un certificat", encoding="utf-8")
    with pytest.raises(ConfigurationError, match=rf"prive\.toml.*{told}"):
        partner(tmp_path, network)
    assert certificate.exists()


def test_a_partner_that_says_nothing_is_reached_as_the_others(tmp_path: Path) -> None:
    assert partner(tmp_path, "").network is None
