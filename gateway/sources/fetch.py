"""How units are read: cache, one flight for all askers, limits of the partner, deadline. Knows no caller and no partner.

An asker waits at most its own delay; a fetch once started belongs to nobody, runs to the partner's delay and fills the
cache (ANSWERS 8). Errors are never kept.
"""

import asyncio
import contextvars
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TypeVar

from cachetools import LRUCache

from gateway.cache.cles import cle_canonique
from gateway.cache.seam import Cache
from gateway.connectors.base import Connecteur, Lecture, Locataire
from gateway.domain.temps import jour_paris
from gateway.errors import SourceDelaiDepasse
from gateway.schema.lieux import TypeSource
from gateway.sources.etat import EtatPartenaire
from gateway.sources.guichet import Guichet
from gateway.sources.lecteur import Lecteur
from gateway.sources.mesures import Mesures
from gateway.sources.partenaires import Partenaire
from gateway.sources.transport import Transport
from gateway.sources.unites import Echec, EtatCache, Resultat, Unite

T = TypeVar("T")

SANS_LOCATAIRE = Locataire("")

CLES_MAX = 10_000
OCTETS_PAR_DOSSIER = 4_608  # measured over the default population: a young person as nouns


@dataclass(frozen=True, slots=True)
class Socle:
    """What the sources stand on. `horloge` gives the gateway's now, with an offset."""

    transport: Transport
    cache: Cache
    mesures: Mesures
    horloge: Callable[[], datetime]


class Sources:
    """All the partners, and how they are read."""

    def __init__(
        self, partenaires: Mapping[str, Partenaire], connecteurs: Mapping[str, Connecteur], socle: Socle
    ) -> None:
        self.partenaires = partenaires
        self._socle = socle
        self._cfa = {uai: nom for nom, partenaire in partenaires.items() for uai in partenaire.abonnes or ()}
        self._lecteurs = {
            nom: Lecteur(
                Guichet(partenaire, socle.transport, socle.mesures, socle.horloge),
                connecteurs[partenaire.genre],
                self._cfa.keys(),
            )
            for nom, partenaire in partenaires.items()
        }
        self._vols: dict[str, asyncio.Task[Resultat | Echec]] = {}
        self._connues: LRUCache[tuple[Unite, str], str] = LRUCache(CLES_MAX)

    def partenaire_du_cfa(self, uai: str) -> str | None:
        """The partner that serves a CFA, None when nobody does."""
        return self._cfa.get(uai)

    def uais(self, source: str) -> tuple[str, ...]:
        """The CFAs that a partner serves."""
        return tuple(self.partenaires[source].abonnes or ())

    def sources_de(self, type_: TypeSource) -> tuple[str, ...]:
        """The partners of a type, by name."""
        return tuple(sorted(nom for nom, lecteur in self._lecteurs.items() if lecteur.connecteur.type is type_))

    async def lire(self, unites: Sequence[Unite], delai: float) -> list[Resultat | Echec]:
        """What is known of each unit within `delai` seconds, in order. Never raises for a partner: an Echec says why."""
        cles = self._cles(unites)
        gardes = dict(zip(cles, await self._socle.cache.lire(cles), strict=True))
        vols = {cle: self._vol(unite, cle) for unite, cle in zip(unites, cles, strict=True) if gardes[cle] is None}
        if vols:
            await asyncio.wait(vols.values(), timeout=max(0.0, delai))
        return [self._rendre(unite, gardes[cle], vols.get(cle)) for unite, cle in zip(unites, cles, strict=True)]

    async def versions(self, unites: Sequence[Unite]) -> list[str | None]:
        """The version kept of each unit, in order; None where it must be asked again. Asks nobody."""
        gardes = await self._socle.cache.lire(self._cles(unites))
        if None not in gardes:
            self._socle.mesures.relectures(unites)
        return [garde.version if garde is not None else None for garde in gardes]

    async def executer(self, source: str, lecture: Lecture[T], locataire: Locataire = SANS_LOCATAIRE) -> T:
        """Drive a reading that is not a unit (harvest, referential), uncached, each call within the partner's delay.

        Raises ErreurSource.
        """
        return await self._lecteurs[source].guichet.derouler(lecture, locataire)

    def etats(self) -> list[EtatPartenaire]:
        """The state of every partner now, by name."""
        instant = self._socle.horloge()
        return [self._etat(nom, instant) for nom in sorted(self.partenaires)]

    async def aclose(self) -> None:
        """End the flights and close the connections."""
        vols = list(self._vols.values())
        for vol in vols:
            vol.cancel()
        await asyncio.gather(*vols, return_exceptions=True)
        await self._socle.transport.aclose()

    def _etat(self, nom: str, instant: datetime) -> EtatPartenaire:
        lecteur = self._lecteurs[nom]
        vues = lecteur.guichet.observations
        return EtatPartenaire(
            nom=nom,
            type=lecteur.connecteur.type,
            mode=lecteur.connecteur.mode,
            etat=vues.etat(instant),
            derniere_reponse=vues.derniere_reponse,
            latence_ms=vues.latence_ms,
            taux_erreur=vues.taux_erreur,
        )

    def _cles(self, unites: Sequence[Unite]) -> list[str]:
        """The keys of units, for the day."""
        jour = jour_paris(self._socle.horloge()).isoformat()
        return [self._cle(unite, jour) for unite in unites]

    def _cle(self, unite: Unite, jour: str) -> str:
        """A unit is read for a day (a session crosses it or not), of a partner as it is configured."""
        place = unite, jour
        if place not in self._connues:
            partenaire = self.partenaires[unite.source]
            self._connues[place] = cle_canonique(
                unite.source, partenaire.genre, partenaire.base_url, unite.ressource.value, unite.cle, jour
            )
        return self._connues[place]

    def _vol(self, unite: Unite, cle: str) -> asyncio.Task[Resultat | Echec]:
        """The flight under way for this key, else a new one, in a context that holds nothing of its first asker."""
        if cle not in self._vols:
            vol = asyncio.create_task(self._voler(unite, cle), context=contextvars.Context())
            vol.add_done_callback(lambda _: self._vols.pop(cle, None))
            self._vols[cle] = vol
        return self._vols[cle]

    def _rendre(
        self, unite: Unite, garde: Resultat | None, vol: asyncio.Task[Resultat | Echec] | None
    ) -> Resultat | Echec:
        """What was kept, what the flight brought, or that it was too long to wait for."""
        if garde is not None:
            self._socle.mesures.lecture(unite, EtatCache.TOUCHE.value)
            return replace(garde, cache=EtatCache.TOUCHE)
        if vol is None or not vol.done():
            return Echec(unite, SourceDelaiDepasse(unite.source, "la réponse n'est pas arrivée à temps"))
        self._socle.mesures.lecture(unite, EtatCache.MANQUE.value)
        return vol.result()

    async def _voler(self, unite: Unite, cle: str) -> Resultat | Echec:
        """One fetch, to its end; its answer is kept, its error is not."""
        lu = await self._lecteurs[unite.source].lire(unite)
        if isinstance(lu, Resultat):
            octets = OCTETS_PAR_DOSSIER * (1 + len(lu.dossiers))
            duree = self.partenaires[unite.source].cache.duree_secondes
            await self._socle.cache.garder(cle, lu, duree, octets)
        return lu
