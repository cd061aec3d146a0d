"""Ready or not, and why: opened, told to stop, and what each part says of itself, tried once a second at most."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from gateway.edge.health import VALIDITY, Health, Readiness

pytestmark = pytest.mark.anyio


class Bench:
    """A health over two parts that the test breaks, and the clock it turns."""

    def __init__(self) -> None:
        self.works: dict[str, bool | Exception] = {"journal": True, "liens": True}
        self.attempts: list[str] = []
        self.seconds = 100.0
        self.health = Health(
            {"journal": self._attempt("journal")}, {"liens": self._attempt("liens")}, lambda: self.seconds
        )

    def _attempt(self, nom: str) -> Callable[[], Awaitable[bool]]:
        async def try_() -> bool:
            self.attempts.append(nom)
            await asyncio.sleep(0)
            issue = self.works[nom]
            if isinstance(issue, Exception):
                raise issue
            return issue

        return try_

    async def later(self) -> Readiness:
        self.seconds += VALIDITY + 0.1
        return await self.health.readiness()


async def test_what_is_still_to_open_is_told_and_nothing_is_tried() -> None:
    bench_ = Bench()
    assert (bench_.health.is_open, await bench_.health.readiness()) == (False, Readiness(("ouverture",)))
    bench_.health.open(["cles", "referentiel"])
    assert (bench_.health.is_open, await bench_.health.readiness()) == (False, Readiness(("cles", "referentiel")))
    assert bench_.attempts == []
    bench_.health.open(())
    assert (bench_.health.is_open, await bench_.health.readiness()) == (True, Readiness([], []))


@pytest.mark.parametrize("fault", [False, OSError("down")])
async def test_a_part_that_answers_need_makes_it_not_ready_and_another_does_not(fault: bool | Exception) -> None:
    bench_ = Bench()
    bench_.health.open(())
    bench_.works["liens"] = fault
    assert await bench_.health.readiness() == Readiness([], ["liens"])
    bench_.works = {"journal": fault, "liens": True}
    assert await bench_.later() == Readiness(["journal"], [])
    bench_.works["journal"] = True
    assert await bench_.later() == Readiness([], [])


async def test_the_parts_are_tried_once_whoever_asks() -> None:
    bench_ = Bench()
    bench_.health.open(())
    assert await asyncio.gather(*(bench_.health.readiness() for _ in range(50))) == [Readiness([], [])] * 50
    assert await bench_.health.readiness() == Readiness([], [])
    assert bench_.attempts == ["journal", "liens"]
    await bench_.later()
    assert bench_.attempts == ["journal", "liens"] * 2


async def test_told_to_stop_it_says_so_at_once_even_to_who_was_waiting() -> None:
    bench_ = Bench()
    bench_.health.open(())
    waiting = asyncio.create_task(bench_.health.readiness())
    await asyncio.sleep(0)
    bench_.health.stopping = True
    assert await waiting == Readiness(("arret",))
    attempts = list(bench_.attempts)
    assert await bench_.later() == Readiness(("arret",))
    assert bench_.attempts == attempts
