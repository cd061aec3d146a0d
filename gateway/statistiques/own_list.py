"""Has a caller's own list counted, today: what `live_counts` counts of a view, with what was read for it. Reaches no source."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from gateway.concurrency import offload
from gateway.federation.collect.plan import plan_of_perimetre
from gateway.federation.views.operation_context import OperationContext
from gateway.schema.statistics import OrigineStatistique
from gateway.schema.statistics_filter import LieuDeReference
from gateway.statistiques.counted_figures import CountedFigures, total_of
from gateway.statistiques.coverage import Covered
from gateway.statistiques.figure_lines import Made, Table, Timing
from gateway.statistiques.figure_rights import FigureRights
from gateway.statistiques.figures import LAG_DAYS, LAG_DAYS_OF_ERP, ReportingHorizon
from gateway.statistiques.grids import PARTITIONS, STATUT
from gateway.statistiques.indicators import indicators
from gateway.statistiques.live_counts import Asked, Counting, count, tells_stocks
from gateway.statistiques.month_spans import span_of
from gateway.statistiques.observations import Knowledge
from gateway.statistiques.periods import Step
from gateway.statistiques.places import Places
from gateway.statistiques.questions import Question


@dataclass(frozen=True, slots=True)
class OwnList:
    """The list of one operation. `registry`: the name of the registry among the sources; `seconds`: the collector's clock."""

    context: OperationContext
    places: Places
    registry: str
    has_erp: Callable[[str], bool]
    now: datetime
    seconds: float

    async def counted(self, question: Question, lieu: LieuDeReference) -> tuple[Counting, bool]:
        """The counts, and whether the list had to be gone through for them: they are kept with the view."""
        view, key = self.context.view, (question.key, lieu, self.context.day)
        known: Counting | None = view.counted.get(key)
        if known is not None:
            return known, False
        day = self.context.day
        asked = Asked(question, span_of(question, day), lieu, self.places)
        knowledge = Knowledge(day, self.registry, self.context.readings.suivi_heard)
        made = await offload(len(view.persons), count, view, asked, knowledge)
        view.counted[key] = made
        return made, True

    def told(self, question: Question, rights: FigureRights, counting: Counting) -> CountedFigures:
        """What was counted, each figure exact or, where the caller may not count it, kept secret."""
        partitions = PARTITIONS.keys() - (set[str]() if tells_stocks(question) else {STATUT.name})
        timing = Timing(Step.MOIS, ReportingHorizon(self.context.day, self._lag(rights)))
        mute = frozenset(indicators()) - rights.exact
        lines = counting.lines
        return CountedFigures(
            origin=OrigineStatistique.EN_DIRECT,
            number=0,
            as_of=self.context.day,
            told_at=self.now,
            span=lines.span,
            dimensions=question.dimensions,
            exact=lines,
            shielded=Table(question.dimensions, lines.span),
            totals=(total_of(counting.total), {}),
            made=Made(rights.exact, dict.fromkeys(partitions, timing), mute=mute),
            covered=list(self._covered()),
        )

    def _lag(self, rights: FigureRights) -> int:
        uais = rights.bounds.get("CFA", frozenset())
        return LAG_DAYS_OF_ERP if uais and all(map(self.has_erp, uais)) else LAG_DAYS

    def _covered(self) -> Iterator[Covered]:
        """By source, how many of those asked were heard, and the oldest of what they said."""
        readings, context = self.context.readings, self.context
        plan = plan_of_perimetre(context.rights.perimetre, context.directory.referentiel, suivi=False)
        for source in sorted({*readings.freshness_by_source, *readings.errors}):
            heard = {unit.key for unit in readings.units if unit.source == source}
            served = {uai for uai in plan.uais if context.source_of_cfa(uai) == source}
            expected = max(1, len(heard | served))
            failed = source in readings.errors
            covered = min(len(heard), expected - 1) if failed else expected
            yield Covered(source, expected, covered, self._oldest(source))

    def _oldest(self, source: str) -> datetime | None:
        freshness = self.context.readings.freshness_by_source.get(source)
        if freshness is None:
            return None
        return freshness.as_of or self.now - timedelta(seconds=max(0, int(self.seconds - freshness.said_at)))
