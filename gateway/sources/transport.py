"""The one guarded HTTP client. Knows how to ask safely, and nothing of what is asked nor of paging, caching or pacing.

Total deadline, bounded decoded size, no redirect followed, no environment proxy, no cookie kept, TLS verified, strict
decoding, no URL in any log. What fails is an ErreurSource that names the partner and holds no address, body or value.
"""

import asyncio
import hashlib
import logging
import ssl
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime
from http.cookiejar import CookieJar, DefaultCookiePolicy
from typing import Any, cast

import aiohttp
import httpx
from httpx_aiohttp import AiohttpTransport

from gateway.connectors.base import Requete
from gateway.errors import SourceDelaiDepasse, SourceIndisponible, SourceInvalide, SourceRefusee
from gateway.sources.acces import AccesRefuse, Preuve
from gateway.sources.corps import CorpsInvalide, lire_corps
from gateway.sources.decodage import DocumentInvalide, ErreurAnnoncee, decoder
from gateway.sources.reperes import Repere, repere
from gateway.sources.statuts import erreur_du_statut, instant_http

FabriqueTransport = Callable[[], httpx.AsyncBaseTransport]

ENTETE_OCTETS_MAX = 16_384  # one header, or the status line
ENTETES_LUS = ("Link", "Retry-After", "ETag", "Last-Modified", "Date")
DECODER_A_PART = 262_144  # bytes; above, decoding would hold the event loop for milliseconds


@dataclass(frozen=True, slots=True)
class Appel:
    """One HTTP exchange: the absolute URL without query, the connector's request, how to prove who we are, the bounds.

    `delai` is in seconds, from the connection to the last byte; `octets_max` counts decoded bytes. `conditions` are the
    headers that ask for what changed only.
    """

    source: str
    url: str
    requete: Requete
    preuve: Preuve | None = field(repr=False)
    delai: float
    octets_max: int
    conditions: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Reponse:
    """A decoded answer. `document` is None for an empty body that means absence; `empreinte` is a digest of the body,
    `repere` what the same page can be revalidated by, `ecart` the seconds the partner's clock is ahead of ours, if it tells,
    `octets` how long the body was."""

    document: Any
    lien: str = ""
    empreinte: bytes = b""
    repere: Repere | None = None
    ecart: float | None = None
    octets: int = 0


class Transport:
    """The client every partner is asked through. `fabrique` gives the network; tests pass their own."""

    def __init__(self, horloge: Callable[[], datetime], fabrique: FabriqueTransport | None = None) -> None:
        _taire()
        self._horloge = horloge
        self._client = httpx.AsyncClient(
            transport=_Garde((fabrique or transport_aiohttp)()),
            timeout=None,  # noqa: S113 - the total deadline of each exchange bounds it
            trust_env=False,
            follow_redirects=False,
            cookies=CookieJar(DefaultCookiePolicy(allowed_domains=[])),
            headers={"Accept-Encoding": "gzip", "User-Agent": "passerelle-apprentissage"},
        )

    async def demander(self, appel: Appel) -> Reponse:
        """Ask once and decode. Raises SourceIndisponible, SourceFermee, SourceDelaiDepasse or SourceInvalide."""
        with _traduire(appel.source):
            async with asyncio.timeout(appel.delai):
                reponse = self._reussie(appel, await self._envoyer(appel))
                return replace(await _lire(reponse, appel.requete), ecart=self._ecart(reponse))

    async def inchangee(self, appel: Appel) -> bool:
        """Ask once, under conditions: whether the partner says that the page is as it was (304). Nothing is decoded."""
        with _traduire(appel.source):
            async with asyncio.timeout(appel.delai):
                reponse = await self._envoyer(appel)
                if reponse.status_code == httpx.codes.NOT_MODIFIED:
                    return True
                self._reussie(appel, reponse)
                return False

    async def _envoyer(self, appel: Appel) -> httpx.Response:
        return await self._client.send(self._requete(appel), auth=appel.preuve)

    def _reussie(self, appel: Appel, reponse: httpx.Response) -> httpx.Response:
        """The answer, unless its status is an error. A date to come back at is told by the partner's clock."""
        attente = reponse.headers.get("Retry-After", "")
        maintenant = instant_http(reponse.headers.get("Date", "")) or self._horloge()
        erreur = erreur_du_statut(appel.source, reponse.status_code, attente, maintenant)
        if erreur is not None:
            raise erreur
        return reponse

    def _ecart(self, reponse: httpx.Response) -> float | None:
        sienne = instant_http(reponse.headers.get("Date", ""))
        return (sienne - self._horloge()).total_seconds() if sienne else None

    async def aclose(self) -> None:
        """Close the connections."""
        await self._client.aclose()

    def _requete(self, appel: Appel) -> httpx.Request:
        return self._client.build_request(
            appel.requete.methode,
            appel.url,
            params=dict(appel.requete.params),
            json=appel.requete.corps,
            headers=dict(appel.conditions),
            extensions={"octets_max": appel.octets_max},
        )


