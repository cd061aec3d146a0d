"""Who is under way for a same plan: a crowd that waits for one reading and its view leaves places to others. Knows no place.

Two hundred who asked the same list of a partner that hangs held every place of the process until its deadline.
"""

from collections.abc import Iterator
from contextlib import contextmanager

from gateway.errors import Sature
from gateway.federation.plan import Plan

FOULE = 100  # half of the places of the process


class Foules:
    """How many are under way for each plan, in this process."""

    def __init__(self) -> None:
        self._presents: dict[Plan, int] = {}

    @contextmanager
    def rejoindre(self, plan: Plan) -> Iterator[None]:
        """Be one of them. Raises Sature at once when they are as many as may be."""
        presents = self._presents.get(plan, 0)
        if presents >= FOULE:
            raise Sature("Trop de requêtes attendent la même lecture.")
        self._presents[plan] = presents + 1
        try:
            yield
        finally:
            self._presents[plan] -= 1
            if not self._presents[plan]:
                del self._presents[plan]
