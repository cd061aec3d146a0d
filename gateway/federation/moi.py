"""Presents a caller to itself: profile, perimeter, purposes and readable categories. Knows no source."""

from gateway.auth.decide import Decision
from gateway.auth.rules import Profil
from gateway.auth.viewer import Viewer
from gateway.federation.annuaire import Annuaire
from gateway.federation.views import Droits
from gateway.schema.contexte import Moi
from gateway.schema.lieux import Territoire, TypeTerritoire

_NATURES = {
    Profil.MISSION_LOCALE: TypeTerritoire.MISSION_LOCALE,
    Profil.CFA: TypeTerritoire.CFA,
    Profil.TETE_DE_RESEAU: TypeTerritoire.RESEAU,
    Profil.DREETS: TypeTerritoire.REGION,
    Profil.DDETS: TypeTerritoire.DEPARTEMENT,
    Profil.ACADEMIE: TypeTerritoire.ACADEMIE,
    Profil.FRANCE_TRAVAIL: TypeTerritoire.REGION,
    Profil.ARML: TypeTerritoire.REGION,
}


def presenter_moi(viewer: Viewer, droits: Droits, decision: Decision, annuaire: Annuaire) -> Moi:
    """The first answer of a new integrator."""
    return Moi(
        profil=viewer.profil,
        organisation=viewer.nom or None,
        finalite=viewer.finalite,
        finalites=sorted(viewer.finalites, key=lambda finalite: finalite.value),
        perimetre=_perimetre(droits, annuaire),
        categories=sorted(decision.categories, key=lambda categorie: categorie.value),
    )


def _perimetre(droits: Droits, annuaire: Annuaire) -> list[Territoire]:
    perimetre = droits.perimetre
    nature = _NATURES.get(perimetre.profil)
    if nature is None or not perimetre.organisation:
        return [annuaire.territoire(TypeTerritoire.NATIONAL, "FR")] if perimetre.profil is Profil.STATISTIQUES else []
    if nature is TypeTerritoire.CFA:
        return [annuaire.territoire(nature, uai) for uai in sorted(perimetre.uais)]
    return [annuaire.territoire(nature, perimetre.organisation)]
