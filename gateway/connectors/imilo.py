"""i-milo-like system of the Missions locales: the dossiers of one structure, with follow-up and collaboration.

The page of a structure's dossiers is an invention of ours (ANSWERS 1), declared as a capability: the documented calls read
one dossier by number, and asking person by person would grow with rows.
"""

from collections.abc import Callable
from datetime import date
from enum import Enum
from itertools import chain
from typing import Any, TypeVar

from pydantic import Field

from gateway.connectors.base import (
    Charge,
    Compte,
    Connecteur,
    Dossier,
    Lecture,
    Locataire,
    Lu,
    Pages,
    Requete,
    lire,
)
from gateway.connectors.valeurs import (
    Booleen,
    CodePostalLu,
    Courriel,
    InstantParis,
    NaissanceIso,
    Requis,
    Telephone,
    Texte,
)
from gateway.schema.lieux import ModeSource, TypeSource
from gateway.schema.nouns import Adresse, Collaboration, EtapeSuivi, Jeune, MotifAccompagnement, SituationSuivi, Suivi

E = TypeVar("E", bound=Enum)
TAILLE_PAGE = 150


class AdresseImilo(Charge):
    numero: Texte = None
    voie: Texte = Field(None, alias="libelleVoie")
    complement: Texte = None
    code_postal: CodePostalLu = Field(None, alias="codePostal")
    commune: Texte = None


class Etape(Charge):
    situation: Texte = None
    date: InstantParis = None


class SuiviImilo(Charge):
    situation: Texte = None
    situation_autre: Texte = Field(None, alias="situationAutre")
    commentaire: Texte = None
    deja_connu: Booleen = Field(None, alias="dejaConnu")
    conseiller: Texte = None
    maj_le: InstantParis = Field(None, alias="majLe")
    souhaite_rdv: Booleen = Field(None, alias="souhaiteRdv")
    historique: list[Any] = []


class CollaborationImilo(Charge):
    demandee_le: InstantParis = Field(None, alias="demandeeLe")
    motifs: list[Any] = []
    commentaire: Texte = None
    cause: Texte = Field(None, alias="causeRupture")
    referent: Texte = None


class DossierImilo(Charge):
    id: Requis = Field(alias="idDossier")
    naissance_nom: Requis = Field(alias="nomNaissance")
    prenom: Requis
    naissance: NaissanceIso = Field(alias="dateNaissance")
    mail: Courriel = None
    telephone: Telephone = None
    adresse: dict[str, Any] | None = None
    suivi: dict[str, Any] | None = Field(None, alias="suiviApprentissage")
    collaboration: dict[str, Any] | None = None


def dossiers(structure: Locataire, aujourdhui: date) -> Lecture[Lu]:
    """All the dossiers of one Mission locale."""
    params = {"page": "1", "taillePage": str(TAILLE_PAGE)}
    (pages,) = yield [
        Requete(
            "dossiers",
            f"/operateurs/structures/{structure.code or structure.cle}/dossiers",
            params=params,
            pages=Pages.TAILLE,
            taille=TAILLE_PAGE,
            vide_est_absence=True,
            acces="dossier",
        )
    ]
    compte = Compte()
    lignes = chain.from_iterable(page for page in pages if isinstance(page, list))
    gardes = [_dossier(lu, compte) for lu in lire(DossierImilo, lignes, compte)]
    return Lu(gardes, compte.rejets, compte.champs_ignores)


def _dossier(lu: DossierImilo, compte: Compte) -> Dossier:
    suivi = _suivi(lu.suivi, compte) if lu.suivi else None
    jeune = Jeune(
        nom=lu.naissance_nom,
        prenom=lu.prenom,
        date_naissance=lu.naissance,
        telephone=lu.telephone,
        courriel=lu.mail,
        adresse=_adresse(lu.adresse, compte) if lu.adresse else None,
        suivi=suivi,
        collaboration=_collaboration(lu.collaboration, compte) if lu.collaboration else None,
    )
    return Dossier(lu.id, jeune, suivi.date if suivi else None)


def _adresse(charge: dict[str, Any], compte: Compte) -> Adresse | None:
    for lue in lire(AdresseImilo, [charge], compte):
        voie = " ".join(partie for partie in (lue.numero, lue.voie) if partie) or None
        return Adresse(voie=voie, complement=lue.complement, code_postal=lue.code_postal, ville=lue.commune)
    return None


def _suivi(charge: dict[str, Any], compte: Compte) -> Suivi | None:
    for lu in lire(SuiviImilo, [charge], compte):
        situation = _valeur(SituationSuivi, compte)
        etapes = [
            EtapeSuivi(situation=situation(etape.situation), date=etape.date)
            for etape in lire(Etape, lu.historique, compte)
            if etape.date
        ]
        return Suivi(
            situation=situation(lu.situation),
            situation_autre=lu.situation_autre,
            commentaire=lu.commentaire,
            deja_connu=lu.deja_connu,
            conseiller=lu.conseiller,
            date=lu.maj_le,
            souhaite_rdv=bool(lu.souhaite_rdv),
            historique=sorted(etapes, key=lambda etape: etape.date, reverse=True),
        )
    return None


def _collaboration(charge: dict[str, Any], compte: Compte) -> Collaboration | None:
    for lue in lire(CollaborationImilo, [charge], compte):
        motifs = [_valeur(MotifAccompagnement, compte)(str(motif)) for motif in lue.motifs]
        return Collaboration(
            demandee_le=lue.demandee_le,
            motifs=[motif for motif in motifs if motif],
            commentaire=lue.commentaire,
            cause_rupture=lue.cause,
            referent=lue.referent,
        )
    return None


def _valeur(liste: type[E], compte: Compte) -> Callable[[str | None], E | None]:
    """Reads a code of a closed list; an unknown one is set aside and counted."""

    def lire_code(code: str | None) -> E | None:
        if code is None or code in liste.__members__:
            return liste[code] if code else None
        compte.champs_ignores += 1
        return None

    return lire_code


CONNECTEUR = Connecteur(
    "imilo",
    TypeSource.MISSION_LOCALE,
    ModeSource.INTERROGATION,
    dossiers_structure=dossiers,
    capacites=frozenset({"dossiers_structure"}),
)
