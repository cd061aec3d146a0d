"""Builds the gateway from its configuration: every part once, each given what it needs. No rule lives here."""

import asyncio
import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from graphql import GraphQLSchema
from prometheus_client import CollectorRegistry, Counter

from gateway.alertes import Alertes
from gateway.auth.candidate import Candidate
from gateway.auth.cles import JeuDeCles
from gateway.auth.cles_api import Porte
from gateway.auth.clients import RegistreClients
from gateway.auth.formes import Formes
from gateway.auth.jetons import Verificateur
from gateway.auth.journal import gouvernees
from gateway.auth.jugement import Juge
from gateway.auth.mesures import MesuresAcces
from gateway.auth.politique import lire_politique
from gateway.auth.verification import verifier_schema
from gateway.cache.coffre import Coffre
from gateway.cache.ouverture import ouvrir_cache
from gateway.config import Configuration
from gateway.connectors.base import Connecteur, Requete
from gateway.connectors.registry import connecteurs
from gateway.consigne import Consigne
from gateway.documents import Documents
from gateway.domain.referentiel import Referentiel
from gateway.domain.temps import jour_paris
from gateway.enregistres import Enregistres, lire_manifestes
from gateway.errors import ErreurConfiguration
from gateway.execution.executeur import Executeur
from gateway.federation.annuaire import Annuaire
from gateway.federation.attribution import Attributeur
from gateway.federation.collecte import Collecteur
from gateway.federation.identifiants import Identifiants
from gateway.operation import Passerelle
from gateway.schema.build import construire, graphe
from gateway.schema.lieux import Source, TypeSource
from gateway.sources.codec import codec
from gateway.sources.fetch import Socle, Sources
from gateway.sources.mesures import Mesures
from gateway.sources.moisson import Champ
from gateway.sources.partenaires import Partenaire, charger_partenaires
from gateway.sources.referentiel import GardienReferentiel
from gateway.sources.registre import LecteurRegistre
from gateway.sources.resilience.rythme import Rythme
from gateway.sources.transport import Appel, Transport
from gateway.sources.unites import Resultat
from gateway.stores.debits import Debits
from gateway.stores.journal import Journal
from gateway.stores.liens import Liens
from gateway.stores.registre import Registre

JWKS_OCTETS_MAX = 65_536
JWKS_DELAI = 5.0


@dataclass(slots=True)
class Services:
    """What lives as long as the process, and must be closed."""

    configuration: Configuration
    mesures: CollectorRegistry
    transport: Transport
    sources: Sources
    registre: Registre
    liens: Liens
    lectures: Journal
    debits: Debits
    alertes: Alertes
    comptes: Mesures
    voies: Counter
    gardien: GardienReferentiel
    champ: Champ
    nom_registre: str

    def maintenant(self) -> datetime:
        """The gateway's now."""
        return self.configuration.maintenant()

    async def fermer(self) -> None:
        await self.sources.aclose()
        await self.registre.fermer()
        await self.liens.fermer()
        await self.lectures.fermer()
        await self.debits.fermer()


def construire_services(configuration: Configuration, environ: Mapping[str, str]) -> Services:
    """Everything that touches the outside. Raises ErreurConfiguration."""
    connus = connecteurs()
    partenaires = charger_partenaires(configuration.racine / "partenaires", environ, connus)
    mesures = CollectorRegistry()
    comptes, alertes = Mesures(mesures), Alertes(mesures)

    transport = Transport(configuration.maintenant)
    cache = ouvrir_cache(configuration.cache, Coffre(configuration.sceaux_cache, codec(Resultat)))
    rythme = Rythme(processus=configuration.processus)
    socle = Socle(transport, cache, comptes, configuration.maintenant, rythme)
    sources = Sources(partenaires, connus, socle)
    registre, referentiel = _seul(sources, TypeSource.REGISTRE_CONTRATS), _seul(sources, TypeSource.REFERENTIEL)
    configuration.donnees.mkdir(parents=True, exist_ok=True)
    return Services(
        configuration=configuration,
        mesures=mesures,
        transport=transport,
        sources=sources,
        comptes=comptes,
        voies=Counter("passerelle_executions", "Opérations exécutées, par voie.", ("voie",), registry=mesures),
        registre=Registre(_url_du_registre(configuration, environ), configuration.sceau),
        liens=Liens(_url_des_liens(configuration, environ)),
        lectures=construire_journal(configuration, environ, alertes.disponible),
        debits=Debits(environ.get("GATEWAY_CACHE_URL", "")),
        alertes=alertes,
        gardien=_gardien(configuration, sources, referentiel, connus[partenaires[referentiel].genre]),
        champ=_champ(sources, partenaires[registre], connus[partenaires[registre].genre]),
        nom_registre=registre,
    )


