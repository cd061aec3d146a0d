"""DECA-like registry of contracts: extracts by window of processing days, two product views, amendments as rows.

The harvest keeps every row; `contrats` folds the rows of one contract, in order of day, into one person and one contract.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from itertools import chain
from typing import Any

from pydantic import Field

from gateway.connectors.base import Charge, Compte, Connecteur, Lecture, Pages, Requete, lire
from gateway.connectors.valeurs import (
    Booleen,
    Cfd,
    CodePostalLu,
    Courriel,
    JourIso,
    Naf,
    NaissanceIso,
    Requis,
    Rncp,
    SexeLu,
    SiretLu,
    Telephone,
    Texte,
    UaiLu,
)
from gateway.schema.lieux import Cfa, ModeSource, TypeSource
from gateway.schema.nouns import Adresse, Contrat, Employeur, Formation, Jeune, Rupture
from gateway.stores.lignes import LigneRegistre

VUES = ("TBA", "LBA")
APPRENTISSAGE = "APPR"  # about one row in ten is a contrat de professionnalisation
NULS = frozenset({"Annulé", "Supprimé"})
# Labels of ours: the list of codes is not published. An unknown code is shown as it is.
MOTIFS = {
    "01": "Rupture pendant la période d'essai",
    "02": "Commun accord",
    "03": "Démission de l'apprenti",
    "04": "Licenciement",
    "05": "Force majeure",
    "06": "Inaptitude médicale",
    "07": "Obtention du diplôme",
    "08": "Cessation d'activité de l'employeur",
}


class AdresseDeca(Charge):
    numero: Texte = None
    voie: Texte = None
    code_postal: CodePostalLu = Field(None, alias="codePostal")


class Alternant(Charge):
    nom: Requis
    prenom: Requis
    naissance: NaissanceIso = Field(alias="dateNaissance")
    sexe: SexeLu = None
    handicap: Booleen = None
    courriel: Courriel = None
    telephone: Telephone = None
    adresse: dict[str, Any] | None = None


class FormationDeca(Charge):
    debut: JourIso = Field(None, alias="dateDebutFormation")
    fin: JourIso = Field(None, alias="dateFinFormation")
    cfd: Cfd = Field(None, alias="codeDiplome")
    rncp: Rncp = None
    intitule: Texte = Field(None, alias="intituleOuQualification")


class Organisme(Charge):
    uai: UaiLu = Field(None, alias="uaiCfa")
    siret: SiretLu = None


class Details(Charge):
    numero: Requis = Field(alias="noContrat")
    avenant: Texte = Field(None, alias="noAvenant")
    type: Texte = Field(None, alias="typeContrat")
    dispositif: Texte = None
    debut: JourIso = Field(None, alias="dateDebutContrat")
    fin: JourIso = Field(None, alias="dateFinContrat")
    statut: Texte = None


class RuptureDeca(Charge):
    effet: JourIso = Field(None, alias="dateEffetRupture")
    motif: Texte = Field(None, alias="codeMotifRupture")
    signalement: JourIso = Field(None, alias="dateSignalement")


class EmployeurDeca(Charge):
    siret: SiretLu = None
    denomination: Texte = None
    naf: Naf = None
    idcc: Texte = Field(None, alias="codeIdcc")


class Ligne(Charge):
    """One row of either view. Blocks are read one by one, so that a bad one costs no other."""

    alternant: dict[str, Any]
    details: dict[str, Any] = Field(alias="detailsContrat")
    formation: dict[str, Any] = {}
    etablissement: dict[str, Any] = Field({}, alias="etablissementFormation")
    responsable: dict[str, Any] = Field({}, alias="organismeFormationResponsable")
    rupture: dict[str, Any] = {}
    employeur: dict[str, Any] = {}


def moisson(debut: date, fin: date) -> Lecture[tuple[list[LigneRegistre], Compte]]:
    """Both views of what was processed from `debut` to `fin`, both included; at most 60 days, up to yesterday."""
    fenetre = {"dateDebut": debut.isoformat(), "dateFin": fin.isoformat(), "page": 1}
    reponses = yield [
        Requete(
            f"extract{vue}",
            f"/contrats/extract{vue}",
            methode="POST",
            corps=fenetre,
            pages=Pages.METADONNEES,
            acces=vue.lower(),
        )
        for vue in VUES
    ]
    compte = Compte()
    lignes = [
        ligne
        for vue, pages in zip(VUES, reponses, strict=True)
        for ligne in _lignes(vue, fin, chain.from_iterable(page["contrats"] for page in pages), compte)
    ]
    return lignes, compte


def _lignes(vue: str, jour: date, charges: Iterable[Any], compte: Compte) -> Iterable[LigneRegistre]:
    for charge in charges:
        for lue in lire(Ligne, [charge], compte):
            identite = lire(Alternant, [lue.alternant], compte)
            details = lire(Details, [lue.details], compte)
            if identite and details and details[0].dispositif in (APPRENTISSAGE, None):
                yield _ligne(vue, jour, charge, (identite[0], details[0], lue))


def _ligne(vue: str, jour: date, charge: Mapping[str, Any], lu: tuple[Alternant, Details, Ligne]) -> LigneRegistre:
    alternant, details, ligne = lu
    organisme = _un(Organisme, ligne.responsable)
    return LigneRegistre(
        no_contrat=details.numero,
        vue=vue,
        jour=jour,
        nom=alternant.nom,
        prenom=alternant.prenom,
        date_naissance=alternant.naissance,
        code_postal=_un(AdresseDeca, alternant.adresse or {}).code_postal,
        uai=organisme.uai,
        siret_formation=organisme.siret or _un(Organisme, ligne.etablissement).siret,
        charge=charge,
    )


def _un(modele: Any, charge: Mapping[str, Any]) -> Any:
    """One block of a row, whose fields are all optional."""
    (lu,) = lire(modele, [dict(charge)], Compte())
    return lu


def contrat(charges: Sequence[Mapping[str, Any]]) -> tuple[Jeune, Contrat] | None:
    """Fold the rows of one contract, in order of day: the last word told of each thing holds."""
    lignes = lire(Ligne, charges, Compte())
    identites = lire(Alternant, [ligne.alternant for ligne in lignes], Compte())
    details = lire(Details, [ligne.details for ligne in lignes], Compte())
    if not identites or not details:
        return None
    return _jeune(identites, lignes), _contrat(details, lignes)


def _dernier(lus: Iterable[Any], champ: str) -> Any:
    valeurs = [valeur for lu in lus if (valeur := getattr(lu, champ)) is not None]
    return valeurs[-1] if valeurs else None


def _jeune(identites: list[Alternant], lignes: list[Ligne]) -> Jeune:
    qui = identites[-1]
    adresses = [_un(AdresseDeca, identite.adresse) for identite in identites if identite.adresse]
    numero, voie = _dernier(adresses, "numero"), _dernier(adresses, "voie")
    formation = _formation(lignes)
    return Jeune(
        nom=qui.nom,
        prenom=qui.prenom,
        date_naissance=qui.naissance,
        sexe=_dernier(identites, "sexe"),
        rqth=_dernier(identites, "handicap"),
        courriel=_dernier(identites, "courriel"),
        telephone=_dernier(identites, "telephone"),
        adresse=Adresse(
            voie=" ".join(filter(None, (numero, voie))) or None, code_postal=_dernier(adresses, "code_postal")
        ),
        formations=[formation] if formation.date_debut and formation.date_fin else None,
    )


def _formation(lignes: list[Ligne]) -> Formation:
    lues = [_un(FormationDeca, ligne.formation) for ligne in lignes]
    return Formation(
        intitule=_dernier(lues, "intitule"),
        rncp=_dernier(lues, "rncp"),
        cfd=_dernier(lues, "cfd"),
        date_debut=_dernier(lues, "debut"),
        date_fin=_dernier(lues, "fin"),
        cfa=_cfa(lignes),
    )


def _cfa(lignes: list[Ligne]) -> Cfa | None:
    responsables = [_un(Organisme, ligne.responsable) for ligne in lignes]
    lieux = [_un(Organisme, ligne.etablissement) for ligne in lignes]
    uai, siret = _dernier(responsables, "uai"), _dernier(responsables, "siret") or _dernier(lieux, "siret")
    return Cfa(uai=uai, siret=siret) if uai or siret else None


def _contrat(details: list[Details], lignes: list[Ligne]) -> Contrat:
    origine = [detail for detail in details if not detail.avenant] or details
    employeurs = [_un(EmployeurDeca, ligne.employeur) for ligne in lignes]
    return Contrat(
        numero=details[0].numero,
        type=_dernier(origine, "type"),
        date_debut=_dernier(origine, "debut"),
        date_fin=_fin(details),
        employeur=Employeur(
            siret=_dernier(employeurs, "siret"),
            denomination=_dernier(employeurs, "denomination"),
            naf=_dernier(employeurs, "naf"),
            idcc=_dernier(employeurs, "idcc"),
        ),
        cfa=_cfa(lignes),
        rupture=_rupture(lignes),
        annule=_dernier(details, "statut") in NULS,
    )


def _fin(details: list[Details]) -> date | None:
    """The planned end told by the highest amendment, else by the contract itself."""
    avenants = sorted((detail for detail in details if detail.avenant), key=lambda detail: _rang(detail.avenant))
    fin: date | None = _dernier(avenants, "fin") or _dernier(details, "fin")
    return fin


def _rang(avenant: str | None) -> tuple[int, str]:
    texte = avenant or ""
    return (int(texte) if texte.isdigit() else 0, texte)


def _rupture(lignes: list[Ligne]) -> Rupture | None:
    dites = [dite for ligne in lignes if (dite := _un(RuptureDeca, ligne.rupture)).effet]
    if not dites:
        return None
    motif = _dernier(dites, "motif")
    cause = MOTIFS.get(motif.rjust(2, "0"), motif) if motif else None
    signalements = [dite.signalement for dite in dites if dite.signalement]
    return Rupture(date=dites[-1].effet, cause=cause, signalee_le=min(signalements, default=None))


CONNECTEUR = Connecteur("registre", TypeSource.REGISTRE_CONTRATS, ModeSource.MOISSON, moisson=moisson, contrat=contrat)
