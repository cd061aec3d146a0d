"""How an issuer is found and reached: what it publishes, a proxy, its own authorities; what the operator reads when it is not."""

import asyncio
import shutil
from asyncio import StreamReader, StreamWriter
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import Route

from fixtures.certificates import Authority
from fixtures.identity_provider import Identity
from fixtures.servers import HOST, Servers, free_port, reserve
from fixtures.tls_gate import TlsGate
from gateway.auth.authentication.authenticator import TokenVerifier
from gateway.auth.authentication.clients import Principal
from gateway.auth.authentication.jwks import KeySet, SignedTokens
from gateway.config import GatewayFile, load
from gateway.errors import ConfigurationError
from gateway.issuer_settings import IssuerSettings
from gateway.server.composition import build_authenticator, read_client_register
from gateway.server.services import build_services
from gateway.sources.http.issuers import IssuerClient
from gateway.sources.http.outbound import aiohttp_transport
from gateway.sources.http.transport import Transport
from tests.support.security.issuer import CURVE, EDWARDS
from tests.unit.test_examples import EXAMPLES
from tests.unit.test_examples import environment as environment_of

pytestmark = pytest.mark.anyio


async def verify(settings: Mapping[str, Any], token: str, network: Callable[[], Any] = aiohttp_transport) -> Principal:
    """Who a token says calls, once the issuer of that table is open. Raises ConfigurationError."""
    issuer = IssuerSettings.model_validate({"audience": "passerelle", **settings})
    transport = Transport(lambda: datetime.now(UTC), network)
    clock = asyncio.get_running_loop().time
    try:
        client = IssuerClient(issuer, "", transport, clock)
        keys = KeySet(client.keys, now, algorithms=issuer.algorithmes, name=issuer.emetteur)
        verifier = TokenVerifier([SignedTokens(issuer, keys)], {"ml"}, now)
        await verifier.open()
        return await verifier.verify(f"Bearer {token}")
    finally:
        await transport.aclose()


def now() -> float:
    return datetime.now(UTC).timestamp()


@contextmanager
def served(routes: Callable[[str], list[Route]]) -> Iterator[str]:
    """The address of an application whose routes know it."""
    taken = reserve(0)
    url = f"http://{HOST}:{taken.getsockname()[1]}"
    with Servers([(taken, Starlette(routes=list(routes(url))))]):
        yield url


def answering(document: Any, status: int = 200) -> Callable[[Request], Response]:
    def answer(request: Request) -> Response:
        del request
        return JSONResponse(document, status)

    return answer


@pytest.fixture(scope="module")
def identity() -> Iterator[Identity]:
    """An issuer that publishes what it is as RFC 8414 has it only, under a path, and its keys."""
    taken = reserve(0)
    issuer = Identity(f"http://{HOST}:{taken.getsockname()[1]}/royaume", {"ml"})
    routes = [
        Route("/.well-known/oauth-authorization-server/royaume", issuer.discovery),
        Route("/royaume/.well-known/jwks.json", issuer.jwks),
    ]
    with Servers([(taken, Starlette(routes=routes))]):
        yield issuer


async def test_an_address_is_found_where_rfc_8414_puts_it(identity: Identity) -> None:
    assert await verify({"emetteur": identity.emetteur}, identity.issue("ml")) == Principal("ml", mfa=True)


async def test_an_address_that_is_given_is_the_one_asked(identity: Identity) -> None:
    settings = {"emetteur": identity.emetteur, "jwks_url": f"{identity.emetteur}/.well-known/jwks.json"}
    assert await verify(settings, identity.issue("ml", "a")) == Principal("ml", "a", mfa=True)


PUBLISHED: dict[str, tuple[Callable[[str], Any], str]] = {
    "of another issuer": (
        lambda url: {"issuer": f"{url}/", "jwks_uri": f"{url}/jwks"},
        "ce que l'émetteur publie est d'un autre (issuer)",
    ),
    "without the address": (
        lambda url: {"issuer": url},
        "jwks_uri de l'émetteur : URL http(s) absolue attendue",
    ),
    "an address in clear elsewhere": (
        lambda url: {"issuer": url, "jwks_uri": "http://ailleurs.invalid/jwks"},
        "jwks_uri de l'émetteur : https exigé hors de la boucle locale",
    ),
    "an address with a secret": (
        lambda url: {"issuer": url, "jwks_uri": f"{url}/jwks?cle=x"},
        "jwks_uri de l'émetteur : URL sans compte, ni requête, ni fragment attendue",
    ),
    "a list": (lambda url: [url], "ce que l'émetteur publie est d'un autre (issuer)"),
}


