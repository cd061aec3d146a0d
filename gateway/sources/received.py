"""What ERPs transmitted, read as any partner's records: of the store, without HTTP, quotas or cache (docs/reception.md).

Every process looks at the versions that the store keeps, so that what one receives shows in all; what a version says is opened
once, and kept in memory. A dossier that its CFA no longer sends is told so: that changes with days, and with transmissions
that change nothing else. Knows no route and no rule of merge.
"""

import asyncio
import hashlib
import logging
from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from functools import partial

from cachetools import LRUCache

from gateway.concurrency import RecentValue, SingleFlight, Sleep, every
from gateway.connectors.base import Record
from gateway.connectors.pushed_dossiers import ReceivedRow, received_records
from gateway.domain.days import paris_day
from gateway.domain.seal import Sealer
from gateway.errors import SourceError, SourceTimedOut, SourceUnavailable
from gateway.schema.organisations import EtatSource, ModeSource, Qualite, Source, TypeSource
from gateway.sources.fetch import Sources
from gateway.sources.received_quality import ReceivedQuality
from gateway.sources.units import CacheStatus, PushState, Unit, UnitFailure, UnitResult
from gateway.stores.dossier_seal import opened
from gateway.stores.reception_tables import CfaState
from gateway.stores.receptions import ReceptionStore, ReceptionUnavailable

NAME = "transmissions"
VALIDITY = 0.5  # seconds for which one look at the versions serves all who read
SILENT = timedelta(days=3)  # without a transmission: every ERP sends each night
GONE = timedelta(days=90)
PERIOD = 30.0  # seconds between two looks of a process that nobody asks
RECORDS_MAX = 120_000  # opened and kept: as many as the cache of partners' answers holds
logger = logging.getLogger("gateway.sources")


@dataclass(frozen=True, slots=True)
class LapsedDossiers:
    """The keys of the dossiers that a CFA no longer sends, what stands for them, and what they were drawn from."""

    state: CfaState
    today: date
    keys: frozenset[str]
    digest: str


