"""What is still said by the writes that the gateway keeps, in the memory of each process, and the views that it is laid over.

Every process follows the revisions of the store: its own writes at once, those of the others within FOLLOWED seconds. A view is
laid over again when a revision tells something of its persons; the rest of the time, reading costs one look-up.
"""

import logging
from collections import defaultdict
from collections.abc import Mapping, Sequence

from gateway.auth.policy.rules import Profil
from gateway.concurrency import Sleep, every
from gateway.domain.perimeter_events import EndedWrite
from gateway.domain.seal import OpaqueIds, Sealer
from gateway.federation.views.overlay import Overlay, Testimony, ViewInputs, lay_over
from gateway.federation.views.view import View
from gateway.schema.events import TypeEvenement
from gateway.stores.write_store import BATCH, FAILED, REFUSED, SENT, KeptWrite, WriteStore
from gateway.writes.sealed_body import organisation_name, testimony

WRITE_NATURE = "Ecriture"  # in the graph
ENDS = {  # of writes that their authors are told of
    SENT: TypeEvenement.ECRITURE_TRANSMISE.value,
    REFUSED: TypeEvenement.ECRITURE_REFUSEE.value,
    FAILED: TypeEvenement.ECRITURE_EN_ECHEC.value,
}
FOLLOWED = 1.0  # seconds between two looks at what other processes wrote
logger = logging.getLogger("gateway.ecritures")


class PendingWrites:
    """The testimonies of the writes that are kept, by id of the person. `revision`: the last one heard of."""

    def __init__(self, store: WriteStore, sealer: Sealer, opaque_ids: OpaqueIds) -> None:
        self.revision = 0
        self.by_person: dict[str, dict[str, Testimony]] = {}
        self._store, self._sealer, self._opaque_ids = store, sealer, opaque_ids
        self._person_of: dict[str, str] = {}  # by write
        self._ended: defaultdict[str, dict[str, EndedWrite]] = defaultdict(dict)  # by organisation

    async def follow(self) -> None:
        """Hear of all that changed since. Raises WritesUnavailable."""
        while changed := await self._store.since(self.revision):
            for write in changed:
                self._note(write)
            if len(changed) < BATCH:
                return

    async def watch(self, sleep: Sleep) -> None:
        """Follow for ever."""
        await every(FOLLOWED, self.follow, lambda error: logger.error("suite des écritures : %s", error), sleep)

    def _note(self, write: KeptWrite) -> None:
        self.revision = max(self.revision, write.revision)
        if (person := self._person_of.pop(write.id, None)) is not None:
            told = self.by_person[person]
            told.pop(write.id, None)
            if not told:
                del self.by_person[person]
        self._note_end(write)
        if one := testimony(self._sealer, write):
            self.by_person.setdefault(one.jeune, {})[write.id] = one
            self._person_of[write.id] = one.jeune

    def _note_end(self, write: KeptWrite) -> None:
        own = self._ended[write.organisation]
        own.pop(write.id, None)
        if kind := ENDS.get(write.etat):
            identifier = self._opaque_ids.seal(WRITE_NATURE, write.id)
            own[write.id] = EndedWrite(identifier, kind, write.compte, write.revision)

    def ended(self, role: Profil, organisation: str) -> Sequence[EndedWrite]:
        """The writes of an organisation whose end is told to their authors."""
        return tuple(self._ended.get(organisation_name(self._sealer, role, organisation), {}).values())

    def over(self, view: View, inputs: ViewInputs) -> View:
        """A view with what was written of its persons. Who reads it holds the view that was given."""
        last: Overlay | None = view.overlay
        if last is None or last.revision != self.revision:
            told = self._told_in(view)
            same = last is not None and last.told == told
            laid = last.view if last and same else lay_over(view, told, inputs, last)
            last = view.overlay = Overlay(self.revision, told, laid)
        return last.view or view

    def _told_in(self, view: View) -> Mapping[str, Sequence[Testimony]]:
        """What is told of the persons of a view, by the ids that they have now."""
        found: defaultdict[str, list[Testimony]] = defaultdict(list)
        small, large = sorted((self.by_person.keys(), view.persons.keys()), key=len)
        for key in small & large:
            found[key] += self.by_person[key].values()
        for key in self.by_person.keys() - view.persons.keys() if view.former_ids else ():
            opened = self._opaque_ids.open(key)
            if opened and (now := view.former_ids.get(opened[1])):
                found[self._opaque_ids.seal("Jeune", now)] += self.by_person[key].values()
        return dict(found)
