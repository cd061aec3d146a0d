"""Which CFAs concern a perimeter, and why: those its plan names, then those where the registry knows its residents. Pure."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

from gateway.auth.policy.perimetre import Perimetre
from gateway.auth.policy.rules import Profil
from gateway.connectors.base import Record
from gateway.federation.collect.plan import SourcePlan
from gateway.federation.directory import Directory

_OF_PLAN: Mapping[Profil, str] = {
    Profil.MISSION_LOCALE: "d'une région que touche son territoire",
    Profil.FRANCE_TRAVAIL: "de sa région",
    Profil.DREETS: "de sa région",
    Profil.DDETS: "de son département",
    Profil.ACADEMIE: "de son académie",
    Profil.CFA: "cet établissement, ou un lieu de formation dont il répond",
    Profil.TETE_DE_RESEAU: "de son réseau",
}


def residents_by_cfa(records: Iterable[Record], plan: SourcePlan, directory: Directory) -> Counter[str]:
    """How many contracts the residents of the plan's territory have at each CFA, by UAI, as the registry tells."""
    jeunes = (record.jeune for record in records if _may_reside(record, plan, directory))
    cfas = (contrat.cfa for jeune in jeunes for contrat in jeune.contrats or [] if contrat.cfa)
    return Counter(uai for cfa in cfas if (uai := _uai(cfa.uai, cfa.siret, directory)))


def in_order(uais: Sequence[str], residents: Counter[str]) -> list[str]:
    """The CFAs to ask, those with most residents first: what is left out, if something must be, matters least."""
    return sorted({*uais, *residents}, key=lambda uai: (-residents[uai], uai))


def motifs(uai: str, plan: SourcePlan, residents: Counter[str], perimetre: Perimetre) -> str:
    """The reasons why a CFA is asked, as an operator reads them."""
    reasons = [_OF_PLAN[perimetre.profil]] if uai in plan.uais else []
    if residents[uai]:
        reasons.append(f"{residents[uai]} contrat(s) de résidents au registre")
    return " ; ".join(reasons)


def describe(
    plan: SourcePlan, residents: Counter[str], perimetre: Perimetre, directory: Directory
) -> list[tuple[str, str]]:
    """The CFAs that concern a perimeter, in the order they are asked, each with its name and why."""
    names = {uai: organisme.nom for uai, organisme in directory.referentiel.organismes.items()}
    return [
        (uai, f"{names.get(uai, 'inconnu du référentiel')} : {motifs(uai, plan, residents, perimetre)}")
        for uai in in_order(plan.uais, residents)
    ]


def _may_reside(record: Record, plan: SourcePlan, directory: Directory) -> bool:
    # A postal code is shared: whoever lives for sure in a commune of another Mission locale is no resident.
    code = directory.mission_locale_of_home(record.jeune.adresse)
    return code is None or code in plan.missions_locales


def _uai(uai: str | None, siret: str | None, directory: Directory) -> str | None:
    # The registry names a CFA by UAI, or by SIRET where the UAI is missing.
    organisme = directory.referentiel.organisme(uai, siret)
    return organisme.uai if organisme else uai
