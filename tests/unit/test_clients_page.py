"""docs/clients.md and docs/evenements.md show clients as they are in their tests, of the versions that are locked."""

import json
import re
from pathlib import Path
from textwrap import dedent

import pytest

PAGE = Path("docs/clients.md").read_text(encoding="utf-8")
QUOTE = re.compile(r"(?:^<!-- (\S+) -->\n)?^```\w+\n(.*?)^```$", re.MULTILINE | re.DOTALL)
QUOTES = [(match[1], match[2]) for match in QUOTE.finditer(PAGE)]
CLIENTS = (
    "apollo.test.mjs",
    "urql.test.mjs",
    "relay.test.mjs",
    "request.test.mjs",
    "codegen.config.mjs",
    "test_gql.py",
    "apollo-events.test.mjs",
    "urql-events.test.mjs",
    "graphql-ws.test.mjs",
    "events/receive.ts",
)
EVENTS_PAGE = Path("docs/evenements.md").read_text(encoding="utf-8")
OF_EVENTS = [(match[1], match[2]) for match in QUOTE.finditer(EVENTS_PAGE) if match[1]]


def holds(text: str, quote: str) -> bool:
    """Whether these lines follow each other in the text, all further in by as much."""
    lines, quoted = text.splitlines(), quote.splitlines()
    windows = (lines[n : n + len(quoted)] for n in range(len(lines)))
    return any(dedent("\n".join(window)) == "\n".join(quoted) for window in windows)


@pytest.mark.parametrize(
    ("source", "quote"),
    [*QUOTES, *OF_EVENTS],
    ids=[f"{n} {source}" for n, (source, _) in enumerate([*QUOTES, *OF_EVENTS])],
)
def test_a_quote_is_the_text_of_its_test(source: str, quote: str) -> None:
    assert holds(Path(source).read_text(encoding="utf-8"), quote)


def test_a_quote_that_is_not_there_is_seen() -> None:
    assert holds("  a = 1\n  b = 2\n", "a = 1\nb = 2\n")
    assert not holds("  a = 1\n  b = 2\n", "a = 1\nb = 3\n")
    assert not holds("  a = 1\n  x\n  b = 2\n", "a = 1\nb = 2\n")


def test_each_client_is_quoted() -> None:
    assert {source for source, _ in OF_EVENTS} == {"tests/clients/events/receive.ts", "tests/clients/events_client.py"}
    assert {f"tests/clients/{name}" for name in (*CLIENTS, "Client.java")} <= {source for source, _ in QUOTES}


def test_the_versions_of_the_page_are_those_that_are_tried() -> None:
    locked = json.loads(Path("tests/clients/package.json").read_text(encoding="utf-8"))["devDependencies"]
    told = dict(re.findall(r"`([@\w/-]+)` (\d+\.\d+\.\d+)", PAGE))
    assert {name: version for name, version in told.items() if name != "gql"}.items() <= locked.items()
    assert f"gql[httpx]=={told['gql']}\n" in Path("requirements/dev.in").read_text(encoding="utf-8")
    assert {"@apollo/client", "@urql/core", "graphql-request", "@graphql-codegen/cli"} <= told.keys()