def _seul(sources: Sources, nature: TypeSource) -> str:
    noms = sources.sources_de(nature)
    if len(noms) != 1:
        raise ErreurConfiguration(f"partenaires : un partenaire {nature.value} attendu, {len(noms)} configuré(s)")
    return noms[0]


def _url_du_registre(configuration: Configuration, environ: Mapping[str, str]) -> str:
    url = environ.get("GATEWAY_DATABASE_URL", f"sqlite+aiosqlite:///{configuration.donnees / 'registre.sqlite'}")
    if not url.startswith("sqlite+aiosqlite://"):
        raise ErreurConfiguration("variable d'environnement GATEWAY_DATABASE_URL : seul sqlite+aiosqlite est servi")
    return url


def _url_des_liens(configuration: Configuration, environ: Mapping[str, str]) -> str:
    """A file of their own by default: a harvest locks the registry's for as long as a window takes to write."""
    return environ.get("GATEWAY_DATABASE_URL", f"sqlite+aiosqlite:///{configuration.donnees / 'liens.sqlite'}")


def construire_journal(
    configuration: Configuration, environ: Mapping[str, str], signaler: Callable[[bool], None] = lambda _: None
) -> Journal:
    """The reading journal, closed. Raises ErreurConfiguration."""
    configuration.donnees.mkdir(parents=True, exist_ok=True)
    url = environ.get("GATEWAY_JOURNAL_URL", f"sqlite+aiosqlite:///{configuration.donnees / 'journal.sqlite'}")
    if not url.startswith(("sqlite+aiosqlite://", "postgresql+asyncpg://")):
        raise ErreurConfiguration(
            "variable d'environnement GATEWAY_JOURNAL_URL : sqlite+aiosqlite ou postgresql+asyncpg attendu"
        )
    return Journal(url, configuration.sceau, signaler)


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
        lire=lambda lecture: sources.executer(partenaire.nom, lecture),
        lecture=connecteur.moisson,
        depuis=partenaire.moisson_depuis,
        fenetre_jours=partenaire.moisson_fenetre_jours,
        ouverture=partenaire.ouverture,
    )


