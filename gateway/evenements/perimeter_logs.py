"""The log of what is new, as the process holds it: sealed for the store, kept by perimeter, and who waits for it woken.

The store is the log: what is in memory is what was read of it, and a wake-up that is lost only delays. Each process asks the
store, every POLL seconds, how far the perimeters are that somebody waits for here (docs/decisions/0107). Knows no HTTP.
"""

import asyncio
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

import orjson
from cachetools import LRUCache

from gateway.auth.authentication.clients import Viewer
from gateway.concurrency import SingleFlight, Sleep, every
from gateway.domain.perimeter_events import About, Announced, Changes, Fact, KnownPerimeter, LoggedEvent
from gateway.domain.seal import OpaqueIds, Sealer
from gateway.errors import InvalidCursor
from gateway.evenements.catch_up import EventCatchUp
from gateway.evenements.perimeters import WatchedPerimeter
from gateway.federation.views.event_resolver import EventResolver
from gateway.schema.events import TypeEvenement
from gateway.stores.event_log import EVENTS_KEPT, EventRow, EventStore, EventsUnavailable, FactRow, PollRows
from gateway.stores.lease import Lease

FOLLOWED = timedelta(hours=24)  # a perimeter is looked at after somebody last read its log
FOLLOW_AGAIN = timedelta(hours=1)  # how often that is written
EVENTS_MAX = 200_000  # events of all perimeters in memory
POLL = 1.0  # seconds
PURGE = 3600.0  # seconds
USAGE = "evenement"
_NATURE = "Evenement"
# Release 0.2.0 serves beside this one while it is installed, and may come back: it is given what it reads (docs/decisions/0188).
_FORMER_KINDS = {TypeEvenement.ECRITURE_EN_ECHEC.value: TypeEvenement.ECRITURE_REFUSEE.value}
_ALONE = b" "  # behind a document, which says the same


@dataclass(frozen=True, slots=True)
class KeptEvents:
    """The events of a perimeter that are kept, in order, and the number of the last one, kept or not."""

    events: tuple[LoggedEvent, ...] = ()
    last: int = 0

    @property
    def first(self) -> int:
        """The lowest number that is kept; where none is, that of the next."""
        return self.events[0].numero if self.events else self.last + 1


