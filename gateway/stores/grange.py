"""Where the harvest of the registry is written: one writer elected among processes, one page a transaction, and forgetting.

SQL, and nothing of partners. A window is read once its last page is written; killed at any point, it goes on from its last page.
"""

import asyncio
import json
import logging
import secrets
import time
import zlib
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from datetime import UTC, date, datetime
from typing import Any

from sqlalchemy import and_, delete, exists, func, or_, select, update
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncConnection

from gateway.domain.identity import cle_identite
from gateway.stores.lignes import LigneRegistre
from gateway.stores.registre import (
    CHANTIER,
    ETAT,
    FENETRES,
    LIGNES,
    USAGE,
    Fenetre,
    Registre,
    lien,
    pseudonyme_personne,
)
from gateway.stores.sql import paquets

BAIL = 60.0  # seconds that a harvester keeps its place without a word
PAQUET = 200  # rows of one statement: some milliseconds of the event loop
OUBLI = 500  # contracts forgotten in one transaction
DUREE_MAX = 4  # years of a contract whose rows tell no end

journal = logging.getLogger("gateway.registre")


class MoissonEnCours(Exception):
    """Another process harvests, or took our place."""


class FenetreRefusee(ValueError):
    """A window that overlaps one already written: its rows would be told twice."""


@dataclass(frozen=True, slots=True)
class Chantier:
    """A window under way, by its next page: `page` of `total` (0 before the first) of the view of rank `vue`."""

    fenetre: Fenetre
    vue: int = 0
    page: int = 1
    total: int = 0
    lignes: int = 0

    def apres(self, total: int, lignes: int) -> "Chantier":
        """The same, one page further."""
        if self.page < total:
            return replace(self, page=self.page + 1, total=total, lignes=self.lignes + lignes)
        return Chantier(self.fenetre, self.vue + 1, lignes=self.lignes + lignes)


