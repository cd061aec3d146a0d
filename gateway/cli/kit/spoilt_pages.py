"""Which page of a case cannot be read, at which line, and what its table should say of it. The gateway tells neither: what a
partner answers stays out of its messages."""

import codecs
import csv
import io
import json
import re
from collections.abc import Iterator
from difflib import get_close_matches
from xml.parsers import expat

from gateway.cli.kit.case_files import Case
from gateway.cli.kit.guess import separator_of
from gateway.connectors.table.dialect import Dialect
from gateway.sources.http.decode import decoded_text

_HTML = re.compile(rb"\s*<(?:!doctype\s+)?html", re.IGNORECASE)
_STARTS = {b"<": "xml", b"{": "json", b"[": "json"}


def spoilt_pages(case: Case, dialect: Dialect) -> Iterator[str]:
    """Each page that is none of its format: its file, the line, what to write."""
    for operation, files in case.files.items():
        for file, body in zip(files, case.pages[operation], strict=True):
            if why := _spoilt(body, dialect):
                yield f"{file} : {why}"


def _spoilt(body: bytes, dialect: Dialect) -> str:
    if _HTML.match(body):
        return "ligne 1 : une page HTML à la place des données"
    looks = _STARTS.get(body.removeprefix(codecs.BOM_UTF8).lstrip()[:1], "csv")
    if looks != ("json" if dialect.format == "lignes" else dialect.format):
        return f'ligne 1 : a l\'air de {looks.upper()} : format = "{looks}" ?'
    text = decoded_text(body, dialect.encodage)
    try:
        if dialect.format == "json":
            json.loads(text)
        elif dialect.format == "xml":
            expat.ParserCreate().Parse(text.lstrip(), True)
    except json.JSONDecodeError as error:
        return f"ligne {error.lineno}, colonne {error.colno} : JSON illisible"
    except expat.ExpatError as error:
        return f"ligne {error.lineno}, colonne {error.offset + 1} : XML illisible"
    return _without_columns(text, dialect) if dialect.is_csv else ""


def _without_columns(text: str, dialect: Dialect) -> str:
    """The first column of the identity that a CSV lacks, and the nearest that it has."""
    header = next(csv.reader(io.StringIO(text, newline=""), delimiter=dialect.separateur), [])
    if len(header) == 1 and (other := separator_of(text.encode())) != dialect.separateur:
        return f'ligne 1 : une seule colonne : separateur = "{other}" ?'
    for column in (one for one in dialect.columns if one not in header):
        near = get_close_matches(column, header, 1)
        return f"ligne 1 : aucune colonne « {column} »" + (f" ; « {near[0]} » ?" if near else "")
    return ""
