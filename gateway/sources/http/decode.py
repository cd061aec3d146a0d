"""Bytes of a partner → documents, strictly. Pure: knows no HTTP. What it refuses is a InvalidDocument, without any value.

JSON: duplicate keys, NaN and infinities, NUL and lone surrogates, bottomless nesting and endless integers are refused.
CSV: `;`, a header row, one mapping a line; a UTF-8 byte order mark is tolerated whatever the declared encoding.
"""

import codecs
import csv
import io
import re
from typing import Any

from gateway import strict_json
from gateway.connectors.base import BodyFormat, PartnerRequest

_NUL = rb"\u0000"  # looked for first: the pattern alone costs milliseconds a body
_ESCAPED_NUL = re.compile(rb"(?<!\\)(?:\\\\)*\\u0000")


class InvalidDocument(Exception):
    """The body is not what was agreed. The message is French and holds nothing of the body."""


class AnnouncedError(Exception):
    """The partner reports an error of its own (quota, right) under a status of success."""


def decode(body: bytes, partner_request: PartnerRequest) -> Any:
    """The document a body holds. Raises InvalidDocument, or AnnouncedError for a JSON error where CSV was due."""
    if partner_request.shape is BodyFormat.CSV:
        return decode_csv(body, partner_request.encoding)
    return decode_json(body, partner_request.encoding)


def decode_json(body: bytes, encoding: str = "utf-8") -> Any:
    """A JSON object or array; anything else, `null` included, is refused."""
    text = _text(body, encoding)
    try:
        document = strict_json.loads(text)
    except ValueError:
        raise InvalidDocument("JSON illisible") from None
    if not isinstance(document, dict | list):
        raise InvalidDocument("ni objet ni tableau")
    if (_NUL in body and _ESCAPED_NUL.search(body)) or strict_json.has_lone_surrogate(text, document):
        raise InvalidDocument("caractère interdit")
    return document


def decode_csv(body: bytes, encoding: str = "utf-8") -> list[dict[str, str]]:
    """One mapping a line, by the names of the header row. Blank lines are skipped; a short line lacks its last columns."""
    debut = body.removeprefix(codecs.BOM_UTF8).lstrip()[:1]
    if debut == b"<":
        raise InvalidDocument("page HTML à la place des données")
    if debut == b"{":
        raise AnnouncedError("erreur annoncée sous un statut de succès")
    flux = io.StringIO(_text(body, encoding), newline="")
    try:
        rows = [line for line in csv.reader(flux, delimiter=";") if line]
    except csv.Error:
        raise InvalidDocument("CSV illisible") from None
    if not rows or len(set(rows[0])) != len(rows[0]):
        raise InvalidDocument("ligne d'en-tête absente ou à colonnes en double")
    return [dict(zip(rows[0], line, strict=False)) for line in rows[1:]]


def _text(body: bytes, encoding: str) -> str:
    """A byte order mark announces UTF-8, but some partners put one before latin text: both are tried, in that order."""
    without_bom = body.removeprefix(codecs.BOM_UTF8)
    encodings = [encoding] if without_bom is body else ["utf-8", encoding]
    for attempt in encodings:
        try:
            text = without_bom.decode(attempt)
        except UnicodeDecodeError:
            continue
        if "\0" in text:
            raise InvalidDocument("caractère interdit")
        return text
    raise InvalidDocument("encodage inattendu")