@dataclass
class EventLog:
    """The logs of all perimeters. Its calls raise EventsUnavailable, where they say nothing else."""

    store: EventStore
    sealer: Sealer
    ids: OpaqueIds
    now: Callable[[], datetime]
    catch_up: EventCatchUp | None = None  # None: this process alone hears what is new
    _kept: LRUCache[str, KeptEvents] = field(
        default_factory=lambda: LRUCache(EVENTS_MAX, getsizeof=lambda kept: 1 + len(kept.events))
    )
    _reads: SingleFlight[str, KeptEvents] = field(default_factory=SingleFlight)
    _followed: dict[str, datetime] = field(default_factory=dict)
    _waiting: defaultdict[str, set[asyncio.Event]] = field(default_factory=lambda: defaultdict(set))

    async def told(self, viewer: Viewer) -> EventResolver:
        """What an operation of this caller may show; an error is in it, for the field that asks."""
        perimeter = WatchedPerimeter.of(viewer)
        key = perimeter.key(self.ids)
        try:
            await self.follow(key, perimeter)
            kept = await self.read(key)
        except EventsUnavailable as error:
            return EventResolver(failure=error)
        return self.shown(key, kept)

    def shown(self, key: str, kept: KeptEvents, event: LoggedEvent | None = None) -> EventResolver:
        """What was read of a perimeter, for an operation."""
        return EventResolver(
            events=kept.events,
            first=kept.first,
            now=self.now(),
            seal=lambda numero: self.ids.seal(_NATURE, f"{key}/{numero}"),
            place=lambda identifier: self.place(key, identifier),
            event=event,
            catch_up=self.catch_up.of(key) if self.catch_up else None,
        )

    def place(self, key: str, identifier: str) -> int:
        """The number of an event's id. Raises InvalidCursor for anything else, and for an event of another perimeter."""
        nature, text = self.ids.open(identifier) or ("", "")
        perimetre, _, numero = text.partition("/")
        if nature != _NATURE or perimetre != key:
            raise InvalidCursor("Place inconnue dans ce fil : reprendre sans `depuis`, puis recharger les listes.")
        return int(numero)

    async def follow(self, key: str, perimeter: WatchedPerimeter) -> None:
        """Have a perimeter looked at for a day; `key` is its own."""
        noted, now = self._followed.get(key), self.now()
        if noted is None or now - noted > FOLLOW_AGAIN:
            sealed = self.sealer.seal(USAGE, perimeter.written(), key.encode())
            await self.store.follow(key, sealed, now + FOLLOWED)
            self._followed[key] = now

    async def followed(self) -> dict[str, WatchedPerimeter]:
        """The perimeters to poll; one that was sealed by another key is left out."""
        rows = await self.store.followed(self.now())
        opened = {key: self.sealer.open(USAGE, sealed, key.encode()) for key, sealed in rows.items()}
        return {key: WatchedPerimeter.read(content) for key, content in opened.items() if content}

    def lease(self, key: str) -> Lease:
        """The place of the process that looks at a perimeter."""
        return self.store.lease(key)

    async def read(self, key: str) -> KeptEvents:
        """The events of the last seven days of a perimeter: only those that are not known yet are asked of the store."""
        return await self._reads.run(key, lambda: self._read(key))

    async def _read(self, key: str) -> KeptEvents:
        kept = self._kept.get(key)
        # The last number first: what is written between the two is read by the second, or the next time.
        last = kept.last if kept else (await self.store.last_numbers([key])).get(key, 0)
        kept = kept or KeptEvents()
        rows = await self.store.after(key, kept.last)
        last = rows[-1].numero if rows else last
        since = self.now() - EVENTS_KEPT
        events = (*kept.events, *(self._opened(key, row) for row in rows))
        kept = self._kept[key] = KeptEvents(tuple(event for event in events if event.quand >= since), last)
        if rows and self.catch_up:
            self.catch_up.meet(key, last)
        if rows:
            self._wake(key)  # whoever reads it first: `poll` compares with what is kept from now on
        return kept

    async def known(self, key: str) -> KnownPerimeter:
        """What was found of a perimeter so far."""
        opened, facts, units = await self.store.known(key)
        return KnownPerimeter(opened, {row.key: self._announced(key, row) for row in facts}, units)

    async def write(self, key: str, changes: Changes) -> None:
        """Write what a look found, once for all processes, and wake who waits."""
        now, alone = self.now(), self.catch_up is not None and not self.catch_up.is_told()

        def row(kind: str, about: About) -> EventRow:
            content = orjson.dumps(_fields(kind, about)) + (_ALONE if alone else b"")
            return EventRow(_FORMER_KINDS.get(kind, kind), now, self._sealed(key, content))

        await self.store.record(
            key,
            PollRows(
                now=now,
                told=[(fact.key, row(fact.kind, fact.about)) for fact in (*changes.added, *changes.told)],
                ended=[(fact.key, row(fact.kind, fact.about)) for fact in changes.ended],
                facts=[self._fact_row(key, fact) for fact in (*changes.added, *changes.told, *changes.silent)],
                missing=changes.missing,
                back=changes.back,
                gone=changes.gone,
                units=changes.heard,
            ),
        )
        self._wake(key)

    @contextmanager
    def listening(self, key: str, woken: asyncio.Event) -> Iterator[None]:
        """Have `woken` set each time that the perimeter may have something new, as long as the block lasts."""
        self._waiting[key].add(woken)
        try:
            yield
        finally:
            self._waiting[key].discard(woken)
            if not self._waiting[key]:
                del self._waiting[key]

    async def poll(self, sleep: Sleep) -> None:
        """Wake, until cancelled, who waits here for what another process wrote."""
        await every(POLL, self._poll_once, lambda _: None, sleep)

    async def purge(self, sleep: Sleep) -> None:
        """Forget, until cancelled, what was kept long enough."""
        await every(PURGE, lambda: self.store.purge(self.now()), lambda _: None, sleep)

    async def _poll_once(self) -> None:
        if not self._waiting:
            return
        for key, last in (await self.store.last_numbers(self._waiting)).items():
            kept = self._kept.get(key)
            if kept is None or last > kept.last:
                self._wake(key)

    def _wake(self, key: str) -> None:
        for woken in self._waiting.get(key, ()):
            woken.set()

    def _opened(self, key: str, row: EventRow) -> LoggedEvent:
        """An event as it was; one that was sealed by another key tells of nobody, and is shown to nobody."""
        content = self.sealer.open(USAGE, row.sealed, key.encode())
        kind, about = _event(row.kind, content) if content else (row.kind, About())
        return LoggedEvent(row.numero, kind, row.quand, about)

    def _announced(self, key: str, row: FactRow) -> Announced:
        content = self.sealer.open(USAGE, row.sealed, key.encode()) if row.sealed else None
        if content is None:
            return Announced(row.missing_since)
        about, sources = orjson.loads(content)
        kind = TypeEvenement.RUPTURE_NOUVELLE.value
        return Announced(row.missing_since, Fact(row.key, kind, About(*about), frozenset(sources), lasting=True))

    def _fact_row(self, key: str, fact: Fact) -> FactRow:
        if not fact.lasting:
            return FactRow(fact.key)
        return FactRow(
            fact.key, None, self._sealed(key, orjson.dumps([_fields(fact.kind, fact.about), sorted(fact.sources)]))
        )

    def _sealed(self, key: str, content: bytes) -> bytes:
        return self.sealer.seal(USAGE, content, key.encode())


def _fields(kind: str, about: About) -> Sequence[object]:
    """Four, as 0.2.0 has them: what is of a write, which it tells nobody, is in the place of the number."""
    of_write = (about.ecriture, about.auteur, kind) if about.ecriture else None
    return about.jeune, about.rupture, about.source, of_write or about.nombre


def _event(kind: str, content: bytes) -> tuple[str, About]:
    """What `_fields` wrote of an event, and its kind; what a later release may add behind is passed over."""
    jeune, rupture, source, number, *_ = orjson.loads(content)
    ecriture = auteur = None
    if isinstance(number, list):
        (ecriture, auteur, kind), number = number, None
    return kind, About(jeune, rupture, source, number, ecriture, auteur, content.endswith(_ALONE))


def known_after(known: KnownPerimeter, changes: Changes, now: datetime) -> KnownPerimeter:
    """What is known once changes are written."""
    facts: dict[str, Announced] = dict(known.facts)
    for fact in (*changes.added, *changes.told, *changes.silent):
        facts[fact.key] = Announced(lasting=fact if fact.lasting else None)
    for key in changes.missing:
        facts[key] = replace(facts[key], missing_since=now)
    for key in changes.back:
        facts[key] = replace(facts[key], missing_since=None)
    for key in (*changes.gone, *(fact.key for fact in changes.ended)):
        facts.pop(key, None)
    units: Mapping[str, datetime] = {**known.units, **dict.fromkeys(changes.heard, now)}
    return KnownPerimeter(True, facts, units)
