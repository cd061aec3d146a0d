"""The figures of a day as the tables of docs/charge.md, and what they become for the whole country. Pure but for sums."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import ceil
from typing import Any

from bench._day import DayRun
from bench._day_record import MEGA, Reading
from fixtures.population.model import Population
from fixtures.population.organismes import JEUNES_PER_CFA
from gateway.auth.authentication.clients import PERSONS_A_DAY
from gateway.domain.quota_rules import MARGIN

COUNTRY = 1_040_000  # apprentices (docs/domaine.md, Ordres de grandeur)
MISSIONS_PAYS, PAGE_IMILO = 440, 150
ERPS = ("ypareo", "digiforma", "gestibase", "scform", "aimaira")
GESTIBASE_A_MINUTE = 60  # the vendor's quota, one a key (fixtures/README.md)


class QuotaExceeded(Exception):
    """A partner was asked more than it allows. The message says which."""


@dataclass(frozen=True, slots=True)
class Sample:
    """What was drawn, beside the country."""

    population: Population
    day_run: DayRun

    @property
    def jeunes(self) -> float:
        """How many times fewer young people."""
        return COUNTRY / len(self.population.persons)

    @property
    def cfas(self) -> float:
        return round(COUNTRY / JEUNES_PER_CFA) / len(self.population.cfas)

    @property
    def imilo(self) -> float:
        """How many times fewer requests to i-milo: structures that nobody asks for, and pages of those that hold fewer."""
        present, tenants = len(self.population.geographie.missions_locales), self.population.accounts["imilo"]
        told_values = [len(tenants.get(code, ())) for code in self.day_run.missions]
        density = self.jeunes * present / MISSIONS_PAYS
        pages = sum(1 + int(n * density) // PAGE_IMILO for n in told_values) / sum(
            1 + n // PAGE_IMILO for n in told_values
        )
        return pages * MISSIONS_PAYS / len(self.day_run.missions)

    def factor(self, partner: str) -> float:
        return self.cfas if partner in ERPS else self.imilo if partner == "imilo" else 1.0


def verify(reading: Reading) -> None:
    """No partner above its quota. Raises QuotaExceeded."""
    for name, _, maximum, limit in quotas(reading):
        if maximum > limit:
            raise QuotaExceeded(f"{name}: {maximum} requests, {limit:.0f} allowed")


def quotas(reading: Reading) -> list[tuple[str, str, int, float]]:
    """Partner, window, most requests in any such window, limit."""
    partners, counter_desk = reading.services.sources.partners, reading.counter_desk
    rows = [
        (name, "1 s", counter_desk.par_seconde.maximum[name], partners[name].limites.par_seconde) for name in partners
    ]
    for name in ERPS:
        own = [n for key, n in counter_desk.a_minute.maximum.items() if key.startswith(f"{name}/")]
        limit = partners[name].limites.par_minute_locataire if name in partners else 0
        permit = min(limit, GESTIBASE_A_MINUTE) if name == "gestibase" else limit
        rows.append((name, "1 min, one tenant", max(own, default=0), permit))
    return sorted(rows)


def write_up(reading: Reading, sample: Sample) -> Iterator[str]:
    """The report, a line at a time."""
    yield from _title(reading, sample)
    yield from _requests(reading, sample)
    yield from _table(
        ("partner", "window", "most", "quota"),
        ((name, window, n, f"{limit:.0f}") for name, window, n, limit in quotas(reading)),
    )
    yield from _cache(reading)
    yield from _responses(reading)
    yield from _persons(reading)
    yield from _processes(reading)


def _title(reading: Reading, sample: Sample) -> Iterator[str]:
    p, j = sample.population, sample.day_run
    yield (
        f"{len(p.persons)} young people, {len(p.cfas)} CFAs ({_erps(p)} with an ERP), {len(j.missions)} Missions locales "
        f"x {j.advisers} advisers, {j.debut}:00-{j.fin}:00, seed {j.seed}: {reading.responses} answers, "
        f"{reading.partial_answers} with a source missing, {sum(reading.refusal.values())} refused"
    )
    yield (
        f"The country has {sample.jeunes:.1f} times the young people, {sample.cfas:.1f} times the CFAs, "
        f"{sample.imilo:.2f} times the pages of i-milo"
    )


def _erps(population: Population) -> int:
    return sum(1 for cfa in population.cfas.values() if cfa.erp)


def _requests(reading: Reading, sample: Sample) -> Iterator[str]:
    day_run, moments = sample.day_run, reading.counter_desk.by_hour
    names = sorted({name for name, _ in moments})
    ranks = range(ceil(day_run.fin - day_run.debut))
    yield from _table(
        (
            "requests",
            *(f"{day_run.debut + rank} h" for rank in ranks),
            "day",
            "x",
            "country, day",
            "country, /s at peak",
        ),
        ([name, *(moments[name, r] for r in ranks), *_country(moments, name, sample.factor(name))] for name in names),
    )


def _country(moments: Counter[tuple[str, int]], nom: str, factor: float) -> list[Any]:
    own = [n for (partner, _), n in moments.items() if partner == nom]
    return [sum(own), f"{factor:.2f}", round(sum(own) * factor), f"{max(own) * factor / 3600:.1f}"]


def _cache(reading: Reading) -> Iterator[str]:
    names = sorted({name for name, _ in reading.readings_journal})
    states = ("touche", "perime", "manque")
    yield from _table(
        ("units read", *states, "hit %", "age p50", "p95", "p99", "max"),
        (
            (
                name,
                *(reading.readings_journal[name, state] for state in states),
                _part(
                    reading.readings_journal[name, "touche"],
                    sum(reading.readings_journal[name, state] for state in states),
                ),
                *_percentiles(reading.ages[name], "{:.0f} s"),
            )
            for name in names
        ),
    )


def _responses(reading: Reading) -> Iterator[str]:
    yield from _table(
        ("answers", "number", "wait p50", "p95", "p99", "max"),
        ((name, len(seen), *_percentiles(seen, "{:.2f} s")) for name, seen in sorted(reading.waits.items())),
    )
    yield f"errors, by answers that tell them: {_counts(reading.errors)}; refused: {_counts(reading.refusal)}"


def _persons(reading: Reading) -> Iterator[str]:
    counts, organisations = reading.persons["COMPTE"], reading.persons["ORGANISATION"]
    yield from _table(
        ("distinct persons", "readers", "p50", "p95", "p99", "max", "quota"),
        [
            ("an adviser, the day", len(counts), *_percentiles(counts, "{:.0f}"), PERSONS_A_DAY),
            (
                "a Mission locale, the day",
                len(organisations),
                *_percentiles(organisations, "{:.0f}"),
                f"{MARGIN} x its people",
            ),
        ],
    )


def _processes(reading: Reading) -> Iterator[str]:
    debut, fin = reading.glances[0], reading.glances[-1]
    more = max(glance.rss for glance in reading.glances)
    full = max(glance.size for glance in reading.glances)
    views = reading.views
    n = max(1, reading.responses)
    yield (
        f"gateway: {reading.cpu:.0f} s of CPU, {reading.cpu / n * 1000:.1f} ms an answer, "
        f"{reading.size / n / 1000:.1f} kB an answer; simulators {reading.counter_desk.cpu:.0f} s; "
        f"{reading.duration:.0f} s real"
    )
    yield (
        f"memory over what stood before it: {debut.rss / MEGA:.0f} MB open, {more / MEGA:.0f} MB at most, "
        f"{fin.rss / MEGA:.0f} MB at the end; cache {fin.entries} units, {full / MEGA:.0f} MB reckoned at most"
    )
    yield f"views: {views.requested} asked, {views.built} built ({_part(views.built, views.requested)} %)"


def _percentiles(values: Sequence[float], shape: str) -> list[str]:
    rows = sorted(values) or [0]
    return [shape.format(rows[min(len(rows) - 1, int(len(rows) * part))]) for part in (0.5, 0.95, 0.99, 1.0)]


def _part(number: int, total: int) -> str:
    return f"{100 * number / max(1, total):.1f}"


def _counts(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{name} {n}" for name, n in sorted(counts.items())) or "none"


def _table(titles: Sequence[Any], rows: Iterable[Sequence[Any]]) -> Iterator[str]:
    yield ""
    yield f"| {' | '.join(map(str, titles))} |"
    yield f"| --- |{' --: |' * (len(titles) - 1)}"
    yield from (f"| {' | '.join(map(str, line))} |" for line in rows)
    yield ""
