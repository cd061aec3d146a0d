"""S7: an account is a client and who acts through it; a client has quotas of its own, whatever agents it names."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import redis

from fixtures.world import World
from tests.support.security.accounts import PROFILE, STORES, FewPersons, few_persons, refusal

KEYS = """quota_personnes_jour = 6
quota_client_personnes_jour = 10
quota_client_comptes_jour = 3
introuvables_10_minutes = 2"""
PERSONS = "Quota atteint : 10 personnes différentes par jour et par client. Reprendre demain."
ACCOUNTS = "Quota atteint : 3 comptes différents par jour et par client. Reprendre demain."
VAIN = "Trop de recherches sans résultat."
OWN = "Quota atteint : 6 personnes différentes par jour et par compte. Reprendre demain."


SHORT, *LONG = STORES


@pytest.fixture(params=[SHORT, *(pytest.param(one, marks=pytest.mark.chaos) for one in LONG)], ids="-".join)
def few(small_world: World, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[FewPersons]:
    base, cache = request.param
    number = 70 + STORES.index((base, cache))
    url = "memory://" if cache == "memory" else f"{request.getfixturevalue('redis_url').removesuffix('/0')}/{number}"
    if cache != "memory":  # what an earlier test spent in the last ten minutes stands there
        with redis.Redis.from_url(url) as client:
            client.flushdb()
    with few_persons(small_world, tmp_path, base, url, KEYS) as opened:
        yield opened


def test_s7_accounts_of_two_clients_share_nothing(few: FewPersons) -> None:
    assert refusal(few.read("ml", "x", few.ids[:6])) is None
    assert refusal(few.read("ml", "x", few.ids[6:8])) == OWN
    assert refusal(few.read("ml-quota", "x", few.ids[6:12])) is None, "the other client's x read nothing yet"
    for _ in range(3):
        refused = few.read("ml", "y", ["inconnu"] * 3)
    assert refusal(refused) == VAIN
    assert refusal(few.read("ml-quota", "y", ["inconnu"])) is None


def test_s7_a_client_that_names_its_accounts_stops_at_its_own_quotas(few: FewPersons) -> None:
    assert refusal(few.read("ml", "a", few.ids[:5])) is None
    assert refusal(few.read("ml", "b", few.ids[5:10])) is None
    assert refusal(few.read("ml", "c", few.ids[10:11])) == PERSONS
    assert refusal(few.read("ml", "b", few.ids[5:10])) is None, "what was read may be read again"
    assert refusal(few.read("ml", "d", few.ids[:1])) == ACCOUNTS
    assert refusal(few.ask("ml", "e", PROFILE)) == ACCOUNTS, "an account costs something, read or not"
    assert refusal(few.ask("ml", "a", PROFILE)) is None
    assert refusal(few.ask("ml-quota", "d", PROFILE)) is None


def test_s7_guesses_are_counted_for_the_client_too(few: FewPersons) -> None:
    """Two of an account in ten minutes, twenty of a client."""
    told = [refusal(few.read("ml", agent, ["inconnu"] * 9)) for agent in "abab"]
    assert told == [VAIN] * 4
    assert refusal(few.read("ml", "c", few.ids[:1])) == VAIN, "this one guessed nothing"
    assert refusal(few.read("ml-quota", "c", few.ids[:1])) is None


def test_s7_the_accounts_that_read_are_counted_for_all_processes(few: FewPersons) -> None:
    """A process that starts again knows them: they stand in the store of the journal."""
    for agent in "abc":
        assert refusal(few.read("ml", agent, few.ids[:1])) is None
    env: dict[str, Any] = {
        name: few.environment[name] for name in ("GATEWAY_CONFIG", "GATEWAY_JOURNAL_URL", "GATEWAY_CACHE_URL")
    }
    with few.world.gateway(**env) as second:
        again = FewPersons(few.world, second, few.environment, few.ids)
        assert refusal(again.read("ml", "d", few.ids[:1])) == ACCOUNTS
        assert refusal(again.read("ml", "a", few.ids[:1])) is None
