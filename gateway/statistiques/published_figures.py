"""Answers from what was counted at night and published (RELEVE): from protected blocks, and from the true counts of the lots
where the caller may count exactly (docs/statistiques.md, Secret).

Of whoever counts nothing exactly, all that is made here is a function of protected blocks, of the referential and of when lots
were read: of no true count.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from functools import partial

from cachetools import LRUCache

from gateway.errors import ArgumentRefused
from gateway.schema.statistics import OrigineStatistique
from gateway.schema.statistics_filter import LieuDeReference
from gateway.statistiques.block_memory import BlockMemory
from gateway.statistiques.block_reader import BlockReader, ReadCells
from gateway.statistiques.comparison_territories import question_of, territories_around
from gateway.statistiques.counted_figures import Comparison, CountedFigures, total_of
from gateway.statistiques.coverage import Break, Covered
from gateway.statistiques.disclosure import THRESHOLD
from gateway.statistiques.figure_lines import NO_CELLS, Codes, Made, Table, Timing
from gateway.statistiques.figure_rights import FORMATION, RESIDENCE, FigureRights
from gateway.statistiques.figures import LAG_DAYS, LAG_DAYS_OF_ERP, ReportingHorizon, Secrecy
from gateway.statistiques.grid_choice import GridChoice, choose_grids, refuse
from gateway.statistiques.grids import STATUT, Grid, Place
from gateway.statistiques.grouping import Grouping, group, selected
from gateway.statistiques.indicators import indicators
from gateway.statistiques.month_spans import Span, span_of
from gateway.statistiques.periods import month_of
from gateway.statistiques.questions import OF_PLACES, OF_TIME, Question
from gateway.statistiques.reading_state import Known, Read
from gateway.stores.blocks import BlockStore, Snapshot

LINES_MAX = 40_000  # of all the answers kept, some 2 KB each
COUNTRY_WIDE = FigureRights(bounds={}, lieux=(FORMATION, RESIDENCE))
AROUND_MAX = 500  # territories kept, by what is asked of them
Tables = tuple[Table, Table]  # lines, and their total
Around = LRUCache[object, list[Comparison]]


class Published:
    """Answers of one store, each kept as long as its snapshot is in force. Its calls raise BlocksUnavailable."""

    def __init__(self, store: BlockStore, threshold: int = THRESHOLD) -> None:
        self.store, self._threshold = store, threshold
        self._kept: LRUCache[object, CountedFigures] = LRUCache(LINES_MAX, getsizeof=_weight)
        self._around: Around = LRUCache(AROUND_MAX)
        self._blocks = BlockMemory(store)

    async def told(
        self, question: Question, rights: FigureRights, lieu: LieuDeReference, known: Known
    ) -> CountedFigures | None:
        """What the snapshot in force tells; None when nothing is published. Raises ArgumentRefused."""
        snapshot = await self.store.snapshot()
        if snapshot is None:
            return None
        run = self._run(snapshot, question, rights, lieu, known)
        key = snapshot, id(known.places), question.key, lieu, *_key(rights)
        told = self._kept.get(key)
        if told is None:
            told = await run.told()
            if _weight(told) < LINES_MAX:
                self._kept[key] = told
        return told

    async def compared(
        self, question: Question, rights: FigureRights, lieu: LieuDeReference, known: Known
    ) -> tuple[Comparison, ...]:
        """The territories around a perimeter; none when nothing is published."""
        snapshot = await self.store.snapshot()
        if snapshot is None:
            return ()
        return tuple(await self._run(snapshot, question, rights, lieu, known).compared())

    def _run(
        self, snapshot: Snapshot, question: Question, rights: FigureRights, lieu: LieuDeReference, known: Known
    ) -> "_Run":
        secrecy = Secrecy(snapshot.step, self._threshold)
        return _Run(self.store, self._blocks, snapshot, secrecy, question, rights, lieu, known, self._around)


def _weight(told: CountedFigures) -> int:
    return 1 + len(told.exact.lines) + len(told.shielded.lines) + len(told.comparisons)


def _key(rights: FigureRights) -> tuple[object, ...]:
    bounds = tuple(sorted((name, tuple(sorted(codes))) for name, codes in rights.bounds.items()))
    return bounds, rights.exact, rights.exact_before, rights.par


@dataclass(frozen=True, slots=True)
class _Run:
    """One question being answered from one snapshot."""

    store: BlockStore
    blocks: BlockMemory
    snapshot: Snapshot
    secrecy: Secrecy
    question: Question
    rights: FigureRights
    lieu: LieuDeReference
    known: Known
    around: Around

    @property
    def span(self) -> Span:
        return span_of(self.question, self.snapshot.as_of)

    async def told(self) -> CountedFigures:
        names = self._exact_names()
        keys = self.question.keys | self.rights.bounds.keys()
        exact = _of(choose_grids(keys, self.lieu, exact=True), names, counted=True)
        shielded = _of(choose_grids(keys, self.lieu), names, counted=False)
        self._check(exact, shielded)
        counts, blocks = self._tables(), self._tables()
        await self._reader(self.store.counts, exact=True).fill(exact, *counts)
        await self._reader(partial(self.blocks.sums, self.snapshot), exact=False).fill(shielded, *blocks)
        covered, broken = await self._coverage()
        return CountedFigures(
            origin=OrigineStatistique.RELEVE,
            number=self.snapshot.number,
            as_of=self.snapshot.as_of,
            told_at=self.snapshot.published_at,
            span=self.span,
            dimensions=self.question.dimensions,
            exact=counts[0],
            shielded=blocks[0],
            totals=(total_of(counts[1]), total_of(blocks[1])),
            made=Made(names, self._timings(exact), self._timings(shielded), (), self.secrecy),
            grids=tuple(sorted({source.grid.name for source in shielded.values()})),
            comparisons=tuple(await self.compared()),
            covered=covered,
            breaks=broken,
        )

    def _exact_names(self) -> frozenset[str]:
        """The figures counted exactly: those of today only where the question is of today."""
        if self.lieu is RESIDENCE and "REGION" in self.rights.bounds and self._straddles():
            return frozenset()
        today = self.span.stock == month_of(self.snapshot.as_of) and set(OF_TIME).isdisjoint(self.question.dimensions)
        standing = {name for name in self.rights.exact if indicators()[name].partition == STATUT.name}
        return self.rights.exact_before | (standing if today else frozenset())

    def _straddles(self) -> bool:
        # Some of their people live outside the région, and may not be read one by one.
        chosen = selected(self.question, self.rights, self.known.places, Place.MISSION_LOCALE)
        return any(code in self.known.places.straddling for code, _ in chosen)

    def _check(self, exact: Mapping[str, GridChoice], shielded: Mapping[str, GridChoice]) -> None:
        """Raises ArgumentRefused where nothing is told of such lines."""
        par, keys = self.rights.par, self.question.keys
        if par and (par not in keys or not keys.isdisjoint(set(OF_PLACES) - {"REGION"})):
            raise ArgumentRefused(f"Ce profil lit la France et les régions par {par} : ajouter la dimension {par}.")
        told = exact.keys() | shielded.keys()
        if not told or ("STATUT" in self.question.dimensions and STATUT.name not in told):
            raise refuse(self.lieu)

    def _tables(self) -> Tables:
        return Table(self.question.dimensions, self.span), Table((), self.span)

    def _reader(self, read: ReadCells, exact: bool) -> BlockReader:
        return BlockReader(self.question, self.span, read, partial(self._group, exact))

    def _group(self, exact: bool, grid: Grid) -> Grouping:
        """The places counted, by the lots that gave their counts where they are exact."""
        lot_of = self._lot_place() if exact else None
        chosen = selected(self.question, self.rights, self.known.places, lot_of or grid.place)
        return group(chosen, self.question.dimensions, lot_of)

    def _lot_place(self) -> Place:
        return Place.MISSION_LOCALE if self.lieu is RESIDENCE else Place.CFA

    def _lots(self) -> list[str]:
        """The CFAs or Missions locales that the question is about."""
        return [code for code, _ in selected(self.question, self.rights, self.known.places, self._lot_place())]

    async def _coverage(self) -> tuple[list[Covered], list[Break]]:
        read = Read(self.store, self.snapshot, self._lot_place(), self._lots())
        return await read.coverage(self.span, self.known.registry_as_of)

    def _timings(self, sources: Mapping[str, GridChoice]) -> dict[str, Timing]:
        horizon = ReportingHorizon(self.snapshot.as_of, self._lag())
        return {partition: Timing(source.grid.step, horizon) for partition, source in sources.items()}

    def _lag(self) -> int:
        """How late what happened is heard of: less of CFAs that all have a system, which is read each night."""
        if {"CFA", "RESEAU"}.isdisjoint(self.question.keys | self.rights.bounds.keys()):
            return LAG_DAYS
        return LAG_DAYS_OF_ERP if all(map(self.known.has_erp, self._lots())) else LAG_DAYS

    async def compared(self) -> list[Comparison]:
        """The territories around the perimeter, from protected blocks for everybody."""
        told: list[Comparison] = []
        for dimension, codes in territories_around(self.rights, self.question, self.known.places).items():
            asked = question_of(dimension, codes, self.question)
            # The same for everybody around: most questions of one snapshot compare with the same territories.
            key = self.snapshot, id(self.known.places), self.lieu, asked.key
            if key not in self.around:
                self.around[key] = await replace(self, question=asked, rights=COUNTRY_WIDE)._territory(codes)
            told += self.around[key]
        return told

    async def _territory(self, codes: Iterable[str]) -> list[Comparison]:
        sources = choose_grids(self.question.keys, self.lieu)
        lines, total = self._tables()
        await self._reader(partial(self.blocks.sums, self.snapshot), exact=False).fill(sources, lines, total)
        made = Made((), {}, self._timings(sources), (), self.secrecy)
        names = self.question.dimensions
        named: list[Codes] = [(code,) for code in sorted(codes)] or [()]
        return [
            Comparison(tuple(zip(names, told, strict=True)), lines.lines.get(told, NO_CELLS), made) for told in named
        ]


def _of(sources: Mapping[str, GridChoice], names: Collection[str], counted: bool) -> dict[str, GridChoice]:
    """The sources of the partitions that figures named, or the others, are made of."""
    wanted = {indicator.partition for name, indicator in indicators().items() if (name in names) is counted}
    return {partition: source for partition, source in sources.items() if partition in wanted}
