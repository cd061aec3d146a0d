"""The REST service of contracts (`fixtures.rest`), asked as any partner: ruptures of a structure, then who they are of."""

from collections.abc import Sequence
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
from gateway.connectors.valeurs import (
    CodeInseeLu,
    CodePostalLu,
    Courriel,
    JourIso,
    Requis,
    SiretLu,
    Telephone,
    Texte,
    UaiLu,
)
from gateway.schema.lieux import Cfa, ModeSource, TypeSource
from gateway.schema.nouns import Adresse, Contrat, Employeur, Formation, Jeune, Rupture

IDS_MAX = 500  # a URL holds


class EmployeurRest(Charge):
    siret: SiretLu = None
    denomination: Texte = None


class SessionRest(Charge):
    intitule: Texte = None
    debut: JourIso = Field(None, alias="dateDebut")
    fin: JourIso = Field(None, alias="dateFin")


class CfaRest(Charge):
    uai: UaiLu = None


class ContratRest(Charge):
    debut: JourIso = Field(None, alias="dateDebut")
    fin: JourIso = Field(None, alias="dateFin")
    employeur: EmployeurRest
    formation: SessionRest
    cfa: CfaRest


class RuptureRest(Charge):
    numero: Requis
    date: JourIso = None
    jeune: Requis = Field(alias="jeuneId")
    contrat: ContratRest


class AdresseRest(Charge):
    code_postal: CodePostalLu = Field(None, alias="codePostal")
    insee: CodeInseeLu = None


class JeuneRest(Charge):
    id: Requis
    nom: Requis
    prenom: Requis
    naissance: JourIso = Field(None, alias="dateNaissance")
    telephone: Telephone = None
    courriel: Courriel = None
    adresse: AdresseRest


def dossiers(structure: Locataire, _aujourdhui: date) -> Lecture[Lu]:
    """Every rupture of the structure's young people; one record a person."""
    compte = Compte()
    (pages,) = yield [Requete("ruptures", f"/structures/{structure.cle}/ruptures")]
    ruptures = lire(RuptureRest, lignes_de(pages), compte)
    ids = list(dict.fromkeys(rupture.jeune for rupture in ruptures))
    lots = [ids[debut : debut + IDS_MAX] for debut in range(0, len(ids), IDS_MAX)]
    reponses = yield [Requete("jeunes", "/jeunes", params={"ids": ",".join(lot)}) for lot in lots]
    jeunes = [jeune for pages in reponses for jeune in lire(JeuneRest, lignes_de(pages), compte)]
    lus = [_dossier(jeune, [rupture for rupture in ruptures if rupture.jeune == jeune.id]) for jeune in jeunes]
    return Lu(lus, compte.rejets, compte.champs_ignores, compte.derives)


def _dossier(qui: JeuneRest, ruptures: Sequence[RuptureRest]) -> Dossier:
    jeune = Jeune(
        nom=qui.nom,
        prenom=qui.prenom,
        date_naissance=qui.naissance,
        telephone=qui.telephone,
        courriel=qui.courriel,
        adresse=Adresse(code_postal=qui.adresse.code_postal, insee=qui.adresse.insee),
        formations=[_formation(rupture.contrat) for rupture in ruptures],
        contrats=[_contrat(rupture) for rupture in ruptures],
    )
    return Dossier(qui.id, jeune)


def _formation(lu: ContratRest) -> Formation:
    session = lu.formation
    return Formation(intitule=session.intitule, date_debut=session.debut, date_fin=session.fin, cfa=Cfa(uai=lu.cfa.uai))


def _contrat(lue: RuptureRest) -> Contrat:
    contrat = lue.contrat
    return Contrat(
        numero=lue.numero,
        date_debut=contrat.debut,
        date_fin=contrat.fin,
        employeur=Employeur(siret=contrat.employeur.siret, denomination=contrat.employeur.denomination),
        cfa=Cfa(uai=contrat.cfa.uai),
        rupture=Rupture(date=lue.date),
    )


CONNECTEUR = Connecteur(
    "rest-contrats", TypeSource.MISSION_LOCALE, ModeSource.INTERROGATION, dossiers_structure=dossiers
)
