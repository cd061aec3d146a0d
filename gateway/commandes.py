"""What an operator asks from the command line beside serving: harvest, census, purge, keys. Serves nothing."""

import asyncio
import os
from collections.abc import Callable
from datetime import timedelta
from typing import Any

from gateway.auth.cles_api import creer_cle, empreinte
from gateway.auth.perimetre import construire_perimetre
from gateway.composition import construire_passerelle, lire_registre_des_clients
from gateway.config import charger
from gateway.domain.temps import jour_paris
from gateway.errors import ErreurConfiguration, ErreurSource
from gateway.federation.concernes import decrire as decrire_concernes
from gateway.federation.concernes import residents_par_cfa
from gateway.federation.plan import plan_du_perimetre
from gateway.federation.rapprochement import rapprocher
from gateway.federation.recensement import decrire, recenser
from gateway.services import Services, construire_services
from gateway.sources.moisson import moissonner as moissonner_registre
from gateway.sources.suivi import ligne
from gateway.stores.grange import BAIL, MoissonEnCours

DUREE_CLE = timedelta(days=365)
RETOUR = 5.0  # seconds before asking again for the place of the one who harvests


async def moissonner(dire: Callable[[str], None]) -> None:
    """Harvest the registry by hand, telling each page. Raises ErreurConfiguration when the partner stops us."""
    services = construire_services(charger(), os.environ)
    try:
        await services.registre.ouvrir()
        await _moissonner(services, dire)
        avancee = await services.registre.avancee()
        dire(f"registre à jour au {avancee.dernier_jour} : {avancee.lignes} lignes")
    except ErreurSource as erreur:
        raise ErreurConfiguration(f"moisson arrêtée, à reprendre plus tard : {erreur.source} {erreur}") from None
    finally:
        await services.fermer()


async def _moissonner(services: Services, dire: Callable[[str], None]) -> None:
    """What another process harvests, or left when it died, is waited for."""
    attendu = False
    while True:
        try:
            await moissonner_registre(
                services.champ, services.grange, services.maintenant, lambda avancement: dire(ligne(avancement))
            )
            return
        except MoissonEnCours:
            if not attendu:
                dire(f"un autre processus moissonne, ou s'est arrêté il y a moins de {BAIL:.0f} s : en attente")
            attendu = True
        await asyncio.sleep(RETOUR)


async def rapprochements(dire: Callable[[str], None]) -> list[dict[str, Any]]:
    """Every person that the sources together know, by the ids of the records joined.

    Raises ErreurConfiguration when a source fails.
    """
    services = construire_services(charger(), os.environ)
    passerelle = construire_passerelle(services)
    try:
        await services.registre.ouvrir()
        await services.gardien.ouvrir()
        temoignages = await recenser(passerelle.collecteur, passerelle.annuaire(), dire)
        return list(decrire(rapprocher(temoignages)))
    except ErreurSource as erreur:
        raise ErreurConfiguration(f"recensement arrêté : {erreur.source} {erreur}") from None
    finally:
        await services.fermer()


async def purger(source: str) -> None:
    """Forget what the shared cache keeps of a partner. Raises ErreurConfiguration."""
    configuration = charger()
    if configuration.cache == "memory://":
        raise ErreurConfiguration("GATEWAY_CACHE_URL : sans cache partagé, redémarrer la passerelle suffit")
    services = construire_services(configuration, os.environ)
    try:
        if source not in services.sources.partenaires:
            raise ErreurConfiguration(f"partenaires : « {source} » inconnu")
        if not await services.sources.purger(source):
            raise ErreurConfiguration("GATEWAY_CACHE_URL : le cache ne répond pas")
    finally:
        await services.fermer()


async def cfas_concernes(client: str) -> str:
    """Which CFAs are asked for a client of the register, of which partner, and why. Asks no CFA. Raises ErreurConfiguration."""
    configuration = charger()
    connu = lire_registre_des_clients(configuration).get(client)
    if connu is None:
        raise ErreurConfiguration(f"clients.toml : {client} inconnu")
    services = construire_services(configuration, os.environ)
    passerelle = construire_passerelle(services)
    try:
        await services.registre.ouvrir()
        await services.gardien.ouvrir()
        annuaire = passerelle.annuaire()
        perimetre = construire_perimetre(connu.role, connu.organisation, annuaire.referentiel)
        plan = plan_du_perimetre(perimetre, annuaire.referentiel, suivi=True)
        lu = await passerelle.collecteur.registre.dossiers(plan.codes_postaux, (), ())
        lignes = decrire_concernes(plan, residents_par_cfa(lu.dossiers, plan, annuaire), perimetre, annuaire)
        return "\n".join([f"CFA concernés : {len(lignes)}", *(_concerne(services, *ligne) for ligne in lignes)])
    finally:
        await services.fermer()


def _concerne(services: Services, uai: str, pourquoi: str) -> str:
    """Who is asked: nobody, when no system of that CFA is configured; the registry still tells of its people."""
    source = services.sources.partenaire_du_cfa(uai)
    qui = f"{source}, {services.sources.plafond(source)} au plus par requête" if source else "aucun logiciel branché"
    return f"  {uai} ({qui}) {pourquoi}"


def creer_cle_api(client: str) -> str:
    """A new API key of a registered client, told once, and the line that the register must hold for it.
    Raises ErreurConfiguration for a client that is not registered or must use a second factor."""
    configuration = charger()
    connu = lire_registre_des_clients(configuration).get(client)
    if connu is None or connu.mfa:
        raise ErreurConfiguration(f"clients.toml : {client} n'est pas un client qui peut avoir une clé d'API")
    cle, fin = creer_cle(), jour_paris(configuration.maintenant()) + DUREE_CLE
    ligne = f'{{ empreinte = "{empreinte(configuration.sceau, cle)}", expire = {fin} }}'
    return f"clé, montrée cette seule fois : {cle}\nà ajouter à cles de [clients.{client}] : {ligne}"


def decrire_sources() -> str:
    """The configured partners, a line each."""
    services = construire_services(charger(), os.environ)
    return "\n".join(
        f"{etat.nom:<14} {etat.type.value:<18} {etat.mode.value:<14} {len(services.sources.uais(etat.nom)):>5} CFA"
        for etat in services.sources.etats()
    )
