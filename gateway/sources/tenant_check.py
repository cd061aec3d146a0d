"""Whose records came back (docs/security.md U10): a record is looked at, not the request; tenants that answer for others are
no longer asked for a while. Pure; reads no clock."""

from collections.abc import Collection, Iterator

from gateway.connectors.base import Record
from gateway.schema.nouns import Jeune
from gateway.sources.units import Resource, Unit

ANSWERS = 3  # answers in a row that hold somebody else's records
DURATION = 900.0  # seconds; as long as what we keep may be served without being asked again


def belongs(record: Record, unit: Unit, uais: Collection[str]) -> bool:
    """False when all that the record says of its CFA (or of its Mission locale) names other tenants.

    `uais` are the CFAs some partner serves: a UAI outside them may be a mere site of the tenant, and accuses nobody.
    """
    if unit.resource is Resource.STRUCTURE:
        structure = record.structure or _structure(record.jeune)
        return structure in {"", unit.key}
    named = set(_uais(record.jeune))
    return not named or unit.key in named or not named <= set(uais)


def _structure(jeune: Jeune) -> str:
    suivi = jeune.suivi
    return suivi.mission_locale.code if suivi and suivi.mission_locale else ""


def _uais(jeune: Jeune) -> Iterator[str]:
    formations = [*(jeune.formations or ()), *(contrat.formation for contrat in jeune.contrats or ())]
    cfas = [formation.cfa for formation in formations if formation]
    cfas += [contrat.cfa for contrat in jeune.contrats or ()]
    return (str(cfa.uai) for cfa in cfas if cfa and cfa.uai)


class Quarantine:
    """Counts, by tenant, the answers in a row that were not all its own."""

    def __init__(self) -> None:
        self._suspects: dict[str, int] = {}
        self._until: dict[str, float] = {}

    def note(self, key: str, foreign: int, instant: float) -> bool:
        """An answer was read; true when it puts its tenant in quarantine."""
        if not foreign:
            self._suspects.pop(key, None)
            return False
        self._suspects[key] = self._suspects.get(key, 0) + 1
        if self._suspects[key] < ANSWERS:
            return False
        self._until[key] = instant + DURATION
        return True

    def holds(self, key: str, instant: float) -> bool:
        """Whether a tenant is in quarantine. Out of it, one more answer that is not its own puts it back."""
        return instant < self._until.get(key, instant)

    def active(self, instant: float) -> bool:
        """Whether any tenant is."""
        return any(instant < until for until in self._until.values())
