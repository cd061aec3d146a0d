"""One HTTP exchange, as values: what came back, and what sends. Knows no partner, no proof and no document."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field

import httpx


@dataclass(frozen=True, slots=True)
class Recue:
    """An answer as it came: the headers that we read, and the decoded body of a 200."""

    statut: int
    entetes: Mapping[str, str] = field(default_factory=dict)
    corps: bytes = b""


Echanger = Callable[[httpx.Request], Awaitable[Recue]]
