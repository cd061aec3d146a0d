"""What an operator asks from the command line beside serving: harvest, census, purge, keys. Serves nothing."""

import os
from collections.abc import Callable
from datetime import timedelta
from typing import Any

from gateway.auth.cles_api import creer_cle, empreinte
from gateway.composition import construire_passerelle, lire_registre_des_clients
from gateway.config import charger
from gateway.domain.temps import jour_paris
from gateway.errors import ErreurConfiguration, ErreurSource
from gateway.federation.rapprochement import rapprocher
from gateway.federation.recensement import decrire, recenser
from gateway.services import construire_services
from gateway.sources.moisson import Avancement
from gateway.sources.moisson import moissonner as moissonner_registre

DUREE_CLE = timedelta(days=365)


async def moissonner(dire: Callable[[str], None]) -> None:
    """Harvest the registry by hand, telling each window. Raises ErreurConfiguration when the partner stops us."""
    services = construire_services(charger(), os.environ)
    await services.registre.ouvrir()
    try:
        await moissonner_registre(
            services.champ, services.registre, services.maintenant, lambda avancement: dire(_ligne(avancement))
        )
        avancee = await services.registre.avancee()
        dire(f"registre à jour au {avancee.dernier_jour} : {avancee.lignes} lignes")
    except ErreurSource as erreur:
        raise ErreurConfiguration(f"moisson arrêtée, à reprendre plus tard : {erreur.source} {erreur}") from None
    finally:
        await services.fermer()


def _ligne(avancement: Avancement) -> str:
    fenetre, compte = avancement.fenetre, avancement.compte
    fait = f"[{avancement.rang}/{avancement.total}] {fenetre.debut} → {fenetre.fin} : {avancement.lignes} lignes"
    rejets = f", {compte.rejets} rejetées" if compte.rejets else ""
    return f"{fait}{rejets} ({avancement.secondes:.1f} s)"


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
