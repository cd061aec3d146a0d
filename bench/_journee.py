"""Lives a day of the advisers over a gateway in this process: the whole of it but the socket, in virtual time.

What is exercised is what `serve` runs: composition, sources, cache, pacing, breakers, views, quotas, journal. Viewers
are those of the register; partners are the simulators, behind the door of `_partenaires`.
"""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields, replace
from datetime import UTC, date, datetime, timedelta
from functools import partial
from random import Random
from typing import Any

import orjson

from bench._conseillers import GESTES, Conseiller, arrivees, visiter
from bench._partenaires import Chemin, Comptoir, simulateurs
from bench._releve import Releve, VuesComptees, memoire
from bench._virtuel import BoucleVirtuelle, jouer
from fixtures.population.modele import Population
from gateway.auth.quotas import Quotas
from gateway.auth.viewer import Jeton, Viewer, identifier
from gateway.composition import construire_passerelle, lire_registre_des_clients
from gateway.config import Configuration, charger
from gateway.domain.temps import PARIS
from gateway.entree import JSON, ecrire
from gateway.errors import ErreurAppelant
from gateway.operation import Demande, Passerelle, repondre
from gateway.services import Dehors, construire_services
from gateway.sources.resilience.rythme import Rythme

# The minute of a cost quota is the system's, which a virtual day outruns; the quotas of persons are the defaults.
QUOTAS = Quotas(cout_minute=10**12, introuvables=10**9)
PAS = 1800.0  # virtual seconds between two looks at the process

Dire = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Journee:
    """What is lived: on which day, from which hour to which, by how many advisers of which Missions locales."""

    jour: date
    missions: tuple[str, ...]
    conseillers: int = 10
    debut: int = 8
    fin: float = 18
    graine: int = 1

    @property
    def depart(self) -> datetime:
        return datetime(self.jour.year, self.jour.month, self.jour.day, self.debut, tzinfo=PARIS).astimezone(UTC)

    @property
    def equipe(self) -> list[Conseiller]:
        return [Conseiller(mission, rang) for mission in self.missions for rang in range(self.conseillers)]


@dataclass(frozen=True, slots=True)
class Poste:
    """Where an adviser sits."""

    passerelle: Passerelle
    releve: Releve
    viewer: Callable[[], Viewer]

    async def demander(self, nom: str, variables: Mapping[str, Any]) -> Any:
        """Ask, as `app` does once a caller is known; None when the whole was refused."""
        boucle, viewer = asyncio.get_running_loop(), self.viewer()
        debut = boucle.time()
        try:
            await self.passerelle.consigne.entrer(viewer)
            reponse = await repondre(self.passerelle, viewer, Demande(GESTES[nom], None, dict(variables)))
        except ErreurAppelant as refus:
            self.releve.refus[refus.code.value] += 1
            return None
        corps = bytes(ecrire(reponse, "", JSON).body)
        self.releve.noter(nom, reponse, boucle.time() - debut, len(corps))
        return orjson.loads(corps)["data"]


def vivre(population: Population, environ: Mapping[str, str], journee: Journee, dire: Dire) -> Releve:
    """The day, from its first visit to its last answer, of a gateway configured by `environ` over a harvested registry."""
    return jouer(lambda boucle: _ouvrir(boucle, population, environ, journee, dire))


async def _ouvrir(
    boucle: BoucleVirtuelle, population: Population, environ: Mapping[str, str], journee: Journee, dire: Dire
) -> Releve:
    comptoir, avant = Comptoir(), memoire()

    def maintenant() -> datetime:
        return journee.depart + timedelta(seconds=boucle.time())

    reseau = partial(Chemin, simulateurs(population, maintenant), comptoir, journee.graine)
    rythme = Rythme(secondes=boucle.time, hasard=Random(journee.graine).random)
    dehors = Dehors(reseau, lambda: maintenant().timestamp(), rythme)
    services, vues = construire_services(_configuration(environ, maintenant), environ, dehors), VuesComptees()
    try:
        await services.registre.ouvrir()
        await services.lectures.ouvrir()
        await services.gardien.ouvrir()
        passerelle = replace(construire_passerelle(services), vues=vues)
        releve = Releve(services, comptoir, vues, avant)
        await _vivre(passerelle, releve, journee, dire)
        releve.clore()
        return releve
    finally:
        await services.fermer()


async def _vivre(passerelle: Passerelle, releve: Releve, journee: Journee, dire: Dire) -> None:
    taches = [asyncio.create_task(_veiller(releve, journee, dire))]
    taches += [asyncio.create_task(releve.services.entretien.veiller())]
    clients = lire_registre_des_clients(releve.services.configuration)

    def viewer(conseiller: Conseiller) -> Viewer:
        nom = f"ml-{conseiller.mission}"
        jeton, referentiel = Jeton(nom, conseiller.compte, mfa=True), passerelle.annuaire().referentiel
        return replace(identifier(jeton, clients[nom], None, referentiel), quotas=QUOTAS)

    try:
        async with asyncio.TaskGroup() as groupe:
            for conseiller in journee.equipe:
                poste = Poste(passerelle, releve, partial(viewer, conseiller))
                groupe.create_task(_travailler(poste, conseiller, journee))
    finally:
        for tache in taches:
            tache.cancel()


async def _travailler(poste: Poste, conseiller: Conseiller, journee: Journee) -> None:
    """The visits of an adviser, one after the other."""
    boucle, hasard = asyncio.get_running_loop(), Random(f"{journee.graine}/{conseiller.compte}/gestes")
    for instant in arrivees(conseiller, journee.graine, journee.debut, journee.fin):
        await asyncio.sleep(max(0.0, instant - boucle.time()))
        await visiter(poste.demander, asyncio.sleep, hasard)


async def _veiller(releve: Releve, journee: Journee, dire: Dire) -> None:
    """Look at the process now and then."""
    while True:
        releve.regarder()
        minutes = int(asyncio.get_running_loop().time() // 60)
        dire(f"{journee.debut + minutes // 60:02}:{minutes % 60:02} {releve.resume()}")
        await asyncio.sleep(PAS)


def _configuration(environ: Mapping[str, str], horloge: Callable[[], datetime]) -> Configuration:
    """The configuration of the world, on the day that is lived."""

    class AuFilDuJour(Configuration):
        def maintenant(self) -> datetime:
            return horloge()

    lue = charger(environ)
    return AuFilDuJour(**{champ.name: getattr(lue, champ.name) for champ in fields(lue)})
