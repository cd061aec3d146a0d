"""One run, all of it drawn from a seed: a partner, processes over one cache, askers, events, a process that is killed."""

import asyncio
import random
from dataclasses import dataclass
from datetime import timedelta

import httpx
from aiocache.backends.memory import SimpleMemoryBackend
from prometheus_client import CollectorRegistry

from gateway.cache.coffre import Coffre
from gateway.cache.memoire import CacheMemoire
from gateway.cache.partage import CachePartage
from gateway.cache.seam import Cache, CacheLocal
from gateway.connectors.base import Connecteur, Dossier, Lecture, Locataire, Lu, Pages, Requete
from gateway.domain.sceau import Sceau
from gateway.schema.lieux import Cfa, ModeSource, TypeSource
from gateway.schema.nouns import Formation, Jeune
from gateway.schema.scalaires import UAI
from gateway.sources.codec import codec
from gateway.sources.fetch import Socle, Sources
from gateway.sources.fichier import CacheFichier, LimitesFichier
from gateway.sources.locataires import Abonne
from gateway.sources.mesures import Mesures
from gateway.sources.resilience.rythme import Rythme
from gateway.sources.transport import Transport
from gateway.sources.unites import Resultat, Unite
from tests.simulation.boucle import BoucleVirtuelle, derouler
from tests.simulation.invariants import Demande, Juge, juger_le_partenaire, une_seule_lecture
from tests.simulation.monde import EPOQUE, TAILLE, UAIS, Caractere, Memoire, Partenaire, Registre
from tests.sources_aide import INSTANT, partenaire, unite

SIMULTANES = 4
APPELANTS, LECTURES, EVENEMENTS = 5, 4, 4
CACHE = CacheFichier(
    duree_secondes=5.0, perime_secondes=15.0, secours_secondes=60.0, absence_secondes=2.0, plancher_secondes=1.0
)
CODEC = codec(Resultat)
SCEAU = Sceau(bytes(32))
REPOS = 2.0  # seconds an answer serves whatever is told of it since
REPIT = 0.25 * 3 + 0.1  # seconds that a shared cache which does not answer may cost an asker


def _lire(locataire: Locataire, _jour: object) -> Lecture[Lu]:
    """One request of several pages."""
    (pages,) = yield [Requete("liste", f"/liste/{locataire.code}", pages=Pages.TAILLE, taille=TAILLE)]
    return Lu([_dossier(ligne["cle"], ligne["uai"]) for page in pages for ligne in page])


def _dossier(cle: str, uai: str) -> Dossier:
    return Dossier(cle, Jeune(formations=[Formation(cfa=Cfa(uai=UAI(uai)))]))


CONNECTEUR = Connecteur("erp", TypeSource.ERP_CFA, ModeSource.INTERROGATION, dossiers_cfa=_lire)


@dataclass
class Processus:
    """A gateway process of the run."""

    sources: Sources
    distant: Memoire | None

    @property
    def mort(self) -> bool:
        return self.distant is not None and self.distant.mort


