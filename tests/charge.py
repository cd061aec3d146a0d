"""A steady load, in a thread: so many requests a second whatever becomes of them, each answer or failure kept."""

import asyncio
import itertools
import threading
from collections import Counter
from dataclasses import dataclass
from types import TracebackType
from typing import Self

import httpx


@dataclass(frozen=True, slots=True)
class Issue:
    """What became of a request: its status, or the name of what broke. `partielle`: answered, with errors; `montre`:
    the answer shows a young person."""

    statut: int | str
    requete: str = ""
    partielle: bool = False
    montre: bool = False


class Charge:
    """Context manager: asks `url` from entry to exit, `par_seconde` times, these `requetes` in turn."""

    def __init__(self, url: str, jeton: str, requetes: list[str], par_seconde: float) -> None:
        self._url, self._entetes = url, {"Authorization": f"Bearer {jeton}"}
        self._requetes = itertools.cycle(requetes)
        self._pas = 1 / par_seconde
        self._fin = threading.Event()
        self._fil = threading.Thread(target=lambda: asyncio.run(self._tourner()), name="charge", daemon=True)
        self.issues: list[Issue] = []
        self.tenue = 0.0  # requests a second that really left: this thread shares the machine with what it asks

    def __enter__(self) -> Self:
        self._fil.start()
        return self

    def __exit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        self._fin.set()
        self._fil.join()

    @property
    def statuts(self) -> dict[int | str, int]:
        return dict(Counter(issue.statut for issue in self.issues))

    @property
    def partielles(self) -> int:
        return sum(issue.partielle for issue in self.issues)

    async def _tourner(self) -> None:
        boucle = asyncio.get_running_loop()
        client = httpx.AsyncClient(base_url=self._url, headers=self._entetes, trust_env=False, timeout=60)
        async with client as http, asyncio.TaskGroup() as groupe:
            debut = boucle.time()
            for rang in itertools.count(1):
                groupe.create_task(self._une(http, next(self._requetes)))
                await asyncio.sleep(max(0.0, debut + rang * self._pas - boucle.time()))
                if self._fin.is_set():
                    self.tenue = rang / (boucle.time() - debut)
                    break

    async def _une(self, http: httpx.AsyncClient, requete: str) -> None:
        try:
            reponse = await http.post("/graphql", json={"query": requete})
        except httpx.HTTPError as erreur:
            self.issues.append(Issue(type(erreur).__name__))
            return
        identifiant = reponse.headers.get("x-request-id", "")
        partielle, montre = '"errors":' in reponse.text, '"jeune":{' in reponse.text
        self.issues.append(Issue(reponse.status_code, identifiant, partielle, montre))
