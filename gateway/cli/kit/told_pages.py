"""The pages of the cases of a partner, as its table reads them: the documents, and what each field says in its rows. Knows no
verdict."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from gateway.cli.kit.case_files import Case
from gateway.connectors.base import BodyFormat
from gateway.connectors.table.answer_tables import document_path
from gateway.connectors.table.dialect import Dialect
from gateway.connectors.table.field_paths import EMPTY, first_filled, follow, parse_path
from gateway.connectors.table.noun_tables import FieldTable
from gateway.connectors.table.request import requests
from gateway.connectors.values import at, rows_at
from gateway.sources.http.decode import AnnouncedError, InvalidDocument, decode


def documents_of(cases: Iterable[Case], dialect: Dialect) -> list[Any]:
    """Every page that can be decoded, be it that of a refusal."""
    found = list[Any]()
    for case in cases:
        request = requests(dialect, case.tenant, case.day)[0]
        for body in (page for pages in case.pages.values() for page in pages):
            try:
                found.append(decode(body, request))
            except (InvalidDocument, AnnouncedError):
                continue
    return found


def is_told(documents: Sequence[Any], path: str) -> bool:
    """Whether any page has something at a path, were it empty."""
    *above, last = document_path(path)
    places = (at(document, tuple(above)) for document in documents)
    return any(isinstance(place, Mapping) and last in place for place in places)


def told_values(documents: Iterable[Any], dialect: Dialect) -> Iterator[tuple[str, str, FieldTable, Any]]:
    """What the rows say of each field: the noun, the word, where it is, the value as the partner writes it."""
    is_xml = dialect.shape is BodyFormat.XML
    for document in documents:
        for row in rows_at(document, document_path(dialect.lignes), is_xml) or ():
            for noun, table in dialect.nouns():
                for one in _inside(row, table.lignes):
                    for word, told in table.fields():
                        value = first_filled(one, [parse_path(path, dialect.is_csv) for path in told.paths])
                        if value not in EMPTY:
                            yield noun, word, told, value


def _inside(row: Any, lignes: str) -> list[Any]:
    found = follow(row, parse_path(lignes)) if lignes else row
    return found if isinstance(found, list) else [] if found in EMPTY else [found]
