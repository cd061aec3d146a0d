"""Who is listened to, as configured: the partners whose queue is consumed, those whose calls are received.

Raises ErreurConfiguration for a partner that could not be heard as its file says.
"""

from collections.abc import Callable, Iterator, Mapping

from gateway.cache.seam import Cache
from gateway.connectors.base import Connecteur
from gateway.errors import ErreurConfiguration
from gateway.sources.appels import Ecoute, Receveur
from gateway.sources.evenements import Consommateur
from gateway.sources.fetch import Sources
from gateway.sources.mesures import Mesures
from gateway.sources.partenaires import Evenements, Partenaire


def consommateurs(
    sources: Sources, connus: Mapping[str, Connecteur], cache: Cache, mesures: Mesures
) -> list[Consommateur]:
    """One a queue."""
    return [
        Consommateur(partenaire, connecteur.file, evenements.periode, sources, cache, mesures)
        for partenaire, connecteur, evenements in ecoutes(sources.partenaires, connus)
        if connecteur.file
    ]


def receveur(
    sources: Sources, connus: Mapping[str, Connecteur], mesures: Mesures, secondes: Callable[[], float]
) -> Receveur:
    """For all who call."""
    appelants = {
        partenaire.nom: Ecoute(partenaire, connecteur.avis, evenements.secret)
        for partenaire, connecteur, evenements in ecoutes(sources.partenaires, connus)
        if connecteur.avis and evenements.secret
    }
    return Receveur(appelants, sources, mesures, secondes)


def ecoutes(
    partenaires: Mapping[str, Partenaire], connus: Mapping[str, Connecteur]
) -> Iterator[tuple[Partenaire, Connecteur, Evenements]]:
    """The partners whose file says that they tell their changes."""
    for partenaire in partenaires.values():
        if partenaire.evenements is None:
            continue
        connecteur = connus[partenaire.genre]
        appelle = partenaire.evenements.secret is not None
        if (connecteur.avis if appelle else connecteur.file) is None:
            manque = "n'appelle pas" if appelle else "n'a pas de file ; pour être appelé, un secret est requis"
            raise ErreurConfiguration(
                f"partenaires/{partenaire.nom}.toml : evenements : « {partenaire.genre} » {manque}"
            )
        yield partenaire, connecteur, partenaire.evenements
