"""Reading the journal back: who read a person, is the chain whole, and forgetting what is too old. SQL, no rule of access."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import delete, func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from gateway.domain.chaine import Borne, suivante
from gateway.domain.sceau import Sceau
from gateway.stores.chaine import (
    DEBUT,
    ENTREES,
    FIN,
    PERSONNES,
    JournalAltere,
    deballer,
    ensemble_de,
    lire_borne,
    poser_borne,
    prendre_borne,
    pseudonyme,
)
from gateway.stores.journal import Journal
from gateway.stores.lot import Inscription
from gateway.stores.quotas import oublier_avant

INDEX_FAUX = "l'index des personnes ne correspond pas aux entrées"
PAGE = 2000
LOT_PURGE = 500  # entries forgotten in one transaction: short, so that answers do not wait


@dataclass(frozen=True, slots=True)
class Constat:
    """What a verification found: how far the chain goes, and what is wrong, None when nothing is."""

    debut: int
    fin: Borne
    defaut: str | None


async def tete(journal: Journal) -> Borne:
    """The end of the chain, to be kept elsewhere: only that tells a journal put back whole to an earlier state."""
    async with journal.moteur.connect() as connexion:
        return await connexion.run_sync(lire_borne, journal.sceau, FIN)


async def lectures_de(journal: Journal, cle: str) -> list[tuple[bytes, int]]:
    """The entries that show a person, in order: content, and rank of the person in it."""
    code = pseudonyme(journal.sceau, cle)
    siennes = select(PERSONNES.c.ensemble).where(PERSONNES.c.personne == code)
    requete = select(ENTREES.c.contenu, ENTREES.c.personnes).where(ENTREES.c.ensemble.in_(siennes))
    async with journal.moteur.connect() as connexion:
        lues = await connexion.execute(requete.order_by(ENTREES.c.numero))
        vues = [(lue.contenu, deballer(lue.personnes)) for lue in lues]
    return [(contenu, codes.index(code)) for contenu, codes in vues if code in codes]


async def verifier(journal: Journal, ancre: Borne | None = None) -> Constat:
    """Walk the whole chain, of one instant. `ancre`: an end kept elsewhere, which the chain must pass through."""
    async with _instantane(journal) as connexion:
        try:
            debut = await connexion.run_sync(lire_borne, journal.sceau, DEBUT)
            fin = await connexion.run_sync(lire_borne, journal.sceau, FIN)
        except JournalAltere:
            return Constat(0, Borne(0, b""), "une borne du journal manque ou n'est pas signée par cette clé")
        return Constat(debut.numero + 1, fin, await _Parcours(journal.sceau, debut, ancre).defaut(connexion, fin))


class _Parcours:
    """One walk from an end of the chain to the other."""

    def __init__(self, sceau: Sceau, debut: Borne, ancre: Borne | None) -> None:
        self._sceau = sceau
        self._borne = debut
        self._ancre = ancre if ancre and ancre.numero > debut.numero else None

    async def defaut(self, connexion: AsyncConnection, fin: Borne) -> str | None:
        """The first thing that is wrong."""
        async for lue in _entrees(connexion):
            if (faux := self.avancer(lue)) is not None:
                return faux
        if self._borne != fin:
            return f"entrée {self._borne.numero + 1} : manquante, la chaîne va jusqu'à {fin.numero}"
        if self._ancre and self._ancre.numero > fin.numero:
            return f"entrée {fin.numero + 1} : manquante, l'ancre est à {self._ancre.numero}"
        if await self._somme_des_ensembles(connexion) != await self._somme_de_l_index(connexion):
            return INDEX_FAUX
        return None

    def avancer(self, lue: Any) -> str | None:
        """Take one more entry, or tell what is wrong with it."""
        attendue = suivante(self._sceau, self._borne, lue.contenu, lue.personnes)
        if lue.numero != attendue.numero:
            return f"entrée {attendue.numero} : manquante"
        if lue.empreinte != attendue.empreinte:
            return f"entrée {lue.numero} : altérée, déplacée ou refaite"
        if self._ancre and self._ancre.numero == lue.numero and self._ancre != attendue:
            return f"entrée {lue.numero} : ce n'est pas celle de l'ancre"
        if lue.ensemble != ensemble_de(self._sceau, set(deballer(lue.personnes))):
            return INDEX_FAUX
        self._borne = attendue
        return None

    async def _somme_des_ensembles(self, connexion: AsyncConnection) -> int:
        """Of the persons of each set, told by the first entry that shows it."""
        premieres = select(func.min(ENTREES.c.numero)).group_by(ENTREES.c.ensemble)
        lues = await connexion.stream(select(ENTREES).where(ENTREES.c.numero.in_(premieres)))
        somme = 0
        async for paquet in lues.partitions(PAGE):
            somme += sum(self._poids(code, lue.ensemble) for lue in paquet for code in set(deballer(lue.personnes)))
        return somme

    async def _somme_de_l_index(self, connexion: AsyncConnection) -> int:
        somme = 0
        lues = await connexion.stream(select(PERSONNES))
        async for paquet in lues.partitions(PAGE):
            somme += sum(self._poids(lue.personne, lue.ensemble) for lue in paquet)
        return somme

    def _poids(self, personne: int, ensemble: int) -> int:
        """Two sets of pairs are the same when the sums of their keyed weights are: nobody else can choose them."""
        paire = personne.to_bytes(8, "big", signed=True) + ensemble.to_bytes(8, "big", signed=True)
        return int.from_bytes(self._sceau.empreinte("journal/index", paire))


async def oublier_les_comptes(journal: Journal, jour: date) -> None:
    """Forget what quotas count of before a day, which no window reaches any more."""
    async with journal.moteur.begin() as connexion:
        await connexion.run_sync(oublier_avant, jour)


async def purger(journal: Journal, perimee: Callable[[bytes], bool], acte: Callable[[int], bytes]) -> int:
    """Forget the oldest entries, as long as `perimee` says so of their content; return how many.

    The signed beginning of the chain moves with them, so that what stays can still be verified. If anything was
    forgotten, `acte` makes the entry that tells how many. Raises JournalAltere: a proof of tampering is not forgotten.
    """
    total = 0
    while oubliees := await _oublier(journal, perimee):
        total += oubliees
    if total:
        await journal.inscrire(Inscription(acte(total)))
    return total


async def _oublier(journal: Journal, perimee: Callable[[bytes], bool]) -> int:
    premieres = select(ENTREES).order_by(ENTREES.c.numero).limit(LOT_PURGE)
    async with journal.moteur.begin() as connexion:
        parcours = _Parcours(journal.sceau, await connexion.run_sync(prendre_borne, journal.sceau, DEBUT), None)
        await connexion.run_sync(prendre_borne, journal.sceau, FIN)  # nobody adds to a set while it is forgotten
        vieilles: list[Any] = []
        for lue in await connexion.execute(premieres):
            if not perimee(lue.contenu):
                break
            if (faux := parcours.avancer(lue)) is not None:
                raise JournalAltere(faux)
            vieilles.append(lue)
        if vieilles:
            await _effacer(connexion, journal.sceau, vieilles)
    return len(vieilles)


async def _effacer(connexion: AsyncConnection, sceau: Sceau, vieilles: list[Any]) -> None:
    derniere = vieilles[-1]
    await connexion.execute(delete(ENTREES).where(ENTREES.c.numero <= derniere.numero))
    ensembles = {lue.ensemble: lue for lue in vieilles}
    restent = await connexion.scalars(select(ENTREES.c.ensemble).where(ENTREES.c.ensemble.in_(ensembles)).distinct())
    for ensemble in ensembles.keys() - set(restent):
        siens = PERSONNES.c.personne.in_(deballer(ensembles[ensemble].personnes)) & (PERSONNES.c.ensemble == ensemble)
        await connexion.execute(delete(PERSONNES).where(siens))
    await connexion.run_sync(poser_borne, sceau, DEBUT, Borne(derniere.numero, derniere.empreinte))


async def _entrees(connexion: AsyncConnection) -> AsyncIterator[Any]:
    """The entries in order, by pages: a journal does not fit in memory."""
    dernier = -1
    while True:
        page = select(ENTREES).where(ENTREES.c.numero > dernier).order_by(ENTREES.c.numero).limit(PAGE)
        lues = (await connexion.execute(page)).all()
        for lue in lues:
            yield lue
        if len(lues) < PAGE:
            return
        dernier = lues[-1].numero


@asynccontextmanager
async def _instantane(journal: Journal) -> AsyncIterator[AsyncConnection]:
    """What the database holds at one instant, whatever is written meanwhile."""
    async with journal.moteur.connect() as connexion:
        if connexion.dialect.name == "sqlite":
            await connexion.exec_driver_sql("BEGIN")
        else:
            await connexion.execution_options(isolation_level="REPEATABLE READ")
        yield connexion
