"""The REST service of follow-ups (`fixtures.rest`), asked as any partner: those of a structure."""

from datetime import date

from pydantic import Field

from gateway.connectors.base import (
    Charge,
    Compte,
    Connecteur,
    Dossier,
    Lecture,
    Locataire,
    Lu,
    Requete,
    lignes_de,
    lire,
)
from gateway.connectors.valeurs import JourIso, Requis, Texte
from gateway.schema.lieux import ModeSource, TypeSource
from gateway.schema.nouns import Jeune, SituationSuivi, Suivi


class SuiviRest(Charge):
    id: Requis
    nom: Requis
    prenom: Requis
    naissance: JourIso = Field(None, alias="dateNaissance")
    situation: SituationSuivi | None = None
    conseiller: Texte = None


def dossiers(structure: Locataire, _aujourdhui: date) -> Lecture[Lu]:
    """Every follow-up of the structure."""
    compte = Compte()
    (pages,) = yield [Requete("suivis", f"/structures/{structure.cle}/suivis")]
    lus = [_dossier(lu) for lu in lire(SuiviRest, lignes_de(pages), compte)]
    return Lu(lus, compte.rejets, compte.champs_ignores, compte.derives)


def _dossier(lu: SuiviRest) -> Dossier:
    suivi = Suivi(situation=lu.situation, conseiller=lu.conseiller)
    return Dossier(lu.id, Jeune(nom=lu.nom, prenom=lu.prenom, date_naissance=lu.naissance, suivi=suivi))


CONNECTEUR = Connecteur("rest-suivis", TypeSource.MISSION_LOCALE, ModeSource.INTERROGATION, dossiers_structure=dossiers)
