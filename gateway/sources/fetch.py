"""How units are read: kept answers, one flight for all askers, deadline. Knows no caller and no partner's dialect.

An asker waits at most its own delay. What is past its fresh lifetime serves while it is asked again, or when the partner
fails (`freshness`); it then says its age. Errors are never kept.
"""

import asyncio
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence, Set
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, TypeVar

from cachetools import LRUCache

from gateway.cache.interface import Cache, CacheKey, Entry, canonical_key
from gateway.connectors.base import Connector, PartnerRequest, ReadingSteps, Tenant
from gateway.domain.days import paris_day
from gateway.errors import SourceQuarantined, SourceSpared, SourceTimedOut
from gateway.schema.organisations import EtatSource, Source, TypeSource
from gateway.sources.freshness import cache_status
from gateway.sources.http.transport import Transport
from gateway.sources.metrics import SourceMetrics
from gateway.sources.partner_client import HarvestPage, PartnerClient
from gateway.sources.partners.load import Partner
from gateway.sources.reading import ReadingRun
from gateway.sources.resilience.budgets import Clock
from gateway.sources.shared_single_flight import Fetch, SharedSingleFlight, Waiters
from gateway.sources.unit_reader import UnitReader
from gateway.sources.units import CacheStatus, Unit, UnitFailure, UnitResult, told

T = TypeVar("T")
NO_TENANT = Tenant("")
SKEW = 60.0  # seconds by which the clocks of processes may differ
KEYS_MAX = 10_000


@dataclass(frozen=True, slots=True)
class SourceDeps:
    """What the sources are given. `wall_clock` gives the gateway's now, with an offset."""

    transport: Transport
    cache: Cache
    metrics: SourceMetrics
    wall_clock: Callable[[], datetime]
    clock: Clock = field(default_factory=Clock)