class _Garde(httpx.AsyncBaseTransport):
    """Reads every body within its bound before httpx sees it (httpx decodes without one); only a 200 has a body for us."""

    def __init__(self, interne: httpx.AsyncBaseTransport) -> None:
        self._interne = interne

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        recue = await self._interne.handle_async_request(request)
        try:
            corps = await self._corps(request, recue) if recue.status_code == httpx.codes.OK else b""
        finally:
            await recue.aclose()
        gardes = {nom: recue.headers[nom] for nom in ENTETES_LUS if nom in recue.headers}
        return httpx.Response(recue.status_code, headers=gardes, content=corps, request=request)

    async def _corps(self, request: httpx.Request, recue: httpx.Response) -> bytes:
        flux = cast("httpx.AsyncByteStream", recue.stream)
        encodage = recue.headers.get("Content-Encoding", "")
        return await lire_corps(flux, encodage, request.extensions.get("octets_max", 65_536))

    async def aclose(self) -> None:
        await self._interne.aclose()


def transport_aiohttp() -> httpx.AsyncBaseTransport:
    """httpx over aiohttp (docs/decisions/0001): a cancelled request leaves its pool sound, at a quarter of the CPU."""
    contexte = ssl.create_default_context()

    def session() -> aiohttp.ClientSession:
        return aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=0, ssl=contexte),  # the partners' bulkheads bound the connections
            cookie_jar=aiohttp.DummyCookieJar(),
            max_line_size=ENTETE_OCTETS_MAX,
            max_field_size=ENTETE_OCTETS_MAX,
        )

    return AiohttpTransport(client=session)


def _taire() -> None:
    """These loggers print URLs, and a query may hold a key."""
    for nom in ("httpx", "httpcore", "aiohttp"):
        logging.getLogger(nom).setLevel(logging.CRITICAL)


async def _lire(reponse: httpx.Response, requete: Requete) -> Reponse:
    corps, page = reponse.content, repere(requete, reponse.headers)
    if not corps.strip():
        if requete.vide_est_absence:
            return Reponse(None, repere=page)
        raise DocumentInvalide("vide")
    if len(corps) > DECODER_A_PART:
        document = await asyncio.to_thread(decoder, corps, requete)
    else:
        document = decoder(corps, requete)
    empreinte = hashlib.blake2b(corps, digest_size=16).digest()
    return Reponse(document, reponse.headers.get("Link", ""), empreinte, page, octets=len(corps))


@contextmanager
def _traduire(source: str) -> Iterator[None]:
    """Every failure below becomes ours; the cause is cut off, for it holds the URL."""
    try:
        yield
    except TimeoutError:
        raise SourceDelaiDepasse(source, "le partenaire n'a pas répondu à temps") from None
    except (CorpsInvalide, DocumentInvalide) as erreur:
        raise SourceInvalide(source, f"réponse du partenaire invalide : {erreur}") from None
    except ErreurAnnoncee as erreur:
        raise SourceIndisponible(source, f"refus du partenaire : {erreur}") from None
    except AccesRefuse as erreur:
        raise SourceRefusee(source, f"refus du partenaire : {erreur}") from None
    except (httpx.HTTPError, aiohttp.ClientError, OSError) as erreur:
        if isinstance(erreur.__cause__, aiohttp.ClientPayloadError):  # an answer begun and not finished
            raise SourceInvalide(source, "réponse du partenaire tronquée") from None
        raise SourceIndisponible(source, "partenaire injoignable") from None
