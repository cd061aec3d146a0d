"""Under what a person was read: all the ids of hers, and her records, from any one id that was ever given. No SQL."""

from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from typing import Protocol

from gateway.stores.journal import Journal
from gateway.stores.journal_queries import records_shown_as
from gateway.stores.journal_tables import record_code

Known = tuple[frozenset[str], frozenset[str]]


class PersonLinks(Protocol):
    """What the ledger of links knows. Each call may raise LinksUnavailable."""

    async def person(self, object_: str) -> Known: ...
    def keys(self) -> AsyncGenerator[tuple[str, str]]: ...


async def known_as(key: str, links: PersonLinks, journal: Journal, derive: Callable[[str], str]) -> Known:
    """The ids and the records of the person whom an id designates, by their keys."""
    ids, records = await links.person(key)
    if not records and (object_ := await _object_of(key, links, journal, derive)):
        found, records = await links.person(object_)
        ids |= found
    # What a record would have been called without the ledger, from before entries told records.
    return ids | {derive(record) for record in records}, records


async def _object_of(key: str, links: PersonLinks, journal: Journal, derive: Callable[[str], str]) -> str | None:
    """The object of an id that the ledger never had: it was made without it, from a record that may be known since."""
    shown = await records_shown_as(journal, key)
    found = None
    async with aclosing(links.keys()) as keys:
        async for record, object_ in keys:
            if derive(record) == key:
                return object_
            if record_code(journal.sealer, record) in shown:
                found = object_
    return found
