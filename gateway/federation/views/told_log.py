"""What an operation may show of the log of its perimeter: each event decided again, for that very person, as it is read.

An event whose category is not granted of its person now, or whose person is out of sight, is neither shown nor counted
(docs/evenements.md). Knows neither how events are found, nor how they are sent.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import strawberry

from gateway.auth.policy.rules import CategorieDonnee
from gateway.domain.announcements import About, LoggedEvent
from gateway.errors import GatewayError, InvalidRequest
from gateway.federation.lists import filter_ruptures
from gateway.federation.views.view import MaskedCopies, ViewPerson
from gateway.schema.connections import PAGE_MAX, PageInfo
from gateway.schema.events import (
    CATEGORY,
    FREE,
    OF_RUPTURES,
    Evenement,
    EvenementConnection,
    EvenementEdge,
    FiltreEvenements,
    TypeEvenement,
)
from gateway.schema.filters import FiltreRuptures


@dataclass
class ToldLog:
    """The log of a perimeter for one operation. `first`: the lowest number that is kept; `seal`, `place`: the id of a number, and
    the number of an id, which raises InvalidCursor; `event`: the one that a subscription is answered with."""

    events: Sequence[LoggedEvent] = ()
    first: int = 1
    now: datetime = datetime.min  # noqa: DTZ901 - of a log that is not read
    seal: Callable[[int], str] = str
    place: Callable[[str], int] = int
    event: LoggedEvent | None = None
    failure: GatewayError | None = None
    skipped: Sequence[LoggedEvent] = ()  # those that are not sent, which the event stands for
    sent: bool = field(default=False, init=False)  # the event was shown

    def page(
        self, context: Any, filtre: FiltreEvenements | None, depuis: str | None, first: int
    ) -> EvenementConnection | None:
        """The events beyond a place, the oldest first; None when no source answered. Raises InvalidCursor, InvalidRequest."""
        if self.failure is not None:
            raise self.failure
        if not 0 <= first <= PAGE_MAX:
            raise InvalidRequest(f"L'argument first va de 0 à {PAGE_MAX}.")
        start = 0 if depuis is None else self.place(depuis)
        # No source answered: that nobody is in sight is not that nothing happened.
        if context.readings.silent:
            return None
        found = [one for one in self._since(start, depuis is not None) if self.is_told(context, one, filtre)]
        nodes = [self._show(context, one) for one in found[:first]]
        ends = (nodes[0].id, nodes[-1].id) if nodes else (None, None)
        return EvenementConnection(
            edges=[EvenementEdge(cursor=node.id, node=node) for node in nodes],
            nodes=nodes,
            page_info=PageInfo(
                has_next_page=len(found) > first, has_previous_page=start > 0, start_cursor=ends[0], end_cursor=ends[1]
            ),
            total_count=len(found),
            complet=context.readings.complete,
        )

    def evenement(self, context: Any, filtre: FiltreEvenements | None) -> Evenement | None:
        """The event of a subscription; None when it is not to be sent."""
        event = self._standing(context)
        return self._send(context, event) if event and self.is_told(context, event, filtre) else None

    def of_rupture(self, context: Any, filtre: FiltreRuptures | None) -> Evenement | None:
        """The same, of a rupture that the list would keep under that filter; the end of one is told whatever it was."""
        event = self._standing(context)
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
        person, category = self._person(context, event), CATEGORY.get(kind)
        # The category was granted of that very person as the view was built: by her relation and her status of now.
        granted = person is not None and category in person.categories and category in context.decision.categories
        return granted and _is_asked(kind, filtre)

    def readable(self, context: Any, events: Sequence[LoggedEvent]) -> int:
        """How many of these the caller may know of."""
        return sum(self.is_told(context, event, None) for event in events)

    def _standing(self, context: Any) -> LoggedEvent | None:
        """The event of a subscription; where its person is out of sight because who told it does not answer, one that says that
        something is not sent."""
        event = self.event
        if event is None or event.about.jeune is None or self._person(context, event):
            return event
        if context.readings.silent or event.about.source in context.readings.errors:
            return LoggedEvent(event.numero, TypeEvenement.LACUNE.value, self.now, About())
        return event

    def _since(self, start: int, is_place: bool) -> list[LoggedEvent]:
        """The events beyond a place; where some that were there are forgotten, one that says so comes first."""
        found = [event for event in self.events if event.numero > start]
        if is_place and start < self.first - 1:
            return [LoggedEvent(self.first - 1, TypeEvenement.LACUNE.value, self.now, About()), *found]
        return found

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


def _is_asked(kind: TypeEvenement, filtre: FiltreEvenements | None) -> bool:
    return filtre is None or filtre.types is None or kind in filtre.types
