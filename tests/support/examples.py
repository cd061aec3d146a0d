"""The examples of the GraphiQL page, read as the page reads them."""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from graphql import OperationDefinitionNode, parse

FILE = Path(__file__).resolve().parent.parent.parent / "gateway/web/source/exemples.graphql"
SEARCH = re.compile(r"^# cherche : (.*)\n", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Example:
    """A query, the profiles it is written for (`*`: all), and the list in which the values of its variables are found."""

    profiles: tuple[str, ...]
    title: str
    search: str | None
    query: str

    def is_for(self, profile: str) -> bool:
        return profile in self.profiles or "*" in self.profiles

    @property
    def variables(self) -> list[str]:
        (operation,) = parse(self.query).definitions
        assert isinstance(operation, OperationDefinitionNode)
        return [one.variable.name.value for one in operation.variable_definitions or ()]


def examples() -> list[Example]:
    """In the order of the menu: a profile's first is what its editor opens on."""
    return [_example(chunk) for chunk in re.split(r"^# == ", FILE.read_text(encoding="utf-8"), flags=re.MULTILINE)[1:]]


def _example(chunk: str) -> Example:
    head, _, body = chunk.partition("\n")
    profiles, title = head.split(" · ")
    found = SEARCH.search(body)
    return Example(tuple(profiles.split(", ")), title, found[1] if found else None, SEARCH.sub("", body).strip())


def persons_of(data: Any) -> int:
    """How many rows an answer shows, in each of its roots: of a list, of a search, or the one object asked for."""
    return min(_rows_of(root) for root in data.values())


def _rows_of(root: Any) -> int:
    rows = root.get("edges", root.get("nodes")) if isinstance(root, dict) else root
    return len(rows) if isinstance(rows, list) else int(root is not None)
