"""Reads the registry in its store and makes persons of its contracts. Knows no SQL and no viewer.

The registry has no identifier of a person: contracts told of one exact identity are one person, unless they contradict
each other (ANSWERS 25); then nobody can say whose each is, and each stands alone.
"""

import asyncio
from collections import OrderedDict, defaultdict
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Any

from gateway.connectors.base import Dossier
from gateway.schema.nouns import Contrat, Jeune
from gateway.stores.registre import ContratStocke, Registre

CHEVAUCHEMENT_JOURS = 60  # nobody is an apprentice twice at once for this long
LECTURES_MAX = 16
PAQUET = 200  # contracts folded between two breaths of the event loop

Plier = Callable[[Sequence[Mapping[str, Any]]], tuple[Jeune, Contrat] | None]


@dataclass(frozen=True, slots=True)
class ResultatRegistre:
    """What the store holds of a set of persons. `as_of` is None before the first harvest."""

    dossiers: tuple[Dossier, ...]
    as_of: datetime | None
    version: str


class LecteurRegistre:
    """The registry as a source that answers at once, as fresh as its last harvest."""

    def __init__(self, registre: Registre, plier: Plier) -> None:
        self._registre = registre
        self._plier = plier
        self._plies: dict[str, tuple[Jeune, Contrat] | None] = {}  # by contract, of one version
        self._version = ""
        self._lus: OrderedDict[tuple[Any, ...], ResultatRegistre] = OrderedDict()

    async def dossiers(
        self, codes_postaux: Collection[str], cfas: Collection[str], identites: Collection[str]
    ) -> ResultatRegistre:
        """The persons with a contract of such a home or such a CFA (UAI or SIRET), or of such an identity."""
        avancee = await self._registre.avancee()
        if avancee.version != self._version:
            self._version, self._plies = avancee.version, {}
        cle = (avancee.version, frozenset(codes_postaux), frozenset(cfas), frozenset(identites))
        if cle not in self._lus:
            stockes = await self._registre.contrats(codes_postaux, cfas, identites)
            self._lus[cle] = ResultatRegistre(await self._personnes(stockes), avancee.as_of, avancee.version)
        self._lus.move_to_end(cle)
        while len(self._lus) > LECTURES_MAX:
            self._lus.popitem(last=False)
        return self._lus[cle]

    async def _personnes(self, stockes: Sequence[ContratStocke]) -> tuple[Dossier, ...]:
        par_personne: dict[str, list[tuple[Jeune, Contrat]]] = defaultdict(list)
        for rang, stocke in enumerate(stockes):
            if stocke.contrat not in self._plies:
                self._plies[stocke.contrat] = self._plier(stocke.charges)
            plie = self._plies[stocke.contrat]
            if plie is not None:
                par_personne[stocke.personne].append(plie)
            if rang % PAQUET == PAQUET - 1:
                await asyncio.sleep(0)
        return tuple(d for cle in sorted(par_personne) for d in _dossiers(cle, par_personne[cle]))


def _dossiers(personne: str, plies: list[tuple[Jeune, Contrat]]) -> list[Dossier]:
    plies = sorted(plies, key=lambda plie: (str(plie[1].date_debut), plie[1].numero or ""))
    if _contradictoires(plies):
        return [_dossier(f"{personne}/{rang}", [plie]) for rang, plie in enumerate(plies)]
    return [_dossier(personne, plies)]


def _dossier(cle: str, plies: list[tuple[Jeune, Contrat]]) -> Dossier:
    """One person: the latest contract tells the address and the contact, every contract its training."""
    formations = [formation for jeune, _ in plies for formation in jeune.formations or []]
    uniques = {(f.date_debut, f.date_fin): f for f in formations}
    contrats = [contrat for _, contrat in plies]
    jeune = replace(plies[-1][0], contrats=contrats, formations=list(uniques.values()))
    for champ in ("sexe", "rqth", "telephone", "courriel"):
        if getattr(jeune, champ) is None:
            setattr(
                jeune,
                champ,
                next((v for autre, _ in reversed(plies) if (v := getattr(autre, champ)) is not None), None),
            )
    return Dossier(cle, jeune)


def _contradictoires(plies: list[tuple[Jeune, Contrat]]) -> bool:
    sexes = {jeune.sexe for jeune, _ in plies if jeune.sexe}
    valides = [contrat for _, contrat in plies if not contrat.annule]
    couples = ((un, autre) for rang, un in enumerate(valides) for autre in valides[rang + 1 :])
    return len(sexes) > 1 or any(_simultanes(un, autre) for un, autre in couples)


def _simultanes(un: Contrat, autre: Contrat) -> bool:
    """Two contracts that ran together too long to be one person's."""
    bornes = [_bornes(contrat) for contrat in (un, autre)]
    if not all(debut and fin for debut, fin in bornes):
        return False
    debut = max(debut for debut, _ in bornes if debut)
    fin = min(fin for _, fin in bornes if fin)
    return fin - debut > timedelta(days=CHEVAUCHEMENT_JOURS)


def _bornes(contrat: Contrat) -> tuple[date | None, date | None]:
    rompu = contrat.rupture.date if contrat.rupture else None
    return contrat.date_debut, rompu or contrat.date_fin
