"""The cache and freshness as a caller sees them: two processes over one Redis, a partner that dies warm, fresher data."""

import shutil
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import pytest

from fixtures import gateway_process
from fixtures.gateway_process import LaunchedGateway
from fixtures.servers import HOST
from fixtures.world import World
from gateway.federation.collect.collector import VERIFY_AFTER
from tests.support.e2e.queries import ALL, until_complete
from tests.support.figures import note
from tests.support.pair import counted, metrics

PARTNERS = ("ypareo", "aimaira", "gestibase", "imilo")
BASES_OF_REDIS = range(210, 215)  # one for each time that both are started
LIST = "query L($n: Int!) { ruptures(first: $n) { totalCount complet edges { node { date } } } }"


@pytest.fixture
def sound(world: World) -> Iterator[None]:
    yield
    world.check.lift_faults()


@pytest.fixture(scope="module")
def short_lived(patient: str, tmp_path_factory: pytest.TempPathFactory) -> str:
    return _short_lived(patient, tmp_path_factory.mktemp("breve"))


def _short_lived(configuration: str, folder: Path) -> str:
    """A configuration whose answers are fresh for a hundredth of a second, and never served without asking."""
    copy = shutil.copytree(configuration, folder / "configuration")
    for file in (copy / "partenaires").glob("*.toml"):
        text = file.read_text(encoding="utf-8")
        rules = "duree_secondes = 0.01\nperime_secondes = 0.01\nplancher_secondes = 0"
        file.write_text(text.replace("duree_secondes = 300", rules), encoding="utf-8")
    return str(copy)


@pytest.fixture(scope="module")
def forgetful(world: World, short_lived: str) -> Iterator[LaunchedGateway]:
    """A gateway that asks the partners at each query."""
    with world.gateway(GATEWAY_CONFIG=short_lived) as launched:
        yield launched


def states(reponse: dict[str, dict[str, list[dict[str, str]]]]) -> dict[str, str]:
    return {line["nom"]: line["cache"] for line in reponse["extensions"]["sources"]}


def test_two_processes_over_one_redis_ask_as_one(counted: World, long_waiting: str, redis_url: str) -> None:
    """Both asked at once, cold: each partner hears what one process would have asked; then one is purged for both.

    Processes that Redis does not answer within a quarter of a second ask alone for a second, as they must: on a machine as
    busy as that, they are asked again from the start."""
    with counted.gateway(GATEWAY_CONFIG=long_waiting) as alone:
        counted.check.reset_all()
        expected = until_complete(alone, counted.token("ml"), ALL, n=50)
        one = asked(counted)
    for base in BASES_OF_REDIS:
        both = BothOfOneRedis(counted, long_waiting, f"{redis_url.removesuffix('/0')}/{base}")
        if both.redis_answered:
            break
    note(
        f"deux processus, un Redis : {sum(map(total, both.asked.values()))} demandes, {sum(map(total, one.values()))} seul"
    )
    assert both.redis_answered
    assert both.asked == one
    assert both.purged == {"gestibase"}
    assert both.totals == [expected["data"]["ruptures"]["totalCount"]] * 2


class BothOfOneRedis:
    """What two processes over an empty Redis asked, and were answered."""

    def __init__(self, world: World, configuration: str, redis_url: str) -> None:
        env = {"GATEWAY_CONFIG": configuration, "GATEWAY_CACHE_URL": redis_url, "GATEWAY_PROCESSUS": "2"}

        def one_of_both() -> AbstractContextManager[LaunchedGateway]:
            return world.gateway(0, HOST, **env)

        with one_of_both() as a, one_of_both() as b, ThreadPoolExecutor() as threads:
            told = a.journal.stat().st_size  # both write there
            world.check.reset_all()
            results = list(threads.map(lambda p: until_complete(p, world.token("ml"), ALL, n=50), (a, b)))
            self.asked = asked(world)
            world.check.reset_all()
            gateway_process.run(("cache", "purger", "gestibase"), world.environment | env).check_returncode()
            time.sleep(VERIFY_AFTER)  # what was answered just before the purge is taken to hold
            until_complete(b, world.token("ml"), ALL, n=50)
            self.purged = {partner for partner, operations in world.check.counters().items() if operations}
            self.redis_answered = b"redis sans" not in a.journal.read_bytes()[told:]
        self.totals = [result["data"]["ruptures"]["totalCount"] for result in results]


def asked(world: World) -> dict[str, dict[str, int]]:
    """What each partner was asked, but the referential, which is read behind."""
    return {partner: operations for partner, operations in world.check.counters().items() if partner != "referentiel"}


def total(operations: dict[str, int]) -> int:
    return sum(operations.values())


