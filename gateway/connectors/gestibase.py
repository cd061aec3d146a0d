"""Gestibase-like ERP: one flat CSV export under human headings, one contract a row, the young person repeated."""

from collections import defaultdict
from collections.abc import Callable
from dataclasses import replace
from datetime import date
from typing import Any

from pydantic import Field

from gateway.connectors.base import (
    Charge,
    Compte,
    Connecteur,
    Dossier,
    Forme,
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
    Cfd,
    CodePostalLu,
    Courriel,
    DateCompacte,
    Ine,
    InstantCompact,
    JourCompact,
    Niveau,
    Requis,
    Rncp,
    SexeLu,
    SiretLu,
    Telephone,
    Texte,
    UaiLu,
)
from gateway.schema.lieux import Cfa, ModeSource, TypeSource
from gateway.schema.nouns import Adresse, Contrat, Employeur, Formation, Jeune, Representant, Rupture
from gateway.schema.scalaires import UAI

TOTAL = "TOTAL"  # the last line of a page is no record
MOIS_DE_RENTREE = 8
TAILLE_PAGE = 500
Cle = tuple[object, object] | None


class Ligne(Charge):
    """One line of the export."""

    id: Requis = Field(alias="Elève ID")
    nom: Requis = Field(alias="Elève nom")
    prenom: Requis = Field(alias="Elève prénom")
    naissance: DateCompacte = Field(alias="Elève date naissance")
    sexe: SexeLu = Field(None, alias="Sexe")
    ine: Ine = Field(None, alias="INE")
    rqth: Booleen = Field(None, alias="RQTH")
    portable: Telephone = Field(None, alias="Portable 1")
    fixe: Telephone = Field(None, alias="Téléphone 1")
    courriel: Courriel = Field(None, alias="Courriel")
    voie: Texte = Field(None, alias="Elève adresse 1")
    code_postal: CodePostalLu = Field(None, alias="Elève code postal")
    ville: Texte = Field(None, alias="Elève ville")
    uai: UaiLu = Field(None, alias="CFA UAI")
    formation: Texte = Field(None, alias="Formation libellé")
    rncp: Rncp = Field(None, alias="Formation RNCP")
    cfd: Cfd = Field(None, alias="Formation CFD")
    niveau: Niveau = Field(None, alias="Formation niveau")
    debut: JourCompact = Field(None, alias="Session date début")
    fin: JourCompact = Field(None, alias="Session date fin")
    exclusion: JourCompact = Field(None, alias="Date exclusion")
    rep_nom: Texte = Field(None, alias="Représentant 1 nom")
    rep_courriel: Courriel = Field(None, alias="Représentant 1 courriel")
    rep_telephone: Telephone = Field(None, alias="Représentant 1 téléphone")
    numero: Texte = Field(None, alias="Contrat numéro")
    type: Texte = Field(None, alias="Contrat type contrat")
    contrat_debut: JourCompact = Field(None, alias="Contrat date début")
    contrat_fin: JourCompact = Field(None, alias="Contrat date fin")
    rupture: JourCompact = Field(None, alias="Contrat date rupture")
    motif: Texte = Field(None, alias="Contrat motif rupture")
    employeur: Texte = Field(None, alias="Mds nom")
    siret: SiretLu = Field(None, alias="Mds SIRET")
    modifie: InstantCompact = Field(None, alias="Modifié le")

    @property
    def session(self) -> Cle:
        """What tells two trainings of one person apart; None where the line has none."""
        return (self.debut, self.fin) if self.formation or self.debut else None

    @property
    def contrat(self) -> Cle:
        """What tells two contracts of one person apart; None where the line has none."""
        return (self.numero, self.contrat_debut) if self.contrat_debut else None


