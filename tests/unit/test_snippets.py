"""Whatever a page shows to copy is executed or validated, here or by the test that is named for it: a block of another kind, a
command line, a query or settings that are not those of the product fail."""

import ast
import importlib.util
import itertools
import json
import re
import shlex
import shutil
import subprocess
import tomllib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from fnmatch import fnmatch
from typing import Any

import pytest
from graphql import GraphQLSyntaxError, parse, validate
from pydantic import BaseModel

from gateway.__main__ import _arguments
from gateway.schema.query import build, core_schema
from gateway.webhooks.endpoints import EndpointsFile
from tests.clients import events_client
from tests.unit.public_names import FILES
from tests.unit.test_clients_page import holds
from tests.unit.test_public_names import keys_of
from tests.unit.test_reference import LEAVES, words
from tools.source import ROOT

GRAPH = core_schema(build())
OUTSIDE = {"decisions", "node_modules"}  # what was decided is history
PAGES = [
    *sorted(path for path in (ROOT / "docs").rglob("*.md") if OUTSIDE.isdisjoint(path.parts)),
    *(ROOT / name for name in ("README.md", "CONTRIBUTING.md", "SECURITY.md", "fixtures/README.md")),
]
BLOCK = re.compile(r"^(?:<!-- (\S+) -->\n)?^```([^\n]*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
INLINE = re.compile(r"(?<!`)`([^`\n]+)`(?!`)")
# What is more than the rules below read, by pages and kind: the test that plays it, which names the page.
PLAYED = {
    ("docs/evenements.md", "text"): "tests/unit/test_snippets.py",
    ("docs/exercice.md", "sh"): "tests/infrastructure/test_exercise.py",
    ("docs/mandataire-caddy.md", "text"): "tests/infrastructure/test_proxies.py",
    ("docs/mandataire-haproxy.md", "text"): "tests/infrastructure/test_proxies.py",
    ("docs/mandataire-nginx.md", "text"): "tests/infrastructure/test_proxies.py",
    ("docs/partenaires*.md", "csv"): "tests/contract/test_connector_documentation.py",
    ("docs/partenaires*.md", "csv exemple"): "tests/contract/test_table_documentation.py",
    ("docs/partenaires*.md", "json exemple"): "tests/contract/test_table_documentation.py",
    ("docs/partenaires*.md", "py"): "tests/contract/test_connector_documentation.py",
    **{
        ("docs/partenaires*.md", f"toml {name}"): "tests/contract/test_table_documentation.py"
        for name in ("exemple", "champs", "graphql", "erreurs", "admis", "changements", "suivi")
    },
    ("docs/webhooks.md", "text"): "tests/unit/test_webhook_signing.py",
    ("docs/partenaires*.md", "toml reseau"): "tests/contract/test_connector_documentation.py",
}
NOT_QUERIES = {"{ ok: false, errors }"}  # of a client, in its own language
TARGETS = set(re.findall(r"^([a-z][a-z-]*):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
CODE = "".join(path.read_text(encoding="utf-8") for path in sorted((ROOT / "gateway").rglob("*.py")))
MODELS: list[type[BaseModel]] = [*FILES.values(), EndpointsFile]
KEYS = {key for model in MODELS for key in keys_of(model) if " = " not in key}


def _pattern(key: str) -> re.Pattern[str]:
    """Of a key, as settings have it; what is free below it, a table of headers for one, is not looked at."""
    below = "" if any(re.match(rf"{re.escape(key)}(?:\.|\[)", one) for one in KEYS) else r"(?:\..*)?"
    return re.compile(re.escape(key).replace(r"\*", r"[^.]+") + below)


KNOWN = [_pattern(key) for key in KEYS]


@dataclass(frozen=True, slots=True)
class Block:
    """Something to copy. `source`: the file that it says it is a part of."""

    page: str
    source: str
    kind: str
    text: str

    @property
    def is_played(self) -> bool:
        return bool(self.source) or any(self.is_of(pages, kind) for pages, kind in PLAYED)

    def is_of(self, pages: str, kind: str) -> bool:
        return fnmatch(self.page, pages) and self.kind == kind


def blocks() -> Iterator[Block]:
    for path in PAGES:
        name = path.relative_to(ROOT).as_posix()
        for source, kind, text in BLOCK.findall(path.read_text(encoding="utf-8")):
            yield Block(name, source, kind, text)


def inline() -> Iterator[tuple[str, str]]:
    for path in PAGES:
        text = BLOCK.sub("", path.read_text(encoding="utf-8"))
        yield from ((path.relative_to(ROOT).as_posix(), one) for one in INLINE.findall(text))


ALL = list(blocks())
SENTENCES = sorted(set(inline()))
COMMANDS = [(page, one) for page, one in SENTENCES if re.match(r"(?:python -m gateway|passerelle) [a-z]", one)]
WRITTEN_AS_QUERIES = re.compile(r"\{ \w|(?:query|mutation|subscription)\b.*\{")
QUERIES = [(page, one) for page, one in SENTENCES if WRITTEN_AS_QUERIES.match(one) and one not in NOT_QUERIES]


def flattened(value: Any, place: str = "") -> Iterator[str]:
    """The keys of a table, as those of the models are written."""
    if isinstance(value, dict):
        for key, one in value.items():
            yield from flattened(one, f"{place}.{key}".strip("."))
    elif isinstance(value, list) and value and isinstance(value[0], dict):
        for one in value:
            yield from flattened(one, f"{place}[]")
    else:
        yield place


def query(text: str) -> None:
    assert validate(GRAPH, parse(text)) == []


def settings(text: str) -> None:
    keys = flattened(tomllib.loads(text))
    assert [key for key in keys if not any(known.fullmatch(key) for known in KNOWN)] == []


def javascript(text: str) -> None:
    node = shutil.which("node")
    if node is None:
        pytest.skip("no Node here: a program of JavaScript is not read")
    command = [node, "--check", "--input-type=module", "-"]
    told = subprocess.run(command, input=text, capture_output=True, text=True, check=False)
    assert told.returncode == 0, told.stderr


def commands(text: str) -> Iterator[list[str]]:
    """The commands of a block, each as its words, without the variables that it sets."""
    for line in text.replace("\\\n", " ").splitlines():
        told = shlex.shlex(line, posix=True, punctuation_chars=True)
        told.whitespace_split = True
        for separates, some in itertools.groupby(told, lambda word: word in ("&&", "|", ";")):
            command = [word for word in some if not re.fullmatch(r"[A-Za-z_]+=\S*", word)]
            if command and not separates:
                yield command


def module_command(arguments: list[str]) -> None:
    """`python`: of the product, by its own parser, which raises SystemExit; another module or program is there."""
    if arguments[:2] == ["-m", "gateway"]:
        assert _arguments(arguments[2:])
    elif arguments[0] == "-m":
        assert importlib.util.find_spec(arguments[1])
    elif arguments[0] == "-c":
        assert ast.parse(arguments[1])
    else:
        assert (ROOT / "docs/exemples/python" / arguments[0]).is_file()


def make_command(arguments: list[str]) -> None:
    assert arguments[0] in TARGETS


def asked(arguments: list[str]) -> None:
    """`curl`: of an address that the product, or the demo, serves."""
    url = next(one for one in arguments if "://" in one or one.startswith("$adresse"))
    path = re.sub(r"^[a-z]+://[^/]+|^\$adresse", "", url).partition("?")[0].partition(".")[0]
    assert path == "/token" or f'"{path}' in CODE, path


def with_files(arguments: list[str]) -> None:
    """Another's program: the files of ours that it is given are there."""
    named = [one for one in arguments if re.match(r"(?:deploy|docs|examples|tests|fixtures)/", one)]
    assert [one for one in named if not (ROOT / one).exists()] == []


PROGRAMS: Mapping[str, Callable[[list[str]], None]] = {
    "python": module_command,
    ".venv/bin/python": module_command,
    "make": make_command,
    "curl": asked,
    **dict.fromkeys(("docker", "kubectl", "systemctl", "nginx", "haproxy", "caddy", "pytest", "cd", "npm"), with_files),
    **dict.fromkeys((".venv/bin/pip", "node", "sleep", "for", "do", "done", "until"), lambda _: None),
}


def shell(text: str) -> None:
    """Each command of it: its program is one of these, and what it is given is there."""
    if text.startswith("JETON="):
        return  # played whole by tests/e2e/test_documented_commands.py
    for program, *arguments in commands(text):
        PROGRAMS[program](arguments)


RULES: Mapping[str, Callable[[str], object]] = {
    "graphql": query,
    "json": json.loads,
    "toml": settings,
    "python": ast.parse,
    "js": javascript,
    "sh": shell,
}


@pytest.mark.parametrize("block", [one for one in ALL if not one.is_played], ids=lambda one: f"{one.page} {one.kind}")
def test_a_snippet_is_valid(block: Block) -> None:
    assert block.kind in RULES, "a kind of snippet that no rule reads: name the test that plays it in PLAYED"
    RULES[block.kind](block.text)


@pytest.mark.parametrize("block", [one for one in ALL if one.source], ids=lambda one: f"{one.page} {one.source}")
def test_a_part_of_a_file_is_the_text_of_it(block: Block) -> None:
    assert holds((ROOT / block.source).read_text(encoding="utf-8"), block.text)


@pytest.mark.parametrize(("page", "kind"), PLAYED, ids=" ".join)
def test_what_another_test_plays_is_there_and_that_test_knows_it(page: str, kind: str) -> None:
    assert any(block.is_of(page, kind) for block in ALL)
    name = page.rpartition("/")[2].removesuffix(".md").partition("-")[0].removesuffix("*")
    assert name in (ROOT / PLAYED[page, kind]).read_text(encoding="utf-8")


@pytest.mark.parametrize(("page", "line"), COMMANDS)
def test_a_command_in_a_sentence_is_one_of_the_product(page: str, line: str) -> None:
    told = words(re.sub(r"^(?:python -m gateway|passerelle) ", "", line))
    assert any(told == leaf[: len(told)] or leaf == told[: len(leaf)] for leaf in LEAVES), page


@pytest.mark.parametrize(("page", "text"), QUERIES)
def test_a_query_in_a_sentence_is_one_of_the_graph(page: str, text: str) -> None:
    try:
        tree = parse(text)
    except GraphQLSyntaxError:
        assert "=" in text or "…" in text, page  # settings, or a shape
    else:
        assert validate(GRAPH, tree) == [], page


class _Stream:
    """What docs/evenements.md says that a stream sends, for the program beside it to read."""

    def __init__(self, text: str) -> None:
        self._text = text

    def __enter__(self) -> "_Stream":
        return self

    def __exit__(self, *_: object) -> None:
        """Nothing to close."""

    def raise_for_status(self) -> None:
        """It was accepted."""

    def iter_lines(self) -> Iterator[str]:
        yield from self._text.splitlines()


def test_the_program_of_a_stream_reads_what_its_page_says_that_it_sends(monkeypatch: pytest.MonkeyPatch) -> None:
    (sent,) = (block.text for block in ALL if (block.page, block.kind) == ("docs/evenements.md", "text"))
    asked_for: list[dict[str, Any]] = []

    def open_stream(method: str, url: str, **options: Any) -> _Stream:
        asked_for.append(options)
        return _Stream(sent)

    monkeypatch.setattr("httpx.stream", open_stream)
    (told,) = events_client.stream("https://passerelle.invalid/graphql", "jeton", "10UJcP2R")
    assert told == {"type": "RUPTURE_NOUVELLE", "jeune": {"id": "…"}}
    query(asked_for[0]["json"]["query"])
    headers = {"authorization": "Bearer jeton", "accept": "text/event-stream", "last-event-id": "10UJcP2R"}
    assert asked_for[0]["headers"] == headers
