"""A steady load, in a thread: so many requests a second whatever becomes of them, each answer or failure kept."""

import asyncio
import itertools
import threading
from collections import Counter
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self

import httpx

from fixtures.servers import NO_AUTHORITY


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a request: its status, or the name of what broke. `partial`: answered, with errors; `shown`:
    the answer shows a young person."""

    statut: int | str
    partner_request: str = ""
    partial: bool = False
    shown: bool = False


class Payload:
    """Context manager: asks `url` from entry to exit, `par_seconde` times, these `partner_requests` in turn. `client` is what
    httpx's own takes besides."""

    def __init__(self, url: str, token: str, partner_requests: list[str], par_seconde: float, **client: Any) -> None:
        self._url, self._headers, self._client = url, {"Authorization": f"Bearer {token}"}, client
        self._queries = itertools.cycle(partner_requests)
        self._step = 1 / par_seconde
        self._end = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._run()), name="charge", daemon=True)
        self.issues: list[Outcome] = []
        self.kept_version = 0.0  # requests a second that really left: this thread shares the machine with what it asks

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        self._end.set()
        self._thread.join()

    @property
    def statuts(self) -> dict[int | str, int]:
        return dict(Counter(outcome.statut for outcome in self.issues))

    @property
    def partial_answers(self) -> int:
        return sum(outcome.partial for outcome in self.issues)

    async def _run(self) -> None:
        loop = asyncio.get_running_loop()
        settings = {"trust_env": False, "timeout": 60, "verify": NO_AUTHORITY, **self._client}
        client = httpx.AsyncClient(base_url=self._url, headers=self._headers, **settings)
        async with client as http, asyncio.TaskGroup() as group:
            debut = loop.time()
            for rank in itertools.count(1):
                group.create_task(self._send_one(http, next(self._queries)))
                await asyncio.sleep(max(0.0, debut + rank * self._step - loop.time()))
                if self._end.is_set():
                    self.kept_version = rank / (loop.time() - debut)
                    break

    async def _send_one(self, http: httpx.AsyncClient, partner_request: str) -> None:
        try:
            response = await http.post("/graphql", json={"query": partner_request})
        except httpx.HTTPError as error:
            self.issues.append(Outcome(type(error).__name__))
            return
        identifier = response.headers.get("x-request-id", "")
        partial, shown = '"errors":' in response.text, '"jeune":{' in response.text
        self.issues.append(Outcome(response.status_code, identifier, partial, shown))
