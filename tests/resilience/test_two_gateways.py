"""Two gateways of one Redis and one PostgreSQL: one of them may be restarted, or die, and nobody is failed by the other."""

import json
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from fixtures import gateway_process
from fixtures.world import World
from gateway.auth.authentication.clients import REQUEST_PRICE
from tests.support.balancer import Balancer
from tests.support.databases import read
from tests.support.e2e.queries import until_complete
from tests.support.figures import note
from tests.support.load import Payload
from tests.support.pair import Node, a_database, pair
from tests.support.redis_server import redis_server
from tests.support.resilience.lifecycle import poster, that_warns

LIST = """query L($apres: String) { ruptures(first: 3, after: $apres) { totalCount pageInfo { endCursor }
 edges { node { id jeune { id nom } } } } }"""
RUPTURES = "{ ruptures(first: 3) { edges { node { jeune { id nom telephone } } } } }"
ME = "{ moi { profil } }"

Two = tuple[Balancer, list[Node]]


@contextmanager
def two_gateways(world: World, record: Path) -> Iterator[Two]:
    """The journal in PostgreSQL; the registry and the links in the files of this machine, which both processes open.
    `pytest tests/e2e --deux-passerelles` has all of them in PostgreSQL."""
    that_warns(world, record)
    with redis_server() as cache, a_database() as journal:
        env = {"GATEWAY_CACHE_URL": cache, "GATEWAY_JOURNAL_URL": journal, "GATEWAY_PROCESSUS": "2"}
        with pair(world, GATEWAY_CONFIG=str(record), **env) as two:
            yield two


@pytest.fixture(scope="module")
def two(world: World, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Two]:
    with two_gateways(world, tmp_path_factory.mktemp("deux")) as open_lines:
        yield open_lines


def journal_intact(node: Node) -> str:
    """What `journal verifier` prints of a chain that is whole."""
    finished = gateway_process.run(("journal", "verifier"), node.environment)
    assert finished.returncode == 0, finished.stdout + finished.stderr
    return finished.stdout


def written_requests(node: Node) -> set[str]:
    rows = read(node.environment["GATEWAY_JOURNAL_URL"], "SELECT contenu FROM journal_entrees")
    return {json.loads(content).get("requete", "") for (content,) in rows}


def test_two_processes_answer_as_one(world: World, two: Two) -> None:
    """Ids, cursors and what a client may still spend are the same whichever answers; both write one chain."""
    _, (one, other) = two
    token = world.token("ml")
    first = until_complete(one.launched, token, LIST)
    assert until_complete(other.launched, token, LIST)["data"] == first["data"]
    after = first["data"]["ruptures"]["pageInfo"]["endCursor"]
    sequences = [node.launched.graphql(token, LIST, {"apres": after})["data"] for node in (one, other)]
    assert sequences[0] == sequences[1]
    (edge, *_) = first["data"]["ruptures"]["edges"]
    by_id = '{{ jeune(id: "{id}") {{ nom }} }}'.format(**edge["node"]["jeune"])
    assert other.launched.graphql(token, by_id)["data"]["jeune"] == {"nom": edge["node"]["jeune"]["nom"]}
    responses = [poster(node.url, token, RUPTURES) for node in (one, other)]
    remainders = [int(response.headers["ratelimit-remaining"]) for response in responses]
    assert remainders[1] == remainders[0] - responses[1].json()["extensions"]["cout"] - REQUEST_PRICE
    assert {response.headers["x-request-id"] for response in responses} <= written_requests(other)
    assert journal_intact(one).startswith("journal intègre, entrées 1 à ")


def restart(balancer: Balancer, node: Node) -> None:
    """As an orchestrator does: told to stop, ended at 0, started again, in service before the next one."""
    assert node.finish(signal.SIGTERM) == 0
    node.close()
    node.start()
    while len(balancer.ready_nodes) < 2:
        time.sleep(0.01)


def test_one_is_restarted_and_no_request_fails(world: World, two: Two) -> None:
    balancer, nodes = two
    until_complete(nodes[0].launched, world.token("ml"), RUPTURES)
    with Payload(balancer.url, world.token("ml"), [ME, RUPTURES], 15) as charge:
        restart(balancer, nodes[0])
    note(f"redémarrage d'un nœud sur deux sous 15 requêtes/s : {charge.statuts}, échecs attendus 0")
    assert charge.statuts.keys() == {200}


@pytest.mark.chaos
def test_each_is_restarted_in_turn_and_no_request_fails(world: World, two: Two) -> None:
    balancer, nodes = two
    until_complete(nodes[0].launched, world.token("ml"), RUPTURES)
    with Payload(balancer.url, world.token("ml"), [ME, RUPTURES], 50) as charge:
        for node in [*nodes, *nodes]:
            restart(balancer, node)
    note(
        f"redémarrage de chaque nœud, deux fois, sous 50 requêtes/s ({charge.kept_version:.1f} parties) : {charge.statuts}, "
        f"{charge.partial_answers} partielles ; échecs attendus 0"
    )
    assert charge.statuts.keys() == {200}
    assert journal_intact(nodes[0]).startswith("journal intègre, entrées 1 à ")


@pytest.mark.chaos
def test_one_is_killed_and_nothing_answered_is_lost(world: World, tmp_path: Path) -> None:
    """Cold, so that it dies while it asks partners and holds leases; what it answered is written, what is asked of the
    other is answered."""
    with two_gateways(world, tmp_path) as (_, (dead, alive)):
        with (
            Payload(dead.url, world.token("ml"), [RUPTURES], 25) as lost,
            Payload(alive.url, world.token("ml"), [RUPTURES, ME], 25) as kept_version,
        ):
            while sum(outcome.statut == 200 for outcome in lost.issues) < 25:
                time.sleep(0.005)
            assert dead.finish(signal.SIGKILL) == -signal.SIGKILL
            survival = len(kept_version.issues)
            while len(kept_version.issues) < survival + 250:
                time.sleep(0.01)
        written = written_requests(alive)
        answered = {i.partner_request for i in lost.issues + kept_version.issues if i.statut == 200 and i.shown}
        intact = journal_intact(alive)
    note(f"kill -9 d'un nœud sous 50 requêtes/s : le mort {lost.statuts}, l'autre {kept_version.statuts}")
    note(f"         {len(answered)} réponses nominatives, {len(answered - written)} sans entrée ; {intact.strip()}")
    assert kept_version.statuts.keys() == {200}
    assert answered <= written
