"""The lots in which a pass counts, one CFA or one Mission locale each, and what is counted of those who are theirs.

Pure: from what the sources said, by the joins and merges of the lists, to counts of cells; persons are forgotten then. A unit
counts in the lot of its own CFA only; a young person, in that of the Mission locale of its home. Knows no store.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from functools import partial

from gateway.auth.authentication.clients import build_perimetre
from gateway.auth.policy.rules import Profil
from gateway.domain.referentiel import Referentiel
from gateway.federation.collect.kept_readings import SourceReadings
from gateway.federation.collect.plan import SourcePlan, plan_of_perimetre
from gateway.federation.ids.id_assigner import Fact, FirstSeen, date_report, undated_facts
from gateway.federation.join.components import regroup
from gateway.federation.join.join_records import link
from gateway.federation.join.merge import MergedPerson, merge, residence
from gateway.federation.organisation_directory import Directory
from gateway.federation.views.select import may_place_in
from gateway.statistiques.cell_counts import count
from gateway.statistiques.grids import GRIDS, Cell, Grid, Place, Population
from gateway.statistiques.observations import Knowledge, Observation, is_of_mission_locale, observe
from gateway.statistiques.periods import (
    Step,
    add_months,
    cohort_of,
    first_day,
    last_day,
    month_of,
    school_year_bounds,
)
from gateway.statistiques.places import Places

MONTHS = 24  # counted anew each night: what is older is final, and sources begin to forget it


@dataclass(frozen=True, slots=True)
class LotSubject:
    """Whose units a lot counts, by whom they are told, and what is asked for it."""

    place: Place
    code: str
    source: str
    plan: SourcePlan

    @property
    def grids(self) -> tuple[Grid, ...]:
        """Those that the lot feeds: places of training for a CFA, of residence for a Mission locale."""
        return tuple(grid for grid in GRIDS.values() if (grid.place is Place.MISSION_LOCALE) == self.is_of_homes)

    @property
    def is_of_homes(self) -> bool:
        return self.place is Place.MISSION_LOCALE


@dataclass(frozen=True, slots=True)
class CountedPeriod:
    """The days that a pass counts of a lot: what happened `since`, whole school quarters; who stood where, month-ends from
    `stocks_since` on, and `as_of` in the place of the one to come."""

    since: date
    as_of: date
    stocks_since: date

    @property
    def stock_days(self) -> list[date]:
        """The last day of each month, as far as it has come."""
        month, found = self.stocks_since, []
        while month <= self.as_of:
            found.append(min(last_day(month_of(month), Step.MOIS), self.as_of))
            month = add_months(month, 1)
        return found

    def again(self, counted_on: date | None) -> "CountedPeriod":
        """The same of a lot already counted to a day. Month-ends of a school year that is over stay as they were counted in it:
        from August on, sources forget who left."""
        if counted_on is None:
            return self
        year, _ = school_year_bounds(self.as_of)
        cut = counted_on + timedelta(days=1)  # a month that was counted by half is not over
        return replace(self, stocks_since=max(self.since, min(year, cut.replace(day=1))))

    def counted_since(self, grid: Grid) -> date:
        return self.stocks_since if grid.is_stock else self.since


def counted_period(as_of: date, months: int = MONTHS) -> CountedPeriod:
    """The period that ends on a day, of so many months or a little more: no cohort is counted by half."""
    since = first_day(cohort_of(add_months(as_of, -months), Step.TRIMESTRE))
    return CountedPeriod(since, as_of, since)


def subjects(
    referentiel: Referentiel, partner_of_cfa: Callable[[str], str | None], names: tuple[str, str]
) -> list[LotSubject]:
    """All the lots, région by région: what was asked for the CFAs of one serves its Missions locales.

    `names`: of the registry, which tells of CFAs that no partner serves, and of the system of Missions locales.
    """
    registry, missions = names
    ranked = [
        (
            (row.region or "", 0, uai),
            LotSubject(Place.CFA, uai, partner_of_cfa(uai) or registry, _cfa_plan(uai, referentiel)),
        )
        for uai, row in referentiel.organismes.items()
    ]
    for code in referentiel.missions_locales:
        perimetre = build_perimetre(Profil.MISSION_LOCALE, code, referentiel)
        plan = plan_of_perimetre(perimetre, referentiel, suivi=True)
        ranked.append(
            ((_last_region(code, referentiel), 1, code), LotSubject(Place.MISSION_LOCALE, code, missions, plan))
        )
    return [subject for _, subject in sorted(ranked, key=lambda each: each[0])]


def _cfa_plan(uai: str, referentiel: Referentiel) -> SourcePlan:
    """A CFA, and those it answers for or that answer for it: a contract that two of them tell is of one."""
    row = referentiel.organismes[uai]
    return SourcePlan(view=True, uais=tuple(sorted({uai, *row.formateurs, *row.responsables})))


def _last_region(code: str, referentiel: Referentiel) -> str:
    communes = referentiel.communes_de_mission_locale(code)
    return max((referentiel.communes[insee].region for insee in communes), default="")


def persons_of(subject: LotSubject, readings: SourceReadings, directory: Directory, day: date) -> list[MergedPerson]:
    """Whom a lot may count, as the lists of that day join and merge them."""
    if not subject.is_of_homes:
        return [merge(cluster, directory, day) for cluster in link(readings.sourced_records)]
    concerns = partial(may_place_in, code=subject.code, directory=directory)
    clusters = regroup(readings.pool, readings.by_installation, concerns).in_order
    homes = ((cluster, residence(cluster, directory)[1]) for cluster in clusters)
    return [merge(cluster, directory, day) for cluster, home in homes if home and home.mission_locale == subject.code]


def facts_of(persons: Iterable[MergedPerson], directory: Directory) -> list[Fact]:
    """The ruptures of which only the ledger can tell when they were reported."""
    return [
        fact
        for person in persons
        for folded in person.folded_contrats
        for fact in undated_facts(folded, directory.pseudonym)
    ]


def date_reports(persons: Iterable[MergedPerson], first_seen: FirstSeen, directory: Directory) -> None:
    """Write on each rupture when it was first reported."""
    for person in persons:
        for contrat, folded in zip(person.contrats, person.folded_contrats, strict=True):
            if contrat.rupture:
                date_report(contrat.rupture, folded, first_seen, directory.pseudonym)


def counts_of(
    subject: LotSubject, persons: Sequence[MergedPerson], known: Knowledge, period: CountedPeriod, places: Places
) -> Counter[Cell]:
    """The true counts of a lot."""
    observed = _residents(persons, known, period) if subject.is_of_homes else _trainees(subject, persons, known, period)
    return count((unit for unit in observed if unit.day >= period.since), subject.grids, places)


def _trainees(
    subject: LotSubject, persons: Iterable[MergedPerson], known: Knowledge, period: CountedPeriod
) -> Iterator[Observation]:
    days = period.stock_days
    for person in persons:
        yield from (unit for unit in observe(person.jeune, known, days) if unit.cfa == subject.code)


def _residents(persons: Iterable[MergedPerson], known: Knowledge, period: CountedPeriod) -> Iterator[Observation]:
    """Those of the age of the list: of today for what happened, of each day for who stood where."""
    days = period.stock_days
    for person in persons:
        jeune = person.jeune
        listed = [day for day in days if is_of_mission_locale(jeune, day)]
        for unit in observe(jeune, known, listed, school_year_only=False):
            if unit.population is Population.STATUTS or is_of_mission_locale(jeune, known.as_of):
                yield unit
