"""Whether a record belongs to the tenant that was asked (SECURITY U10): looked at on the record, not on the request. Pure."""

from collections.abc import Collection, Iterator

from gateway.connectors.base import Dossier
from gateway.schema.nouns import Jeune
from gateway.sources.unites import Ressource, Unite


def appartient(dossier: Dossier, unite: Unite, uais: Collection[str]) -> bool:
    """False when all that the record says of its CFA (or of its Mission locale) names other tenants.

    `uais` are the CFAs some partner serves: a UAI outside them may be a mere site of the tenant, and accuses nobody.
    """
    if unite.ressource is Ressource.STRUCTURE:
        structure = dossier.structure or _structure(dossier.jeune)
        return structure in {"", unite.cle}
    dits = set(_uais(dossier.jeune))
    return not dits or unite.cle in dits or not dits <= set(uais)


def _structure(jeune: Jeune) -> str:
    suivi = jeune.suivi
    return suivi.mission_locale.code if suivi and suivi.mission_locale else ""


def _uais(jeune: Jeune) -> Iterator[str]:
    formations = [*(jeune.formations or ()), *(contrat.formation for contrat in jeune.contrats or ())]
    cfas = [formation.cfa for formation in formations if formation]
    cfas += [contrat.cfa for contrat in jeune.contrats or ()]
    return (str(cfa.uai) for cfa in cfas if cfa and cfa.uai)
