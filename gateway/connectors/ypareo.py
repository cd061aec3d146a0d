"""Ypareo-like ERP: many small lists nested by code, dates dd/mm/yyyy, codes that differ from one client to the next."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from pydantic import Field

from gateway.connectors.base import (
    Charge,
    Compte,
    Connecteur,
    Dossier,
    Lecture,
    Locataire,
    Lu,
    ReponseInattendue,
    Requete,
    lignes_de,
    lire,
    rempli,
)
from gateway.connectors.valeurs import (
    Cfd,
    CodePostalLu,
    Courriel,
    DateFrancaise,
    Ine,
    JourFrancais,
    Liste,
    Naf,
    Niveau,
    Requis,
    Rncp,
    SexeLu,
    SiretLu,
    Telephone,
    Texte,
    UaiLu,
    minuit,
)
from gateway.schema.lieux import Cfa, ModeSource, TypeSource
from gateway.schema.nouns import Adresse, Contrat, Employeur, Formation, Jeune, Representant, Rupture
from gateway.schema.scalaires import UAI

EXCLUSION = "exclu"  # label of the statuses that mean the person was excluded; codes are the client's own


class Periode(Charge):
    code: Requis = Field(alias="codePeriode")


class Site(Charge):
    code: Requis = Field(alias="codeSite")
    uai: UaiLu = None
    siret: SiretLu = None


class FormationYpareo(Charge):
    code: Requis = Field(alias="codeFormation")
    nom: Texte = Field(None, alias="nomFormation")
    rncp: Rncp = Field(None, alias="codeRNCP")
    cfd: Cfd = Field(None, alias="codeDiplome")
    niveau: Niveau = None


class StatutYpareo(Charge):
    code: Requis = Field(alias="codeStatut")
    nom: Texte = Field(None, alias="nomStatut")


class Entreprise(Charge):
    code: Requis = Field(alias="codeEntreprise")
    nom: Texte = Field(None, alias="nomEntreprise")
    siret: SiretLu = None
    naf: Naf = None


class AdresseYpareo(Charge):
    adr1: Texte = None
    adr2: Texte = None
    cp: CodePostalLu = None
    ville: Texte = None
    tel1: Telephone = None
    tel2: Telephone = None
    email: Courriel = None


class Responsable(Charge):
    nom: Texte = None
    email: Courriel = None
    tel: Telephone = None


class Inscription(Charge):
    statut: Texte = Field(None, alias="codeStatut")
    formation: Texte = Field(None, alias="codeFormation")
    site: Texte = Field(None, alias="codeSite")
    debut: JourFrancais = Field(None, alias="dateDeb")
    fin: JourFrancais = Field(None, alias="dateFin")
    sortie: JourFrancais = Field(None, alias="dateSortie")


class Apprenant(Charge):
    code: Requis = Field(alias="codeApprenant")
    nom: Requis = Field(alias="nomApprenant")
    nom_naissance: Texte = Field(None, alias="nomJeuneFille")
    prenom: Requis = Field(alias="prenomApprenant")
    naissance: DateFrancaise = Field(alias="dateNaissance")
    sexe: SexeLu = Field(None, alias="codeCivilite")
    ine: Ine = Field(None, alias="numeroIne")
    adresse: AdresseYpareo | None = None
    responsable: Responsable | None = Field(None, alias="respLegal1")
    inscriptions: Liste[Inscription] = ()


class ContratYpareo(Charge):
    code: Requis = Field(alias="codeContrat")
    apprenant: Requis = Field(alias="codeApprenant")
    entreprise: Texte = Field(None, alias="codeEntreprise")
    site: Texte = Field(None, alias="codeSite")
    numero: Texte = Field(None, alias="numeroContrat")
    debut: DateFrancaise = Field(alias="dateDebContrat")
    fin: JourFrancais = Field(None, alias="dateFinContrat")
    resiliation: JourFrancais = Field(None, alias="dateResiliation")
    motif: Texte = Field(None, alias="nomMotifResiliation")
    modifie: JourFrancais = Field(None, alias="dateModif")


@dataclass(frozen=True, slots=True)
class Tables:
    """The reference lists of one client, by code."""

    cfa: Cfa  # the client itself, for whatever names no site
    sites: Mapping[str, Cfa]
    formations: Mapping[str, FormationYpareo]
    entreprises: Mapping[str, Employeur | None]
    exclusions: frozenset[str]

    def site(self, code: str | None) -> Cfa:
        return self.sites.get(code or "", self.cfa)


def dossiers(cfa: Locataire, aujourdhui: date) -> Lecture[Lu]:
    """All the apprentices of the CFA: the periods first, then everything that they open, at once."""
    compte = Compte()
    (periodes,) = yield [_liste("periodes")]
    codes = ",".join(periode.code for periode in lire(Periode, _lignes(periodes), compte))
    if not codes:  # an empty answer means nothing was found (ANSWERS 7), but no CFA lives without school years
        raise ReponseInattendue("no period")
    reference = [_liste(nom) for nom in ("sites", "formations", "statuts", "entreprises")]
    ouvert = {"codesPeriode": codes}
    apprenants = Requete("apprenants", "/r/v1/formation-longue/apprenants", params=ouvert, vide_est_absence=True)
    contrats = Requete("contrats", "/r/v1/contrats", params=ouvert, vide_est_absence=True)
    *tables, apprentis, signes = yield [*reference, apprenants, contrats]
    par_apprenant = defaultdict(list)
    for contrat in {
        (c.apprenant, c.code): c for c in lire(ContratYpareo, _lignes(signes), compte)
    }.values():  # once each
        par_apprenant[contrat.apprenant].append(contrat)
    lues = _tables([_lignes(table) for table in tables], cfa, compte)
    lus = [_dossier(qui, par_apprenant[qui.code], lues) for qui in lire(Apprenant, _lignes(apprentis), compte)]
    return Lu(lus, compte.rejets, compte.champs_ignores, compte.derives)


def _liste(nom: str) -> Requete:
    return Requete(nom, f"/r/v1/{nom}", vide_est_absence=True)


def _lignes(pages: Iterable[Any]) -> Iterable[Any]:
    """The same list comes as an array, or as an object keyed by code."""
    return lignes_de(list(page.values()) if isinstance(page, dict) else page for page in pages)


def _tables(listes: list[Iterable[Any]], cfa: Locataire, compte: Compte) -> Tables:
    sites, formations, statuts, entreprises = listes
    return Tables(
        cfa=Cfa(uai=UAI(cfa.cle)),
        sites={site.code: Cfa(uai=site.uai or UAI(cfa.cle), siret=site.siret) for site in lire(Site, sites, compte)},
        formations={formation.code: formation for formation in lire(FormationYpareo, formations, compte)},
        entreprises={lue.code: _employeur(lue) for lue in lire(Entreprise, entreprises, compte)},
        exclusions=frozenset(
            statut.code for statut in lire(StatutYpareo, statuts, compte) if EXCLUSION in (statut.nom or "").lower()
        ),
    )


def _employeur(lue: Entreprise) -> Employeur | None:
    return rempli(Employeur(siret=lue.siret, denomination=lue.nom, naf=lue.naf))


def _dossier(apprenant: Apprenant, contrats: list[ContratYpareo], tables: Tables) -> Dossier:
    adresse = apprenant.adresse or AdresseYpareo()
    jeune = Jeune(
        nom=apprenant.nom,
        autres_noms=(apprenant.nom_naissance,) if apprenant.nom_naissance else (),
        prenom=apprenant.prenom,
        date_naissance=apprenant.naissance,
        sexe=apprenant.sexe,
        ine=apprenant.ine,
        telephone=adresse.tel1 or adresse.tel2,
        courriel=adresse.email,
        adresse=rempli(
            Adresse(voie=adresse.adr1, complement=adresse.adr2, code_postal=adresse.cp, ville=adresse.ville)
        ),
        representants=_representants(apprenant.responsable),
        formations=_formations(apprenant.inscriptions, tables),
        contrats=[_contrat(contrat, tables) for contrat in contrats],
    )
    return Dossier(apprenant.code, jeune, _ecrit_le(contrats))


def _ecrit_le(contrats: list[ContratYpareo]) -> datetime | None:
    jour = max((contrat.modifie for contrat in contrats if contrat.modifie), default=None)
    return minuit(jour) if jour else None


def _representants(lu: Responsable | None) -> list[Representant] | None:
    representant = rempli(Representant(nom=lu.nom, courriel=lu.email, telephone=lu.tel)) if lu else None
    return [representant] if representant else None


def _formations(inscriptions: Iterable[Inscription], tables: Tables) -> list[Formation]:
    """One inscription a school year: those of one session are one training; the last exit told holds."""
    sessions: dict[tuple[Any, ...], Formation] = {}
    for inscription in inscriptions:
        cle = (inscription.formation, inscription.debut, inscription.fin)
        session = sessions.setdefault(cle, _formation(inscription, tables))
        if inscription.statut in tables.exclusions and inscription.sortie:
            session.exclusion = inscription.sortie
    return list(sessions.values())


def _formation(inscription: Inscription, tables: Tables) -> Formation:
    suivie = tables.formations.get(inscription.formation or "")
    return Formation(
        intitule=suivie.nom if suivie else None,
        rncp=suivie.rncp if suivie else None,
        cfd=suivie.cfd if suivie else None,
        niveau=suivie.niveau if suivie else None,
        date_debut=inscription.debut,
        date_fin=inscription.fin,
        cfa=tables.site(inscription.site),
    )


def _contrat(contrat: ContratYpareo, tables: Tables) -> Contrat:
    rupture = Rupture(date=contrat.resiliation, cause=contrat.motif, signalee_le=contrat.modifie)
    return Contrat(
        numero=contrat.numero,
        date_debut=contrat.debut,
        date_fin=contrat.fin,
        employeur=tables.entreprises.get(contrat.entreprise or ""),
        cfa=tables.site(contrat.site),
        rupture=rupture if contrat.resiliation else None,
    )


CONNECTEUR = Connecteur("ypareo", TypeSource.ERP_CFA, ModeSource.INTERROGATION, dossiers_cfa=dossiers)
