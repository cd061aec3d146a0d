"""One partner's units: which reading answers each, whose records came back, and for how long not to insist.

Knows no cache, no asker and no HTTP. Never raises for a partner: a failure is an Echec.
"""

import asyncio
import itertools
import logging
import re
import secrets
from collections.abc import Collection
from dataclasses import replace

from gateway.connectors.base import Connecteur, Lecture, Locataire, Lu
from gateway.domain.temps import jour_paris
from gateway.errors import (
    ErreurSource,
    SourceEnQuarantaine,
    SourceIndisponible,
    SourceInvalide,
    SourceSuspendue,
)
from gateway.schema.lieux import EtatSource
from gateway.sources.appartenance import appartient
from gateway.sources.guichet import Guichet
from gateway.sources.resilience.disjoncteurs import Disjoncteurs
from gateway.sources.resilience.quarantaine import Quarantaine
from gateway.sources.tournee import Deroulee, Tournee
from gateway.sources.unites import Echec, EtatCache, Ressource, Resultat, Unite

PAUSE_MAX = 60.0  # seconds during which a partner that said "later" is not asked again for the same key

_CLE = re.compile(r"[A-Za-z0-9_-]{1,40}")

journal = logging.getLogger("gateway.sources")


class Lecteur:
    """Reads the units of one partner. `servis`: the CFAs that some partner serves."""

    def __init__(self, guichet: Guichet, connecteur: Connecteur, servis: Collection[str]) -> None:
        self.guichet, self.connecteur = guichet, connecteur
        self._partenaire, self._servis = guichet.partenaire, servis
        self._secondes = guichet.rythme.secondes
        self._disjoncteurs = Disjoncteurs(guichet.partenaire.nom, self._secondes)
        self._quarantaine = Quarantaine()
        self._pauses: dict[str, tuple[float, SourceIndisponible]] = {}
        self._lancement, self._numeros = secrets.token_hex(4), itertools.count()

    async def lire(self, unite: Unite, connue: Resultat | None = None) -> Resultat | Echec:
        """Ask the partner for a unit, within the partner's own delay; `connue`, if nothing changed since it said that."""
        try:
            self._respecter(unite)
            lu = await self._derouler(unite, connue if connue and self._revalidable(connue) else None)
            return lu if isinstance(lu, Resultat) else _redite(self._resultat(unite, lu), connue)
        except ErreurSource as erreur:
            return self._echec(unite, erreur)

    def sur(self, unite: Unite) -> bool:
        """Whether an answer is to be expected: no breaker is between us."""
        return self._disjoncteurs.ferme(self._tenant(unite))

    def etat(self) -> EtatSource:
        """The partner's state now: what its calls say, or worse when we leave it, or some of it, alone."""
        etat = self.guichet.observations.etat(self.guichet.horloge())
        if etat is EtatSource.FERMEE:
            return etat
        if self._disjoncteurs.ouvert:
            return EtatSource.INDISPONIBLE
        ecartee = self._disjoncteurs.entrouvert or self._quarantaine.active(self._secondes())
        return EtatSource.DEGRADEE if ecartee and etat is EtatSource.DISPONIBLE else etat

    def _revalidable(self, connue: Resultat) -> bool:
        """A session crosses today or not: what was read for another day may be told otherwise, unchanged at the partner."""
        return bool(connue.reperes) and jour_paris(connue.recu_le) == jour_paris(self.guichet.horloge())

    async def _derouler(self, unite: Unite, connue: Resultat | None) -> Deroulee[Lu] | Resultat:
        lecture, tournee = self._lecture(unite), Tournee(self.guichet, self._locataire(unite))
        with self._disjoncteurs.passage(self._tenant(unite)):
            try:
                async with asyncio.timeout(self._partenaire.limites.delai_secondes):
                    if connue and await tournee.inchangee(connue.reperes):
                        return replace(connue, cache=EtatCache.MANQUE, age=0.0)
                    return await tournee.derouler(lecture)
            except TimeoutError:
                raise self.guichet.depassement() from None

    def _tenant(self, unite: Unite) -> str:
        """Whom a breaker is for; a partner without tenants is one."""
        return unite.cle if self._partenaire.abonnes is not None else ""

    def _lecture(self, unite: Unite) -> Lecture[Lu]:
        connecteur = self.connecteur
        lire = connecteur.dossiers_cfa if unite.ressource is Ressource.CFA else connecteur.dossiers_structure
        if lire is None:
            raise SourceInvalide(unite.source, "ce partenaire ne répond pas à cette demande")
        return lire(self._locataire(unite), jour_paris(self.guichet.horloge()))

    def _locataire(self, unite: Unite) -> Locataire:
        """The tenant as configured; a partner without tenants answers for every key that may stand in a path."""
        if self._partenaire.abonnes is None:
            if not _CLE.fullmatch(unite.cle):
                raise SourceInvalide(unite.source, "clé refusée")
            return Locataire(unite.cle, code=unite.cle)
        abonne = self._partenaire.abonnes.get(unite.cle)
        if abonne is None:
            raise SourceInvalide(unite.source, "établissement inconnu de ce partenaire")
        return abonne.locataire

    def _resultat(self, unite: Unite, deroulee: Deroulee[Lu]) -> Resultat | Echec:
        """The records of the tenant. With others' among them, its own are shown with an error: some may be missing."""
        lu = deroulee.valeur
        uniques = {dossier.cle: dossier for dossier in lu.dossiers}.values()  # a row that comes twice is one (U08)
        siens = tuple(dossier for dossier in uniques if appartient(dossier, unite, self._servis))
        etrangers = len(uniques) - len(siens)
        self.guichet.mesures.qualite(unite, lu, etrangers)
        self.guichet.observations.noter_qualite(len(siens), lu.rejets, sum(lu.derives.values()))
        if lu.rejets and not lu.dossiers:  # the format changed: it must not look like nobody
            raise SourceInvalide(unite.source, "aucun enregistrement du partenaire n'est lisible")
        if self._quarantaine.noter(unite.cle, etrangers, self._secondes()):
            journal.error("source %s : %s mis en quarantaine", unite.source, unite.cle)
        version = f"{self._lancement}-{next(self._numeros)}"
        lus = Resultat(unite, siens, self.guichet.horloge(), EtatCache.MANQUE, version, reperes=deroulee.reperes)
        if not etrangers:
            return lus
        journal.warning("source %s : %d dossiers d'un autre établissement, écartés", unite.source, etrangers)
        self._respecter(unite)
        erreur = SourceInvalide(unite.source, "le partenaire a répondu pour un autre établissement")
        return Echec(unite, erreur, lus if siens else None)

    def _echec(self, unite: Unite, erreur: ErreurSource) -> Echec:
        if not isinstance(erreur, SourceSuspendue):  # nothing was asked
            journal.warning("source %s : %s, %s", unite.source, erreur.code.value, erreur)
            attente = erreur.reessayer_dans if isinstance(erreur, SourceIndisponible) else None
            if attente and isinstance(erreur, SourceIndisponible) and unite.cle not in self._pauses:
                self._pauses[unite.cle] = (self._secondes() + min(attente, PAUSE_MAX), erreur)
        return Echec(unite, erreur)

    def _respecter(self, unite: Unite) -> None:
        """Neither a partner that told when to come back, within PAUSE_MAX (SECURITY U13), nor one that answers for others
        (U10) is asked."""
        if self._quarantaine.tient(unite.cle, self._secondes()):
            raise SourceEnQuarantaine(unite.source, "établissement écarté : le partenaire répond pour d'autres")
        jusqua, erreur = self._pauses.get(unite.cle, (0.0, None))
        if erreur is not None and self._secondes() < jusqua:
            raise erreur
        self._pauses.pop(unite.cle, None)


def _redite(lu: Resultat | Echec, connue: Resultat | None) -> Resultat | Echec:
    """What is said again word for word keeps its version, and the views made of it: not every partner gives validators."""
    if connue is None or isinstance(lu, Echec) or lu.dossiers != connue.dossiers:
        return lu
    return replace(lu, version=connue.version, dossiers=connue.dossiers)
