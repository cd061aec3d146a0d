"""Ready or not, and why: opened, told to stop, and what each part says of itself, tried once a second at most."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from gateway.edge.guard import VALIDITY, Health, Readiness

pytestmark = pytest.mark.anyio


class HealthHarness:
    """A health over two parts that the test breaks, and the clock it turns."""

    def __init__(self) -> None:
        self.works: dict[str, bool | Exception] = {"journal": True, "liens": True}
        self.attempts: list[str] = []
        self.seconds = 100.0
        self.health = Health(
            {"journal": self._attempt("journal")}, {"liens": self._attempt("liens")}, lambda: self.seconds
        )

    def _attempt(self, nom: str) -> Callable[[], Awaitable[bool]]:
        async def attempt() -> bool:
            self.attempts.append(nom)
            await asyncio.sleep(0)
            outcome = self.works[nom]
            if isinstance(outcome, Exception):
                raise outcome
            return outcome

        return attempt

    async def later(self) -> Readiness:
        self.seconds += VALIDITY + 0.1
        return await self.health.readiness()


async def test_what_is_still_to_open_is_told_and_nothing_is_tried() -> None:
    harness = HealthHarness()
    assert (harness.health.is_open, await harness.health.readiness()) == (False, Readiness(("ouverture",)))
    harness.health.open(["cles", "referentiel"])
    assert (harness.health.is_open, await harness.health.readiness()) == (False, Readiness(("cles", "referentiel")))
    assert harness.attempts == []
    harness.health.open(())
    assert (harness.health.is_open, await harness.health.readiness()) == (True, Readiness([], []))


@pytest.mark.parametrize("fault", [False, OSError("down")])
async def test_a_part_that_answers_need_makes_it_not_ready_and_another_does_not(fault: bool | Exception) -> None:
    harness = HealthHarness()
    harness.health.open(())
    harness.works["liens"] = fault
    assert await harness.health.readiness() == Readiness([], ["liens"])
    harness.works = {"journal": fault, "liens": True}
    assert await harness.later() == Readiness(["journal"], [])
    harness.works["journal"] = True
    assert await harness.later() == Readiness([], [])


async def test_the_parts_are_tried_once_whoever_asks() -> None:
    harness = HealthHarness()
    harness.health.open(())
    assert await asyncio.gather(*(harness.health.readiness() for _ in range(50))) == [Readiness([], [])] * 50
    assert await harness.health.readiness() == Readiness([], [])
    assert harness.attempts == ["journal", "liens"]
    await harness.later()
    assert harness.attempts == ["journal", "liens"] * 2


async def test_told_to_stop_it_says_so_at_once_even_to_who_was_waiting() -> None:
    harness = HealthHarness()
    harness.health.open(())
    waiting = asyncio.create_task(harness.health.readiness())
    await asyncio.sleep(0)
    harness.health.stopping = True
    assert await waiting == Readiness(("arret",))
    attempts = list(harness.attempts)
    assert await harness.later() == Readiness(("arret",))
    assert harness.attempts == attempts
