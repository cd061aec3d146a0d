"""The examples of the GraphiQL page, read as the page reads them."""

import re
from dataclasses import dataclass
from pathlib import Path

FILE = Path(__file__).resolve().parent.parent.parent / "gateway/web/source/exemples.graphql"


@dataclass(frozen=True, slots=True)
class Example:
    """A query and the demo clients it is written for."""

    clients: tuple[str, ...]
    who: str
    title: str
    partner_request: str


def examples() -> list[Example]:
    """In the order of the menu: the first is the page's default query."""
    return [_example(chunk) for chunk in re.split(r"^# == ", FILE.read_text(encoding="utf-8"), flags=re.MULTILINE)[1:]]


def _example(chunk: str) -> Example:
    head, _, partner_request = chunk.partition("\n")
    clients, who, title = head.split(" · ")
    return Example(tuple(clients.split(", ")), who, title, partner_request.strip())
