"""Builds the gateway over its services: every part once, each given what it needs. No rule lives here."""

import asyncio
import json
import time
from datetime import UTC, datetime

from graphql import GraphQLSchema

from gateway.app import AppState
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
from gateway.config import Configuration
from gateway.connectors.base import Requete
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
from gateway.sante import Sante
from gateway.schema.build import construire, graphe
from gateway.schema.lieux import Source
from gateway.services import Services
from gateway.sources.referentiel import GardienReferentiel
from gateway.sources.registre import LecteurRegistre
from gateway.sources.transport import Appel
from gateway.stores.cles import ReserveDeCles

JWKS_OCTETS_MAX = 65_536
JWKS_DELAI = 3.0  # a start without the issuer nor a kept set must end within five
ESSAI_DELAI = 2.0


def build_state(services: Services) -> AppState:
    """What the routes use, nothing of it opened yet. Raises ErreurConfiguration."""
    authenticator = construire_porte(services)
    return AppState(
        gateway=construire_passerelle(services),
        authenticator=authenticator,
        health=construire_sante(services, authenticator),
        slots=services.slots,
        metrics=services.mesures,
        webhooks=services.receveur,
        http=services.configuration.fichier.http,
        host=services.configuration.hote,
    )


def construire_passerelle(services: Services) -> Passerelle:
    """Everything an operation uses. Raises ErreurConfiguration when the schema or the policy leaves a hole."""
    configuration = services.configuration
    schema, politique = construire(), lire_politique()
    verifier_schema(graphe(schema), politique)
    acces = MesuresAcces(services.mesures)
    identifiants = Identifiants(configuration.sceau)
    annuaires = _Annuaires(services.gardien, identifiants)
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
        collecteur=_collecteur(services),
        identifiants=identifiants,
        attributeur=_attributeur(services, identifiants),
        consigne=_consigne(services, identifiants, graphe(schema)),
        annuaire=annuaires.courant,
        etats=lambda: _etats(services),
        etat_de=services.sources.etat_de,
        source_du_cfa=services.sources.partenaire_du_cfa,
        maintenant=services.maintenant,
        jour=lambda: jour_paris(services.maintenant()),
    )


def _collecteur(services: Services) -> Collecteur:
    plier = connecteurs()[services.sources.partenaires[services.nom_registre].genre].contrat
    if plier is None:
        raise ErreurConfiguration(f"partenaires : {services.nom_registre} ne sait pas replier un contrat")
    return Collecteur(
        interrogeables=services.sources,
        registre=LecteurRegistre(services.registre, plier),
        nom_registre=services.nom_registre,
        delai=services.configuration.fichier.reponse.delai_secondes,
        horloge=_secondes,
        sans_mission_locale=services.comptes.ambigues,
    )


def _attributeur(services: Services, identifiants: Identifiants) -> Attributeur:
    return Attributeur(
        magasin=services.liens,
        deriver=lambda texte: identifiants.pseudonyme(f"objet|{texte}"),
        maintenant=services.maintenant,
        echec=services.comptes.liens_indisponibles.inc,
    )


def _consigne(services: Services, identifiants: Identifiants, schema: GraphQLSchema) -> Consigne:
    return Consigne(
        lectures=services.lectures,
        debits=services.debits,
        alertes=services.alertes,
        identifiants=identifiants,
        gouvernees=gouvernees(schema),
        maintenant=services.maintenant,
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
        cles=JeuDeCles(
            lambda: _jwks(services, str(jetons.jwks_url)),
            _epoque,
            ReserveDeCles(configuration.donnees / "jwks.scelle", configuration.sceau),
        ),
        clients=clients,
        horloge=_epoque,
    )
    return Porte(verificateur, clients, configuration.sceau, lambda: jour_paris(services.maintenant()))


def construire_sante(services: Services, porte: Porte) -> Sante:
    """What every answer needs, and what answers only lack: a partner is neither (SECURITY §5, availability)."""

    async def lire_les_liens() -> bool:
        async with asyncio.timeout(ESSAI_DELAI):
            await services.liens.lire(("",))
        return True

    async def lire_le_registre() -> bool:
        async with asyncio.timeout(ESSAI_DELAI):
            await services.registre.avancee()
        return True

    necessaires = {"cles": porte.verificateur.cles.utilisable, "journal": services.lectures.sonder}
    utiles = {"liens": lire_les_liens, "registre": lire_le_registre}
    return Sante(necessaires, utiles, time.monotonic)


async def _jwks(services: Services, url: str) -> bytes:
    requete = Requete("jwks", "")
    appel = Appel("identite", url, requete, None, JWKS_DELAI, JWKS_OCTETS_MAX)
    return json.dumps((await services.transport.demander(appel)).document).encode()


def _epoque() -> float:
    return datetime.now(UTC).timestamp()


def lire_registre_des_clients(configuration: Configuration) -> RegistreClients:
    """The register of callers, followed when it changes. Raises ErreurConfiguration."""
    return RegistreClients(configuration.racine / "clients.toml", time.monotonic)