class Grange:
    """The writing half of a Registre. `secondes` is a clock that the processes share, within less than BAIL."""

    def __init__(self, registre: Registre, secondes: Callable[[], float] = time.time) -> None:
        self.registre = registre
        self._moteur, self._sceau = registre.moteur, registre.sceau
        self._secondes = secondes
        self._moi = secrets.token_hex(16)

    async def elire(self) -> bool:
        """Become the one that harvests, unless another one is alive."""
        libre = or_(ETAT.c.moissonneur.is_(None), ETAT.c.moissonneur == self._moi, ETAT.c.bail < self._secondes())
        async with self._moteur.begin() as connexion:
            pris = await connexion.execute(update(ETAT).where(libre).values(moissonneur=self._moi, bail=self._terme()))
        return pris.rowcount == 1

    async def prolonger(self) -> None:
        """Say that we are alive. A database that fails will tell the harvest itself."""
        with suppress(SQLAlchemyError, OSError, MoissonEnCours):
            async with self._moteur.begin() as connexion:
                await self._exiger(connexion)

    async def liberer(self) -> None:
        """Leave the place; if the database fails, the lease will."""
        with suppress(SQLAlchemyError, OSError):
            async with self._moteur.begin() as connexion:
                await connexion.execute(update(ETAT).where(ETAT.c.moissonneur == self._moi).values(moissonneur=None))

    async def fenetres(self) -> list[Fenetre]:
        """The windows written whole, in order of day."""
        async with self._moteur.connect() as connexion:
            lues = await connexion.execute(select(FENETRES.c.debut, FENETRES.c.fin).order_by(FENETRES.c.debut))
            return [Fenetre(lue.debut, lue.fin) for lue in lues]

    async def chantier(self) -> Chantier | None:
        """The window that a harvest left unfinished."""
        async with self._moteur.connect() as connexion:
            lu = (await connexion.execute(select(CHANTIER))).first()
        return Chantier(Fenetre(lu.debut, lu.fin), lu.vue, lu.page, lu.total, lu.lignes) if lu else None

    async def engranger(
        self, chantier: Chantier, lignes: Sequence[LigneRegistre], suite: Chantier, achevee_le: datetime | None
    ) -> None:
        """Write a page and what comes next, together or not at all; `achevee_le` when it was the last of its window.

        Raises MoissonEnCours, or FenetreRefusee for a window that overlaps another one.
        """
        scellees = await asyncio.to_thread(self._sceller_tout, chantier, lignes)
        async with self._moteur.begin() as connexion:
            await self._exiger(connexion)
            await _poser(connexion, chantier, suite)
            for paquet in paquets(scellees, PAQUET):
                await connexion.execute(LIGNES.insert(), list(paquet))
            if achevee_le is not None:
                await _achever(connexion, suite, achevee_le)

    async def abandonner(self, chantier: Chantier) -> None:
        """Forget what was written of a window under way."""
        async with self._moteur.begin() as connexion:
            await self._exiger(connexion)
            await connexion.execute(delete(CHANTIER))
            await connexion.execute(delete(LIGNES).where(LIGNES.c.fenetre == chantier.fenetre.fin))

    async def oublier(self, avant: date) -> int:
        """Forget the contracts that ended in a month before a day; return how many."""
        total = 0
        while oublies := await self._oublier(avant):
            total += oublies
        if total:
            journal.info("registre : %d contrat(s) échu(s) oublié(s)", total)
        return total

    async def _oublier(self, avant: date) -> int:
        """Whatever an amendment moved the end to counts: all the rows of a contract go together, or stay."""
        autre = LIGNES.alias()
        tient = exists().where(autre.c.contrat == LIGNES.c.contrat, autre.c.fin >= avant)
        echus = select(LIGNES.c.contrat).distinct().where(LIGNES.c.fin < avant, ~tient).limit(OUBLI)
        async with self._moteur.begin() as connexion:
            await self._exiger(connexion)
            contrats = list(await connexion.scalars(echus))
            if contrats:
                await connexion.execute(delete(LIGNES).where(LIGNES.c.contrat.in_(contrats)))
                await connexion.execute(update(ETAT).values(imports=ETAT.c.imports + 1))
        return len(contrats)

    async def _exiger(self, connexion: AsyncConnection) -> None:
        """Hold the place until the transaction ends: who was taken for dead and replaced writes nothing more."""
        siens = update(ETAT).where(ETAT.c.moissonneur == self._moi).values(bail=self._terme())
        if (await connexion.execute(siens)).rowcount != 1:
            raise MoissonEnCours

    def _terme(self) -> float:
        return self._secondes() + BAIL

    def _sceller_tout(self, chantier: Chantier, lignes: Sequence[LigneRegistre]) -> list[dict[str, Any]]:
        return [self._sceller(ligne, chantier.fenetre.fin, rang) for rang, ligne in enumerate(lignes, chantier.lignes)]

    def _sceller(self, ligne: LigneRegistre, fenetre: date, rang: int) -> dict[str, Any]:
        cle = f"{ligne.no_contrat.casefold()}|{ligne.date_naissance.isoformat()}"
        contrat = self._sceau.pseudonyme("registre/contrat", cle)
        clair = zlib.compress(json.dumps(ligne.charge, ensure_ascii=False).encode(), 1)
        return {
            "contrat": contrat,
            "vue": ligne.vue,
            "fenetre": fenetre,
            "rang": rang,
            "personne": pseudonyme_personne(self._sceau, cle_identite(ligne.nom, ligne.prenom, ligne.date_naissance)),
            "code_postal": ligne.code_postal,
            "cfa": ligne.uai or ligne.siret_formation,
            "fin": _mois_de_fin(ligne),
            "scelle": self._sceau.sceller(USAGE, clair, lien(contrat, ligne.vue, fenetre, rang)),
        }


def _mois_de_fin(ligne: LigneRegistre) -> date:
    if ligne.fin is not None:
        return ligne.fin.replace(day=1)
    return ligne.jour.replace(year=ligne.jour.year + DUREE_MAX, day=1)


async def _poser(connexion: AsyncConnection, chantier: Chantier, suite: Chantier) -> None:
    """Move the window under way one page further; begin it with its first page."""
    if chantier != Chantier(chantier.fenetre):
        ici = and_(*(CHANTIER.c[nom] == valeur for nom, valeur in _colonnes(chantier).items()))
        if (await connexion.execute(update(CHANTIER).where(ici).values(_colonnes(suite)))).rowcount != 1:
            raise MoissonEnCours
        return
    chevauchent = (FENETRES.c.debut <= chantier.fenetre.fin) & (FENETRES.c.fin >= chantier.fenetre.debut)
    if await connexion.scalar(select(func.count()).where(chevauchent)):
        raise FenetreRefusee(f"{chantier.fenetre.debut} → {chantier.fenetre.fin}")
    await connexion.execute(CHANTIER.insert().values(_colonnes(suite)))


def _colonnes(chantier: Chantier) -> dict[str, Any]:
    colonnes = asdict(chantier)
    return {**colonnes.pop("fenetre"), **colonnes}


async def _achever(connexion: AsyncConnection, suite: Chantier, instant: datetime) -> None:
    """From here on the rows of the window are read, and it is not asked for again."""
    await connexion.execute(delete(CHANTIER))
    marque = {**asdict(suite.fenetre), "lignes": suite.lignes, "importee_le": instant.astimezone(UTC).isoformat()}
    await connexion.execute(FENETRES.insert().values(marque))
    await connexion.execute(update(ETAT).values(imports=ETAT.c.imports + 1))
