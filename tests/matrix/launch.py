"""Plays the cells of the matrix: a fresh gateway a fault, over HTTP, whose answers the oracle judges."""

import re
import shutil
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from fixtures import gateway_process
from fixtures.certificates import Authority
from fixtures.gateway_process import FailingGateway, LaunchedGateway
from fixtures.remote_control import client_http
from fixtures.servers import HOST
from fixtures.world import World
from tests.matrix.cells import ALIVE_ONES, Cell, fault
from tests.matrix.oracle import LIST, Oracle, Outcome, ReadOne

RESPONSE_TIMEOUT = 4.0  # seconds the gateway gives its answer
TIMEOUT = 10  # seconds it waits for a partner, whatever the answer does
ATTEMPTS = 5  # answers asked for while a partner that is not faulted is late: the machine is busy, not the partner


@dataclass
class Matrix:
    """The cells of one world. `record` holds a configuration a cell; `response_timeout`, the seconds that an answer may take."""

    world: World
    record: Path
    response_timeout: float = RESPONSE_TIMEOUT

    def __post_init__(self) -> None:
        self.oracle = Oracle(self.world, self.world.clients["ml"].organisation)
        self._authority = Authority(self.record)

    def living(self, cell: Cell) -> Iterator[tuple[str, str]]:
        """Each partner asked at query time, and what is wrong with its cell ("": nothing). The fault is armed on one after
        the other and never lifted: in the end all of them have it."""
        outcomes: dict[str, Outcome] = {}
        with ExitStack() as stack:
            stack.callback(self.world.check.lift_faults)
            launched = stack.enter_context(self.world.gateway(0, HOST, **self._environment(stack, cell, ALIVE_ONES)))
            for partner in ALIVE_ONES:
                self.world.check.fault(**fault(cell, partner))
                outcomes[partner] = cell.become(partner)
                if cell.kind != "tls":
                    yield partner, self.judge(launched, outcomes, cell.codes)
            if cell.kind == "tls":  # a door hands on the links as they are, and they are not of TLS: all have the flaw
                describe_fault = self.judge(launched, outcomes, cell.codes)
                yield from ((partner, describe_fault) for partner in ALIVE_ONES)

    def referentiel(self, cell: Cell) -> str:
        """It is harvested when the gateway starts: one that cannot be leaves the copy of the disk, and nothing lacks."""
        with ExitStack() as stack:
            stack.callback(self.world.check.lift_faults)
            env = self._environment(stack, cell, ("referentiel",))
            self.world.check.fault(**fault(cell, "referentiel"))
            launched = stack.enter_context(self.world.gateway(0, HOST, **env))
            return self.judge(launched, {})

    def registry(self, cell: Cell) -> str:
        """It is harvested by night: what could not be is absent, and either an error or its age says so."""
        base = self.record / "registre.sqlite"
        base.unlink(missing_ok=True)
        with ExitStack() as stack:
            stack.callback(self.world.check.lift_faults)
            env = self._environment(stack, cell, ("registre",))
            env["GATEWAY_DATABASE_URL"] = f"sqlite+aiosqlite:///{base}"
            self.world.check.fault(**fault(cell, "registre"))
            whole = self._harvest(env)
            self.world.check.lift_faults()
            launched = stack.enter_context(self.world.gateway(0, HOST, **env))
            if whole:
                return self.judge(launched, {})
            return self._by_half(launched)

    def _environment(self, stack: ExitStack, cell: Cell, partners: Sequence[str]) -> dict[str, str]:
        if cell.kind != "tls":
            return {"GATEWAY_CONFIG": self.configuration({})}
        gates = {name: stack.enter_context(self.world.tls_gate(name, self._authority)) for name in partners}
        return {"GATEWAY_CONFIG": self.configuration(gates), "SSL_CERT_FILE": str(self._authority.file)}

    def _harvest(self, env: dict[str, str]) -> bool:
        """Whether the harvest ended well."""
        with self.world.night():
            try:
                gateway_process.harvest({**self.world.environment, **env})
            except FailingGateway:
                return False
        return True

    def _by_half(self, launched: LaunchedGateway) -> str:
        """Nothing was kept and an error says so, or the age tells up to when it was."""
        response = self._response(launched, {"registre"})
        result = ReadOne.de(response)
        if "registre" in result.errors:
            return self.oracle.describe_fault(result, {"registre": Outcome.KEPT_ROWS})
        view: dict[str, str] = next((one for one in response["extensions"]["sources"] if one["nom"] == "registre"), {})
        day = self.world.population.today.isoformat()
        return "" if view.get("asOf", "9999") < day else f"half a harvest said to be of {view}"

    def judge(self, launched: LaunchedGateway, outcomes: Mapping[str, Outcome], codes: Collection[str] = ()) -> str:
        selected = {name for name, sort in outcomes.items() if sort is Outcome.KEPT_ROWS}
        result = ReadOne.de(self._response(launched, selected))
        others = set(result.errors.values()) - set(codes)
        return self.oracle.describe_fault(result, outcomes) or (f"named by {sorted(others)}" if others else "")

    def _response(self, launched: LaunchedGateway, selected: Collection[str]) -> dict[str, Any]:
        """The answer; again while a healthy partner was late. A status of 500 or more is raised."""
        for _ in range(ATTEMPTS):
            with client_http(launched.url) as http:
                received = http.post("/graphql", json={"query": LIST, "variables": {"n": 100}}, headers=self._headers())
            if received.status_code >= httpx.codes.INTERNAL_SERVER_ERROR:
                raise AssertionError(
                    f"HTTP {received.status_code}\n{launched.journal.read_text(encoding='utf-8')[-2000:]}"
                )
            response: dict[str, Any] = received.json()
            late = {name for name, code in ReadOne.de(response).errors.items() if code == "SOURCE_DELAI_DEPASSE"}
            if not late - set(selected):
                break
        return response

    def _headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.world.token('ml')}"}

    def configuration(self, addresses: Mapping[str, str]) -> str:
        """A copy of the world's configuration: what is kept serves nobody, and some partners are asked elsewhere."""
        assert self.world.record is not None
        copy = self.record / "configuration"
        shutil.rmtree(copy, ignore_errors=True)
        shutil.copytree(self.world.record / "partenaires", copy / "partenaires")
        shutil.copy(self.world.record / "clients.toml", copy)
        delay = max(TIMEOUT, self.response_timeout)
        for file in (copy / "partenaires").glob("*.toml"):
            text = file.read_text(encoding="utf-8").replace("duree_secondes = 300", WITHOUT_CACHE)
            text = re.sub(r"delai_secondes = \d+\n", "", text)
            text = text.replace("[limites]\n", f"[limites]\noctets_max = 4000000\ndelai_secondes = {delay}\n")
            if url := addresses.get(file.stem):
                text = text.replace(self.world.simulators_url, url)
            file.write_text(text, encoding="utf-8")
        text = (self.world.record / "gateway.toml").read_text(encoding="utf-8")
        text = text.replace('dossier = "donnees"', f'dossier = "{self.world.record / "donnees"}"')
        (copy / "gateway.toml").write_text(
            f"{text}\n[reponse]\ndelai_secondes = {self.response_timeout}\n", encoding="utf-8"
        )
        return str(copy)


WITHOUT_CACHE = "duree_secondes = 0.01\nperime_secondes = 0.01\nsecours_secondes = 0.01\nplancher_secondes = 0"
