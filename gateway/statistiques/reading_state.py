"""What was read for the figures published: beside each answer, how many lots and since when."""

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from gateway.schema.organisations import TypeSource
from gateway.statistiques.coverage import Break, Covered, breaks, cover
from gateway.statistiques.grids import Place
from gateway.statistiques.month_spans import Span
from gateway.statistiques.periods import month_of
from gateway.statistiques.places import Places
from gateway.stores.blocks import BlockStore, Snapshot, lot_name

_SOURCES = {Place.CFA: TypeSource.ERP_CFA, Place.MISSION_LOCALE: TypeSource.MISSION_LOCALE}


@dataclass(frozen=True, slots=True)
class Known:
    """What is known beside the counts: places; whether a CFA has a system that is read; when the registry was harvested."""

    places: Places
    has_erp: Callable[[str], bool] = lambda _: True
    registry_as_of: datetime | None = None


@dataclass(frozen=True, slots=True)
class Read:
    """The CFAs or Missions locales that a question is about, as a snapshot has them."""

    store: BlockStore
    snapshot: Snapshot
    place: Place
    codes: Sequence[str]

    async def coverage(self, span: Span, registry_as_of: datetime | None) -> tuple[list[Covered], list[Break]]:
        """Their coverage, with that of the registry, and the months in which it moved."""
        names = {lot_name(self.place.value, code): code for code in self.codes}
        lots = await self.store.lots(names)
        seen = {names[name]: lot.seen_at for name, lot in lots.items() if lot.seen_at}
        registry, now = TypeSource.REGISTRE_CONTRATS.value, self.snapshot.published_at
        heard = {registry: registry_as_of} if registry_as_of else {}
        covered = [cover(_SOURCES[self.place].value, self.codes, seen, now), cover(registry, [registry], heard, now)]
        return covered, await self._breaks(span)

    async def _breaks(self, span: Span) -> list[Break]:
        places = [(code, "") for code in self.codes]
        by_source: dict[str, dict[str, tuple[int, int]]] = defaultdict(dict)
        for row in await self.store.coverage(places, month_of(span.depuis), month_of(span.jusqua)):
            by_source[row.source][row.mois] = row.couverts, row.attendus
        return [each for source, months in sorted(by_source.items()) for each in breaks(source, months)]
