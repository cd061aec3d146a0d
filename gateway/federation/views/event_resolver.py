"""What an operation may show of the log of its perimeter: each event decided again, for that very person, as it is read.

An event whose category is not granted of its person now, or whose person is out of sight, is neither shown nor counted
(docs/evenements.md): one is told, or passed over, once the reading is known to hold what it tells (docs/decisions/0158, 0171).
Knows neither how events are found, nor how they are sent.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum
from typing import Any, Protocol

import strawberry

from gateway.auth.policy.rules import CategorieDonnee
from gateway.domain.perimeter_events import About, LoggedEvent
from gateway.errors import GatewayError, InvalidRequest
from gateway.federation.collect.kept_readings import SourceReadings
from gateway.federation.lists import filter_ruptures
from gateway.federation.views.view import MaskedCopies, ViewPerson
from gateway.schema.connections import PAGE_MAX, PageInfo
from gateway.schema.events import (
    CATEGORY,
    FREE,
    OF_AUTHOR,
    OF_RUPTURES,
    Evenement,
    EvenementConnection,
    EvenementEdge,
    FiltreEvenements,
    TypeEvenement,
)
from gateway.schema.filters import FiltreRuptures

BEHIND_MAX = 50  # events of a page that are looked for together


class EventStanding(Enum):
    """What is read of an event: all that was known when it was logged; maybe less, as this process may be behind; so for long."""

    SETTLED = "settled"
    BEHIND = "behind"
    GIVEN_UP = "given up"


class PerimeterCatchUp(Protocol):
    """What this process knows of the events of a perimeter. `met_at`: when it met the last of them, by the collector's clock."""

    @property
    def met_at(self) -> float: ...
    def sighting(self, readings: SourceReadings, event: LoggedEvent, is_out: bool) -> EventStanding:
        """Whether these readings tell of an event as it is now; `is_out`: it is not found in them."""
        ...

    async def ask_first(self, readings: SourceReadings, events: Sequence[LoggedEvent]) -> bool:
        """Have the sources that these events name asked, where these readings may lack what they said; whether any is."""
        ...

    async def ask_again(self, readings: SourceReadings, events: Iterable[LoggedEvent]) -> bool:
        """The same of all that these events may be of, which were looked for in these readings."""
        ...


