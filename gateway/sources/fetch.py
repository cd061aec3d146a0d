"""How units are read: kept answers, one flight for all askers, deadline. Knows no caller and no partner.

An asker waits at most its own delay. What is past its fresh lifetime serves while it is asked again, or when the partner
fails (`fraicheur`); it then says its age. Errors are never kept.
"""

import asyncio
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence, Set
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import partial
from typing import Any, TypeVar

from cachetools import LRUCache

from gateway.cache.cles import cle_canonique
from gateway.cache.seam import Cache, Cle, Garde
from gateway.connectors.base import Connecteur, Lecture, Locataire, Requete
from gateway.domain.temps import jour_paris
from gateway.errors import SourceDelaiDepasse, SourceEnQuarantaine, SourceMenagee
from gateway.schema.lieux import EtatSource, TypeSource
from gateway.sources.attente import Attendu, Attente
from gateway.sources.etat import EtatPartenaire
from gateway.sources.fraicheur import Usage, usage
from gateway.sources.guichet import Guichet, Page
from gateway.sources.lecteur import Lecteur
from gateway.sources.mesures import Mesures
from gateway.sources.partenaires import Partenaire
from gateway.sources.resilience.rythme import Rythme
from gateway.sources.tournee import Tournee
from gateway.sources.transport import Transport
from gateway.sources.unites import Echec, EtatCache, Resultat, Unite
from gateway.sources.vols import Trajet, Vols

T = TypeVar("T")

SANS_LOCATAIRE = Locataire("")

CLES_MAX = 10_000