def test_a_partner_that_dies_warm_leaves_its_rows_and_says_their_age(
    world: World, short_lived: str, sound: None
) -> None:
    with world.gateway(GATEWAY_CONFIG=short_lived) as launched:
        warm = until_complete(launched, world.token("ml"), LIST, n=100)
        assert warm["data"]["ruptures"]["complet"] is True
        for partner in ("ypareo", "gestibase", "aimaira"):
            world.check.fault(partner, "refuse")
        time.sleep(VERIFY_AFTER)  # what was read is held so long without being looked at
        dead = launched.graphql(world.token("ml"), LIST, {"n": 100})
    assert dead["data"]["ruptures"]["edges"] == warm["data"]["ruptures"]["edges"]
    assert dead["data"]["ruptures"]["complet"] is False
    assert {error["extensions"]["source"] for error in dead["errors"]} == {"ypareo", "gestibase", "aimaira"}
    for error in dead["errors"]:
        assert error["extensions"]["cache"] == "perime"
        assert "est montrée" in error["message"]
        assert error["extensions"]["ageSecondes"] >= 0
    assert {states(dead)[name] for name in ("ypareo", "gestibase", "aimaira")} == {"perime"}


def test_c01_each_caller_is_answered_as_without_cache(
    world: World, gateway: LaunchedGateway, forgetful: LaunchedGateway
) -> None:
    """Warm by one and read by the next, in both orders, then all at once: the answers of a gateway that keeps nothing."""
    clients = ("ml", "ml-voisine", "cfa")
    without = {client: until_complete(forgetful, world.token(client), ALL, n=20) for client in clients}
    with ThreadPoolExecutor() as threads:
        tokens = [world.token(client) for client in (*clients, *reversed(clients), *clients, *clients)]
        for client, token in zip((*clients, *reversed(clients)), tokens, strict=False):
            assert comparable(until_complete(gateway, token, ALL, n=20)) == comparable(without[client])
        results = list(threads.map(lambda token: gateway.graphql(token, ALL, {"n": 20}), tokens[6:]))
    assert [comparable(result) for result in results] == [comparable(without[client]) for client in clients * 2]
    assert len({str(comparable(without[client])) for client in clients}) == 3


def comparable(reponse: dict[str, Any]) -> dict[str, Any]:
    """Data and errors, without what names the request."""
    errors = [{**one, "extensions": {**one["extensions"], "requestId": ""}} for one in reponse.get("errors", [])]
    return {"data": reponse["data"], "errors": errors}


@pytest.fixture
def counted_forgetful(counted: World, long_waiting: str, tmp_path: Path) -> Iterator[LaunchedGateway]:
    """Such a gateway, over partners that nobody else asks."""
    with counted.gateway(GATEWAY_CONFIG=_short_lived(long_waiting, tmp_path)) as launched:
        yield launched


def test_what_did_not_change_is_confirmed_and_not_decoded(counted: World, counted_forgetful: LaunchedGateway) -> None:
    """As many requests as a reading, and nothing decoded, whether partners give validators or say the same again."""
    world, launched = counted, counted_forgetful
    before = revalidated(launched, "inchangee")
    result = until_complete(launched, world.token("ml"), ALL, n=50)
    requests = []
    for _ in range(2):
        time.sleep(VERIFY_AFTER)  # a held reading is looked at again
        world.check.reset_all()
        reread = launched.graphql(world.token("ml"), ALL, {"n": 50})
        assert reread["data"] == result["data"]
        requests.append(world.check.counters())
    assert requests[0] == requests[1]
    after = revalidated(launched, "inchangee")
    confirmed = {name: after[name] - before[name] for name in PARTNERS}
    assert confirmed["ypareo"] >= 2 * requests[0]["ypareo"]["periodes"] > 0
    assert confirmed["aimaira"] >= 2
    assert min(confirmed["gestibase"], confirmed["imilo"]) >= 2  # they give none
    assert list(revalidated(launched, "changee").values()) == [0, 0, 0, 0]
    note(f"revalidation : {', '.join(f'{name} {int(n)}' for name, n in confirmed.items())} unités confirmées, 0 relue")


def revalidated(gateway: LaunchedGateway, issue: str) -> dict[str, float]:
    """The units of each partner that were asked again, by all the processes."""
    text, name = metrics(gateway), "passerelle_revalidations_total"
    return {one: counted(text, f'{name}{{issue="{issue}",partenaire="{one}"}}') for one in PARTNERS}


def test_a_caller_may_ask_for_fresher_data(world: World, patient: str) -> None:
    fresh = LIST.replace("query L($n: Int!)", "query L($n: Int!, $s: Int!) @fraicheur(maxSecondes: $s)")
    with world.gateway(GATEWAY_CONFIG=patient) as launched:
        token = world.token("ml")
        until_complete(launched, token, LIST, n=1)
        assert "manque" not in states(launched.graphql(token, fresh, {"n": 1, "s": 600})).values()
        spared = launched.graphql(token, fresh, {"n": 1, "s": 0})  # within ten seconds: the partners are spared
        assert "errors" not in spared
        assert {line["etat"] for line in spared["extensions"]["sources"]} <= {"DISPONIBLE", "FERMEE"}
