"""R6: while the journal hangs, who asks for nobody's data is served as before, and who does is refused at once."""

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from fixtures.remote_control import client_http
from fixtures.world import World
from tests.support.databases import BASES
from tests.support.e2e.queries import until_complete
from tests.support.pair import a_database
from tests.support.security.journal_attacks import ANONYMOUS, NOMINATIVE, ask, attacked, crowd, health, held, until

SHORT, *LONG = BASES
CLIENTS = 150  # of each kind; those who read persons are twice as many
HELD = 150  # of the two hundred places of a process: those that a slow journal may take


@pytest.mark.parametrize("nature", [SHORT, *(pytest.param(one, marks=pytest.mark.chaos) for one in LONG)])
def test_r6_a_hung_journal_takes_no_place_of_the_others(small_world: World, tmp_path: Path, nature: str) -> None:
    with a_database(nature, tmp_path) as url, attacked(small_world, GATEWAY_JOURNAL_URL=url) as gateway:
        token = small_world.token("ml", agent="pendu")
        until_complete(gateway, token, NOMINATIVE)
        with held(url), ThreadPoolExecutor(1) as others:
            answered: list[int] = []
            nominative = others.submit(crowd, gateway, token, NOMINATIVE, 2 * CLIENTS, answered)
            # The others wait for the journal then, and hold all the places that they may
            assert until(lambda: len(answered) >= 2 * CLIENTS - HELD)
            anonymous = crowd(gateway, token, ANONYMOUS, CLIENTS)
            while not nominative.done():
                anonymous += crowd(gateway, token, ANONYMOUS, CLIENTS)
            print(nature, "nominatives", nominative.result(), "autres", anonymous)
            assert nominative.result() == {503: 2 * CLIENTS}
            assert anonymous.keys() == {200}
            with client_http(gateway.url) as http:
                assert until(lambda: health(gateway)["manque"] == ["journal"])
                refused = ask(http, token, NOMINATIVE)
            assert (refused.status_code, refused.headers["retry-after"]) == (503, "1")
            assert refused.json().keys() == {"errors"}
            assert refused.json()["errors"][0]["extensions"]["detail"] == "JOURNAL_INDISPONIBLE"
            # None of them waits for the database: three rounds, each refused while the journal is held
            again = sum((crowd(gateway, token, NOMINATIVE, CLIENTS) for _ in range(3)), Counter[int]())
            assert again == {503: 3 * CLIENTS}
        with client_http(gateway.url) as http:
            assert until(lambda: ask(http, token, NOMINATIVE).status_code == 200)
        assert until(lambda: health(gateway)["manque"] == [])  # what was found a second ago is still told
