"""That a query asks no partner, over a world whose other gateways live: each asks again by itself, four minutes later, what it
was asked, and is counted with those of a test. What happens at each of three times is of the query."""

from collections.abc import Callable
from typing import TypeVar

from fixtures.world import World

TIMES = 3
T = TypeVar("T")


def without_asking(world: World, ask: Callable[[], T]) -> T:
    """What `ask` gave when no partner was asked meanwhile. Raises AssertionError when some is each time."""
    for _ in range(TIMES):
        world.check.reset_all()
        given = ask()
        if not world.check.total():
            return given
    raise AssertionError(f"asked each time: {world.check.counters()}")
