"""The one guarded HTTP client. Knows how to ask safely, and nothing of what is asked nor of paging, caching or pacing.

Total deadline, bounded decoded size, no redirect followed, no environment proxy, no cookie kept, TLS verified, strict
decoding, no URL in any log. What fails is an ErreurSource that names the partner and holds no address, body or value.
"""

import asyncio
import logging
import ssl
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import lru_cache
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
from gateway.sources.reperes import Repere, condenser, repere
from gateway.sources.statuts import REUSSIS, erreur_du_statut, instant_http

FabriqueTransport = Callable[[], httpx.AsyncBaseTransport]

ENTETE_OCTETS_MAX = 16_384  # one header, or the status line
ENTETES_LUS = ("Link", "Retry-After", "ETag", "Last-Modified", "Date")
ADRESSES_MAX = 1024  # parsed addresses kept
DECODER_A_PART = 262_144  # bytes; above, decoding would hold the event loop for milliseconds


@dataclass(frozen=True, slots=True)
class Appel:
    """One HTTP exchange: the absolute URL without query, the connector's request, how to prove who we are, the bounds.

    `delai` is in seconds, from the connection to the last byte; `octets_max` counts decoded bytes. `connue` is the page as it
    was answered before.
    """

    source: str
    url: str
    requete: Requete
    preuve: Preuve | None = field(repr=False)
    delai: float
    octets_max: int
    connue: Repere | None = None


@dataclass(frozen=True, slots=True)
class Reponse:
    """A decoded answer. `document` is None for an empty body that means absence; `empreinte` is a digest of the body,
    `repere` what the same page can be compared by, `ecart` the seconds the partner's clock is ahead of ours, if it tells,
    `octets` how long the body was.

    `inchangee`: as it was known, and not decoded; `corps` is then the body, None when the partner sent none again (304).
    """

    document: Any
    lien: str = ""
    empreinte: bytes = b""
    repere: Repere | None = None
    ecart: float | None = None
    octets: int = 0
    inchangee: bool = False
    corps: bytes | None = None


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
        """Ask once, and decode what is not as it was known.

        Raises SourceIndisponible, SourceFermee, SourceDelaiDepasse or SourceInvalide.
        """
        with _traduire(appel.source):
            async with asyncio.timeout(appel.delai):
                reponse = await self._envoyer(appel)
                if reponse.status_code == httpx.codes.NOT_MODIFIED and appel.connue and appel.connue.conditions:
                    return Reponse(None, inchangee=True)
                self._reussir(appel, reponse)
                return await _lire(reponse, appel, self._ecart(reponse))

    async def _envoyer(self, appel: Appel) -> httpx.Response:
        return await self._client.send(self._requete(appel), auth=appel.preuve)

    def _reussir(self, appel: Appel, reponse: httpx.Response) -> None:
        """Raise what its status means, when it is an error. A date to come back at is told by the partner's clock."""
        if reponse.status_code in REUSSIS:
            return
        attente = reponse.headers.get("Retry-After", "")
        maintenant = instant_http(reponse.headers.get("Date", "")) or self._horloge()
        erreur = erreur_du_statut(appel.source, reponse.status_code, attente, maintenant)
        if erreur is not None:
            raise erreur

    def _ecart(self, reponse: httpx.Response) -> float | None:
        sienne = instant_http(reponse.headers.get("Date", ""))
        return (sienne - self._horloge()).total_seconds() if sienne else None

    async def aclose(self) -> None:
        """Close the connections."""
        await self._client.aclose()

    def _requete(self, appel: Appel) -> httpx.Request:
        return self._client.build_request(
            appel.requete.methode,
            _adresse(appel.url, tuple(appel.requete.params.items())),
            json=appel.requete.corps,
            headers=dict(appel.connue.conditions) if appel.connue else None,
            extensions={"octets_max": appel.octets_max},
        )


@lru_cache(ADRESSES_MAX)
def _adresse(url: str, params: tuple[tuple[str, str], ...]) -> httpx.URL:
    """The same pages are asked again and again, and httpx reads each character of an address. No secret is part of it."""
    return httpx.URL(url, params=params)


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


async def _lire(reponse: httpx.Response, appel: Appel, ecart: float | None) -> Reponse:
    corps, requete, connue = reponse.content, appel.requete, appel.connue
    empreinte = condenser(corps)
    page = repere(requete, empreinte, reponse.headers)
    lue = (reponse.headers.get("Link", ""), empreinte, page, ecart, len(corps))
    if connue and page and connue.empreinte == page.empreinte:
        return Reponse(None, *lue, inchangee=True, corps=corps)
    return Reponse(await _document(corps, requete), *lue)


async def decoder_la_meme(reponse: Reponse, requete: Requete) -> Reponse:
    """An answer that was known, decoded: another page of the same reading is not what it was. Raises DocumentInvalide."""
    return replace(reponse, document=await _document(reponse.corps or b"", requete), corps=None)


async def _document(corps: bytes, requete: Requete) -> Any:
    if not corps.strip():
        if requete.vide_est_absence:
            return None
        raise DocumentInvalide("vide")
    if len(corps) > DECODER_A_PART:
        return await asyncio.to_thread(decoder, corps, requete)
    return decoder(corps, requete)


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