@dataclass
class EventResolver:
    """The log of a perimeter for one operation. `first`: the lowest number that is kept; `seal`, `place`: the id of a number, and
    the number of an id, which raises InvalidCursor; `event`: what a subscription is answered with; `catch_up`: None where
    this process alone hears what is new; `behind`: those that may be told later, by another reading."""

    events: Sequence[LoggedEvent] = ()
    first: int = 1
    now: datetime = datetime.min  # noqa: DTZ901 - of a log that is not read
    seal: Callable[[int], str] = str
    place: Callable[[str], int] = int
    event: LoggedEvent | None = None
    failure: GatewayError | None = None
    skipped: Sequence[LoggedEvent] = ()  # those that are not sent, which the event stands for
    catch_up: PerimeterCatchUp | None = None
    sent: bool = field(default=False, init=False)  # the event was shown
    behind: Sequence[LoggedEvent] = field(default=(), init=False)

    @property
    def met_at(self) -> float:
        """When the last event was met: a reading that is begun later tells of all."""
        return self.catch_up.met_at if self.catch_up else float("-inf")

    async def asks_first(self, readings: SourceReadings) -> bool:
        """Whether the sources of events are to be heard anew before these are looked for; they are asked then."""
        events = self.skipped or ((self.event,) if self.event else self.events)
        return self.catch_up is not None and await self.catch_up.ask_first(readings, events)

    async def ask_later(self, readings: SourceReadings) -> None:
        """Have asked what may be told later."""
        if self.catch_up and self.behind:
            await self.catch_up.ask_again(readings, self.behind)

    def page(
        self, context: Any, filtre: FiltreEvenements | None, depuis: str | None, first: int
    ) -> EvenementConnection | None:
        """The events beyond a place, the oldest first, up to the first that this process may not have heard yet: the place of
        what follows would pass over it. None when no source answered. Raises InvalidCursor, InvalidRequest."""
        if self.failure is not None:
            raise self.failure
        if not 0 <= first <= PAGE_MAX:
            raise InvalidRequest(f"L'argument first va de 0 à {PAGE_MAX}.")
        start = 0 if depuis is None else self.place(depuis)
        # No source answered: that nobody is in sight is not that nothing happened.
        if context.readings.silent:
            return None
        found, is_whole = self._found(context, self._since(start, depuis is not None), filtre)
        nodes = [self._show(context, one) for one in found[:first]]
        ends = (nodes[0].id, nodes[-1].id) if nodes else (None, None)
        return EvenementConnection(
            edges=[EvenementEdge(cursor=node.id, node=node) for node in nodes],
            nodes=nodes,
            page_info=PageInfo(
                has_next_page=len(found) > first, has_previous_page=start > 0, start_cursor=ends[0], end_cursor=ends[1]
            ),
            total_count=len(found),
            complet=context.readings.complete and is_whole,
        )

    def _found(
        self, context: Any, events: Sequence[LoggedEvent], filtre: FiltreEvenements | None
    ) -> tuple[Sequence[LoggedEvent], bool]:
        """Those that the caller may know of, and asked for; whether none is lacking that this process has not heard."""
        found: list[LoggedEvent] = []
        is_whole = True
        for rank, event in enumerate(events):
            sighting = self._page_sighting(context, event, filtre)
            if sighting is EventStanding.BEHIND:
                # What follows too: whoever goes on from the last place would pass over this one.
                self.behind = events[rank : rank + BEHIND_MAX]
                return found, False
            is_whole = is_whole and sighting is EventStanding.SETTLED
            if self.is_told(context, event, filtre):
                found.append(event)
        return found, is_whole

    def _page_sighting(self, context: Any, event: LoggedEvent, filtre: FiltreEvenements | None) -> EventStanding:
        """Of a source that does not answer, `complet` says that events are missing."""
        if self.catch_up is None or not self._may_be_told(context, event, filtre):
            return EventStanding.SETTLED
        is_out = self._is_out(context, event)
        # It may be down for days, and holds nobody's page meanwhile.
        if is_out and event.about.source in context.readings.errors:
            return EventStanding.SETTLED
        return self.catch_up.sighting(context.readings, event, is_out)

    def evenement(self, context: Any, filtre: FiltreEvenements | None) -> Evenement | None:
        """The event of a subscription; None when it is not to be sent."""
        event = self._standing(context, filtre)
        return self._send(context, event) if event and self.is_told(context, event, filtre) else None

    def of_rupture(self, context: Any, filtre: FiltreRuptures | None) -> Evenement | None:
        """The same, of a rupture that the list would keep under that filter; the end of one is told whatever it was."""
        event = self._standing(context, None)
        if event is None or TypeEvenement(event.kind) not in OF_RUPTURES or not self.is_told(context, event, None):
            return None
        # By the id that it has now: two persons found to be one, or told apart, changed it since.
        found = context.view.ruptures.get(context.current(event.about.rupture)) if event.about.rupture else None
        if filtre and found and not filter_ruptures([found[1]], filtre, context.day):
            return None
        return self._send(context, event)

    def is_told(self, context: Any, event: LoggedEvent, filtre: FiltreEvenements | None) -> bool:
        """Whether the caller may know of an event, and asked to."""
        kind = TypeEvenement(event.kind)
        if kind is TypeEvenement.LACUNE:
            return not self.skipped or self.readable(context, self.skipped) > 0
        if kind in FREE:
            return _is_asked(kind, filtre)
        if kind in OF_AUTHOR:
            return self._is_author(context, event) and _is_asked(kind, filtre)
        person, category = self._person(context, event), CATEGORY.get(kind)
        # The category was granted of that very person as the view was built: by her relation and her status of now.
        granted = person is not None and category in person.categories and category in context.decision.categories
        return granted and _is_asked(kind, filtre)

    def _is_author(self, context: Any, event: LoggedEvent) -> bool:
        """Whether the caller made the write of an event, and may still write."""
        viewer, rights = context.viewer, context.rights
        own = context.opaque_ids.account(viewer.client, viewer.account)
        acts = rights.policy.acts(viewer.profil, viewer.finalite, viewer.perimetre.profil)
        return event.about.auteur == own and bool(acts)

    def readable(self, context: Any, events: Sequence[LoggedEvent]) -> int:
        """How many of these the caller may know of."""
        return sum(self.is_told(context, event, None) for event in events)

    def _standing(self, context: Any, filtre: FiltreEvenements | None) -> LoggedEvent | None:
        """The event of a subscription, or the gap that stands for what cannot be found; None while it may be found yet."""
        event = self.event
        if event is None or (self.skipped and self.readable(context, self.skipped)):
            return event
        asked = [one for one in self.skipped or (event,) if self._may_be_told(context, one, filtre)]
        sightings = {self._sighting(context, one) for one in asked}
        # Silence is for good: whoever sends goes past the event, so that what is not known yet must not look like a lost right.
        if EventStanding.BEHIND in sightings:
            self.behind = self.skipped or (event,)
            return None
        if EventStanding.GIVEN_UP in sightings:
            self.skipped = ()  # how many they are is not known
            return self._gap(event.numero)
        return event

    def _sighting(self, context: Any, event: LoggedEvent) -> EventStanding:
        """Where its person is out of sight because who told it does not answer, it is known at once."""
        readings = context.readings
        if self._person(context, event) is None and (readings.silent or event.about.source in readings.errors):
            return EventStanding.GIVEN_UP
        if self.catch_up is None:
            return EventStanding.SETTLED
        return self.catch_up.sighting(readings, event, self._is_out(context, event))

    def _may_be_told(self, context: Any, event: LoggedEvent, filtre: FiltreEvenements | None) -> bool:
        """Whether the caller asks for such events, and may read some: of whom, the view tells."""
        kind = TypeEvenement(event.kind)
        is_granted = CATEGORY.get(kind) in context.decision.categories
        return event.about.jeune is not None and is_granted and _is_asked(kind, filtre)

    def _is_out(self, context: Any, event: LoggedEvent) -> bool:
        """Whether the person of an event, what is granted of her, or a new rupture is not in sight."""
        kind, rupture, person = TypeEvenement(event.kind), event.about.rupture, self._person(context, event)
        if person is None or CATEGORY[kind] not in person.categories:
            return True
        # Her contract may have been in sight, and her former rupture; the end of one is told without it.
        is_new = kind is TypeEvenement.RUPTURE_NOUVELLE and rupture is not None
        return is_new and context.current(rupture) not in context.view.ruptures

    def _since(self, start: int, is_place: bool) -> list[LoggedEvent]:
        """The events beyond a place; where some that were there are forgotten, one that says so comes first."""
        found = [event for event in self.events if event.numero > start]
        if is_place and start < self.first - 1:
            return [self._gap(self.first - 1), *found]
        return found

    def _gap(self, numero: int) -> LoggedEvent:
        """What stands for events that are not told, at their place."""
        return LoggedEvent(numero, TypeEvenement.LACUNE.value, self.now, About())

    def _send(self, context: Any, event: LoggedEvent) -> Evenement:
        self.sent = True
        return self._show(context, event)

    def _show(self, context: Any, event: LoggedEvent) -> Evenement:
        """The event as it leaves, over masked copies, counted with what is read of its person. Raises LeakStopped."""
        person, about, kind = self._person(context, event), event.about, TypeEvenement(event.kind)
        shown = Evenement(
            id=strawberry.ID(self.seal(event.numero)),
            type=kind,
            quand=event.quand,
            source=about.source,
            ecriture=context.written.one(about.ecriture) if about.ecriture else None,
            nombre=self.readable(context, self.skipped) if self.skipped else about.nombre,
        )
        if person is None:
            return shown
        # Shown or not by what is selected, an event tells that something happened to somebody: it is counted, and journaled.
        copies, read = MaskedCopies(context.view, context.rights, context.decision), frozenset({CATEGORY[kind]})
        jeune = copies.show(person, person.jeune)
        shown.jeune = jeune.value
        rupture = context.view.ruptures.get(context.current(about.rupture)) if about.rupture else None
        if rupture and CategorieDonnee.RUPTURE in context.decision.categories:
            shown.rupture = copies.show(*rupture).value
        copies.keep()
        if not context.frozen:
            context.source_states.tell([copy for copy in (shown.jeune, shown.rupture) if copy])
        for identifier, categories in jeune.read.items():
            context.tally.shown[identifier] = context.tally.shown.get(identifier, read) | categories | read
        return shown

    def _person(self, context: Any, event: LoggedEvent) -> ViewPerson | None:
        """The person of an event, where it is in sight."""
        jeune = event.about.jeune
        person: ViewPerson | None = context.view.persons.get(context.current(jeune)) if jeune else None
        return person


@dataclass(frozen=True, slots=True)
class AskedFreshness:
    """How recent a reading is to be: in seconds, and later than each event that is told."""

    age_max: int | None = None
    told: EventResolver | None = None


ANY_AGE = AskedFreshness()


def _is_asked(kind: TypeEvenement, filtre: FiltreEvenements | None) -> bool:
    return filtre is None or filtre.types is None or kind in filtre.types
