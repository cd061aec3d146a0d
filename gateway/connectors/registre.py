"""DECA-like registry of contracts: extracts by window of processing days, two product views, amendments as rows.

The harvest keeps every row; `contrats` folds the rows of one contract, in order of day, into one person and one contract.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date
from typing import Any

from pydantic import Field

from gateway.connectors.base import (
    Charge,
    Compte,
    Connecteur,
    Moisson,
    Pages,
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
    JourIso,
    Naf,
    Naissance,
    Requis,
    Rncp,
    SexeLu,
    SiretLu,
    Telephone,
    Texte,
    UaiLu,
)
from gateway.domain.identity import normaliser_nom
from gateway.schema.lieux import Cfa, ModeSource, TypeSource
from gateway.schema.nouns import Adresse, Contrat, Employeur, Formation, Jeune, Rupture
from gateway.stores.lignes import LigneRegistre

VUES = ("TBA", "LBA")
APPRENTISSAGE = "APPR"  # about one row in ten is a contrat de professionnalisation
NULS = frozenset({"ANNULE", "SUPPRIME"})  # "Annulé", "Supprimé": accents and capitals vary
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
    naissance: Naissance = Field(alias="dateNaissance")
    sexe: SexeLu = None
    handicap: Booleen = None
    courriel: Courriel = None
    telephone: Telephone = None
    adresse: AdresseDeca = AdresseDeca()


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
    """One row of either view."""

    alternant: Alternant
    details: Details = Field(alias="detailsContrat")
    formation: FormationDeca = FormationDeca()
    etablissement: Organisme = Field(Organisme(), alias="etablissementFormation")
    responsable: Organisme = Field(Organisme(), alias="organismeFormationResponsable")
    rupture: RuptureDeca = RuptureDeca()
    employeur: EmployeurDeca = EmployeurDeca()


def requetes(debut: date, fin: date) -> list[Requete]:
    """Both views of what was processed from `debut` to `fin`, both included; at most 60 days, up to yesterday."""
    return [_extrait(vue, debut, fin) for vue in VUES]


def lignes(requete: Requete, fin: date, document: Any) -> tuple[list[LigneRegistre], Compte]:
    """The rows of one page of a view."""
    compte, vue = Compte(), requete.acces.upper()
    lues = [ligne for charge in lignes_de([document], "contrats") for ligne in _lignes(vue, fin, charge, compte)]
    return lues, compte


def _extrait(vue: str, debut: date, fin: date) -> Requete:
    return Requete(
        f"extract{vue}",
        f"/contrats/extract{vue}",
        methode="POST",
        corps={"dateDebut": debut.isoformat(), "dateFin": fin.isoformat(), "page": 1},
        pages=Pages.METADONNEES,
        acces=vue.lower(),
    )


def _lignes(vue: str, jour: date, charge: Mapping[str, Any], compte: Compte) -> Iterator[LigneRegistre]:
    """The row of an apprenticeship contract; none for another scheme, nor for what cannot be read."""
    for lue in lire(Ligne, [charge], compte):
        if lue.details.dispositif in (APPRENTISSAGE, None):
            yield LigneRegistre(
                no_contrat=lue.details.numero,
                vue=vue,
                jour=jour,
                nom=lue.alternant.nom,
                prenom=lue.alternant.prenom,
                date_naissance=lue.alternant.naissance,
                code_postal=lue.alternant.adresse.code_postal,
                uai=lue.responsable.uai,
                siret_formation=lue.responsable.siret or lue.etablissement.siret,
                fin=lue.details.fin,
                charge=charge,
            )


def contrat(charges: Sequence[Mapping[str, Any]]) -> tuple[Jeune, Contrat] | None:
    """Fold the rows of one contract, in order of day: the last word told of each thing holds."""
    lues = lire(Ligne, charges, Compte())
    return (_jeune(lues), _contrat(lues)) if lues else None


def _dernier(blocs: Iterable[Any], champ: str) -> Any:
    """The last value told of a field."""
    valeurs = [valeur for bloc in blocs if (valeur := getattr(bloc, champ)) is not None]
    return valeurs[-1] if valeurs else None


def _jeune(lignes: list[Ligne]) -> Jeune:
    identites = [ligne.alternant for ligne in lignes]
    formation = _formation(lignes)
    return Jeune(
        nom=identites[-1].nom,
        prenom=identites[-1].prenom,
        date_naissance=identites[-1].naissance,
        sexe=_dernier(identites, "sexe"),
        rqth=_dernier(identites, "handicap"),
        courriel=_dernier(identites, "courriel"),
        telephone=_dernier(identites, "telephone"),
        adresse=_adresse([identite.adresse for identite in identites]),
        formations=[formation] if formation.date_debut and formation.date_fin else None,
    )


def _adresse(adresses: list[AdresseDeca]) -> Adresse | None:
    """The last home told, whole: a number of one home and the street of another make none."""
    dites = [adresse for adresse in adresses if rempli(adresse)]
    if not dites:
        return None
    voie = " ".join(filter(None, (dites[-1].numero, dites[-1].voie))) or None
    return Adresse(voie=voie, code_postal=dites[-1].code_postal)


def _formation(lignes: list[Ligne]) -> Formation:
    dites = [ligne.formation for ligne in lignes]
    return Formation(
        intitule=_dernier(dites, "intitule"),
        rncp=_dernier(dites, "rncp"),
        cfd=_dernier(dites, "cfd"),
        date_debut=_dernier(dites, "debut"),
        date_fin=_dernier(dites, "fin"),
        cfa=_cfa(lignes),
    )


def _cfa(lignes: list[Ligne]) -> Cfa | None:
    responsables = [ligne.responsable for ligne in lignes]
    uai, siret = _dernier(responsables, "uai"), _dernier(responsables, "siret")
    siret = siret or _dernier((ligne.etablissement for ligne in lignes), "siret")
    return Cfa(uai=uai, siret=siret) if uai or siret else None


def _contrat(lignes: list[Ligne]) -> Contrat:
    """The type and the start are the contract's own; amendments have types of their own and move the end only."""
    details = [ligne.details for ligne in lignes]
    propres = [detail for detail in details if not detail.avenant] or details
    return Contrat(
        numero=details[0].numero,
        type=_dernier(propres, "type"),
        date_debut=_dernier(propres, "debut"),
        date_fin=_fin(details),
        employeur=_employeur([ligne.employeur for ligne in lignes]),
        cfa=_cfa(lignes),
        rupture=_rupture([ligne.rupture for ligne in lignes if ligne.rupture.effet]),
        annule=normaliser_nom(_dernier(details, "statut") or "") in NULS,
    )