async def cause(settings: Mapping[str, Any], network: Callable[[], Any] = aiohttp_transport) -> str:
    """Why a start says that an issuer has no keys."""
    with pytest.raises(ConfigurationError) as raised:
        await verify(settings, "", network)
    head, _, rest = str(raised.value).partition(f"pas de jeu de clés ({settings['emetteur']} : ")
    told, _, tail = rest.partition("), ni copie de moins d'une heure ; démarrer l'émetteur")
    assert (head, tail) == ("jetons.jwks_url : ", "")
    return told


@pytest.mark.parametrize("row", PUBLISHED)
async def test_what_an_issuer_publishes_must_be_its_own(row: str) -> None:
    document, told = PUBLISHED[row]
    with served(lambda url: [Route("/.well-known/openid-configuration", answering(document(url)))]) as url:
        assert await cause({"emetteur": url}) == told


KEY_SETS: dict[str, tuple[Callable[[Request], Response], str]] = {
    "what it publishes of itself": (
        answering({"issuer": "x", "jwks_uri": "y"}),
        "pas un jeu de clés : « keys » absent",
    ),
    "keys of another kind": (
        answering({"keys": [CURVE.as_dict(private=False), EDWARDS.as_dict(private=False)]}),
        "2 clés, aucune pour RS256",
    ),
    "404": (answering({}, 404), "ressource inconnue du partenaire"),
    "a redirect": (lambda _: RedirectResponse("/ailleurs"), "redirection refusée"),
    "HTML": (lambda _: Response("<html>"), "réponse invalide : JSON illisible"),
    "500": (answering({}, 500), "le partenaire est en erreur"),
}


@pytest.mark.parametrize("row", KEY_SETS)
async def test_an_address_that_has_no_keys_says_what_is_there(row: str) -> None:
    answer, told = KEY_SETS[row]
    with served(lambda _: [Route("/jwks", answer)]) as url:
        assert await cause({"emetteur": url, "jwks_url": f"{url}/jwks"}) == told


async def test_what_an_issuer_publishes_is_not_read_in_clear() -> None:
    told = "emetteur de l'émetteur : https exigé hors de la boucle locale"
    assert await cause({"emetteur": "http://identite.invalid"}) == told


async def test_nobody_there_is_said_too() -> None:
    assert await cause({"emetteur": f"http://{HOST}:{free_port()}"}) == "partenaire injoignable"


@pytest.fixture
async def behind_tls(tmp_path: Path) -> AsyncIterator[tuple[Identity, Authority]]:
    """An issuer under https, certified by an authority of its own."""
    authority, taken = Authority(tmp_path), reserve(0)
    with TlsGate(authority, taken.getsockname()[1], lambda: None) as gate:
        issuer = Identity(gate.url, {"ml"})
        with Servers([(taken, issuer.application())]):
            yield issuer, authority


async def test_an_authority_that_nobody_knows_is_named(behind_tls: tuple[Identity, Authority]) -> None:
    issuer, authority = behind_tls
    assert await cause({"emetteur": issuer.emetteur}) == "certificat non reconnu"
    network = partial(aiohttp_transport, authorities=authority.file)
    assert await verify({"emetteur": issuer.emetteur}, issuer.issue("ml"), network) == Principal("ml", mfa=True)


async def test_an_issuer_is_reached_through_the_proxy_and_not_around_it(behind_tls: tuple[Identity, Authority]) -> None:
    issuer, authority = behind_tls
    asked: list[str] = []

    async def handle(reader: StreamReader, writer: StreamWriter) -> None:
        """A proxy that does CONNECT."""
        method, target, _ = (await reader.readuntil(b"\r\n\r\n")).split(b"\r\n")[0].decode().split(" ")
        asked.append(f"{method} {target}")
        host, _, port = target.rpartition(":")
        from_target, towards = await asyncio.open_connection(host, int(port))
        writer.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
        await asyncio.gather(pour(reader, towards), pour(from_target, writer))

    async with await asyncio.start_server(handle, HOST, 0) as proxy:
        port = proxy.sockets[0].getsockname()[1]
        network = partial(aiohttp_transport, f"http://{HOST}:{port}", authority.file)
        assert await verify({"emetteur": issuer.emetteur}, issuer.issue("ml"), network) == Principal("ml", mfa=True)
    assert set(asked) == {f"CONNECT {issuer.emetteur.removeprefix('https://')}"}
    nobody = partial(aiohttp_transport, f"http://{HOST}:{free_port()}", authority.file)
    assert await cause({"emetteur": issuer.emetteur}, nobody) == "partenaire injoignable"