class Scenario:
    """`graine` decides of everything. `trace` tells what happened, in order and to the nanosecond."""

    def __init__(self, graine: int) -> None:
        self._hasard = random.Random(graine)

    @property
    def trace(self) -> list[str]:
        return self._vu.trace

    def jouer(self) -> list[str]:
        """The trace of the run. Raises Violee when a promise is broken, AttenteSansFin when somebody is forgotten."""
        return derouler(self._hasard, self._jouer)

    async def _jouer(self, boucle: BoucleVirtuelle) -> list[str]:
        hasard = self._hasard
        self._vu = Registre(hasard, Caractere.tire(hasard), boucle)
        self._dits: list[tuple[float, str, int]] = []  # when an event had been told, of whom, and which change
        self._panne_du_cache = hasard.choice((0.0, 0.0, 0.0, 0.1))
        commun = SimpleMemoryBackend()
        nombre = hasard.choice((1, 1, 2))
        processus = [self._processus(rang, nombre, commun) for rang in range(nombre)]
        self._juge = Juge(self._vu, CACHE, 3 * REPIT if self._panne_du_cache else REPIT)
        condamne = processus[-1] if nombre > 1 and hasard.random() < 0.2 else None
        askers = [self._appelant(hasard.choice(processus), LECTURES) for _ in range(APPELANTS)]
        await asyncio.gather(*askers, self._evenements(processus), self._tuer(condamne))
        await asyncio.sleep(4 * self._vu.caractere.delai + 1)  # flights outlive their askers
        exact = not self._panne_du_cache and condamne is None
        une_seule_lecture(self._vu, 1 if exact else nombre)
        limites = (self._vu.caractere.quota, 1.0), (self._vu.caractere.quota_locataire, 60.0)
        juger_le_partenaire(self._vu, limites, SIMULTANES)
        for un in processus:
            await un.sources.aclose()
        return self._vu.trace

    def _processus(self, rang: int, nombre: int, commun: SimpleMemoryBackend) -> Processus:
        caractere, temps = self._vu.caractere, self._vu.boucle.time
        secondes = lambda: EPOQUE + temps()  # noqa: E731
        horloge = lambda: INSTANT + timedelta(seconds=temps())  # noqa: E731
        local = CacheLocal(CacheMemoire(100, 10_000_000, secondes), secondes)
        distant = Memoire(commun, self._hasard, self._panne_du_cache) if nombre > 1 else None
        cache: Cache = CachePartage(distant, Coffre([SCEAU], CODEC), local) if distant else local
        reseau: httpx.AsyncBaseTransport = Partenaire(self._vu, rang)
        limites = LimitesFichier(
            simultanes=SIMULTANES,
            par_seconde=caractere.quota,
            par_minute_locataire=caractere.quota_locataire,
            delai_secondes=caractere.delai,
        )
        erp = partenaire(abonnes={uai: Abonne(Locataire(uai, code=uai)) for uai in UAIS}, limites=limites, cache=CACHE)
        rythme = Rythme(temps, asyncio.sleep, self._hasard.random, nombre)
        socle = Socle(Transport(horloge, lambda: reseau), cache, Mesures(CollectorRegistry()), horloge, rythme)
        return Processus(Sources({"erp": erp}, {"erp": CONNECTEUR}, socle), distant)

    async def _appelant(self, processus: Processus, lectures: int) -> None:
        """Reads some tenants again and again, and leaves early now and then."""
        hasard = self._hasard
        for _ in range(lectures):
            await asyncio.sleep(hasard.choice((0.0, 0.1, 1.0, 8.0)) * hasard.random())
            uais = hasard.sample(UAIS, hasard.randrange(1, 4))
            lecture = asyncio.create_task(self._lire(processus, [unite(uai) for uai in uais]))
            if hasard.random() < 0.15:
                await asyncio.sleep(hasard.random())
                lecture.cancel()
            await asyncio.gather(lecture, return_exceptions=lecture.cancelling() > 0)

    async def _lire(self, processus: Processus, unites: list[Unite]) -> None:
        hasard, temps = self._hasard, self._vu.boucle.time
        debut, delai, age_max = temps(), hasard.choice((0.3, 1.0, 4.0)), hasard.choice((None, None, 0.0, 3.0))
        connus = {un.cle: self._vu_par_tous(un.cle, debut) for un in unites}
        rendus = await processus.sources.lire(unites, delai, age_max)
        assert len(rendus) == len(unites)
        if processus.mort:  # what it answers reaches nobody; cut from the others, it heard of no event
            connus = dict.fromkeys(connus, 0)
        for un, rendu in zip(unites, rendus, strict=True):
            self._vu.noter(f"{type(rendu).__name__} {un.cle} {getattr(rendu, 'erreur', '')}")
            self._juge.juger(Demande(un.cle, debut, temps(), delai, connus[un.cle]), rendu)

    async def _evenements(self, processus: list[Processus]) -> None:
        """The partner changes, then tells some process, which invalidates for all."""
        hasard = self._hasard
        for _ in range(EVENEMENTS):
            await asyncio.sleep(hasard.random() * 4)
            uai = hasard.choice(UAIS)
            self._vu.change[uai] += 1
            dit = await hasard.choice(processus).sources.invalider(unite(uai))
            if dit and (len(processus) == 1 or not self._panne_du_cache):
                self._dits.append((self._vu.boucle.time(), uai, self._vu.change[uai]))

    def _vu_par_tous(self, uai: str, instant: float) -> int:
        """The last change of a tenant that readings begun at `instant` must see: a flight that had left before it was told
        may end after it, and serves for a while."""
        delai = REPOS + self._vu.caractere.delai + self._juge.tolerance
        return max((change for quand, qui, change in self._dits if qui == uai and quand + delai <= instant), default=0)

    async def _tuer(self, processus: Processus | None) -> None:
        """A process is killed: what it held in the shared cache stays there until it expires."""
        if processus is not None and processus.distant is not None:
            await asyncio.sleep(self._hasard.random() * 5)
            processus.distant.mort = True