def _employeur(dits: list[EmployeurDeca]) -> Employeur | None:
    return rempli(
        Employeur(
            siret=_dernier(dits, "siret"),
            denomination=_dernier(dits, "denomination"),
            naf=_dernier(dits, "naf"),
            idcc=_dernier(dits, "idcc"),
        )
    )


def _fin(details: list[Details]) -> date | None:
    """The planned end told by the highest amendment, else by the contract itself."""
    avenants = sorted((detail for detail in details if detail.avenant), key=lambda detail: _rang(detail.avenant))
    fin: date | None = _dernier(avenants, "fin") or _dernier(details, "fin")
    return fin


def _rang(avenant: str | None) -> tuple[int, str]:
    numero = avenant or ""
    return (int(numero) if numero.isdecimal() else 0, numero)


def _rupture(dites: list[RuptureDeca]) -> Rupture | None:
    """Told once, a rupture holds whatever later rows leave empty; it was reported when it first was."""
    if not dites:
        return None
    motif = _dernier(dites, "motif")
    cause = MOTIFS.get(motif.rjust(2, "0"), motif) if motif else None
    signalements = [dite.signalement for dite in dites if dite.signalement]
    return Rupture(date=dites[-1].effet, cause=cause, signalee_le=min(signalements, default=None))


CONNECTEUR = Connecteur(
    "registre", TypeSource.REGISTRE_CONTRATS, ModeSource.MOISSON, moisson=Moisson(requetes, lignes), contrat=contrat
)
