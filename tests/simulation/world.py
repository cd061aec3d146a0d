"""A partner made of draws: late, failing, closed, cut, lying on tenants, changing. What it does is noted, to be judged."""

import asyncio
import json
import random
from collections import Counter, defaultdict
from dataclasses import dataclass, field

import httpx
from aiocache.backends.memory import SimpleMemoryBackend
from aiocache.serializers import NullSerializer

from gateway.cache.interface import identity_key

UAIS = tuple(f"059000{numero}A" for numero in range(6))
SIZE = 2  # rows a page
ROWS = {
    uai: numero + 1 for numero, uai in enumerate(UAIS)
}  # rows of each tenant: one to three pages, some exactly full
EPOCH = 1_000_000.0


@dataclass(frozen=True)
class Character:
    """What this partner is like in this run: probabilities of each manner, and seconds."""

    faults: float
    slowness: float
    timeout: float  # what we wait for it
    quota: float  # a second
    tenant_quota: float  # a minute
    stable: bool  # says word for word what it said before, as long as nothing changed

    @classmethod
    def drawn(cls, randomness: random.Random) -> "Character":
        return cls(
            faults=randomness.choice((0.0, 0.1, 0.5, 0.95)),
            slowness=randomness.choice((0.05, 0.5, 3.0)),
            timeout=randomness.choice((2.0, 10.0)),
            quota=randomness.choice((2.0, 5.0, 50.0)),
            tenant_quota=randomness.choice((6.0, 30.0, 600.0)),
            stable=randomness.choice((False, True)),
        )


@dataclass
class Partner(httpx.AsyncBaseTransport):
    """The network of one process. `registry` is what all processes did, as the partner saw it."""

    registry: "RegistryStore"
    processus: int

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        uai, page = request.url.path.rsplit("/", 1)[1], int(request.url.params.get("page", "1"))
        seen = self.registry
        seen.departure(self.processus, uai, page)
        try:
            return await self._answer(uai, page)
        finally:
            seen.note_return(self.processus, uai, page)

    async def _answer(self, uai: str, page: int) -> httpx.Response:
        seen, randomness = self.registry, self.registry.randomness
        await asyncio.sleep(randomness.random() * seen.character.slowness)
        if randomness.random() >= seen.character.faults:
            return self.page(uai, page)
        return await _MANNERS[randomness.randrange(len(_MANNERS))](self, uai, page)

    def page(self, uai: str, page: int) -> httpx.Response:
        """The rows of a page, as they are now."""
        return self.registry.page(uai, page, uai)


@dataclass
class RegistryStore:
    """What the partner is and saw. `change` counts the changes of each tenant: rows tell the one they were made at. `told`:
    when each row was last said."""

    randomness: random.Random
    character: Character
    loop: asyncio.AbstractEventLoop
    change: Counter[str] = field(default_factory=Counter)
    told: dict[str, float] = field(default_factory=dict)
    shared_pacer: list[tuple[float, str]] = field(default_factory=list)
    in_flight: Counter[tuple[str, int]] = field(default_factory=Counter)  # by tenant and page
    in_flight_max: Counter[tuple[str, int]] = field(default_factory=Counter)
    by_process: defaultdict[int, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))
    concurrent_max: int = 0
    trace: list[str] = field(default_factory=list)

    def note(self, line: str) -> None:
        self.trace.append(f"{self.loop.time():.9f} {line}")

    def departure(self, processus: int, uai: str, page: int) -> None:
        self.note(f"{processus} demande {uai}")
        self.shared_pacer.append((self.loop.time(), uai))
        self.in_flight[uai, page] += 1
        self.in_flight_max[uai, page] = max(self.in_flight_max[uai, page], self.in_flight[uai, page])
        self.by_process[processus][uai] += 1
        self.concurrent_max = max(self.concurrent_max, self.by_process[processus].total())

    def note_return(self, processus: int, uai: str, page: int) -> None:
        self.in_flight[uai, page] -= 1
        self.by_process[processus][uai] -= 1

    def page(self, uai: str, page: int, who: str) -> httpx.Response:
        """Rows `<tenant>/<rank>/<change>/<instant>`, as many as the tenant asked for has, said to be of `who`."""
        ranks = range((page - 1) * SIZE, min(page * SIZE, ROWS[uai]))
        instant = 0.0 if self.character.stable else self.loop.time()
        keys = [f"{who}/{rank}/{self.change[uai]}/{instant:.9f}" for rank in ranks]
        self.told |= dict.fromkeys(keys, self.loop.time())
        return httpx.Response(200, content=json.dumps([{"cle": key, "uai": who} for key in keys]).encode())


async def _error(here: Partner, uai: str, page: int) -> httpx.Response:
    return httpx.Response(here.registry.randomness.choice((500, 502, 503, 404, 401)))


async def _later(here: Partner, uai: str, page: int) -> httpx.Response:
    return httpx.Response(
        429, headers={"Retry-After": here.registry.randomness.choice(("0", "1", "30", "-5", "999999"))}
    )


async def _broken_off(here: Partner, uai: str, page: int) -> httpx.Response:
    raise httpx.ReadError("reset")


async def _hung(here: Partner, uai: str, page: int) -> httpx.Response:
    await asyncio.sleep(1e6)
    raise AssertionError


async def _cut_off(here: Partner, uai: str, page: int) -> httpx.Response:
    whole = here.page(uai, page).content
    return httpx.Response(200, content=whole[: here.registry.randomness.randrange(len(whole))])


async def _of_another(here: Partner, uai: str, page: int) -> httpx.Response:
    return here.registry.page(uai, page, here.registry.randomness.choice([other for other in UAIS if other != uai]))


async def _repeated(here: Partner, uai: str, page: int) -> httpx.Response:
    """The first page, whatever the page asked for."""
    return here.page(uai, 1)


_MANNERS = (_error, _later, _broken_off, _hung, _cut_off, _of_another, _repeated)


class Memory(SimpleMemoryBackend):  # type: ignore[misc]
    """The shared cache of a run: bytes by name. `rate` of its calls fail, and a process that was killed reaches it no more."""

    def __init__(self, shared: SimpleMemoryBackend, randomness: random.Random, rate: float) -> None:
        super().__init__(serializer=NullSerializer(), key_builder=identity_key, timeout=0.25)
        self._cache, self._handlers = shared._cache, shared._handlers
        self._random, self._rate, self.dead = randomness, rate, False

    async def _maybe(self) -> None:
        if self.dead or self._random.random() < self._rate:
            raise ConnectionError
        await asyncio.sleep(self._random.random() * 0.01)

    async def _get(self, *facts: object, **rest: object) -> object:
        await self._maybe()
        return await super()._get(*facts, **rest)

    async def _multi_get(self, *facts: object, **rest: object) -> object:
        await self._maybe()
        return await super()._multi_get(*facts, **rest)

    async def _multi_set(self, *facts: object, **rest: object) -> object:
        await self._maybe()
        return await super()._multi_set(*facts, **rest)

    async def _add(self, *facts: object, **rest: object) -> object:
        await self._maybe()
        return await super()._add(*facts, **rest)

    async def _redlock_release(self, *facts: object) -> object:
        await self._maybe()
        return await super()._redlock_release(*facts)
