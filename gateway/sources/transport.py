"""The one guarded HTTP client: httpx's requests and transports, without its client. Knows how to ask safely, and nothing of
what is asked nor of paging, caching or pacing.

Total deadline, bounded decoded size, no redirect followed, no environment proxy, no cookie kept, TLS verified, strict
decoding, no URL in any log. What fails is an ErreurSource that names the partner and holds no address, body or value.
"""

import asyncio
import logging
import ssl
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import lru_cache, partial
from typing import Any, cast

import aiohttp
import httpx
from httpx_aiohttp import AiohttpTransport

from gateway.connectors.base import Requete
from gateway.errors import SourceDelaiDepasse, SourceIndisponible, SourceInvalide, SourceRefusee
from gateway.sources.acces import AccesRefuse, Preuve, Recue
from gateway.sources.corps import CorpsInvalide, lire_corps
from gateway.sources.decodage import DocumentInvalide, ErreurAnnoncee, decoder
from gateway.sources.reperes import Repere, condenser, repere
from gateway.sources.statuts import REUSSIS, erreur_du_statut, instant_http

FabriqueTransport = Callable[[], httpx.AsyncBaseTransport]

ENTETE_OCTETS_MAX = 16_384  # one header, or the status line
ENTETES = {"Accept-Encoding": "gzip", "User-Agent": "passerelle-apprentissage"}
ENTETES_LUS = {
    nom.lower().encode(): nom for nom in ("Link", "Retry-After", "ETag", "Last-Modified", "Date", "Content-Encoding")
}
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
    """What every partner is asked through. `fabrique` gives the network; tests pass their own."""

    def __init__(self, horloge: Callable[[], datetime], fabrique: FabriqueTransport | None = None) -> None:
        _taire()
        self._horloge = horloge
        self._reseau = (fabrique or transport_aiohttp)()

    async def demander(self, appel: Appel) -> Reponse:
        """Ask once, and decode what is not as it was known.

        Raises SourceIndisponible, SourceFermee, SourceDelaiDepasse or SourceInvalide.
        """
        with _traduire(appel.source):
            async with asyncio.timeout(appel.delai):
                recue = await self._envoyer(appel)
                if recue.statut == httpx.codes.NOT_MODIFIED and appel.connue and appel.connue.conditions:
                    return Reponse(None, inchangee=True)
                sienne = instant_http(recue.entetes.get("Date", ""))
                self._reussir(appel, recue, sienne)
                ecart = (sienne - self._horloge()).total_seconds() if sienne else None
                return await _lire(recue, appel, ecart)

    async def decoder(self, source: str, reponse: Reponse, requete: Requete) -> Reponse:
        """An answer that was as it was known, decoded: another page of the same reading is not. Raises ErreurSource: what
        decoded it the first time may be an earlier version of this code."""
        with _traduire(source):
            return replace(reponse, document=await _document(reponse.corps or b"", requete), corps=None)

    async def _envoyer(self, appel: Appel) -> Recue:
        echanger = partial(_echanger, self._reseau, appel.octets_max)
        requete = _requete(appel)
        return await (appel.preuve.envoyer(requete, echanger) if appel.preuve else echanger(requete))

    def _reussir(self, appel: Appel, recue: Recue, sienne: datetime | None) -> None:
        """Raise what its status means, when it is an error. A date to come back at is told by the partner's clock."""
        if recue.statut not in REUSSIS:
            attente = recue.entetes.get("Retry-After", "")
            erreur = erreur_du_statut(appel.source, recue.statut, attente, sienne or self._horloge())
            if erreur is not None:
                raise erreur

    async def aclose(self) -> None:
        """Close the connections."""
        await self._reseau.aclose()


def _requete(appel: Appel) -> httpx.Request:
    demandee, conditions = appel.requete, appel.connue.conditions if appel.connue else {}
    adresse = _adresse(appel.url, tuple(demandee.params.items()))
    return httpx.Request(demandee.methode, adresse, headers={**ENTETES, **conditions}, json=demandee.corps)


@lru_cache(ADRESSES_MAX)
def _adresse(url: str, params: tuple[tuple[str, str], ...]) -> httpx.URL:
    """The same pages are asked again and again, and httpx reads each character of an address. No secret is part of it."""
    return httpx.URL(url, params=params)


async def _echanger(reseau: httpx.AsyncBaseTransport, octets_max: int, requete: httpx.Request) -> Recue:
    """Send, and read the body within its bound (httpx decodes without one); only a 200 has a body for us."""
    reponse = await reseau.handle_async_request(requete)
    try:
        entetes = _lus(reponse.headers.raw)
        corps = b""
        if reponse.status_code == httpx.codes.OK:
            flux = cast("httpx.AsyncByteStream", reponse.stream)
            corps = await lire_corps(flux, entetes.get("Content-Encoding", ""), octets_max)
    finally:
        await reponse.aclose()
    return Recue(reponse.status_code, entetes, corps)


def _lus(bruts: Iterable[tuple[bytes, bytes]]) -> dict[str, str]:
    """The headers that we read; one that comes twice is a list (RFC 9110 §5.3)."""
    lus: dict[str, str] = {}
    for brut, valeur in bruts:
        if nom := ENTETES_LUS.get(brut.lower()):
            texte = valeur.decode("latin-1")
            lus[nom] = f"{lus[nom]}, {texte}" if nom in lus else texte
    return lus


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


async def _lire(recue: Recue, appel: Appel, ecart: float | None) -> Reponse:
    corps, requete, connue = recue.corps, appel.requete, appel.connue
    empreinte = condenser(corps)
    page = repere(requete, empreinte, recue.entetes)
    lue = (recue.entetes.get("Link", ""), empreinte, page, ecart, len(corps))
    if connue and page and connue.empreinte == page.empreinte:
        return Reponse(None, *lue, inchangee=True, corps=corps)
    return Reponse(await _document(corps, requete), *lue)


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
