"""Reads the registry in its store and makes persons of its contracts. Knows no SQL and no viewer.

The registry has no identifier of a person: contracts told of one exact identity are one person, unless they contradict
each other (docs/domaine.md, Identité): two employers at once, nothing in common but the name.
"""

import asyncio
import logging
import time
from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from functools import partial
from typing import Any, Protocol, TypeVar

from cachetools import LRUCache

from gateway.concurrency import SingleFlight
from gateway.connectors.base import QualityCounts, Record, mapped, traits_of
from gateway.domain.official_numbers import Traits
from gateway.domain.similarity import compare, weights
from gateway.errors import RegistryUnavailable
from gateway.schema.nouns import Contrat, Jeune
from gateway.sources.connector_runs import ConnectorFailed, ConnectorRuns
from gateway.stores.registry import HarvestState, StoredContrat

T = TypeVar("T")

OVERLAP_DAYS = 60  # nobody is an apprentice twice at once for longer
READINGS_MAX = 16  # results kept: as many perimeters asked for at once
FOLDED_MAX = 50_000  # folded contracts kept: the reads of one operation, and the perimeters of many callers, share them
# Criteria of which one must agree, where both contracts tell it.
JOINED = frozenset({"telephone", "courriel", "domicile"})
VERSION_SECONDS = 1.0  # a harvest, maybe of another process, is seen that late at most
FOLDED_AT_ONCE = 100  # contracts folded in one go: tens of milliseconds
YIELD_EVERY = 25  # contracts or persons between two turns of the event loop: some ten milliseconds

logger = logging.getLogger("gateway.registre")

Keys = tuple[Collection[str], Collection[str], Collection[str]]  # postal codes, CFAs, identities
Fold = Callable[[Sequence[Mapping[str, Any]]], tuple[Jeune, Contrat] | None]


class StoredRegistry(Protocol):
    """The store of the rows, as this module uses it."""

    async def harvest_state(self) -> HarvestState: ...
    async def contrats(
        self, codes_postaux: Collection[str], cfas: Collection[str], identities: Collection[str]
    ) -> list[StoredContrat]: ...
    def payloads(self, stored: StoredContrat) -> tuple[Mapping[str, Any], ...]: ...
    def digest(self, *sets: Collection[str]) -> str: ...


@dataclass(frozen=True, slots=True)
class RegistryResult:
    """What the store holds of a set of persons. Shared and kept: read it only. `as_of` is None before the first harvest."""

    records: tuple[Record, ...]
    as_of: datetime | None
    version: str


@dataclass(frozen=True, slots=True)
class _Folded:
    """One contract, its rows folded: its pseudonym, what they tell, and the traits that its person is compared by."""

    key: str
    jeune: Jeune
    contrat: Contrat
    traits: Traits | None  # None when the name has no letters: it names nobody


class RegistryReader:
    """The registry as a source that answers at once, as fresh as its last harvest."""

    def __init__(self, store: StoredRegistry, fold: Fold, seconds: Callable[[], float] = time.monotonic) -> None:
        self._store = store
        self._fold = fold
        self._seconds = seconds
        self._results: LRUCache[tuple[str, str], RegistryResult] = LRUCache(READINGS_MAX)
        self._flights: SingleFlight[tuple[str, str], RegistryResult] = SingleFlight()
        self._runs = ConnectorRuns()
        self._contracts: LRUCache[bytes, _Folded | None] = LRUCache(FOLDED_MAX)
        self._state: HarvestState | None = None
        self._next_look = float("-inf")

    async def version(self) -> str:
        """Changes when a harvest brings rows. Empty when the store does not answer."""
        try:
            return (await self._harvest_state()).version
        except RegistryUnavailable:
            return ""

    async def _harvest_state(self) -> HarvestState:
        """Read in the store once a second, by one for all who come meanwhile. Raises RegistryUnavailable."""
        instant = self._seconds()
        if self._state is None or instant >= self._next_look:
            # Set before the read: those who come meanwhile use the former state instead of reading it again.
            self._next_look = instant + VERSION_SECONDS
            try:
                self._state = await self._store.harvest_state()
            except RegistryUnavailable:
                # What was known is not known any more: a store that is down must not look fresh.
                self._state = None
                raise
        return self._state

    async def records(
        self, codes_postaux: Collection[str], cfas: Collection[str], identities: Collection[str]
    ) -> RegistryResult:
        """The persons with a contract of such a home or such a CFA (UAI or SIRET), or of such an identity.

        Raises RegistryUnavailable.
        """
        harvest_state = await self._harvest_state()
        key = (harvest_state.version, self._store.digest(codes_postaux, cfas, identities))
        # The version is part of the key: a harvest that brings rows makes every result out of date, and none has to be dropped.
        result = self._results.get(key)
        if result is not None:
            return result
        return await self._flights.run(key, partial(self._read, key, harvest_state, (codes_postaux, cfas, identities)))

    async def _read(self, key: tuple[str, str], harvest_state: HarvestState, request: Keys) -> RegistryResult:
        """One reading for all who wait; whoever leaves does not stop it, and the next finds it done."""
        stored_rows = await self._store.contrats(*request)
        result = RegistryResult(await self._persons(stored_rows), harvest_state.as_of, harvest_state.version)
        self._results[key] = result
        return result

    async def _persons(self, stored_rows: Sequence[StoredContrat]) -> tuple[Record, ...]:
        by_person: dict[str, list[_Folded]] = defaultdict(list)
        unknown = [stored for stored in stored_rows if stored.digest not in self._contracts]
        folded = {
            stored.digest: self._contracts[stored.digest] for stored in stored_rows if stored.digest in self._contracts
        }
        for start in range(0, len(unknown), FOLDED_AT_ONCE):
            folded |= await self._fold_some(unknown[start : start + FOLDED_AT_ONCE])
        for stored in stored_rows:
            if (contract := folded[stored.digest]) is not None:
                by_person[stored.person].append(contract)
        # Sorted: two processes give the same persons in the same order.
        people = _yield_to_loop(sorted(by_person))
        return tuple([record async for person in people for record in _records(person, by_person[person])])

    async def _fold_some(self, some: Sequence[StoredContrat]) -> dict[bytes, _Folded | None]:
        """Unsealed and folded once, until a harvest brings a row of these contracts; beside the loop: folding is the connector's.

        Raises RegistryUnavailable when it does not end.
        """
        try:
            folded = await self._runs.run(lambda: {stored.digest: self._folded(stored) for stored in some})
        except ConnectorFailed as error:
            logger.error("registre : %s", error)
            raise RegistryUnavailable(type(error).__name__) from None
        self._contracts.update(folded)
        return folded

    def _folded(self, stored: StoredContrat) -> _Folded | None:
        """One contract; None for one that tells nothing, or that cannot be folded: the others are there."""
        payloads = self._store.payloads(stored)
        (folded,) = mapped(self._fold, [payloads], QualityCounts()) or [None]
        if not folded:
            return None
        jeune, contrat = folded
        return _folded(stored.contrat, jeune, replace(contrat, traite_le=stored.day))


