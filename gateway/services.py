"""What lives as long as the process and touches the outside: sources, stores, cache, counters. No rule lives here."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import partial

from prometheus_client import CollectorRegistry, Counter, Gauge

from gateway.admission import RequestSlots
from gateway.alertes import Alertes
from gateway.boucle import Pouls
from gateway.cache.coffre import Coffre
from gateway.cache.ouverture import ouvrir_cache
from gateway.config import Configuration
from gateway.connectors.base import Connecteur
from gateway.connectors.registry import connecteurs
from gateway.errors import ErreurConfiguration
from gateway.schema.lieux import TypeSource
from gateway.sources.appels import Receveur
from gateway.sources.codec import codec
from gateway.sources.departs import Departs
from gateway.sources.ecoute import consommateurs, receveur
from gateway.sources.entretien import Entretien
from gateway.sources.evenements import Consommateur
from gateway.sources.fetch import Socle, Sources
from gateway.sources.mesures import Mesures
from gateway.sources.moisson import Champ
from gateway.sources.partenaires import Partenaire, charger_partenaires
from gateway.sources.referentiel import GardienReferentiel
from gateway.sources.resilience.rythme import Rythme
from gateway.sources.suivi import SuiviMoisson
from gateway.sources.transport import FabriqueTransport, Transport, transport_aiohttp
from gateway.sources.unites import Resultat
from gateway.stores.debits import Debits
from gateway.stores.grange import Grange
from gateway.stores.journal import Journal
from gateway.stores.liens import Liens
from gateway.stores.registre import Registre
from gateway.stores.sql import url_de


@dataclass(frozen=True, slots=True)
class Dehors:
    """The network, the seconds since 1970, and the time and chance of the machines that spare partners."""

    reseau: FabriqueTransport = transport_aiohttp
    secondes: Callable[[], float] = time.time
    rythme: Rythme = field(default_factory=Rythme)


@dataclass(slots=True)
class Services:
    """What lives as long as the process, and must be closed."""

    configuration: Configuration
    maintenant: Callable[[], datetime]
    mesures: CollectorRegistry
    transport: Transport
    sources: Sources
    registre: Registre
    grange: Grange
    suivi: SuiviMoisson
    liens: Liens
    lectures: Journal
    debits: Debits
    departs: Departs | None
    alertes: Alertes
    comptes: Mesures
    voies: Counter
    slots: RequestSlots
    pouls: Pouls
    gardien: GardienReferentiel
    champ: Champ
    entretien: Entretien
    nom_registre: str
    consommateurs: list[Consommateur]
    receveur: Receveur

    async def fermer(self) -> None:
        await self.sources.aclose()
        await self.registre.fermer()
        await self.liens.fermer()
        await self.lectures.fermer()
        await self.debits.fermer()
        if self.departs is not None:
            await self.departs.aclose()


def construire_services(
    configuration: Configuration, environ: Mapping[str, str], dehors: Dehors = Dehors()
) -> Services:
    """Everything that touches the outside. Raises ErreurConfiguration."""
    connus = connecteurs()
    partenaires = charger_partenaires(configuration.racine / "partenaires", environ, connus)
    mesures = CollectorRegistry()
    comptes, alertes = Mesures(mesures), Alertes(mesures)

    transport = Transport(configuration.maintenant, dehors.reseau)
    coffre = Coffre(configuration.sceaux_cache, codec(Resultat))
    cache = ouvrir_cache(configuration.cache, coffre, dehors.secondes)
    departs = None if configuration.cache == "memory://" else Departs(configuration.cache)
    rythme = replace(dehors.rythme, processus=configuration.processus, commun=departs)
    socle = Socle(transport, cache, comptes, configuration.maintenant, rythme)
    sources = Sources(partenaires, connus, socle)
    registre, referentiel = _seul(sources, TypeSource.REGISTRE_CONTRATS), _seul(sources, TypeSource.REFERENTIEL)
    _creer_le_dossier(configuration)
    store = Registre(_url(configuration, environ, "registre.sqlite"), configuration.sceau)
    return Services(
        configuration=configuration,
        maintenant=configuration.maintenant,
        mesures=mesures,
        transport=transport,
        sources=sources,
        comptes=comptes,
        voies=Counter("passerelle_executions", "Opérations exécutées, par voie.", ("voie",), registry=mesures),
        pouls=Pouls.de(mesures),
        slots=RequestSlots(Gauge("passerelle_requetes_en_cours", "Requêtes en cours de traitement.", registry=mesures)),
        registre=store,
        grange=Grange(store),
        suivi=SuiviMoisson(mesures, configuration.maintenant),
        liens=Liens(_url(configuration, environ, "liens.sqlite")),
        lectures=construire_journal(configuration, environ, alertes.disponible),
        debits=Debits(environ.get("GATEWAY_CACHE_URL", "")),
        departs=departs,
        alertes=alertes,
        gardien=_gardien(configuration, sources, referentiel, connus[partenaires[referentiel].genre]),
        champ=_champ(sources, partenaires[registre], connus[partenaires[registre].genre]),
        entretien=Entretien(sources, cache, rythme.dormir),
        nom_registre=registre,
        consommateurs=consommateurs(sources, connus, cache, comptes),
        receveur=receveur(sources, connus, comptes, dehors.secondes),
    )


def _seul(sources: Sources, nature: TypeSource) -> str:
    noms = sources.sources_de(nature)
    if len(noms) != 1:
        raise ErreurConfiguration(f"partenaires : un partenaire {nature.value} attendu, {len(noms)} configuré(s)")
    return noms[0]


def _creer_le_dossier(configuration: Configuration) -> None:
    try:
        configuration.donnees.mkdir(parents=True, exist_ok=True)
    except OSError as erreur:
        raise ErreurConfiguration(f"donnees.dossier : {configuration.donnees} : {erreur.strerror}") from None


def _url(configuration: Configuration, environ: Mapping[str, str], fichier: str) -> str:
    """The shared database, or else a file: a harvest locks the registry's for as long as it writes, so the links have
    theirs."""
    return url_de(environ, "GATEWAY_DATABASE_URL", f"sqlite+aiosqlite:///{configuration.donnees / fichier}")


def construire_journal(
    configuration: Configuration, environ: Mapping[str, str], signaler: Callable[[bool], None] = lambda _: None
) -> Journal:
    """The reading journal, closed. Raises ErreurConfiguration."""
    _creer_le_dossier(configuration)
    defaut = f"sqlite+aiosqlite:///{configuration.donnees / 'journal.sqlite'}"
    return Journal(url_de(environ, "GATEWAY_JOURNAL_URL", defaut), configuration.sceau, signaler)


def _gardien(configuration: Configuration, sources: Sources, nom: str, connecteur: Connecteur) -> GardienReferentiel:
    if connecteur.referentiel is None:
        raise ErreurConfiguration(f"partenaires : {nom} ne sait pas lire un référentiel")
    return GardienReferentiel(
        configuration.donnees / "referentiel.json",
        lambda lecture: sources.executer(nom, lecture),
        connecteur.referentiel,
    )


def _champ(sources: Sources, partenaire: Partenaire, connecteur: Connecteur) -> Champ:
    if connecteur.moisson is None or partenaire.moisson_depuis is None:
        raise ErreurConfiguration(f"partenaires/{partenaire.nom}.toml : [moisson] depuis est requis")
    return Champ(
        source=partenaire.nom,
        lire=partial(sources.page, partenaire.nom),
        moisson=connecteur.moisson,
        depuis=partenaire.moisson_depuis,
        fenetre_jours=partenaire.moisson_fenetre_jours,
        ouverture=partenaire.ouverture,
    )