class ReceivedDossiers:
    """The dossiers received, by CFA. `seconds`: a clock that only goes forward; `required`: the fields that no dossier lacks."""

    def __init__(
        self,
        store: ReceptionStore,
        sealer: Sealer,
        now: Callable[[], datetime],
        seconds: Callable[[], float],
        required: Collection[str] = (),
    ) -> None:
        self.store, self._sealer, self._now = store, sealer, now
        self._quality = ReceivedQuality(store, required)
        self._recent = RecentValue(self._look, VALIDITY, seconds)
        self._states: Mapping[str, CfaState] = {}  # as last seen: what is asked without waiting
        self._lapsed: dict[str, LapsedDossiers] = {}
        self._openings = SingleFlight[tuple[str, str], tuple[Record, ...]]()
        self._records: LRUCache[tuple[str, str], tuple[Record, ...]] = LRUCache(
            RECORDS_MAX, getsizeof=lambda records: 1 + len(records)
        )

    async def open(self) -> None:
        """Open the store, and see who has transmitted. Raises ConfigurationError, ReceptionUnavailable."""
        await self.store.open()
        await self._look()

    async def aclose(self) -> None:
        """End what is being opened."""
        await self._openings.aclose()

    async def read(self, units: Sequence[Unit], timeout: float) -> list[UnitResult | UnitFailure]:
        """What is kept of each CFA, in order, within `timeout` seconds; else why it cannot be told."""
        try:
            async with asyncio.timeout(max(0.0, timeout)):
                states = await self._recent.get()
                return [await self._result(unit, states.get(unit.key)) for unit in units]
        except TimeoutError:
            failure: SourceError = SourceTimedOut(NAME, "la base des réceptions n'a pas répondu à temps")
        except ReceptionUnavailable:
            failure = SourceUnavailable(NAME, "la base des réceptions ne répond pas")
        return [UnitFailure(unit, failure) for unit in units]

    async def kept_versions(self, units: Sequence[Unit]) -> list[UnitResult | None]:
        """The version of each CFA now, in order, without its records; None where it cannot be told."""
        try:
            states = await self._recent.get()
            return [self._told(unit, state := states.get(unit.key), await self._version(unit, state)) for unit in units]
        except ReceptionUnavailable:
            return [None] * len(units)

    def has_transmitted(self, uai: str) -> bool:
        """Whether a CFA ever did, as last seen."""
        return uai in self._states

    def source(self) -> Source:
        """What is received, as one of the sources: as fresh as its last transmission."""
        as_of = max((state.transmitted_at for state in self._states.values()), default=None)
        return self._source(as_of, self._quality.all)

    def source_of(self, uai: str) -> Source | None:
        """The same of one CFA; None when it never transmitted."""
        state = self._states.get(uai)
        return self._source(state.transmitted_at, self._quality.of(uai)) if state else None

    async def watch(self, sleep: Sleep) -> None:
        """For ever: see who has transmitted, and what of it was lost. What is told without waiting is as old as the last look."""

        async def look() -> None:
            await self._quality.look(await self._recent.get())

        await every(PERIOD, look, lambda error: logger.error("réceptions : %s", error), sleep)

    def silent(self) -> int:
        """How many CFAs that transmitted have not for SILENT, nor stopped for GONE."""
        etats = Counter(self._etat(state.transmitted_at) for state in self._states.values())
        return etats[EtatSource.DEGRADEE]

    async def _look(self) -> Mapping[str, CfaState]:
        self._states = await self.store.states()
        return self._states

    def _source(self, as_of: datetime | None, quality: list[Qualite]) -> Source:
        age = max(0, int((self._now() - as_of).total_seconds())) if as_of else None
        return Source(
            nom=NAME,
            type=TypeSource.ERP_CFA,
            mode=ModeSource.RECEPTION,
            etat=self._etat(as_of),
            derniere_reponse=as_of,
            fraicheur_secondes=age,
            qualite=quality,
        )

    def _etat(self, as_of: datetime | None) -> EtatSource:
        """Of whoever transmits: what it does each night says how it is."""
        if as_of is None:
            return EtatSource.DISPONIBLE
        age = self._now() - as_of
        if age > GONE:
            return EtatSource.INDISPONIBLE
        return EtatSource.DEGRADEE if age > SILENT else EtatSource.DISPONIBLE

    def _told(
        self, unit: Unit, state: CfaState | None, version: str, records: tuple[Record, ...] = (), read: bool = False
    ) -> UnitResult:
        as_of = state.transmitted_at if state else None
        now = self._now()
        return UnitResult(
            unit,
            records,
            as_of or now,
            CacheStatus.MISSED if read else CacheStatus.HIT,
            version,
            max(0.0, (now - as_of).total_seconds()) if as_of else 0.0,
            pushed=PushState(as_of, self._etat(as_of)),
        )

    async def _version(self, unit: Unit, state: CfaState | None) -> str:
        """Changes with what the dossiers say and with those no longer sent: not with a transmission that says the same."""
        if state is None:
            return "0"
        return f"{state.version}-{(await self._lapsed_of(unit.key, state)).digest}"

    async def _lapsed_of(self, uai: str, state: CfaState) -> LapsedDossiers:
        today = paris_day(self._now())
        known = self._lapsed.get(uai)
        if known is None or (known.state, known.today) != (state, today):
            keys = await self.store.lapsed(uai, today)
            digest = hashlib.blake2b(repr(sorted(keys)).encode(), digest_size=8).hexdigest()
            known = self._lapsed[uai] = LapsedDossiers(state, today, keys, digest)
        return known

    async def _result(self, unit: Unit, state: CfaState | None) -> UnitResult:
        version = await self._version(unit, state)
        key = unit.key, version
        if state is None or (records := self._records.get(key)) is not None:
            return self._told(unit, state, version, () if state is None else records or ())
        # Whoever stops waiting does not end it: the next one would begin what takes as long again, and nobody ever see its end.
        lapsed = (await self._lapsed_of(unit.key, state)).keys
        records = await self._openings.run(key, partial(self._opened, key, lapsed))
        return self._told(unit, state, version, records, read=True)

    async def _opened(self, key: tuple[str, str], lapsed: Collection[str]) -> tuple[Record, ...]:
        """The records of a version of a CFA, kept in the place of those before."""
        uai, _ = key
        records = await self._open(uai, lapsed)
        self._forget(uai)
        if len(records) < RECORDS_MAX:
            self._records[key] = records
        return records

    async def _open(self, uai: str, lapsed: Collection[str]) -> tuple[Record, ...]:
        """The records of a CFA; beside the loop, a region's take seconds."""
        dossiers = await self.store.dossiers(uai)

        def read() -> tuple[Record, ...]:
            rows = [
                ReceivedRow(said, one.changed_at, one.key not in lapsed)
                for one in dossiers
                if (said := opened(one.key, one.sealed, self._sealer)) is not None
            ]
            return tuple(received_records(rows).records)

        return await asyncio.to_thread(read)

    def _forget(self, uai: str) -> None:
        """The earlier versions of a CFA: what was erased is in none of them any more."""
        for key in [key for key in self._records if key[0] == uai]:
            del self._records[key]


