"""What the service does by itself to the reading journal: forgets what is too old, and tells the end of the chain."""

import logging
from collections.abc import Callable
from datetime import datetime, timedelta

from gateway.auth.journal import acte, ecrite_le
from gateway.auth.quotas import FENETRE
from gateway.concurrency import Sleep, every
from gateway.config import Configuration
from gateway.domain.temps import jour_paris
from gateway.stores.journal import Journal
from gateway.stores.journal_lecture import oublier_les_comptes, purger, tete

INTERVALLE_ANCRE = 300.0  # seconds (SECURITY L04)

journal = logging.getLogger("gateway.journal")

Horloge = Callable[[], datetime]


async def tenir(lectures: Journal, configuration: Configuration, horloge: Horloge, dormir: Sleep) -> None:
    """Until cancelled: tell the end of the chain to the log when it moved, and forget what is too old."""
    connue = None

    async def keep() -> None:
        nonlocal connue
        await purge(lectures, configuration, horloge())
        await oublier_les_comptes(lectures, jour_paris(horloge()) - timedelta(days=FENETRE))
        derniere = await tete(lectures)
        if derniere != connue:
            journal.info("journal des lectures : ancre %s", derniere)
        connue = derniere

    def failed(error: Exception) -> None:
        journal.error("journal des lectures : tenue impossible (%s)", type(error).__name__)

    await every(INTERVALLE_ANCRE, keep, failed, dormir)


async def purge(lectures: Journal, configuration: Configuration, instant: datetime) -> int:
    """Forget what is older than the configuration says; return how many entries. Raises JournalAltere."""
    limite = instant - timedelta(days=configuration.fichier.journal.conservation_jours)
    return await purger(
        lectures,
        lambda contenu: ecrite_le(contenu) < limite,
        lambda nombre: acte("PURGE", instant, entrees=nombre, anterieures_a=limite.isoformat()),
    )
