"""A partner made of draws: late, failing, closed, cut, lying on tenants, changing. What it does is noted, to be judged."""

import asyncio
import json
import random
from collections import Counter, defaultdict
from dataclasses import dataclass, field

import httpx
from aiocache.backends.memory import SimpleMemoryBackend
from aiocache.serializers import NullSerializer

from gateway.cache.memoire import telle_quelle

UAIS = tuple(f"059000{numero}A" for numero in range(6))
TAILLE = 2  # rows a page
LIGNES = {
    uai: numero + 1 for numero, uai in enumerate(UAIS)
}  # rows of each tenant: one to three pages, some exactly full
EPOQUE = 1_000_000.0


@dataclass(frozen=True)
class Caractere:
    """What this partner is like in this run: probabilities of each manner, and seconds."""

    pannes: float
    lenteur: float
    delai: float  # what we wait for it
    quota: float  # a second
    quota_locataire: float  # a minute
    stable: bool  # says word for word what it said before, as long as nothing changed

    @classmethod
    def tire(cls, hasard: random.Random) -> "Caractere":
        return cls(
            pannes=hasard.choice((0.0, 0.1, 0.5, 0.95)),
            lenteur=hasard.choice((0.05, 0.5, 3.0)),
            delai=hasard.choice((2.0, 10.0)),
            quota=hasard.choice((2.0, 5.0, 50.0)),
            quota_locataire=hasard.choice((6.0, 30.0, 600.0)),
            stable=hasard.choice((False, True)),
        )


@dataclass
class Partenaire(httpx.AsyncBaseTransport):
    """The network of one process. `registre` is what all processes did, as the partner saw it."""

    registre: "Registre"
    processus: int

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        uai, page = request.url.path.rsplit("/", 1)[1], int(request.url.params.get("page", "1"))
        vu = self.registre
        vu.depart(self.processus, uai, page)
        try:
            return await self._repondre(uai, page)
        finally:
            vu.retour(self.processus, uai, page)

    async def _repondre(self, uai: str, page: int) -> httpx.Response:
        vu, hasard = self.registre, self.registre.hasard
        await asyncio.sleep(hasard.random() * vu.caractere.lenteur)
        if hasard.random() >= vu.caractere.pannes:
            return self.page(uai, page)
        return await _MANIERES[hasard.randrange(len(_MANIERES))](self, uai, page)

    def page(self, uai: str, page: int) -> httpx.Response:
        """The rows of a page, as they are now."""
        return self.registre.page(uai, page, uai)


@dataclass
class Registre:
    """What the partner is and saw. `change` counts the changes of each tenant: rows tell the one they were made at. `dites`:
    when each row was last said."""

    hasard: random.Random
    caractere: Caractere
    boucle: asyncio.AbstractEventLoop
    change: Counter[str] = field(default_factory=Counter)
    dites: dict[str, float] = field(default_factory=dict)
    departs: list[tuple[float, str]] = field(default_factory=list)
    en_vol: Counter[tuple[str, int]] = field(default_factory=Counter)  # by tenant and page
    en_vol_max: Counter[tuple[str, int]] = field(default_factory=Counter)
    par_processus: defaultdict[int, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))
    simultanes_max: int = 0
    trace: list[str] = field(default_factory=list)

    def noter(self, ligne: str) -> None:
        self.trace.append(f"{self.boucle.time():.9f} {ligne}")

    def depart(self, processus: int, uai: str, page: int) -> None:
        self.noter(f"{processus} demande {uai}")
        self.departs.append((self.boucle.time(), uai))
        self.en_vol[uai, page] += 1
        self.en_vol_max[uai, page] = max(self.en_vol_max[uai, page], self.en_vol[uai, page])
        self.par_processus[processus][uai] += 1
        self.simultanes_max = max(self.simultanes_max, self.par_processus[processus].total())

    def retour(self, processus: int, uai: str, page: int) -> None:
        self.en_vol[uai, page] -= 1
        self.par_processus[processus][uai] -= 1

    def page(self, uai: str, page: int, qui: str) -> httpx.Response:
        """Rows `<tenant>/<rank>/<change>/<instant>`, as many as the tenant asked for has, said to be of `qui`."""
        rangs = range((page - 1) * TAILLE, min(page * TAILLE, LIGNES[uai]))
        instant = 0.0 if self.caractere.stable else self.boucle.time()
        cles = [f"{qui}/{rang}/{self.change[uai]}/{instant:.9f}" for rang in rangs]
        self.dites |= dict.fromkeys(cles, self.boucle.time())
        return httpx.Response(200, content=json.dumps([{"cle": cle, "uai": qui} for cle in cles]).encode())


async def _erreur(ici: Partenaire, uai: str, page: int) -> httpx.Response:
    return httpx.Response(ici.registre.hasard.choice((500, 502, 503, 404, 401)))


async def _plus_tard(ici: Partenaire, uai: str, page: int) -> httpx.Response:
    return httpx.Response(429, headers={"Retry-After": ici.registre.hasard.choice(("0", "1", "30", "-5", "999999"))})


async def _rompue(ici: Partenaire, uai: str, page: int) -> httpx.Response:
    raise httpx.ReadError("reset")


async def _pendue(ici: Partenaire, uai: str, page: int) -> httpx.Response:
    await asyncio.sleep(1e6)
    raise AssertionError


async def _coupee(ici: Partenaire, uai: str, page: int) -> httpx.Response:
    entiere = ici.page(uai, page).content
    return httpx.Response(200, content=entiere[: ici.registre.hasard.randrange(len(entiere))])


async def _d_un_autre(ici: Partenaire, uai: str, page: int) -> httpx.Response:
    return ici.registre.page(uai, page, ici.registre.hasard.choice([autre for autre in UAIS if autre != uai]))


async def _repetee(ici: Partenaire, uai: str, page: int) -> httpx.Response:
    """The first page, whatever the page asked for."""
    return ici.page(uai, 1)


_MANIERES = (_erreur, _plus_tard, _rompue, _pendue, _coupee, _d_un_autre, _repetee)


class Memoire(SimpleMemoryBackend):  # type: ignore[misc]
    """The shared cache of a run: bytes by name. `rate` of its calls fail, and a process that was killed reaches it no more."""

    def __init__(self, commun: SimpleMemoryBackend, hasard: random.Random, rate: float) -> None:
        super().__init__(serializer=NullSerializer(), key_builder=telle_quelle, timeout=0.25)
        self._cache, self._handlers = commun._cache, commun._handlers
        self._hasard, self._rate, self.mort = hasard, rate, False

    async def _peut_etre(self) -> None:
        if self.mort or self._hasard.random() < self._rate:
            raise ConnectionError
        await asyncio.sleep(self._hasard.random() * 0.01)

    async def _get(self, *faits: object, **reste: object) -> object:
        await self._peut_etre()
        return await super()._get(*faits, **reste)

    async def _multi_get(self, *faits: object, **reste: object) -> object:
        await self._peut_etre()
        return await super()._multi_get(*faits, **reste)

    async def _multi_set(self, *faits: object, **reste: object) -> object:
        await self._peut_etre()
        return await super()._multi_set(*faits, **reste)

    async def _add(self, *faits: object, **reste: object) -> object:
        await self._peut_etre()
        return await super()._add(*faits, **reste)

    async def _redlock_release(self, *faits: object) -> object:
        await self._peut_etre()
        return await super()._redlock_release(*faits)
