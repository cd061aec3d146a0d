"""What must hold of every answer and of every run, whatever was drawn. Written from the promises, not from the machines."""

from collections.abc import Sequence
from dataclasses import dataclass

from gateway.sources.partners.file_format import CacheTable
from gateway.sources.units import CacheStatus, UnitFailure, UnitResult
from tests.simulation.loop import STEP
from tests.simulation.world import ROWS, RegistryStore

EPSILON = 1e-6


class Violated(AssertionError):
    """A promise that this run broke."""


def require(kept_version: bool, promise: str, *facts: object) -> None:
    if not kept_version:
        raise Violated(f"{promise}: {' '.join(map(str, facts))}")


@dataclass(frozen=True)
class GraphQLRequest:
    """One asker's reading: when it began and ended, how long it would wait, what the last event it had seen said."""

    uai: str
    debut: float
    fin: float
    timeout: float
    change: int  # the change of the tenant that an invalidation had told before the reading began


@dataclass(frozen=True)
class DecisionCache:
    """Judges the answers of the partner `seen`, kept by the rules of `cache`."""

    seen: RegistryStore
    cache: CacheTable
    tolerance: float  # seconds that the shared cache may hold an asker back

    def judge(self, request: GraphQLRequest, rendered: UnitResult | UnitFailure) -> None:
        require(rendered.unit.key == request.uai, "each key is answered for itself", request, rendered.unit)
        expected = request.debut + request.timeout + self.tolerance
        require(request.fin <= expected, "no asker waits beyond its delay", request)
        if isinstance(rendered, UnitFailure):
            require(rendered.error.source == "erp", "what is withheld names its source", request)
        self._judge_rows(request, rendered)

    def _judge_rows(self, request: GraphQLRequest, rendered: UnitResult | UnitFailure) -> None:
        result = rendered.fallback if isinstance(rendered, UnitFailure) else rendered
        if result is None:
            return
        facts = [record.key.split("/") for record in result.records]
        require({uai for uai, *_ in facts} <= {request.uai}, "no row of another tenant", request, facts)
        ranks = sorted(int(rank) for _, rank, *_ in facts)
        repeated = len(set(ranks)) < len(ranks)  # its first page, another by now, given for the next: nothing tells
        if not isinstance(rendered, UnitFailure) and not repeated:
            require(ranks == list(range(ROWS[request.uai])), "an answer without error lacks no row", request, facts)
        ne = min((self.seen.told[record.key] for record in result.records), default=request.fin)
        self._judge_age(request, rendered, result, ne)
        if not isinstance(rendered, UnitFailure):
            seen = min((int(fact[2]) for fact in facts), default=request.change)
            require(seen >= request.change, "what an event told is seen by whoever reads after it", request, facts)

    def _judge_age(
        self, request: GraphQLRequest, rendered: UnitResult | UnitFailure, parsed: UnitResult, ne: float
    ) -> None:
        """A value may be as much older than its bound as its own reading lasted, and as its asker waited for other units."""
        bounds = {
            CacheStatus.HIT: self.cache.duree_secondes,
            CacheStatus.STALE: self.cache.perime_secondes,
            CacheStatus.MISSED: 0.0,
        }
        anchor = self.cache.secours_secondes if isinstance(rendered, UnitFailure) else bounds[parsed.cache]
        margin = self.seen.character.timeout + STEP + (request.fin - request.debut) + self.tolerance + EPSILON
        age = request.fin - ne
        require(age <= anchor + margin, "nothing is stale beyond its bound", age, request, parsed.age, parsed.cache)
        require(age <= parsed.age + margin, "an answer tells its age", age, parsed.age)


def judge_partner(seen: RegistryStore, limites: Sequence[tuple[float, float]], simultanes: int) -> None:
    """What the partner saw. `limites`: (departures, seconds), for all tenants together then for each."""
    (everything, periode), (each, own_period) = limites
    _cadence([instant for instant, _ in seen.shared_pacer], everything, periode)
    for uai in ROWS:
        _cadence([instant for instant, who in seen.shared_pacer if who == uai], each, own_period)
    require(seen.concurrent_max <= simultanes, "no process holds more places than it has", seen.concurrent_max)
    require(seen.in_flight.total() == 0, "no request outlives its run", dict(seen.in_flight))


def single_reading(seen: RegistryStore, allowed: int) -> None:
    require(
        max(seen.in_flight_max.values(), default=0) <= allowed,
        "one flight a key: no page is asked twice at once",
        dict(seen.in_flight_max),
    )


def _cadence(instants: list[float], number: float, periode: float) -> None:
    """No window of that length holds more departures than the quota."""
    count = max(1, int(number))
    for first, after in zip(instants, instants[count:], strict=False):
        require(after - first >= periode - 1e-6, "no quota is exceeded in any window", first, after, number, periode)
