"""What tests of the sources share: a partner, a transport over a mock or a loopback server, a connector of two requests."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from typing import Any

import httpx
import respx
from prometheus_client import CollectorRegistry
from pydantic import SecretStr

from gateway.cache.memoire import CacheMemoire
from gateway.cache.seam import Cache, CacheLocal
from gateway.connectors.base import Connecteur, Dossier, Lecture, Locataire, Lu, Requete
from gateway.schema.lieux import Cfa, ModeSource, TypeSource
from gateway.schema.nouns import Formation, Jeune
from gateway.schema.scalaires import UAI
from gateway.sources.fetch import Socle, Sources
from gateway.sources.fichier import CacheFichier, LimitesFichier
from gateway.sources.locataires import Abonne
from gateway.sources.mesures import Mesures
from gateway.sources.partenaires import Acces, Partenaire
from gateway.sources.resilience.rythme import Commun, Rythme
from gateway.sources.transport import Appel, Transport
from gateway.sources.unites import Ressource, Unite

BASE = "http://127.0.0.1:9/erp"
UAI_A, UAI_B, UAI_SITE = "0590001F", "0590002G", "0590003H"
INSTANT = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
SECRET = "cle-tres-secrete"

Traiter = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


def horloge() -> datetime:
    return INSTANT


def transport(routeur: respx.MockRouter) -> Transport:
    return Transport(horloge, lambda: httpx.MockTransport(routeur.async_handler))


def appel(requete: Requete | None = None, **champs: Any) -> Appel:
    demande = Appel("erp", BASE + "/liste", requete or Requete("liste", "/liste"), None, 5.0, 1_000_000)
    return replace(demande, **champs)


def partenaire(**champs: Any) -> Partenaire:
    """The partner « erp », with two CFAs and fast limits."""
    defaut = Partenaire(
        nom="erp",
        genre="erp",
        base_url=BASE,
        acces={"defaut": Acces("entete", "X-Cle", SecretStr(SECRET))},
        abonnes={uai: Abonne(Locataire(uai, code=uai)) for uai in (UAI_A, UAI_B)},
        limites=LimitesFichier(par_seconde=10_000, simultanes=50),
        cache=CacheFichier(),
    )
    return replace(defaut, **champs)


def _lecture(locataire: Locataire, _jour: date) -> Lecture[Lu]:
    """One call: a list of {"cle", "uai"}."""
    ((lignes,),) = yield [Requete("liste", f"/liste/{locataire.code}")]
    return Lu([_dossier(ligne) for ligne in lignes], rejets=int(bool(lignes)), champs_ignores=2)


def _dossier(ligne: Mapping[str, str]) -> Dossier:
    cfa = Cfa(uai=UAI(ligne["uai"])) if ligne.get("uai") else None
    return Dossier(ligne["cle"], Jeune(formations=[Formation(cfa=cfa)]))


CONNECTEUR = Connecteur(
    "erp", TypeSource.ERP_CFA, ModeSource.INTERROGATION, dossiers_cfa=_lecture, dossiers_structure=_lecture
)


@dataclass
class Banc:
    """Sources over one partner, with the minute hand of their cache."""

    sources: Sources
    registre: CollectorRegistry
    secondes: list[float]  # of the cache and of the machines that spare the partner
    sommeils: list[float]

    def compteur(self, nom: str, **etiquettes: str) -> float:
        return self.registre.get_sample_value(f"{nom}_total", etiquettes) or 0.0


@asynccontextmanager
async def banc(
    reseau: Transport,
    configure: Partenaire | None = None,
    connecteur: Connecteur = CONNECTEUR,
    cache: Cache | None = None,
    instant: Callable[[], datetime] = horloge,
    commun: Commun | None = None,
) -> AsyncIterator[Banc]:
    registre, secondes = CollectorRegistry(), [1_000_000.0]
    minuterie = lambda: secondes[0]  # noqa: E731
    cache = cache or CacheLocal(CacheMemoire(100, 10_000_000, minuterie), minuterie)
    sommeils: list[float] = []

    async def dormir(duree: float) -> None:
        sommeils.append(duree)
        await asyncio.sleep(0)

    socle = Socle(reseau, cache, Mesures(registre), instant, Rythme(minuterie, dormir, lambda: 0.5, commun=commun))
    sources = Sources({"erp": configure or partenaire()}, {"erp": connecteur}, socle)
    try:
        yield Banc(sources, registre, secondes, sommeils)
    finally:
        await sources.aclose()


def unite(uai: str = UAI_A) -> Unite:
    return Unite("erp", Ressource.CFA, uai)


@asynccontextmanager
async def serveur(traiter: Traiter) -> AsyncIterator[str]:
    """A loopback server that reads one request head, then does as told; yields its URL."""

    async def une(lecteur: asyncio.StreamReader, ecrivain: asyncio.StreamWriter) -> None:
        try:
            await lecteur.readuntil(b"\r\n\r\n")
            await traiter(lecteur, ecrivain)
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            ecrivain.close()

    ecoute = await asyncio.start_server(une, "127.0.0.1", 0)
    port = ecoute.sockets[0].getsockname()[1]
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        ecoute.close()