def _folded(key: str, jeune: Jeune, contrat: Contrat) -> _Folded:
    # The origin is empty: contracts are compared among themselves, all of the registry.
    return _Folded(key, jeune, contrat, traits_of(replace(jeune, contrats=[contrat]), ("", ""), key))


async def _yield_to_loop(elements: Sequence[T]) -> AsyncIterator[T]:
    """The elements, with a turn of the event loop now and then."""
    for rank, element in enumerate(elements, 1):
        yield element
        if rank % YIELD_EVERY == 0:
            await asyncio.sleep(0)


def _records(person: str, contracts: list[_Folded]) -> list[Record]:
    """The persons behind the contracts of one exact identity: one, unless something says that they are homonyms."""
    groups: list[list[_Folded]] = []
    for folded in sorted(contracts, key=lambda folded: (folded.contrat.date_debut or date.min, folded.key)):
        matching = [group for group in groups if all(_one_person(folded, other) for other in group)]
        # A contract that two groups could claim is neither's: a guess would give one homonym the other's contract.
        if len(matching) == 1:
            matching[0].append(folded)
        else:
            groups.append([folded])
    # Homonyms cannot share the pseudonym of their identity: each bears the one of its first contract, which does not change.
    single = len(groups) == 1
    return [_record(person if single else group[0].key, group) for group in groups]


def _one_person(one: _Folded, other: _Folded) -> bool:
    if one.traits is None or other.traits is None or _concurrent(one.contrat, other.contrat):
        return False
    comparison = compare(one.traits, other.traits)
    # A shared CFA is no proof: homonyms born the same day may be in one. Of phone, e-mail and home one must agree, if told.
    agreements = {accord for criterion, accord in comparison.agreements if criterion in JOINED}
    return comparison.score >= weights().probable and (not agreements or "identique" in agreements)


def _record(key: str, contracts: list[_Folded]) -> Record:
    """One person: of each thing, what the latest contract that tells it says; every contract, every training."""
    # By dates: the contracts of one training each tell it, and the latest tells it best.
    formations = {(f.date_debut, f.date_fin): f for folded in contracts for f in folded.jeune.formations or []}
    recent = [folded.jeune for folded in reversed(contracts)]
    latest: dict[str, Any] = {
        champ: next((value for jeune in recent if (value := getattr(jeune, champ)) is not None), None)
        for champ in ("sexe", "rqth", "telephone", "courriel")
    }
    # An address without a postal code places nobody in a perimeter: an older one that has it is worth more.
    placed = [jeune.adresse for jeune in recent if jeune.adresse and jeune.adresse.code_postal]
    latest["adresse"] = placed[0] if placed else recent[0].adresse
    contrats = [folded.contrat for folded in contracts]
    return Record(key, replace(recent[0], contrats=contrats, formations=list(formations.values()), **latest))


def _concurrent(one: Contrat, other: Contrat) -> bool:
    """Whether two contracts ran together too long to be one person's; one without dates, or void, contradicts nothing."""
    if one.annule or other.annule:
        return False
    (one_start, one_end), (other_start, other_end) = _bounds(one), _bounds(other)
    if not (one_start and one_end and other_start and other_end):
        return False
    return min(one_end, other_end) - max(one_start, other_start) > timedelta(days=OVERLAP_DAYS)


def _bounds(contrat: Contrat) -> tuple[date | None, date | None]:
    rupture = contrat.rupture.date if contrat.rupture else None
    return contrat.date_debut, rupture or contrat.date_fin
