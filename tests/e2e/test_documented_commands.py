"""The command lines that a newcomer copies from the pages, run by a shell as they are but for the addresses of the demo."""

import json
import os
import re
import sqlite3
import subprocess
from contextlib import closing
from pathlib import Path

import pytest

from fixtures.gateway_process import LaunchedGateway
from fixtures.world import World
from tests.support.e2e.queries import until_complete

GATEWAY, ISSUER = "http://127.0.0.1:8000", "http://127.0.0.1:8010"
LIST = "{ ruptures(first: 2, tri: PRIORITE) { totalCount complet } }"


def commands(page: str, first: str) -> str:
    """The block of a page that begins so."""
    blocks = re.findall(r"^```sh\n(.*?)^```$", Path(page).read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)
    (block,) = [one for one in blocks if one.startswith(first)]
    return str(block)


def run(text: str, where: Path | None = None) -> str:
    told = subprocess.run(
        ["/bin/sh", "-euc", text], cwd=where, capture_output=True, text=True, check=False, timeout=120
    )
    assert told.returncode == 0, told.stderr
    return told.stdout


def test_the_first_query_of_the_readme_is_answered(world: World, gateway: LaunchedGateway) -> None:
    whole = until_complete(gateway, world.token("ml"), LIST)["data"]["ruptures"]
    text = commands("README.md", "JETON=")
    assert GATEWAY in text
    assert ISSUER in text
    answer = json.loads(run(text.replace(GATEWAY, gateway.url).replace(ISSUER, world.identity_url)))
    assert answer["data"]["ruptures"]["totalCount"] == whole["totalCount"]
    assert len(answer["data"]["ruptures"]["edges"]) == 2


@pytest.mark.parametrize("page", ["docs/statistiques.md", "docs/guide-statisticien.md"])
def test_a_file_of_figures_is_where_the_page_says(page: str, gateway: LaunchedGateway) -> None:
    """This world has published nothing yet: the address answers so, and by no other reason."""
    text = commands(page, "curl 'http").replace(GATEWAY, gateway.url).replace("curl ", "curl -s ")
    assert json.loads(run(text))["errors"][0]["extensions"]["code"] == "STATISTIQUES_INDISPONIBLES"


def test_a_database_is_copied_while_it_is_written(tmp_path: Path) -> None:
    (tmp_path / "donnees").mkdir()
    (tmp_path / "sauvegardes").mkdir()
    with closing(sqlite3.connect(tmp_path / "donnees" / "journal.sqlite", isolation_level=None)) as base:
        base.execute("CREATE TABLE entrees (numero INTEGER)")
        base.execute("INSERT INTO entrees VALUES (7)")
        text = commands("docs/exploitation.md", "python -c").replace(
            "/sauvegardes", os.fspath(tmp_path / "sauvegardes")
        )
        run(text.replace("python -c", "python3 -c"), tmp_path)
    with closing(sqlite3.connect(tmp_path / "sauvegardes" / "journal.sqlite")) as copy:
        assert copy.execute("SELECT numero FROM entrees").fetchall() == [(7,)]
