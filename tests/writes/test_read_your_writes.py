"""I6 by chance: whatever is written, withdrawn, received, refused or left unanswered, in any order, each reader sees what is said
still of a person, as it may, and nothing else.

What is awaited is computed from docs/ecritures.md, by a model that knows no store.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from random import Random
from typing import Any

import pytest
from prometheus_client import CollectorRegistry

from gateway.auth.authentication.clients import Viewer
from gateway.stores.write_queue import WriteQueue
from gateway.writes.delivery import Delivery, DeliveryMetrics
from tests.support.figures import note
from tests.support.writes.partner import Partner, ToPartner
from tests.support.writes.world import (
    ADVISER,
    ASK,
    NOTE,
    OTHER_SCHOOL,
    REPLY,
    REQUEST,
    SCHOOL,
    SEALER,
    STRANGER,
    WITHDRAW,
    WRITES,
    WrittenWorld,
    key,
    somebody,
    written_world,
)

pytestmark = pytest.mark.anyio
SEEDS, STEPS = 40, 12
SITUATIONS = ("NOUVEAU_PROJET", "REORIENTATION", "CONTACTE_SANS_RETOUR")
MOTIFS = ("LOGEMENT", "MOBILITE", "SANTE")
ANSWERS = ("ACCEPTEE", "REFUSEE", "TERMINEE")
SAID_NO_MORE = {"REFUSEE", "ABANDONNEE"}
FIELDS = "suivi { situation } collaboration { motifs reponse }"
OF_PARTNER = {"situation": "RDV_PRIS"}  # what i-milo says of everybody in this world


@dataclass
class Machine:
    """One run. `said`: what was accepted, in its order: the id, the kind, what it says; `states`: of each, as it is listed."""

    small: WrittenWorld
    randomness: Random
    partner: Partner = field(default_factory=Partner)
    seconds: float = 1_000_000.0
    said: list[tuple[str, str, str]] = field(default_factory=list)
    states: dict[str, str] = field(default_factory=dict)

    def steps(self) -> list[Callable[[], Awaitable[None]]]:
        return [self.note, self.note, self.ask, self.reply, self.withdraw, self.deliver, self.deliver]

    async def note(self) -> None:
        situation = self.randomness.choice(SITUATIONS)
        await self._write(ADVISER, NOTE, "suivi", situation, situation=situation)

    async def ask(self) -> None:
        motif = self.randomness.choice(MOTIFS)
        asked = {**REQUEST, "motifs": [motif], "precisions": None}
        await self._write(SCHOOL, ASK, "demande", motif, **asked)

    async def reply(self) -> None:
        answer = self.randomness.choice(ANSWERS)
        is_asked = any(kind == "demande" for kind, _ in self.alive())
        await self._write(ADVISER, REPLY, "reponse", answer, reponse=answer, is_accepted=is_asked)

    async def withdraw(self) -> None:
        if self.said:
            identifier, kind, _ = self.randomness.choice(self.said)
            who = SCHOOL if kind == "demande" else ADVISER
            await self.small.ask(who, WITHDRAW, cle=key(), ecriture=identifier)

    async def deliver(self) -> None:
        self.partner.expect(self.randomness.choice(("ok", "ok", 412, "hang", 503)) for _ in range(9))
        queue, metrics = WriteQueue(self.small.store, lambda: self.seconds), DeliveryMetrics(CollectorRegistry())
        clocks = (lambda: self.small.instant), (lambda: self.seconds), (lambda: 0.0)
        await Delivery(queue, self.partner, SEALER, metrics, *clocks).deliver()
        await queue.lease.release()
        self.seconds += self.randomness.choice((1, 30, 700))

    async def _write(
        self, who: Viewer, text: str, kind: str, value: str, *, is_accepted: bool = True, **saisie: Any
    ) -> None:
        self.small.later(seconds=self.randomness.choice((0, 1, 60)))
        result = await self.small.write(who, text, jeune=await self.small.id_of(who), **saisie)
        assert (result["erreurs"] == []) is is_accepted, result
        if is_accepted:
            self.said.append((result["ecriture"]["id"], kind, value))

    def alive(self) -> list[tuple[str, str]]:
        """What is still said, in its order."""
        return [(kind, value) for one, kind, value in self.said if self.states.get(one, "") not in SAID_NO_MORE]

    async def check(self) -> None:
        """Each of four readers."""
        await self.small.writes.pending.follow()
        for who in (ADVISER, SCHOOL):
            listed = (await self.small.ask(who, WRITES))["data"]["ecritures"]["nodes"]
            self.states |= {one["id"]: one["etat"] for one in listed}
        suivi = next(({"situation": value} for kind, value in reversed(self.alive()) if kind == "suivi"), OF_PARTNER)
        support = self._support()
        awaited = {"suivi": suivi, "collaboration": support}
        assert await self._read(ADVISER) == awaited
        assert await self._read(SCHOOL) == (awaited if support else {"suivi": None, "collaboration": None})
        assert (await self._read(OTHER_SCHOOL), await self._read(STRANGER)) == (None, None)

    def _support(self) -> dict[str, Any] | None:
        """The last request that is still said, and the last answer behind it."""
        told: dict[str, Any] | None = None
        for kind, value in self.alive():
            if kind == "demande":
                told = {"motifs": [value], "reponse": None}
            elif kind == "reponse" and told:
                told = {**told, "reponse": value}
        return told

    async def _read(self, who: Viewer) -> Any:
        found = await self.small.jeune(who, FIELDS)
        return found and {name: found[name] for name in ("suivi", "collaboration")}


async def test_i6_each_reader_sees_what_is_still_said_whatever_happened(tmp_path: Path) -> None:
    written = 0
    for seed in range(SEEDS):
        randomness = Random(seed)
        (folder := tmp_path / str(seed)).mkdir()
        async with written_world(folder, [somebody(0)]) as small:
            if randomness.random() < 0.7:
                small.world.gateway = replace(small.gateway, writes=replace(small.writes, destinations=ToPartner()))
            machine = Machine(small, randomness)
            try:
                for _ in range(STEPS):
                    await randomness.choice(machine.steps())()
                    await machine.check()
            except AssertionError as error:
                error.add_note(f"seed {seed}: {machine.said} {machine.states}")
                raise
            written += len(machine.said)
    note(f"I6 : {SEEDS} graines de {STEPS} pas, {written} écritures, quatre lecteurs à chaque pas : 0 écart")