async def pour(source: StreamReader, towards: StreamWriter) -> None:
    while content := await source.read(65_536):
        towards.write(content)
        await towards.drain()
    towards.close()


JETONS = {"emetteur": "https://un.invalid", "audience": "passerelle"}
ASKED = {"client": "sr", "secret": "SECRET"}


@pytest.mark.parametrize(
    ("tables", "told"),
    [
        ({}, "aucun émetteur de jetons : une table [jetons], ou des [[emetteurs]]"),
        ({"jetons": JETONS, "emetteurs": [JETONS]}, "un même émetteur est donné deux fois"),
        ({"jetons": {**JETONS, "audience": ""}}, "audience : vide seulement là où l'émetteur est interrogé"),
        (
            {"emetteurs": [{**JETONS, "emetteur": name, "introspection": ASKED} for name in ("a", "b")]},
            "un seul peut être interrogé",
        ),
        ({"jetons": {**JETONS, "algorithmes": ["HS256"]}}, "Input should be 'RS256'"),
        ({"jetons": {**JETONS, "algorithmes": []}}, "at least 1 item"),
        ({"jetons": {**JETONS, "types": ["refresh+jwt"]}}, "Input should be 'at+jwt'"),
        ({"jetons": {**JETONS, "forme": "okta"}}, "Input should be 'rfc9068'"),
    ],
)
def test_tables_that_do_not_hold_together_are_refused(tables: dict[str, Any], told: str) -> None:
    with pytest.raises(ValidationError) as raised:
        GatewayFile.model_validate({**tables, "donnees": {"dossier": "d"}})
    assert told in str(raised.value)


def test_a_shape_gives_what_the_table_does_not() -> None:
    keycloak = IssuerSettings.model_validate({**JETONS, "forme": "keycloak", "types": ["at+jwt"]})
    entra = IssuerSettings.model_validate({**JETONS, "forme": "entra"})
    assert (keycloak.types, keycloak.client, keycloak.compte) == (("at+jwt",), "azp", "agent")
    assert (entra.types, entra.client, entra.compte, entra.vie_max_secondes) == (("JWT",), "azp", "oid", 5_700)


async def built(folder: Path, table: str, **environ: str) -> list[bool]:
    """Whether each issuer of a configuration is reached otherwise than partners are. Raises ConfigurationError."""
    shutil.copytree(EXAMPLES, folder, dirs_exist_ok=True)
    file = folder / "gateway.toml"
    file.write_text(file.read_text(encoding="utf-8") + table, encoding="utf-8")
    environment = {**environment_of(folder), **environ}
    services = build_services(load(environment), environment)
    try:
        build_authenticator(services, read_client_register(services.configuration))
        return [client._transport is not services.transport for client in services.issuers]
    finally:
        await services.aclose()


OTHER = '\n[[emetteurs]]\nemetteur = "https://autre.invalid"\naudience = "passerelle"\n'


async def test_a_proxy_and_authorities_are_those_of_one_issuer(tmp_path: Path) -> None:
    shutil.copy(Authority(tmp_path).file, tmp_path / "etat.pem")
    reached = 'mandataire = "http://mandataire.invalid:3128"\nautorites = "etat.pem"\n'
    assert await built(tmp_path, OTHER + reached) == [False, True]


async def test_authorities_that_cannot_be_read_stop_the_start(tmp_path: Path) -> None:
    for content, told in ((None, "FileNotFoundError"), ("ce n'est pas un certificat", "SSLError")):
        if content:
            (tmp_path / "etat.pem").write_text(content, encoding="utf-8")
        with pytest.raises(ConfigurationError, match=rf"^gateway\.toml : autorites : fichier PEM attendu \({told}\)$"):
            await built(tmp_path, OTHER + 'autorites = "etat.pem"\n')


async def test_the_secret_of_an_introspection_is_in_the_environment(tmp_path: Path) -> None:
    table = OTHER + '[emetteurs.introspection]\nclient = "sr"\nsecret = "SR_SECRET"\n'
    with pytest.raises(ConfigurationError, match=r"^variable d'environnement SR_SECRET : absente$"):
        await built(tmp_path, table)
    shutil.rmtree(tmp_path)
    assert await built(tmp_path, table, SR_SECRET="x") == [False, False]
