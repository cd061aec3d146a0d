"""The JDK's HttpClient, which offers h2c by default, against one real gateway (docs/clients.md). Skipped where no JDK is."""

import json
import shutil
from collections.abc import Iterator
from subprocess import PIPE, Popen
from typing import Any

import pytest

from tests.clients.conftest import FOLDER, Context
from tests.clients.documents import REFUSE, RUPTURES, hashed

pytestmark = pytest.mark.skipif(shutil.which("javac") is None, reason="no JDK here: its client is not run")


class Program:
    """A program of Java that sends what it is told, and tells what was answered."""

    def __init__(self, process: "Popen[str]", tokens: dict[str, str]) -> None:
        self._process, self._tokens = process, tokens

    def answer(self, who: str, **body: Any) -> Any:
        assert self._process.stdin
        assert self._process.stdout
        self._process.stdin.write(f"{self._tokens[who]} {json.dumps(body)}\n")
        self._process.stdin.flush()
        return json.loads(self._process.stdout.readline())


@pytest.fixture(scope="module")
def program(context: Context) -> Iterator[Program]:
    command, env = ["java", "Client.java"], {"URL": context.url}
    with Popen(command, cwd=FOLDER, env=env, stdin=PIPE, stdout=PIPE, text=True, encoding="utf-8") as process:
        yield Program(process, context.tokens)
        process.kill()


def test_the_jdk_pages_through_a_list(program: Program, context: Context) -> None:
    results: list[str] = []
    page: dict[str, Any] = {"hasNextPage": True, "endCursor": None}
    while page["hasNextPage"]:
        variables = {"first": 5, "after": page["endCursor"]}
        liste = program.answer("ml", query=RUPTURES, variables=variables)["data"]["ruptures"]
        results += [edge["node"]["id"] for edge in liste["edges"]]
        page = liste["pageInfo"]
    assert results == context.ruptures


def test_the_jdk_reads_a_refusal_at_its_place(program: Program) -> None:
    answer = program.answer("ml", query=REFUSE)
    assert [edge["node"]["ine"] for edge in answer["data"]["jeunes"]["edges"]] == [None] * 3
    assert [(error["extensions"]["code"], error["path"]) for error in answer["errors"]] == [
        ("CHAMP_REFUSE", ["jeunes", "edges", n, "node", "ine"]) for n in range(3)
    ]


def test_the_jdk_reads_what_is_there_when_a_partner_is_down(program: Program) -> None:
    answer = program.answer("partial", query=RUPTURES, variables={"first": 5})
    assert answer["data"]["ruptures"]["complet"] is False
    assert len(answer["data"]["ruptures"]["edges"]) == 5
    assert [error["extensions"]["source"] for error in answer["errors"]] == ["imilo"]


def test_the_jdk_names_a_trusted_document(program: Program, context: Context) -> None:
    answer = program.answer("trusted", documentId=hashed(RUPTURES), variables={"first": 2})
    assert [edge["node"]["id"] for edge in answer["data"]["ruptures"]["edges"]] == context.ruptures[:2]