class Sources:
    """All the partners, and how they are read."""

    def __init__(self, partners: Mapping[str, Partner], connectors: Mapping[str, Connector], deps: SourceDeps) -> None:
        self.partners = partners
        self._deps = deps
        self._transports = {name: deps.transport.through(partner.network) for name, partner in partners.items()}
        self._readers = {
            name: UnitReader(
                PartnerClient(partner, self._transports[name], deps.metrics, deps.wall_clock, deps.clock),
                partner.connector(connectors),
                {uai for partner in partners.values() for uai in partner.abonnes or ()},
            )
            for name, partner in partners.items()
        }
        # CFAs that transmit under the keys by which their partner answers.
        self.same_keys = {uai for one in partners.values() for uai, t in (one.abonnes or {}).items() if t.same_keys}
        self._cfa, self._structures = self._tenants(TypeSource.ERP_CFA), self._tenants(TypeSource.MISSION_LOCALE)
        self._flights, self._waiters = SharedSingleFlight(deps.cache, self._readers, self._is_fresh), Waiters()
        self._keys: LRUCache[Unit, CacheKey] = LRUCache(KEYS_MAX)
        self.left_out: set[Unit] = set()  # wanted, and left out of a query that had enough asked
        self.last_read: dict[Unit, float] = {}  # seconds since 1970; the upkeep forgets what is read no more

    def partner_of_cfa(self, uai: str) -> str | None:
        """The partner that serves a CFA, None when nobody does."""
        return self._cfa.get(uai)

    def sources_of_cfa(self, uai: str) -> tuple[str, ...]:
        """What is asked about a CFA."""
        own = self._cfa.get(uai)
        return (own,) if own else ()

    def connector_of(self, source: str) -> Connector:
        """What reads a partner."""
        return self._readers[source].connector

    def partners_of_structure(self, code: str) -> tuple[str, ...]:
        """Who may know the young people of a Mission locale: the partner that has it as a tenant, else those without tenants."""
        own = self._structures.get(code)
        systems = self.sources_of(TypeSource.MISSION_LOCALE)
        return (own,) if own else tuple(name for name in systems if self.partners[name].abonnes is None)

    def _tenants(self, type_: TypeSource) -> dict[str, str]:
        """The partner of each tenant of the systems of a type."""
        return {key: name for name in self.sources_of(type_) for key in self.partners[name].abonnes or ()}

    def uais(self, source: str) -> tuple[str, ...]:
        """The CFAs that a partner serves."""
        return tuple(self.partners[source].abonnes or ())

    def sources_of(self, type_: TypeSource) -> tuple[str, ...]:
        """The partners of a type, by name."""
        return tuple(sorted(name for name, reader in self._readers.items() if reader.connector.type is type_))

    async def read(
        self, units: Sequence[Unit], timeout: float, age_max: float | None = None, asked: Counter[str] | None = None
    ) -> list[UnitResult | UnitFailure]:
        """What is known of each unit within `timeout` seconds, in order. Never raises for a partner: a UnitFailure says why.

        `age_max` (seconds) asks for fresher answers than the partner's own rules. `asked`: how many units the query had
        asked of each partner; beyond what one query may, the last units are not.
        """
        asked = Counter() if asked is None else asked
        kept_entries = await self.kept_entries(units)
        self._note_read(units)
        fetches = [self._fetch(unit, kept, age_max, asked) for unit, kept in zip(units, kept_entries, strict=True)]
        await self._waiters.wait([fetch for fetch in fetches if fetch.status is CacheStatus.MISSED], timeout)
        return [self._give(fetch) for fetch in fetches]

    async def kept_versions(self, units: Sequence[Unit]) -> list[UnitResult | None]:
        """What is kept of each unit, in order; None where it must be asked again. Asks nobody."""
        kept_entries = await self.kept_entries(units)
        self._note_read(units)
        kept_versions = [
            self._kept(entry, CacheStatus.HIT) if entry and self._is_fresh(unit, entry) else None
            for unit, entry in zip(units, kept_entries, strict=True)
        ]
        if None not in kept_versions:
            self._deps.metrics.rereadings(units)
        return kept_versions

    async def kept_entries(self, units: Sequence[Unit]) -> list[Entry | None]:
        """What is kept of each unit, in order. Asks nobody. What was said in a future, before the clock was set back, has no age:
        it is asked again."""
        kept_entries = await self._deps.cache.read([self._key(unit) for unit in units])
        latest = self._deps.cache.now() + SKEW
        return [entry if entry is None or entry.said_at <= latest else None for entry in kept_entries]

    def _note_read(self, units: Sequence[Unit]) -> None:
        self.last_read.update(dict.fromkeys(units, self._deps.cache.now()))

    def is_accessible(self, source: str) -> bool:
        """Whether a partner may be asked what nobody waits for."""
        return self._readers[source].state() in {EtatSource.DISPONIBLE, EtatSource.DEGRADEE}

    def allows(self, unit: Unit) -> bool:
        """Whether it can spare that now."""
        return self._readers[unit.source].client.spare_capacity.allows(unit.key, self._deps.clock.seconds())

    async def refresh(self, unit: Unit, entry: Entry | None) -> None:
        """Ask again what is kept of a unit, whatever its age."""
        self.left_out.discard(unit)
        await asyncio.wait([self._flights.flight(Fetch(unit, self._key(unit), entry))])

    def _is_fresh(self, unit: Unit, entry: Entry) -> bool:
        return self._status(unit, entry) is CacheStatus.HIT

    def _status(self, unit: Unit, entry: Entry, age_max: float | None = None) -> CacheStatus:
        age, said = self._deps.cache.now() - entry.said_at, entry.value
        # A session crosses today or not: what was read for another day is no longer fresh.
        is_of_today = paris_day(said.received_at) == paris_day(self._deps.wall_clock())
        rules = self.partners[unit.source].cache
        return cache_status(age, not said.records, is_of_today, rules, age_max, entry.invalidated)

    async def execute(self, source: str, reading: ReadingSteps[T], tenant: Tenant = NO_TENANT) -> T:
        """Drive a reading that is not a unit (referential), uncached, each call within the partner's delay.

        Raises SourceError.
        """
        return (await ReadingRun(self._readers[source].client, tenant).run(reading)).value

    async def page(self, source: str, request: PartnerRequest, rank: int, read: Callable[[Any], T]) -> HarvestPage[T]:
        """One page of a harvest, read by `read`, within the partner's delay. Raises SourceError."""
        return await self._readers[source].client.page(request, rank, read)

    async def apart(self, source: str, call: Callable[[], T]) -> T:
        """What a connector's own code makes of a call of its partner. Raises SourceInvalid when it fails."""
        return await self._readers[source].client.apart(call)

    async def purge(self, source: str) -> bool:
        """Forget what is kept of a partner; False when the cache does not answer."""
        return await self._deps.cache.purge(source)

    async def invalidate(self, unit: Unit) -> bool:
        """Have a unit asked again by whoever reads it next; what is kept stands in should the partner fail. False when the
        cache does not answer."""
        return await self._deps.cache.invalidate(self._key(unit))

    async def holders(self, source: str, keys: Set[str]) -> list[Unit]:
        """The units of a partner in which one of these records was last seen, among those that this process asked about."""
        units = [unit for unit in self._keys if unit.source == source] if keys else []
        kept_entries = await self._deps.cache.read([self._key(unit) for unit in units])
        return await asyncio.to_thread(_holders, zip(units, kept_entries, strict=True), keys)

    def states(self) -> list[Source]:
        """The state of every partner now, by name; what was never observed is None."""
        return [self._state(name) for name in sorted(self.partners)]

    def state_of(self, source: str) -> EtatSource | None:
        """The state of a partner now, None when it is not configured."""
        reader = self._readers.get(source)
        return reader.state() if reader else None

    def left_alone(self) -> Mapping[str, tuple[bool, int]]:
        """By partner: whether its breaker is open, and how many of its tenants'."""
        return {name: reader.left_alone() for name, reader in self._readers.items()}

    async def reach(self, source: str, url: str, timeout: float) -> None:
        """Ask an address of a partner, by its network, without a credential. Raises SourceError when nobody answers."""
        await self._transports[source].reach(source, url, timeout)

    async def aclose(self) -> None:
        """End the flights and close the connections."""
        await self._flights.aclose()
        await self._deps.cache.aclose()
        for transport in {self._deps.transport, *self._transports.values()}:
            await transport.aclose()

    def _state(self, name: str) -> Source:
        reader = self._readers[name]
        seen, last = reader.client.observations, reader.client.observations.derniere_reponse
        return Source(
            nom=name,
            type=reader.connector.type,
            mode=reader.connector.mode,
            etat=reader.state(),
            derniere_reponse=last,
            fraicheur_secondes=max(0, int((self._deps.wall_clock() - last).total_seconds())) if last else None,
            latence_ms=seen.latence_ms,
            taux_erreur=seen.taux_erreur,
            qualite=list(reader.quality.values()),
        )

    def _key(self, unit: Unit) -> CacheKey:
        """A unit of a partner as it is configured."""
        if unit not in self._keys:
            partner = self.partners[unit.source]
            name = canonical_key(unit.source, partner.read_by, partner.base_url, unit.resource.value, unit.key)
            self._keys[unit] = CacheKey(name, unit.source)
        return self._keys[unit]

    def cap(self, source: str) -> int:
        """How many units one query may ask of a partner."""
        return self.partners[source].limites.locataires_par_requete

    def _fetch(self, unit: Unit, kept: Entry | None, age_max: float | None, asked: Counter[str]) -> Fetch:
        """How a unit is answered: by what is kept of it, or by a flight, unless the query has asked enough."""
        key = self._key(unit)
        status = self._status(unit, kept, age_max) if kept else CacheStatus.MISSED
        known = self._kept(kept, CacheStatus.HIT if status is CacheStatus.HIT else CacheStatus.STALE) if kept else None
        fetch = Fetch(unit, key, kept, status, known)
        if status is CacheStatus.HIT:
            return fetch
        if not self._flights.in_flight(key):  # to wait for what others asked costs the partner nothing
            asked[unit.source] += 1
            if asked[unit.source] > self.cap(unit.source):
                self.left_out.add(unit)
                return fetch
        return replace(fetch, flight=self._flights.flight(fetch), expected=self._readers[unit.source].answers(unit))

    def _kept(self, entry: Entry, cache: CacheStatus) -> UnitResult:
        """What was kept, with its age. The version is the answer's: confirmed, it is kept anew, and is the same."""
        kept: UnitResult = replace(entry.value, age=max(0.0, self._deps.cache.now() - entry.said_at), cache=cache)
        return kept

    def _give(self, fetch: Fetch) -> UnitResult | UnitFailure:
        """What was kept, what the flight brought, or that it was too long to wait for."""
        status, answer = self._outcome(fetch)
        if status:
            self._deps.metrics.reading(fetch.unit, status.value)
        return told(answer) if isinstance(answer, UnitResult) and answer.missing else answer

    def _outcome(self, fetch: Fetch) -> tuple[CacheStatus | None, UnitResult | UnitFailure]:
        """The answer, and how it is counted; one that is late is not."""
        unit, flight, fallback = fetch.unit, fetch.flight, self._fallback(fetch)
        if fetch.status is CacheStatus.HIT and fetch.known:
            return CacheStatus.HIT, fetch.known
        if fetch.status is CacheStatus.STALE and fallback:
            error = self._flights.failure(fetch.key)
            return CacheStatus.STALE, UnitFailure(unit, error, fallback) if error else fallback
        if flight is None:
            return CacheStatus.LEFT_OUT, UnitFailure(unit, self._spared(unit.source), fallback)
        if not flight.done():
            late = SourceTimedOut(unit.source, "la réponse n'est pas arrivée à temps")
            return None, UnitFailure(unit, late, fallback)
        answer = flight.result()
        if isinstance(answer, UnitFailure):
            return CacheStatus.MISSED, replace(answer, fallback=answer.fallback or fallback)
        return answer.cache, answer

    def _spared(self, source: str) -> SourceSpared:
        text = f"plus de {self.cap(source)} établissements seraient à demander par une seule requête"
        return SourceSpared(source, f"{text} : les suivants le seront ensuite")

    def _fallback(self, fetch: Fetch) -> UnitResult | None:
        """What was said before, but of a tenant in quarantine: it may be of others."""
        return None if isinstance(self._flights.failure(fetch.key), SourceQuarantined) else fetch.known


def _holders(kept_entries: Iterable[tuple[Unit, Entry | None]], keys: Set[str]) -> list[Unit]:
    return [unit for unit, entry in kept_entries if entry and any(record.key in keys for record in entry.value.records)]
