"""Keeps the referential: harvested at start and daily, on disk in between. Knows no HTTP and no noun."""

import asyncio
import json
import logging
import os
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from gateway.concurrency import Sleep, every
from gateway.connectors.base import Compte, Lecture
from gateway.domain.referentiel import LigneCommune, LigneMissionLocale, LigneOrganisme, Referentiel
from gateway.errors import ErreurConfiguration, ErreurSource

VERSION = 1
PERIODE = 24 * 3600.0  # seconds between two harvests
REPRISE = 60.0  # … after a failed one
PATIENCE = 10.0  # seconds a start waits for a fresher referential than the disk's

journal = logging.getLogger("gateway.referentiel")

Lire = Callable[[Lecture[tuple[Referentiel, Compte]]], Awaitable[tuple[Referentiel, Compte]]]


class GardienReferentiel:
    """The referential of the moment. `courant` is replaced whole, never changed."""

    def __init__(self, chemin: Path, lire: Lire, lecture: Callable[[], Lecture[tuple[Referentiel, Compte]]]) -> None:
        self._chemin = chemin
        self._lire = lire
        self._lecture = lecture
        self.courant = Referentiel()
        self._moissonne = False  # since the start

    async def ouvrir(self) -> None:
        """Harvest, else read the disk, which a partner that hangs does not delay. Raises ErreurConfiguration when there is
        neither."""
        copie = self._chemin.exists()
        try:
            async with asyncio.timeout(PATIENCE if copie else None):
                if await self.moissonner():
                    return
        except TimeoutError:
            journal.warning("référentiel : le partenaire tarde, la copie du disque sert")
        if not copie:
            raise ErreurConfiguration(
                "référentiel : le partenaire ne répond pas et aucune copie n'est sur le disque ; le démarrer puis relancer"
            )
        self.courant = await asyncio.to_thread(_relire, self._chemin)

    async def moissonner(self) -> bool:
        """Harvest and write; False when the partner could not answer, or answered nothing."""
        try:
            lu, compte = await self._lire(self._lecture())
        except ErreurSource as erreur:
            journal.warning("référentiel non moissonné : %s %s", erreur.source, erreur.code.value)
            return False
        if not (lu.communes and lu.missions_locales and lu.organismes):
            journal.warning("référentiel vide ou tronqué : le précédent est gardé")
            return False
        journal.info(
            "référentiel : %d communes, %d CFA, %d rejets", len(lu.communes), len(lu.organismes), compte.rejets
        )
        self.courant, self._moissonne = lu, True
        await self._garder(lu)
        return True

    async def _garder(self, referentiel: Referentiel) -> None:
        """A disk that refuses costs the next start with the partner down, not this one."""
        try:
            await asyncio.to_thread(_ecrire, self._chemin, referentiel)
        except OSError as erreur:
            journal.error("référentiel non gardé sur disque : %s", erreur.strerror)

    async def veiller(self, dormir: Sleep) -> None:
        """Harvest daily, for ever; soon again as long as it is the disk's copy that serves."""

        async def harvest() -> float:
            return PERIODE if await self.moissonner() else REPRISE

        def failed(error: Exception) -> None:  # the service goes on with the referential it has
            journal.error("référentiel non moissonné : %s", type(error).__name__)

        await every(REPRISE, harvest, failed, dormir, first=PERIODE if self._moissonne else REPRISE)


def _ecrire(chemin: Path, referentiel: Referentiel) -> None:
    """Whole or not at all."""
    contenu = {
        "version": VERSION,
        "communes": list(referentiel.communes.values()),
        "missions_locales": list(referentiel.missions_locales.values()),
        "organismes": list(referentiel.organismes.values()),
        "noms": [[nature, code, nom] for (nature, code), nom in referentiel.noms.items()],
    }
    chemin.parent.mkdir(parents=True, exist_ok=True)
    brouillon = chemin.with_suffix(".nouveau")
    with brouillon.open("w", encoding="utf-8") as flux:
        flux.write(json.dumps(contenu, ensure_ascii=False, default=asdict))  # a line at a time: a country has 35,000
        flux.flush()
        os.fsync(flux.fileno())
    os.replace(brouillon, chemin)


def _relire(chemin: Path) -> Referentiel:
    try:
        contenu: Mapping[str, Any] = json.loads(chemin.read_text(encoding="utf-8"))
        if contenu["version"] != VERSION:
            raise ValueError("version")
        return Referentiel(
            communes={ligne["code"]: LigneCommune(**_tuples(ligne)) for ligne in contenu["communes"]},
            missions_locales={ligne["code"]: LigneMissionLocale(**ligne) for ligne in contenu["missions_locales"]},
            organismes={ligne["uai"]: LigneOrganisme(**_tuples(ligne)) for ligne in contenu["organismes"]},
            noms={(nature, code): nom for nature, code, nom in contenu["noms"]},
        )
    except (OSError, ValueError, KeyError, TypeError) as erreur:
        raise ErreurConfiguration(f"{chemin} : copie du référentiel illisible ; la supprimer puis relancer") from erreur


def _tuples(ligne: Mapping[str, Any]) -> dict[str, Any]:
    return {cle: tuple(valeur) if isinstance(valeur, list) else valeur for cle, valeur in ligne.items()}