def dossiers(cfa: Locataire, aujourdhui: date) -> Lecture[Lu]:
    """The export of this school year and of the one before, at once."""
    annee = aujourdhui.year - (aujourdhui.month < MOIS_DE_RENTREE)
    courante, precedente = yield [_export(annee), _export(annee - 1)]
    compte = Compte()
    lignes = {str(ligne): ligne for page in (*courante, *precedente) for ligne in _entiere(page)}
    par_eleve = defaultdict(list)
    for ligne in lire(Ligne, lignes.values(), compte):  # once each: both years tell most of them
        par_eleve[ligne.id].append(ligne)
    lus = [dossier(suite, cfa) for suite in par_eleve.values()]
    return Lu(lus, compte.rejets, compte.champs_ignores, compte.derives)


def _uniques(lignes: list[Ligne], cle: Callable[[Ligne], Cle]) -> list[Ligne]:
    """The first line of each key: both years tell the same contract."""
    vues: dict[Cle, Ligne] = {}
    for ligne in lignes:
        vues.setdefault(cle(ligne), ligne)
    vues.pop(None, None)
    return list(vues.values())


def _entiere(page: Any) -> list[Any]:
    """The rows of a page that ends with their count: a CSV cut anywhere, or of something else, reads as well as a whole one."""
    *lignes, derniere = list(lignes_de([page])) or [{}]
    if (derniere.get("Elève ID"), derniere.get("Elève nom")) != (TOTAL, str(len(lignes))):
        raise ReponseInattendue("no totals row that counts the rows before it")
    return lignes


def _export(annee: int) -> Requete:
    return Requete(
        "eleves.csv",
        "/export/eleves.csv",
        params={"annee": str(annee), "page": "1", "par_page": str(TAILLE_PAGE)},
        pages=Pages.LIEN,
        taille=TAILLE_PAGE,
        forme=Forme.CSV,
        encodage="iso-8859-15",
    )


# What follows is the mapping that docs/partenaires.md quotes.
def dossier(lignes: list[Ligne], cfa: Locataire) -> Dossier:
    """The lines of one young person, those of the latest year first."""
    ligne = lignes[0]
    centre = Cfa(uai=ligne.uai or UAI(cfa.cle))
    representant = rempli(Representant(nom=ligne.rep_nom, courriel=ligne.rep_courriel, telephone=ligne.rep_telephone))
    jeune = Jeune(
        nom=ligne.nom,
        prenom=ligne.prenom,
        date_naissance=ligne.naissance,
        sexe=ligne.sexe,
        ine=ligne.ine,
        rqth=ligne.rqth,
        telephone=ligne.portable or ligne.fixe,
        courriel=ligne.courriel,
        adresse=rempli(Adresse(voie=ligne.voie, code_postal=ligne.code_postal, ville=ligne.ville)),
        representants=[representant] if representant else None,
        formations=[_formation(une, centre) for une in _uniques(lignes, lambda une: une.session)],
        contrats=[_contrat(une, centre) for une in _uniques(lignes, lambda une: une.contrat)],
    )
    return Dossier(ligne.id, jeune, max((une.modifie for une in lignes if une.modifie), default=None))


def _formation(ligne: Ligne, cfa: Cfa) -> Formation:
    diplome = Formation(intitule=ligne.formation, rncp=ligne.rncp, cfd=ligne.cfd, niveau=ligne.niveau, cfa=cfa)
    return replace(diplome, date_debut=ligne.debut, date_fin=ligne.fin, exclusion=ligne.exclusion)


def _contrat(ligne: Ligne, cfa: Cfa) -> Contrat:
    dite_le = ligne.modifie.date() if ligne.modifie else None
    return Contrat(
        numero=ligne.numero,
        type=ligne.type,
        date_debut=ligne.contrat_debut,
        date_fin=ligne.contrat_fin,
        employeur=rempli(Employeur(siret=ligne.siret, denomination=ligne.employeur)),
        cfa=cfa,
        rupture=Rupture(date=ligne.rupture, cause=ligne.motif, signalee_le=dite_le) if ligne.rupture else None,
    )


CONNECTEUR = Connecteur("gestibase", TypeSource.ERP_CFA, ModeSource.INTERROGATION, dossiers_cfa=dossiers)
