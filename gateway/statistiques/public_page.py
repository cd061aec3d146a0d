"""The questions of the public page, answered together: five figures, ruptures by month, rates by cohort, delays, régions."""

from dataclasses import dataclass, replace
from datetime import date

from gateway.schema.statistics import Statistiques
from gateway.statistiques.figure_rights import RESIDENCE
from gateway.statistiques.periods import add_months
from gateway.statistiques.public_figures import PublicFigures
from gateway.statistiques.questions import Question

MONTHS = 24  # of curves


@dataclass(frozen=True, slots=True)
class PublicPage:
    """`year`: the last twelve months; `homes`: the same by residence; `months`: each of the last two years, as `cohorts` is the
    whole of; `regions`: the last twelve months of each."""

    year: Statistiques
    homes: Statistiques
    months: Statistiques
    cohorts: Statistiques
    regions: Statistiques


async def public_page(figures: PublicFigures) -> PublicPage:
    """Raises StatisticsUnavailable."""
    year = await figures.told(Question())
    span = Question(depuis=add_months(_first(year.etat_au), -MONTHS), jusqua=add_months(_first(year.etat_au), -1))
    return PublicPage(
        year=year,
        homes=await figures.told(Question(lieu=RESIDENCE)),
        months=await figures.told(replace(span, dimensions=("MOIS",))),
        cohorts=await figures.told(span),
        regions=await figures.told(Question(dimensions=("REGION",))),
    )


def _first(day: date) -> date:
    return day.replace(day=1)
