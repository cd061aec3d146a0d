"""A partner that receives writes, told how to misbehave: it remembers keys, and what it did of each dossier in which order."""

import asyncio
from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

from gateway.auth.policy.acts import Acte
from gateway.connectors.base import PartnerWrite, Tenant
from gateway.errors import SourceDenied, SourceError, SourceInvalid, SourceTimedOut, SourceUnavailable
from gateway.sources.units import Unit
from gateway.writes.eligibility import WriteTarget
from gateway.writes.sealed_body import Destination

NAME = "imilo"
KINDS: dict[int, type[SourceError]] = {401: SourceDenied, 429: SourceUnavailable, 503: SourceUnavailable}


def refusal(statut: int, retry_after: float | None = None) -> SourceError:
    """The error of a status, as the client of partners makes it."""
    error = KINDS.get(statut, SourceInvalid)(NAME, f"statut {statut}", retry_after)
    error.statut = statut
    return error


@dataclass
class Partner:
    """`script`: for each call, in order, what happens: "ok", "hang" (done, and no answer), "lost" (not done), or a status.

    `poison`: dossiers of which every write is refused by a failure; `elapse`: called while it works; `effects`: the writes done,
    in order, by dossier.
    """

    script: Iterable[Any] = ()
    poison: frozenset[str] = frozenset()
    elapse: Callable[[], None] = lambda: None
    keys: list[str] = field(default_factory=list)
    calls: list[str] = field(default_factory=list)
    effects: defaultdict[str, list[PartnerWrite]] = field(default_factory=lambda: defaultdict(list))
    invalidated: list[Unit] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._script = iter(self.script)

    def expect(self, script: Iterable[Any]) -> None:
        """What happens from now on, call by call."""
        self._script = iter(script)

    def connector_of(self, source: str) -> Any:
        return self

    def write(self, said: PartnerWrite) -> Any:
        """The connector's generator: of one step, that holds the write."""
        yield said

    async def execute(self, source: str, reading: Any, tenant: Tenant) -> None:
        said: PartnerWrite = next(reading)
        self.calls.append(said.key)
        await asyncio.sleep(0)
        self.elapse()
        happens = "poison" if said.dossier in self.poison else next(self._script, "ok")
        if happens == "poison":
            raise refusal(503)
        if isinstance(happens, int):
            raise refusal(happens)
        if happens == "lost":
            raise SourceTimedOut(NAME, "pas de réponse")
        if said.key not in self.keys:
            self.keys.append(said.key)
            self.effects[said.dossier].append(said)
        if happens == "hang":
            raise SourceTimedOut(NAME, "pas de réponse")

    async def invalidate(self, unit: Unit) -> bool:
        self.invalidated.append(unit)
        return True


class ToPartner:
    """Every write goes to the partner, to a dossier of the person's own number."""

    def destination(self, acte: Acte, target: WriteTarget) -> Destination:
        """The partner, and the dossier there."""
        number = str(target.person.jeune.nom).partition(" ")[0].removeprefix("Nom")
        return Destination(f"{NAME}/60001", number) if acte is not Acte.DECLARER_RUPTURE else Destination()
