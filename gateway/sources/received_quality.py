"""What the last day of transmissions of each establishment lost: counts by field, for whoever can mend them in its ERP.

Of the lines of validation that the store keeps, without a value and without a dossier. Read again when an establishment has
transmitted; nobody who asks waits for it. Knows no rule of the contract but the fields without which it keeps nothing.
"""

from collections import Counter
from collections.abc import Collection, Mapping

from gateway.connectors.quality import RECORD, VALUE, Fault, defects
from gateway.domain.days import paris_day
from gateway.schema.organisations import NatureDefaut, Qualite
from gateway.stores.reception_tables import CfaState, TransmissionError
from gateway.stores.receptions import ReceptionStore


class ReceivedQuality:
    """The counts of each establishment. `required`: the fields without which a dossier is set aside."""

    def __init__(self, store: ReceptionStore, required: Collection[str]) -> None:
        self._store, self._required = store, frozenset(required)
        self._told: dict[str, Qualite] = {}
        self._again = frozenset[str]()  # counted while their last second may not have been over

    @property
    def all(self) -> list[Qualite]:
        """Those that are known, of all establishments."""
        return list(self._told.values())

    def of(self, uai: str) -> list[Qualite]:
        """Those of one."""
        return [self._told[uai]] if uai in self._told else []

    async def look(self, states: Mapping[str, CfaState]) -> None:
        """Count again those who transmitted since they were counted. Raises ReceptionUnavailable."""
        last = max((state.transmitted_at for state in states.values()), default=None)
        for uai, state in states.items():
            known = self._told.get(uai)
            if known is None or known.lue_le != state.transmitted_at or uai in self._again:
                self._told[uai] = await self._count(uai, state)
        self._again = frozenset(uai for uai, state in states.items() if state.transmitted_at == last)

    async def _count(self, uai: str, state: CfaState) -> Qualite:
        lines = await self._store.errors(uai, paris_day(state.transmitted_at))
        faults = Counter(self._fault(line) for line in {line for _, line in lines})  # a dossier may come twice in a day
        kept = await self._store.number_of(uai)
        return Qualite(etablissement=uai, lue_le=state.transmitted_at, dossiers=kept, defauts=defects(faults))

    def _fault(self, line: TransmissionError) -> Fault:
        names = line.champs.split(",")
        is_lost = not self._required.isdisjoint(names)
        return NatureDefaut.ECARTEE, RECORD if is_lost else VALUE, " / ".join(names)
