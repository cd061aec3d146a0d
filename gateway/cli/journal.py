"""What an operator asks of the reading journal: whether it is whole, who read a person, to forget what is too old."""

import os

from gateway.auth.journal import acte, lignes
from gateway.config import Configuration, charger
from gateway.domain.chaine import Borne
from gateway.errors import ErreurConfiguration
from gateway.federation.identifiants import Identifiants
from gateway.services import construire_journal
from gateway.stores.chaine import JournalAltere
from gateway.stores.journal import Journal
from gateway.stores.journal_lecture import lectures_de, verifier
from gateway.stores.lot import Inscription
from gateway.tenue import purge


async def verify(ancre: str | None) -> tuple[bool, str]:
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


async def who_read(identifiant: str) -> list[str]:
    """The readings of a person, a line each. The question is itself written. Raises ErreurConfiguration."""
    configuration = charger()
    lu = Identifiants(configuration.sceau).ouvrir(identifiant)
    if lu is None or lu[0] != "Jeune":
        raise ErreurConfiguration("identifiant de jeune attendu, tel que le graphe l'a donné")
    lectures = await _ouvrir(configuration)
    try:
        await lectures.inscrire(Inscription(acte("CONSULTATION", configuration.maintenant(), identifiant=identifiant)))
        return [lignes(contenu, rang) for contenu, rang in await lectures_de(lectures, lu[1])]
    finally:
        await lectures.fermer()


async def forget() -> int:
    """Forget what is older than the configuration says; return how many entries. Raises ErreurConfiguration."""
    configuration = charger()
    lectures = await _ouvrir(configuration)
    try:
        return await purge(lectures, configuration, configuration.maintenant())
    except JournalAltere as erreur:
        raise ErreurConfiguration(f"journal altéré, rien n'est purgé : {erreur}") from None
    finally:
        await lectures.fermer()


async def _ouvrir(configuration: Configuration) -> Journal:
    lectures = construire_journal(configuration, os.environ)
    await lectures.ouvrir()
    return lectures


def _ancre(texte: str) -> Borne:
    try:
        return Borne.lire(texte)
    except ValueError:
        raise ErreurConfiguration("ancre : numéro:empreinte attendu, tel que le journal du service la donne") from None
