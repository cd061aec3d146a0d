"""R5: a full disk is told once, the same way by `/health/ready`, the metrics and the log, for as long as it lasts."""

import time
from contextlib import ExitStack
from pathlib import Path

import pytest

from fixtures.remote_control import client_http
from fixtures.world import World
from tests.support.databases import BASES
from tests.support.e2e.queries import until_complete
from tests.support.pair import a_database, metrics
from tests.support.security.journal_attacks import NOMINATIVE, ask, attacked, fill, full, health, small_disk, until

SHORT, LONG = 3, 16  # samples
GONE, BACK = "journal des lectures indisponible", "journal des lectures de nouveau disponible"


@pytest.mark.parametrize(
    ("nature", "samples"),
    [("sqlite", SHORT), *(pytest.param(one, LONG, marks=pytest.mark.chaos) for one in BASES)],
)
def test_r5_a_full_disk_is_told_the_same_everywhere_and_does_not_flap(
    small_world: World, tmp_path: Path, nature: str, samples: int
) -> None:
    with ExitStack() as stack:
        if nature == "sqlite":
            place = stack.enter_context(small_disk(tmp_path / "disque"))
            url = f"sqlite+aiosqlite:///{place / 'journal.sqlite'}"
        else:
            url = stack.enter_context(a_database())
        gateway = stack.enter_context(attacked(small_world, GATEWAY_JOURNAL_URL=url))
        token = small_world.token("ml", agent="disque")
        until_complete(gateway, token, NOMINATIVE)
        log = gateway.journal.read_text(encoding="utf-8")
        with ExitStack() as filled, client_http(gateway.url) as http:
            if nature == "sqlite":
                filled.callback(fill(place).unlink)
            else:
                filled.enter_context(full(url))
            assert until(lambda: ask(http, token, NOMINATIVE).status_code == 503)
            time.sleep(1.1)  # what a probe found before is believed at most so long
            told = []
            for _ in range(samples):
                now = health(gateway)
                gauge = "passerelle_journal_disponible 0.0" in metrics(gateway)
                told.append((ask(http, token, NOMINATIVE).status_code, now["etat"], now["manque"], gauge))
                time.sleep(0.5)
            print(nature, told)
            assert told == [(503, "pas prêt", ["journal"], True)] * samples
            assert ask(http, token, "{ ruptures { totalCount } }").status_code == 200
        assert until(lambda: health(gateway)["manque"] == [])
        with client_http(gateway.url) as http:
            assert ask(http, token, NOMINATIVE).status_code == 200
        assert "passerelle_journal_disponible 1.0" in metrics(gateway)
        lines = gateway.journal.read_text(encoding="utf-8").removeprefix(log).splitlines()
        assert [GONE in line for line in lines if GONE in line or BACK in line] == [True, False]