def construire_passerelle(services: Services) -> Passerelle:
    """Everything an operation uses. Raises ErreurConfiguration when the schema or the policy leaves a hole."""
    configuration, sources = services.configuration, services.sources
    schema, politique = construire(), lire_politique()
    verifier_schema(graphe(schema), politique)
    acces = MesuresAcces(services.mesures)
    identifiants = Identifiants(configuration.sceau)
    annuaires = _Annuaires(services.gardien, identifiants)
    plier = connecteurs()[sources.partenaires[services.nom_registre].genre].contrat
    if plier is None:
        raise ErreurConfiguration(f"partenaires : {services.nom_registre} ne sait pas replier un contrat")
    documents = Documents(graphe(schema))
    return Passerelle(
        schema=schema,
        politique=politique,
        documents=documents,
        enregistres=Enregistres(lire_manifestes(configuration.racine / "documents", documents.valider)),
        juge=Juge(graphe(schema), politique),
        formes=Formes(graphe(schema), politique),
        candidate=_candidate(configuration, graphe(schema), acces),
        arretee=acces.arretee,
        executeur=Executeur(graphe(schema), lambda voie: services.voies.labels(voie.value).inc()),
        collecteur=Collecteur(
            interrogeables=sources,
            registre=LecteurRegistre(services.registre, plier),
            nom_registre=services.nom_registre,
            delai=configuration.fichier.reponse.delai_secondes,
            horloge=_secondes,
            sans_mission_locale=services.comptes.ambigues,
        ),
        identifiants=identifiants,
        attributeur=Attributeur(
            magasin=services.liens,
            deriver=lambda texte: identifiants.pseudonyme(f"objet|{texte}"),
            maintenant=services.maintenant,
            echec=services.comptes.liens_indisponibles.inc,
        ),
        consigne=Consigne(
            lectures=services.lectures,
            debits=services.debits,
            alertes=services.alertes,
            identifiants=identifiants,
            gouvernees=gouvernees(graphe(schema)),
            maintenant=services.maintenant,
        ),
        annuaire=annuaires.courant,
        etats=lambda: _etats(services),
        source_du_cfa=sources.partenaire_du_cfa,
        maintenant=services.maintenant,
        jour=lambda: jour_paris(services.maintenant()),
    )


def _candidate(configuration: Configuration, schema: GraphQLSchema, acces: MesuresAcces) -> Candidate | None:
    """The policy on trial, held to the same rules as the one in force."""
    if configuration.candidate is None:
        return None
    politique = lire_politique(configuration.candidate)
    verifier_schema(schema, politique)
    return Candidate(Juge(schema, politique), acces.ecart)


def _secondes() -> float:
    return asyncio.get_running_loop().time()


class _Annuaires:
    """The directory of the referential of the moment, built again when it changes."""

    def __init__(self, gardien: GardienReferentiel, identifiants: Identifiants) -> None:
        self._gardien = gardien
        self._identifiants = identifiants
        self._connu = Annuaire(Referentiel(), identifiants)

    def courant(self) -> Annuaire:
        if self._connu.referentiel is not self._gardien.courant:
            self._connu = Annuaire(self._gardien.courant, self._identifiants)
        return self._connu


def _etats(services: Services) -> list[Source]:
    instant = services.maintenant()
    return [
        Source(
            nom=etat.nom,
            type=etat.type,
            mode=etat.mode,
            etat=etat.etat,
            derniere_reponse=etat.derniere_reponse,
            fraicheur_secondes=int((instant - etat.derniere_reponse).total_seconds())
            if etat.derniere_reponse
            else None,
            latence_ms=etat.latence_ms,
            taux_erreur=etat.taux_erreur,
        )
        for etat in services.sources.etats()
    ]


def construire_porte(services: Services) -> Porte:
    """Identifies callers: tokens of the issuer, whose key set is read through the guarded client, and API keys."""
    configuration = services.configuration
    jetons, clients = configuration.fichier.jetons, lire_registre_des_clients(configuration)
    verificateur = Verificateur(
        emetteur=jetons.emetteur,
        audience=jetons.audience,
        cles=JeuDeCles(lambda: _jwks(services, str(jetons.jwks_url)), _epoque),
        clients=clients,
        horloge=_epoque,
    )
    return Porte(verificateur, clients, configuration.sceau, lambda: jour_paris(services.maintenant()))


async def _jwks(services: Services, url: str) -> bytes:
    requete = Requete("jwks", "")
    appel = Appel("identite", url, requete, None, JWKS_DELAI, JWKS_OCTETS_MAX)
    return json.dumps((await services.transport.demander(appel)).document).encode()


def _epoque() -> float:
    return datetime.now(UTC).timestamp()


def lire_registre_des_clients(configuration: Configuration) -> RegistreClients:
    """The register of callers, followed when it changes. Raises ErreurConfiguration."""
    return RegistreClients(configuration.racine / "clients.toml", time.monotonic)
