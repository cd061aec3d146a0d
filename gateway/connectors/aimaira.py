"""Aimaira-like ERP: OData entities to be joined by Id, instants at local midnight, ruptures told by the last day worked."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any, TypeVar

from pydantic import Field

from gateway.connectors.base import (
    Avis,
    Charge,
    Compte,
    Connecteur,
    Dossier,
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
    CodeInseeLu,
    CodePostalLu,
    Courriel,
    DateLocale,
    Ine,
    JourLocal,
    Naf,
    Naissance,
    Niveau,
    Requis,
    Rncp,
    SiretLu,
    Telephone,
    Texte,
    UaiLu,
    lendemain,
    minuit,
)
from gateway.schema.lieux import Cfa, ModeSource, TypeSource
from gateway.schema.nouns import Adresse, Contrat, Employeur, Formation, Jeune, Representant, Rupture, Sexe

TAILLE_PAGE = 200
EXCLU = "2"  # EtatInscriptionId
AUCUN = "0"  # an Id of 0 is null


class Entite(Charge):
    id: Requis = Field(alias="Id")


class Mail(Entite):
    adresse: Courriel = Field(None, alias="Adresse")


class Mobile(Entite):
    numero: Telephone = Field(None, alias="Numero")


class AdresseAimaira(Entite):
    ligne1: Texte = Field(None, alias="Ligne1")
    ligne2: Texte = Field(None, alias="Ligne2")
    code_postal: CodePostalLu = Field(None, alias="CodePostal")
    ville: Texte = Field(None, alias="Ville")
    insee: CodeInseeLu = Field(None, alias="CodeInsee")


class RepresentantAimaira(Entite):
    nom: Texte = Field(None, alias="Nom")
    mail: Texte = Field(None, alias="MailId")
    mobile: Texte = Field(None, alias="MobileId")


class Etablissement(Entite):
    uai: UaiLu = Field(None, alias="Uai")
    siret: SiretLu = Field(None, alias="Siret")


class Programme(Entite):
    libelle: Texte = Field(None, alias="Libelle")
    rncp: Rncp = Field(None, alias="CodeRncp")
    cfd: Cfd = Field(None, alias="CodeDiplome")
    niveau: Niveau = Field(None, alias="Niveau")
    etablissement: Texte = Field(None, alias="EtablissementId")


class Inscription(Entite):
    apprenant: Requis = Field(alias="ApprenantId")
    programme: Texte = Field(None, alias="ProgrammeId")
    debut: JourLocal = Field(None, alias="DateDebut")
    fin: JourLocal = Field(None, alias="DateFin")
    sortie: JourLocal = Field(None, alias="DateSortie")
    etat: Texte = Field(None, alias="EtatInscriptionId")


class Entreprise(Entite):
    nom: Texte = Field(None, alias="RaisonSociale")
    siret: SiretLu = Field(None, alias="Siret")
    naf: Naf = Field(None, alias="CodeNaf")
    idcc: Texte = Field(None, alias="Idcc")


class Convention(Entite):
    apprenant: Requis = Field(alias="ApprenantId")
    entreprise: Texte = Field(None, alias="EntrepriseId")
    programme: Texte = Field(None, alias="ProgrammeId")
    numero: Texte = Field(None, alias="NumeroContrat")
    type: Texte = Field(None, alias="TypeConventionId")
    avenant: Booleen = Field(None, alias="Avenant")
    origine: Texte = Field(None, alias="ConventionOrigineId")
    debut: DateLocale = Field(alias="DateDebut")
    fin: JourLocal = Field(None, alias="DateFin")
    rupture: JourLocal = Field(None, alias="DateRupture")
    motif: Texte = Field(None, alias="MotifRupture")
    modifiee: JourLocal = Field(None, alias="DateModification")


class Apprenant(Entite):
    """NumeroInsee is a NIR: it is not in this model, so it is never read."""

    nom: Requis = Field(alias="Nom")
    prenoms: Requis = Field(alias="Prenoms")
    usage: Texte = Field(None, alias="NomUsage")
    naissance: Naissance = Field(alias="DateNaissance")
    masculin: Booleen = Field(None, alias="GenreMale")
    handicap: Booleen = Field(None, alias="Handicap")
    ine: Ine = Field(None, alias="NumeroIne")
    mail: Texte = Field(None, alias="MailId")
    mobile: Texte = Field(None, alias="MobileId")
    adresse: Texte = Field(None, alias="AdresseId")
    representant: Texte = Field(None, alias="Representant1Id")


MODELES: Mapping[str, type[Entite]] = {
    "Mail": Mail,
    "Mobile": Mobile,
    "Adresse": AdresseAimaira,
    "Representant": RepresentantAimaira,
    "Etablissement": Etablissement,
    "Programme": Programme,
    "Inscription": Inscription,
    "Entreprise": Entreprise,
    "Convention": Convention,
    "Apprenant": Apprenant,
}
M = TypeVar("M", bound=Entite)


@dataclass(frozen=True, slots=True)
class Base:
    """The entities of one client, by Id."""

    par_nom: Mapping[str, Mapping[str, Entite]]

    def toutes(self, modele: type[M]) -> list[M]:
        return [lue for table in self.par_nom.values() for lue in table.values() if isinstance(lue, modele)]

    def une(self, modele: type[M], nom: str, cle: str | None) -> M | None:
        trouvee = self.par_nom[nom].get(cle) if cle and cle != AUCUN else None
        return trouvee if isinstance(trouvee, modele) else None


def dossiers(cfa: Locataire, aujourdhui: date) -> Lecture[Lu]:
    """Every entity of the client at once: they point at each other by Id."""
    reponses = yield [
        Requete(nom, f"/{nom}", params={"$top": str(TAILLE_PAGE)}, pages=Pages.ODATA, taille=TAILLE_PAGE)
        for nom in MODELES
    ]
    compte = Compte()
    base = Base({nom: _par_id(nom, pages, compte) for nom, pages in zip(MODELES, reponses, strict=True)})
    inscriptions, conventions = defaultdict(list), defaultdict(list)
    for inscription in base.toutes(Inscription):
        inscriptions[inscription.apprenant].append(inscription)
    for convention in base.toutes(Convention):
        conventions[convention.apprenant].append(convention)
    gardes = [
        _dossier(apprenant, inscriptions[apprenant.id], conventions[apprenant.id], base)
        for apprenant in base.toutes(Apprenant)
    ]
    return Lu(gardes, compte.rejets, compte.champs_ignores, compte.derives)


def _par_id(nom: str, pages: Iterable[Any], compte: Compte) -> dict[str, Entite]:
    return {entite.id: entite for entite in lire(MODELES[nom], lignes_de(pages, "value"), compte)}


def _dossier(qui: Apprenant, inscriptions: list[Inscription], conventions: list[Convention], base: Base) -> Dossier:
    mail, mobile = base.une(Mail, "Mail", qui.mail), base.une(Mobile, "Mobile", qui.mobile)
    jeune = Jeune(
        nom=qui.nom,
        autres_noms=(qui.usage,) if qui.usage else (),
        prenom=qui.prenoms,
        date_naissance=qui.naissance,
        sexe=None if qui.masculin is None else Sexe.M if qui.masculin else Sexe.F,
        ine=qui.ine,
        rqth=qui.handicap,
        telephone=mobile.numero if mobile else None,
        courriel=mail.adresse if mail else None,
        adresse=_adresse(qui, base),
        representants=_representants(qui, base),
        formations=[_formation(inscription, base) for inscription in inscriptions],
        contrats=_contrats(conventions, base),
    )
    ecrits = [convention.modifiee for convention in conventions if convention.modifiee]
    return Dossier(qui.id, jeune, minuit(max(ecrits)) if ecrits else None)


def _adresse(qui: Apprenant, base: Base) -> Adresse | None:
    lue = base.une(AdresseAimaira, "Adresse", qui.adresse)
    if lue is None:
        return None
    return Adresse(
        voie=lue.ligne1, complement=lue.ligne2, code_postal=lue.code_postal, ville=lue.ville, insee=lue.insee
    )


def _representants(qui: Apprenant, base: Base) -> list[Representant] | None:
    lu = base.une(RepresentantAimaira, "Representant", qui.representant)
    if lu is None:
        return None
    mail, mobile = base.une(Mail, "Mail", lu.mail), base.une(Mobile, "Mobile", lu.mobile)
    courriel, telephone = mail.adresse if mail else None, mobile.numero if mobile else None
    representant = rempli(Representant(nom=lu.nom, courriel=courriel, telephone=telephone))
    return [representant] if representant else None


def _cfa(programme: Programme | None, base: Base) -> Cfa | None:
    lu = base.une(Etablissement, "Etablissement", programme.etablissement if programme else None)
    return Cfa(uai=lu.uai, siret=lu.siret) if lu else None


def _formation(inscription: Inscription, base: Base) -> Formation:
    programme = base.une(Programme, "Programme", inscription.programme)
    return Formation(
        intitule=programme.libelle if programme else None,
        rncp=programme.rncp if programme else None,
        cfd=programme.cfd if programme else None,
        niveau=programme.niveau if programme else None,
        date_debut=inscription.debut,
        date_fin=inscription.fin,
        cfa=_cfa(programme, base),
        exclusion=inscription.sortie if inscription.etat == EXCLU else None,
    )


def _contrats(conventions: list[Convention], base: Base) -> list[Contrat]:
    """An amendment is a row that points at the original: it brings the new end, and its rupture if it has one."""
    avenants = defaultdict(list)
    for convention in conventions:
        if convention.avenant:
            avenants[convention.origine].append(convention)
    return [_contrat(une, avenants[une.id], base) for une in conventions if not une.avenant]


def _contrat(originale: Convention, avenants: list[Convention], base: Base) -> Contrat:
    suite = [originale, *sorted(avenants, key=_anciennete)]
    entreprise = base.une(Entreprise, "Entreprise", originale.entreprise)
    rompue = next((version for version in reversed(suite) if version.rupture), None)
    return Contrat(
        numero=originale.numero,
        type=originale.type,
        date_debut=originale.debut,
        date_fin=next((version.fin for version in reversed(suite) if version.fin), None),
        employeur=_employeur(entreprise) if entreprise else None,
        cfa=_cfa(base.une(Programme, "Programme", originale.programme), base),
        rupture=_rupture(rompue) if rompue else None,
    )


def _anciennete(avenant: Convention) -> tuple[date, int, str]:
    """Amendments by date, then in the order of their Ids."""
    return avenant.modifiee or date.min, len(avenant.id), avenant.id


def _employeur(entreprise: Entreprise) -> Employeur | None:
    return rempli(
        Employeur(siret=entreprise.siret, denomination=entreprise.nom, naf=entreprise.naf, idcc=entreprise.idcc)
    )


def _rupture(convention: Convention) -> Rupture:
    return Rupture(date=lendemain(convention.rupture), cause=convention.motif, signalee_le=convention.modifiee)


class Appel(Charge):
    """A call of the vendor: which client changed. ObjectId and the rest are not read."""

    client: Requis = Field(alias="CustomerName")


def avis(document: Any) -> Avis:
    lus = lire(Appel, [document], Compte())
    if not lus:
        raise ReponseInattendue("no client named")
    return Avis(locataire=lus[0].client)


CONNECTEUR = Connecteur("aimaira", TypeSource.ERP_CFA, ModeSource.INTERROGATION, dossiers_cfa=dossiers, avis=avis)
