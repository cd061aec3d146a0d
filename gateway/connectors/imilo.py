"""i-milo-like system of the Missions locales: the dossiers of one structure, with follow-up and collaboration.

The page of a structure's dossiers is an invention of ours (ANSWERS 1), declared as a capability: the documented calls read
one dossier by number, and asking person by person would grow with rows.
"""

import re
from datetime import date
from typing import Annotated

from pydantic import BeforeValidator, Field

from gateway.connectors.base import (
    Avis,
    Charge,
    Compte,
    Connecteur,
    Dossier,
    File,
    Lecture,
    Locataire,
    Lu,
    Pages,
    ReponseInattendue,
    Requete,
    lignes_de,
    lire,
    rempli,
)
from gateway.connectors.valeurs import (
    Booleen,
    CodePostalLu,
    Courriel,
    InstantParis,
    Liste,
    Naissance,
    Requis,
    Telephone,
    Texte,
    code,
    texte,
)
from gateway.schema.lieux import ModeSource, TypeSource
from gateway.schema.nouns import Adresse, Collaboration, EtapeSuivi, Jeune, MotifAccompagnement, SituationSuivi, Suivi

TAILLE_PAGE = 150


class AdresseImilo(Charge):
    numero: Texte = None
    voie: Texte = Field(None, alias="libelleVoie")
    complement: Texte = None
    code_postal: CodePostalLu = Field(None, alias="codePostal")
    commune: Texte = None


Situation = Annotated[SituationSuivi | None, BeforeValidator(lambda lu: code(SituationSuivi.__members__, texte(lu)))]
Motif = Annotated[MotifAccompagnement, BeforeValidator(lambda lu: code(MotifAccompagnement.__members__, texte(lu)))]


class Etape(Charge):
    situation: Situation = None
    date: InstantParis = None


class SuiviImilo(Charge):
    situation: Situation = None
    situation_autre: Texte = Field(None, alias="situationAutre")
    commentaire: Texte = None
    deja_connu: Booleen = Field(None, alias="dejaConnu")
    conseiller: Texte = None
    maj_le: InstantParis = Field(None, alias="majLe")
    souhaite_rdv: Booleen = Field(None, alias="souhaiteRdv")
    historique: Liste[Etape] = ()


class CollaborationImilo(Charge):
    demandee_le: InstantParis = Field(None, alias="demandeeLe")
    motifs: Liste[Motif] = ()
    commentaire: Texte = None
    cause: Texte = Field(None, alias="causeRupture")
    referent: Texte = None


class Structure(Charge):
    code: Texte = Field(None, alias="codeStructure")


class DossierImilo(Charge):
    id: Requis = Field(alias="idDossier")
    nom: Requis = Field(alias="nomNaissance")
    usage: Texte = Field(None, alias="nomUsage")
    prenom: Requis
    naissance: Naissance = Field(alias="dateNaissance")
    mail: Courriel = None
    telephone: Telephone = None
    adresse: AdresseImilo | None = None
    structure: Structure | None = Field(None, alias="structureRattachement")
    suivi: SuiviImilo | None = Field(None, alias="suiviApprentissage")
    collaboration: CollaborationImilo | None = None


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
    lus = [_dossier(lu) for lu in lire(DossierImilo, lignes_de(pages), compte)]
    return Lu(lus, compte.rejets, compte.champs_ignores, compte.derives)


def _dossier(lu: DossierImilo) -> Dossier:
    jeune = Jeune(
        nom=lu.nom,
        autres_noms=(lu.usage,) if lu.usage else (),
        prenom=lu.prenom,
        date_naissance=lu.naissance,
        telephone=lu.telephone,
        courriel=lu.mail,
        adresse=_adresse(lu.adresse) if lu.adresse else None,
        suivi=_suivi(lu.suivi) if lu.suivi else None,
        collaboration=_collaboration(lu.collaboration) if lu.collaboration else None,
    )
    structure = lu.structure.code if lu.structure else None
    return Dossier(lu.id, jeune, lu.suivi.maj_le if lu.suivi else None, structure or "")


def _adresse(lue: AdresseImilo) -> Adresse | None:
    voie = " ".join(partie for partie in (lue.numero, lue.voie) if partie) or None
    return rempli(Adresse(voie=voie, complement=lue.complement, code_postal=lue.code_postal, ville=lue.commune))


def _suivi(lu: SuiviImilo) -> Suivi:
    etapes = [EtapeSuivi(situation=etape.situation, date=etape.date) for etape in lu.historique if etape.date]
    return Suivi(
        situation=lu.situation,
        situation_autre=lu.situation_autre,
        commentaire=lu.commentaire,
        deja_connu=lu.deja_connu,
        conseiller=lu.conseiller,
        date=lu.maj_le,
        souhaite_rdv=bool(lu.souhaite_rdv),
        historique=sorted(etapes, key=lambda etape: etape.date, reverse=True),
    )


def _collaboration(lue: CollaborationImilo) -> Collaboration:
    return Collaboration(
        demandee_le=lue.demandee_le,
        motifs=list(lue.motifs),
        commentaire=lue.commentaire,
        cause_rupture=lue.cause,
        referent=lue.referent,
    )


class Evenement(Charge):
    """What cannot stand in a path cannot be acknowledged."""

    identifiant: Annotated[str, Field(pattern=r"^[A-Za-z0-9-]{1,64}$")]
    type: Texte = None
    dossier: Texte = Field(None, alias="idDossier")


class Situe(Charge):
    """A dossier, of which nothing is read but where it is."""

    structure: Structure | None = Field(None, alias="structureRattachement")


def evenements() -> Lecture[list[Avis]]:
    """What waits in the queue: appointments and sessions too, which nothing that we show depends on."""
    (pages,) = yield [_de_la_file("events", "/operateurs/events")]
    lus = lire(Evenement, lignes_de(pages), Compte())
    return [Avis(cle=lu.identifiant, dossier=(lu.dossier or "") if lu.type == "DOSSIER" else "") for lu in lus]


def situer(numero: str) -> Lecture[str | None]:
    """Events name a dossier and not its structure: the documented call tells it. The number goes in the path, as this partner
    has it (SECURITY L02: a recorded exception, docs/decisions/0021)."""
    if not re.fullmatch(r"[0-9]{1,18}", numero):
        raise ReponseInattendue("not the number of a dossier")
    (pages,) = yield [_de_la_file("dossier", f"/sue/dossiers/{numero}", acces="dossier")]
    lus = lire(Situe, pages, Compte())
    return lus[0].structure.code if lus and lus[0].structure else None


def acquitter(identifiant: str) -> Lecture[None]:
    yield [_de_la_file("ack", f"/operateurs/events/{identifiant}/ack", "POST")]


def _de_la_file(operation: str, chemin: str, methode: str = "GET", acces: str = "events") -> Requete:
    return Requete(operation, chemin, methode, vide_est_absence=True, acces=acces, temoin=False)


CONNECTEUR = Connecteur(
    "imilo",
    TypeSource.MISSION_LOCALE,
    ModeSource.INTERROGATION,
    dossiers_structure=dossiers,
    file=File(evenements, situer, acquitter),
    capacites=frozenset({"dossiers_structure"}),
)
