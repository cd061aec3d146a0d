"""Which event an endpoint is sent next, and when what it did not take is tried again. Pure: knows no store, no rule, no HTTP.

In the order of the perimeter. One that is not taken holds those behind it for a minute, then lets them go and is tried apart, by
the schedule of Standard Webhooks: ten tries over three days. Where many wait so, the endpoint is down and not choosy: nothing new
is sent until it takes one of them.
"""

from dataclasses import dataclass
from datetime import datetime

from gateway.domain.perimeter_events import About, LoggedEvent
from gateway.evenements.perimeter_logs import KeptEvents
from gateway.schema.events import TypeEvenement
from gateway.stores.webhook_store import EndpointState, LateDelivery

DELAYS = (5, 300, 1_800, 7_200, 18_000, 36_000, 50_400, 72_000, 86_400)  # seconds between two tries
JITTER = 0.1  # share of a delay, drawn
HOLD = 60.0  # seconds that an event which is not taken holds those behind it
LATE_MAX = 20  # events tried apart, beyond which nothing new is sent
IDLE = 15.0  # seconds without anything to do, unless woken


@dataclass(frozen=True, slots=True)
class NextDelivery:
    """An event to send, and what its earlier tries were; where it is kept no more, the gap that stands for it."""

    event: LoggedEvent
    late: LateDelivery | None = None


def choose(state: EndpointState, kept: KeptEvents, seconds: float, now: datetime) -> NextDelivery | float:
    """What to send now, else the seconds to wait. `seconds`: since 1970; `now`: of the gateway's clock."""
    events = {event.numero: event for event in kept.events}
    late = [one for one in state.late if one.following is not None]
    due = next((one for one in late if one.following is not None and one.following <= seconds), None)
    if due is not None:
        return NextDelivery(events.get(due.numero) or _gap(due.numero, now), due)
    held = [one.first + HOLD - seconds for one in late if one.first + HOLD > seconds]
    if not held and len(late) < LATE_MAX:
        if state.numero < kept.first - 1:
            return NextDelivery(_gap(kept.first - 1, now))
        if following := next((event for event in kept.events if event.numero > state.numero), None):
            return NextDelivery(following)
    waits = [one.following - seconds for one in late if one.following is not None]
    return min([IDLE, *waits, *held])


def _gap(numero: int, now: datetime) -> LoggedEvent:
    return LoggedEvent(numero, TypeEvenement.LACUNE.value, now, About())


def tried(late: LateDelivery | None, numero: int, seconds: float, wait: float, drawn: float) -> LateDelivery:
    """An event after one more try that failed. `wait`: seconds that the endpoint asks for; `drawn` in [0, 1)."""
    tries, first = (late.tries if late else 0) + 1, late.first if late else seconds
    if tries > len(DELAYS):
        return LateDelivery(numero, tries, first, None)
    return LateDelivery(numero, tries, first, seconds + max(DELAYS[tries - 1] * (1 + JITTER * drawn), wait))
