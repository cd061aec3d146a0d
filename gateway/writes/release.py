"""Gives to partners the writes that the gateway keeps because none received them, once one does. Views are given: it asks nobody.

They are given in the order of their acceptance, behind what waits already of the same person; the deliverer does the rest.
"""

from collections import defaultdict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace

from gateway.auth.policy.acts import Acte
from gateway.federation.views.view import View, ViewPerson
from gateway.stores.write_queue import GivenTo, WriteQueue
from gateway.stores.write_store import KeptWrite
from gateway.writes.accept_write import Writes
from gateway.writes.eligibility import WriteTarget
from gateway.writes.sealed_body import Body, open_body, seal_body, subject_name

ViewOf = Callable[[str], Awaitable[View | None]]  # of a Mission locale by its code; None when a source does not answer


@dataclass
class Released:
    """How many writes were given, how many are kept still, and the Mission locales whose sources did not answer."""

    given: int = 0
    kept: int = 0
    unheard: list[str] = field(default_factory=list)


async def release_kept(writes: Writes, queue: WriteQueue, view_of: ViewOf) -> Released:
    """Give what may be given. Raises WritesUnavailable."""
    by_structure: defaultdict[str, list[tuple[KeptWrite, Body]]] = defaultdict(list)
    released = Released()
    for write in await queue.kept_alone():
        body = open_body(writes.sealer, write)
        if body is not None:
            by_structure[body.mission_locale].append((write, body))
    for code, own in sorted(by_structure.items()):
        view = await view_of(code) if code else None
        if code and view is None:
            released.unheard.append(code)
        given = [view is not None and await _give(writes, queue, one, view) for one in own]
        released.given += sum(given)
        released.kept += len(given) - sum(given)
    return released


async def _give(writes: Writes, queue: WriteQueue, kept: tuple[KeptWrite, Body], view: View) -> bool:
    """Whether a partner receives it: not where none knows the person, or takes what it says."""
    write, body = kept
    person = _person(writes, view, body.jeune)
    if person is None:
        return False
    target = WriteTarget(person, None, body.mission_locale)
    destination = writes.destinations.destination(Acte(write.acte), target)
    if not destination.name:
        return False
    sealed = seal_body(writes.sealer, write.id, replace(body, dossier=destination.dossier))
    subject = subject_name(writes.sealer, write.personne, destination)
    return await queue.give(write.id, GivenTo(destination.name, subject, sealed), writes.now())


def _person(writes: Writes, view: View, identifier: str) -> ViewPerson | None:
    """The person of an id, or of what it has become."""
    opened = writes.opaque_ids.open(identifier)
    now = view.former_ids.get(opened[1]) if opened else None
    return view.persons.get(writes.opaque_ids.seal("Jeune", now) if now else identifier)
