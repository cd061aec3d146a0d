"""Keeping the reading journal: what an operator asks of it, and what the service does by itself each day. Reads no source."""

import logging
import os
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from gateway.auth.journal import acte, ecrite_le, lignes
from gateway.auth.quotas import FENETRE
from gateway.concurrency import Sleep, every
from gateway.config import Configuration, charger
from gateway.domain.chaine import Borne
from gateway.domain.temps import jour_paris
from gateway.errors import ErreurConfiguration
from gateway.federation.identifiants import Identifiants
from gateway.services import construire_journal
from gateway.stores.chaine import JournalAltere
from gateway.stores.journal import Journal
from gateway.stores.journal_lecture import lectures_de, oublier_les_comptes, purger, tete, verifier
from gateway.stores.lot import Inscription

INTERVALLE_ANCRE = 300.0  # seconds (SECURITY L04)

journal = logging.getLogger("gateway.journal")

Horloge = Callable[[], datetime]


async def tenir(lectures: Journal, configuration: Configuration, horloge: Horloge, dormir: Sleep) -> None:
    """Until cancelled: tell the end of the chain to the log when it moved, and forget what is too old."""
    connue = None

    async def keep() -> None:
        nonlocal connue
        await _purger(lectures, configuration, horloge())
        await oublier_les_comptes(lectures, jour_paris(horloge()) - timedelta(days=FENETRE))
        derniere = await tete(lectures)
        if derniere != connue:
            journal.info("journal des lectures : ancre %s", derniere)
        connue = derniere

    def failed(error: Exception) -> None:
        journal.error("journal des lectures : tenue impossible (%s)", type(error).__name__)

    await every(INTERVALLE_ANCRE, keep, failed, dormir)


async def _purger(lectures: Journal, configuration: Configuration, instant: datetime) -> int:
    limite = instant - timedelta(days=configuration.fichier.journal.conservation_jours)
    return await purger(
        lectures,
        lambda contenu: ecrite_le(contenu) < limite,
        lambda nombre: acte("PURGE", instant, entrees=nombre, anterieures_a=limite.isoformat()),
    )


async def controler(ancre: str | None) -> tuple[bool, str]:
    """Whether the journal is whole, and the line that says so. Raises ErreurConfiguration."""
    attendue = _ancre(ancre) if ancre else None
    lectures = await _ouvrir(charger())
    try:
        constat = await verifier(lectures, attendue)
    finally:
        await lectures.fermer()
    if constat.defaut:
        return False, constat.defaut
    return True, f"journal intègre, entrées {constat.debut} à {constat.fin.numero} ; ancre {constat.fin}"


async def qui_a_lu(identifiant: str) -> list[str]:
    """The readings of a person, a line each. The question is itself written. Raises ErreurConfiguration."""
    configuration = charger()
    lu = Identifiants(configuration.sceau).ouvrir(identifiant)
    if lu is None or lu[0] != "Jeune":
        raise ErreurConfiguration("identifiant de jeune attendu, tel que le graphe l'a donné")
    lectures = await _ouvrir(configuration)
    try:
        await lectures.inscrire(Inscription(acte("CONSULTATION", _instant(configuration), identifiant=identifiant)))
        return [lignes(contenu, rang) for contenu, rang in await lectures_de(lectures, lu[1])]
    finally:
        await lectures.fermer()


async def oublier() -> int:
    """Forget what is older than the configuration says; return how many entries. Raises ErreurConfiguration."""
    configuration = charger()
    lectures = await _ouvrir(configuration)
    try:
        return await _purger(lectures, configuration, _instant(configuration))
    except JournalAltere as erreur:
        raise ErreurConfiguration(f"journal altéré, rien n'est purgé : {erreur}") from None
    finally:
        await lectures.fermer()


async def _ouvrir(configuration: Configuration) -> Journal:
    lectures = construire_journal(configuration, os.environ)
    await lectures.ouvrir()
    return lectures


def _instant(configuration: Configuration) -> datetime:
    return configuration.fige or datetime.now(UTC)


def _ancre(texte: str) -> Borne:
    try:
        return Borne.lire(texte)
    except ValueError:
        raise ErreurConfiguration("ancre : numéro:empreinte attendu, tel que le journal du service la donne") from None