class AskedAndReceived:
    """The partners that are asked, and what is received, as the sources of one gateway."""

    def __init__(self, sources: Sources, received: ReceivedDossiers) -> None:
        self._sources, self._received = sources, received

    def partner_of_cfa(self, uai: str) -> str | None:
        """The partner that serves a CFA, else what it transmits; None when nobody tells of it."""
        return self._sources.partner_of_cfa(uai) or (NAME if self._received.has_transmitted(uai) else None)

    def sources_of_cfa(self, uai: str) -> tuple[str, ...]:
        """What is asked about a CFA: what it transmits always, be it nothing yet, for the first time must be seen."""
        return (*self._sources.sources_of_cfa(uai), NAME)

    def sources_of(self, type_source: TypeSource) -> tuple[str, ...]:
        """The partners of a type that are asked."""
        return self._sources.sources_of(type_source)

    def partners_of_structure(self, code: str) -> tuple[str, ...]:
        """Who may know the young people of a Mission locale."""
        return self._sources.partners_of_structure(code)

    def cap(self, source: str) -> int:
        """How many units one query may ask of a source: of what is received, all."""
        return self._sources.cap(source) if source != NAME else RECORDS_MAX

    async def read(
        self, units: Sequence[Unit], timeout: float, age_max: float | None, asked: Counter[str]
    ) -> list[UnitResult | UnitFailure]:
        """What is known of each unit within `timeout` seconds, in order."""
        local, remote = _parted(units)
        received, told = await asyncio.gather(
            self._received.read(local, timeout), self._sources.read(remote, timeout, age_max, asked)
        )
        found = {one.unit: self._keyed(one) for one in (*received, *told)}
        return [found[unit] for unit in units]

    async def kept_versions(self, units: Sequence[Unit]) -> list[UnitResult | None]:
        """What is kept of each unit, in order; None where it must be asked again. Asks no partner."""
        local, remote = _parted(units)
        kept = [*await self._received.kept_versions(local), *await self._sources.kept_versions(remote)]
        found = dict(zip([*local, *remote], kept, strict=True))
        return [found[unit] for unit in units]

    def _keyed(self, outcome: UnitResult | UnitFailure) -> UnitResult | UnitFailure:
        """The same, that says whether its keys are those of the other source of its CFA."""
        if outcome.unit.key not in self._sources.same_keys:
            return outcome
        if isinstance(outcome, UnitResult):
            return replace(outcome, same_keys=True)
        return replace(outcome, fallback=outcome.fallback and replace(outcome.fallback, same_keys=True))


def _parted(units: Sequence[Unit]) -> tuple[list[Unit], list[Unit]]:
    """What is received, and what is asked."""
    parts: tuple[list[Unit], list[Unit]] = [], []
    for unit in units:
        parts[unit.source != NAME].append(unit)
    return parts
