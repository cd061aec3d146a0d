"""How the tests of the second look ask totals of a gateway, of this checkout or of the one that AUTRE_DEPOT names, and read in
its journal whom they name."""

from collections.abc import Iterator
from contextlib import contextmanager
from copy import copy
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from fixtures.gateway_process import LaunchedGateway
from fixtures.world import World
from tests.support.e2e.queries import until_complete
from tests.support.e2e.readings import contents, journal_de
from tests.support.security.second_checkout import command, configuration, gateway

FIVE = "[clients.ml-quota]\nquota_personnes_jour = 5\nintrouvables_10_minutes = 5\n"
ROWS = """query L($a: String) { jeunes(first: 200, after: $a) { pageInfo { hasNextPage endCursor } edges { node {
 id nom age statut { valeur } commune { code departement { code } } formations { cfa { uai } }
 contrats { id dateDebut cfa { uai } rupture { id date prioritaire } } } } } }"""


@dataclass(frozen=True)
class Attacker:
    """Asks as an agent of a client of the demo, and counts what the journal says of somebody."""

    world: World
    gateway: LaunchedGateway
    agent: str
    client: str = "ml"

    def ask(self, query: str, **variables: Any) -> dict[str, Any]:
        """The whole answer."""
        return until_complete(self.gateway, self._token, query, **variables)

    @cached_property
    def _token(self) -> str:
        return self.world.token(self.client, agent=self.agent)

    def total(self, root: str, **criteria: Any) -> int:
        """The total of a list, and nothing else."""
        type_ = f"Filtre{root.capitalize()}"
        answer = self.ask(f"query T($f: {type_}) {{ {root}(filtre: $f, first: 0) {{ totalCount }} }}", f=criteria)
        assert "data" in answer, answer["errors"]
        return int(answer["data"][root]["totalCount"])

    def rows(self) -> list[dict[str, Any]]:
        """Everybody whom the client sees."""
        nodes: list[dict[str, Any]] = []
        after = None
        while True:
            page = self.ask(ROWS, a=after)["data"]["jeunes"]
            nodes += [edge["node"] for edge in page["edges"]]
            if not page["pageInfo"]["hasNextPage"]:
                return nodes
            after = page["pageInfo"]["endCursor"]

    def readings(self, person: dict[str, Any]) -> list[str]:
        """The lines of `journal personne` that tell a reading of that person by this agent."""
        code, told, error = command(self.world, "journal", "personne", person["id"])
        assert code == 0, error
        return [line for line in told.splitlines() if f'"{self.agent}"' in line]

    def entries(self) -> list[dict[str, Any]]:
        """The entries of the journal that this agent left."""
        return [content for content in contents(journal_de(self.world)) if content.get("compte") == self.agent]


@contextmanager
def attacked_world(world: World, record: Path) -> Iterator[tuple[World, LaunchedGateway]]:
    """That world under a configuration of its own, and a gateway where `ml-quota` may read five persons a day, and look in
    vain five times."""
    clients = configuration(world, record) / "clients.toml"
    text = clients.read_text(encoding="utf-8")
    assert "[clients.ml-quota]\n" in text
    clients.write_text(text.replace("[clients.ml-quota]\n", FIVE), encoding="utf-8")
    own = copy(world)
    own.record, own.environment = record, {**world.environment, "GATEWAY_CONFIG": str(record)}
    with gateway(own, record) as launched:
        yield own, launched
