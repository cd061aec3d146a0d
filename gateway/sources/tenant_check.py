"""Whether a record belongs to the tenant asked (docs/security.md U10): looked at on the record, not on the request. Pure."""

from collections.abc import Collection, Iterator

from gateway.connectors.base import Record
from gateway.schema.nouns import Jeune
from gateway.sources.units import Resource, Unit


def belongs(record: Record, unit: Unit, uais: Collection[str]) -> bool:
    """False when all that the record says of its CFA (or of its Mission locale) names other tenants.

    `uais` are the CFAs some partner serves: a UAI outside them may be a mere site of the tenant, and accuses nobody.
    """
    if unit.resource is Resource.STRUCTURE:
        structure = record.structure or _structure(record.jeune)
        return structure in {"", unit.key}
    told_values = set(_uais(record.jeune))
    return not told_values or unit.key in told_values or not told_values <= set(uais)


def _structure(jeune: Jeune) -> str:
    suivi = jeune.suivi
    return suivi.mission_locale.code if suivi and suivi.mission_locale else ""


def _uais(jeune: Jeune) -> Iterator[str]:
    formations = [*(jeune.formations or ()), *(contrat.formation for contrat in jeune.contrats or ())]
    cfas = [formation.cfa for formation in formations if formation]
    cfas += [contrat.cfa for contrat in jeune.contrats or ()]
    return (str(cfa.uai) for cfa in cfas if cfa and cfa.uai)