@dataclass(frozen=True, slots=True)
class Socle:
    """What the sources stand on. `horloge` gives the gateway's now, with an offset."""

    transport: Transport
    cache: Cache
    mesures: Mesures
    horloge: Callable[[], datetime]
    rythme: Rythme = field(default_factory=Rythme)


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
                Guichet(partenaire, socle.transport, socle.mesures, socle.horloge, socle.rythme),
                connecteurs[partenaire.genre],
                self._cfa.keys(),
            )
            for nom, partenaire in partenaires.items()
        }
        self._vols, self._attente = Vols(socle.cache), Attente()
        self._cles: LRUCache[Unite, Cle] = LRUCache(CLES_MAX)
        self.laissees: set[Unite] = set()  # wanted, and left out of a query that had enough asked
        self.lues: dict[Unite, float] = {}  # when each unit was last read; the upkeep forgets what is not any more

    def partenaire_du_cfa(self, uai: str) -> str | None:
        """The partner that serves a CFA, None when nobody does."""
        return self._cfa.get(uai)

    def uais(self, source: str) -> tuple[str, ...]:
        """The CFAs that a partner serves."""
        return tuple(self.partenaires[source].abonnes or ())

    def sources_de(self, type_: TypeSource) -> tuple[str, ...]:
        """The partners of a type, by name."""
        return tuple(sorted(nom for nom, lecteur in self._lecteurs.items() if lecteur.connecteur.type is type_))

    async def lire(
        self, unites: Sequence[Unite], delai: float, age_max: float | None = None, compte: Counter[str] | None = None
    ) -> list[Resultat | Echec]:
        """What is known of each unit within `delai` seconds, in order. Never raises for a partner: an Echec says why.

        `age_max` (seconds) asks for fresher answers than the partner's own rules. `compte`: how many units the query had
        asked of each partner; beyond what one query may, the last units are not.
        """
        compte = Counter() if compte is None else compte
        cles, gardes = [self._cle(unite) for unite in unites], await self.gardes(unites)
        self._servir(unites)
        demandes = [self._demande(*vue, age_max, compte) for vue in zip(unites, cles, gardes, strict=True)]
        await self._attente.attendre(
            [self._attendu(d.unite, d.vol) for d in demandes if d.vol and d.usage is Usage.SECOURS], delai
        )
        return [self._rendre(demande) for demande in demandes]

    async def tenues(self, unites: Sequence[Unite]) -> list[Resultat | None]:
        """What is kept of each unit, in order; None where it must be asked again. Asks nobody."""
        gardes = await self.gardes(unites)
        self._servir(unites)
        tenues = [
            self._kept(garde, EtatCache.TOUCHE) if garde and self._est_fraiche(unite, garde) else None
            for unite, garde in zip(unites, gardes, strict=True)
        ]
        if None not in tenues:
            self._socle.mesures.relectures(unites)
        return tenues

    async def gardes(self, unites: Sequence[Unite]) -> list[Garde | None]:
        """What is kept of each unit, in order. Asks nobody."""
        return await self._socle.cache.lire([self._cle(unite) for unite in unites])

    def _servir(self, unites: Sequence[Unite]) -> None:
        self.lues.update(dict.fromkeys(unites, self._socle.cache.maintenant()))

    def accessible(self, source: str) -> bool:
        """Whether a partner may be asked what nobody waits for."""
        return self._lecteurs[source].etat() in {EtatSource.DISPONIBLE, EtatSource.DEGRADEE}

    def permet(self, unite: Unite) -> bool:
        """Whether it can spare that now."""
        return self._lecteurs[unite.source].guichet.affluence.permet(unite.cle, self._socle.rythme.secondes())

    async def rafraichir(self, unite: Unite, garde: Garde | None) -> None:
        """Ask again what is kept of a unit, whatever its age."""
        self.laissees.discard(unite)
        await asyncio.wait([self._vol(unite, self._cle(unite), garde)])

    def _est_fraiche(self, unite: Unite, garde: Garde) -> bool:
        return self._usage(unite, garde) is Usage.FRAICHE

    def _usage(self, unite: Unite, garde: Garde, age_max: float | None = None) -> Usage:
        age, dit = self._socle.cache.maintenant() - garde.ne_a, garde.valeur
        regles = self.partenaires[unite.source].cache
        return usage(age, not dit.dossiers, self._du_jour(dit), regles, age_max, garde.invalidee)

    async def executer(self, source: str, lecture: Lecture[T], locataire: Locataire = SANS_LOCATAIRE) -> T:
        """Drive a reading that is not a unit (referential), uncached, each call within the partner's delay.

        Raises ErreurSource.
        """
        return (await Tournee(self._lecteurs[source].guichet, locataire).derouler(lecture)).valeur

    async def page(self, source: str, requete: Requete, rang: int, lire: Callable[[Any], T]) -> Page[T]:
        """One page of a harvest, read by `lire`, within the partner's delay. Raises ErreurSource."""
        return await self._lecteurs[source].guichet.page(requete, rang, lire)

    async def purger(self, source: str) -> bool:
        """Forget what is kept of a partner; False when the cache does not answer."""
        return await self._socle.cache.purger(source)

    async def invalider(self, unite: Unite) -> bool:
        """Have a unit asked again by whoever reads it next; what is kept stands in should the partner fail. False when the
        cache does not answer."""
        return await self._socle.cache.invalider(self._cle(unite))

    async def porteurs(self, source: str, cles: Set[str]) -> list[Unite]:
        """The units of a partner in which one of these records was last seen, among those that this process asked about."""
        unites = [unite for unite in self._cles if unite.source == source] if cles else []
        gardes = await self._socle.cache.lire([self._cle(unite) for unite in unites])
        return await asyncio.to_thread(_porteurs, zip(unites, gardes, strict=True), cles)

    def etats(self) -> list[EtatPartenaire]:
        """The state of every partner now, by name."""
        return [self._etat(nom) for nom in sorted(self.partenaires)]

    def etat_de(self, source: str) -> EtatSource | None:
        """The state of a partner now, None when it is not configured."""
        lecteur = self._lecteurs.get(source)
        return lecteur.etat() if lecteur else None

    async def aclose(self) -> None:
        """End the flights and close the connections."""
        await self._vols.aclose()
        await self._socle.cache.aclose()
        await self._socle.transport.aclose()

    def _etat(self, nom: str) -> EtatPartenaire:
        lecteur = self._lecteurs[nom]
        vues = lecteur.guichet.observations
        return EtatPartenaire(
            nom=nom,
            type=lecteur.connecteur.type,
            mode=lecteur.connecteur.mode,
            etat=lecteur.etat(),
            derniere_reponse=vues.derniere_reponse,
            latence_ms=vues.latence_ms,
            taux_erreur=vues.taux_erreur,
        )

    def _cle(self, unite: Unite) -> Cle:
        """A unit of a partner as it is configured."""
        if unite not in self._cles:
            partenaire = self.partenaires[unite.source]
            nom = cle_canonique(unite.source, partenaire.genre, partenaire.base_url, unite.ressource.value, unite.cle)
            self._cles[unite] = Cle(nom, unite.source)
        return self._cles[unite]

    def _attendu(self, unite: Unite, vol: asyncio.Task[Resultat | Echec]) -> Attendu:
        return Attendu(vol, unite.source, self._lecteurs[unite.source].sur(unite))

    def plafond(self, source: str) -> int:
        """How many units one query may ask of a partner."""
        return self.partenaires[source].limites.locataires_par_requete

    def _demande(
        self, unite: Unite, cle: Cle, garde: Garde | None, age_max: float | None, compte: Counter[str]
    ) -> "_Demande":
        connue = self._kept(garde, EtatCache.PERIME) if garde else None
        sert = self._usage(unite, garde, age_max) if garde else Usage.SECOURS
        if sert is Usage.FRAICHE:
            return _Demande(unite, cle, sert, connue)
        if not self._vols.en_vol(cle):  # to wait for what others asked costs the partner nothing
            compte[unite.source] += 1
            if compte[unite.source] > self.plafond(unite.source):
                self.laissees.add(unite)
                return _Demande(unite, cle, sert, connue)
        return _Demande(unite, cle, sert, connue, self._vol(unite, cle, garde))

    def _vol(self, unite: Unite, cle: Cle, garde: Garde | None) -> asyncio.Task[Resultat | Echec]:
        partenaire, lire = self.partenaires[unite.source], self._lecteurs[unite.source].lire
        delai, duree = partenaire.limites.delai_secondes, partenaire.cache.secours_secondes
        return self._vols.vol(Trajet(unite, cle, lire, delai, duree, partial(self._est_fraiche, unite), garde))

    def _kept(self, garde: Garde, cache: EtatCache) -> Resultat:
        """What was kept, with its age. The version is the answer's: confirmed, it is kept anew, and is the same."""
        kept: Resultat = replace(garde.valeur, age=max(0.0, self._socle.cache.maintenant() - garde.ne_a), cache=cache)
        return kept

    def _du_jour(self, resultat: Resultat) -> bool:
        """A session crosses today or not: what was read for another day is no longer fresh."""
        return jour_paris(resultat.recu_le) == jour_paris(self._socle.horloge())

    def _rendre(self, demande: "_Demande") -> Resultat | Echec:
        """What was kept, what the flight brought, or that it was too long to wait for."""
        etat, rendu = self._issue(demande)
        if etat:
            self._socle.mesures.lecture(demande.unite, etat.value)
        return rendu

    def _issue(self, demande: "_Demande") -> tuple[EtatCache | None, Resultat | Echec]:
        unite, vol = demande.unite, demande.vol
        secours = self._secours(demande)
        if demande.usage is Usage.FRAICHE and demande.connue:
            return EtatCache.TOUCHE, replace(demande.connue, cache=EtatCache.TOUCHE)
        if demande.usage is Usage.PERIMEE and secours:
            erreur = self._vols.echec(demande.cle)
            return EtatCache.PERIME, Echec(unite, erreur, secours) if erreur else secours
        if vol is None:
            return EtatCache.LAISSE, Echec(unite, self._menagee(unite.source), secours)
        if not vol.done():
            return None, Echec(unite, SourceDelaiDepasse(unite.source, "la réponse n'est pas arrivée à temps"), secours)
        rendu = vol.result()
        if isinstance(rendu, Echec):
            return EtatCache.MANQUE, replace(rendu, secours=rendu.secours or secours)
        return rendu.cache, rendu

    def _menagee(self, source: str) -> SourceMenagee:
        texte = f"plus de {self.plafond(source)} établissements seraient à demander par une seule requête"
        return SourceMenagee(source, f"{texte} : les suivants le seront ensuite")

    def _secours(self, demande: "_Demande") -> Resultat | None:
        """What was said before, but of a tenant in quarantine: it may be of others."""
        if demande.connue is None or isinstance(self._vols.echec(demande.cle), SourceEnQuarantaine):
            return None
        return demande.connue


def _porteurs(gardes: Iterable[tuple[Unite, Garde | None]], cles: Set[str]) -> list[Unite]:
    return [unite for unite, garde in gardes if garde and any(d.cle in cles for d in garde.valeur.dossiers)]


@dataclass(frozen=True, slots=True)
class _Demande:
    """A unit asked for: what is known of it and may serve, and the flight that brings news."""

    unite: Unite
    cle: Cle
    usage: Usage
    connue: Resultat | None
    vol: asyncio.Task[Resultat | Echec] | None = None
