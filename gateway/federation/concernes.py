"""Which CFAs concern a perimeter, and why: those its plan names, then those where the registry knows its residents. Pure."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

from gateway.auth.perimetre import Perimetre
from gateway.auth.rules import Profil
from gateway.connectors.base import Dossier
from gateway.federation.annuaire import Annuaire
from gateway.federation.plan import Plan

_DU_PLAN: Mapping[Profil, str] = {
    Profil.MISSION_LOCALE: "d'une région que touche son territoire",
    Profil.FRANCE_TRAVAIL: "de sa région",
    Profil.DREETS: "de sa région",
    Profil.DDETS: "de son département",
    Profil.ACADEMIE: "de son académie",
    Profil.CFA: "cet établissement, ou un lieu de formation dont il répond",
    Profil.TETE_DE_RESEAU: "de son réseau",
}


def residents_par_cfa(dossiers: Iterable[Dossier], plan: Plan, annuaire: Annuaire) -> Counter[str]:
    """The contracts that the residents of the plan's territory have at each CFA, as the registry tells: a resident may be
    trained anywhere. Who lives elsewhere for sure, under the same postal code, is of somebody else's."""
    chez = [dossier.jeune for dossier in dossiers if _peut_resider(dossier, plan, annuaire)]
    cfas = (contrat.cfa for jeune in chez for contrat in jeune.contrats or [] if contrat.cfa)
    return Counter(uai for cfa in cfas if (uai := _uai(cfa.uai, cfa.siret, annuaire)))


def dans_l_ordre(uais: Sequence[str], residents: Counter[str]) -> list[str]:
    """The CFAs to ask, those with most residents first: what is left out, if something must be, matters least."""
    return sorted({*uais, *residents}, key=lambda uai: (-residents[uai], uai))


def motifs(uai: str, plan: Plan, residents: Counter[str], perimetre: Perimetre) -> str:
    """Why a CFA is asked."""
    raisons = [_DU_PLAN[perimetre.profil]] if uai in plan.uais else []
    if residents[uai]:
        raisons.append(f"{residents[uai]} contrat(s) de résidents au registre")
    return " ; ".join(raisons)


def decrire(plan: Plan, residents: Counter[str], perimetre: Perimetre, annuaire: Annuaire) -> list[tuple[str, str]]:
    """The CFAs that concern a perimeter, in the order they are asked, each with its name and why."""
    noms = {uai: organisme.nom for uai, organisme in annuaire.referentiel.organismes.items()}
    return [
        (uai, f"{noms.get(uai, 'inconnu du référentiel')} : {motifs(uai, plan, residents, perimetre)}")
        for uai in dans_l_ordre(plan.uais, residents)
    ]


def _peut_resider(dossier: Dossier, plan: Plan, annuaire: Annuaire) -> bool:
    code = annuaire.mission_locale_du_domicile(dossier.jeune.adresse)
    return code is None or code in plan.missions_locales


def _uai(uai: str | None, siret: str | None, annuaire: Annuaire) -> str | None:
    """The registry names a CFA by UAI, or by SIRET where the UAI is missing."""
    organisme = annuaire.referentiel.organisme(uai, siret)
    return organisme.uai if organisme else uai
