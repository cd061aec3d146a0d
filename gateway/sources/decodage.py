"""Bytes of a partner → documents, strictly. Pure: knows no HTTP. What it refuses is a DocumentInvalide, without any value.

JSON: duplicate keys, NaN and infinities, NUL and lone surrogates, bottomless nesting and endless integers are refused.
CSV: `;`, a header row, one mapping a line; a UTF-8 byte order mark is tolerated whatever the declared encoding.
"""

import codecs
import csv
import io
import re
from typing import Any

from gateway import strict_json
from gateway.connectors.base import Forme, Requete

_NUL = rb"\u0000"  # looked for first: the pattern alone costs milliseconds a body
_NUL_ECHAPPE = re.compile(rb"(?<!\\)(?:\\\\)*\\u0000")


class DocumentInvalide(Exception):
    """The body is not what was agreed. The message is French and holds nothing of the body."""


class ErreurAnnoncee(Exception):
    """The partner reports an error of its own (quota, right) under a status of success."""


def decoder(corps: bytes, requete: Requete) -> Any:
    """The document a body holds. Raises DocumentInvalide, or ErreurAnnoncee for a JSON error where CSV was due."""
    if requete.forme is Forme.CSV:
        return decoder_csv(corps, requete.encodage)
    return decoder_json(corps, requete.encodage)


def decoder_json(corps: bytes, encodage: str = "utf-8") -> Any:
    """A JSON object or array; anything else, `null` included, is refused."""
    texte = _texte(corps, encodage)
    try:
        document = strict_json.loads(texte)
    except ValueError:
        raise DocumentInvalide("JSON illisible") from None
    if not isinstance(document, dict | list):
        raise DocumentInvalide("ni objet ni tableau")
    if (_NUL in corps and _NUL_ECHAPPE.search(corps)) or strict_json.has_lone_surrogate(texte, document):
        raise DocumentInvalide("caractère interdit")
    return document


def decoder_csv(corps: bytes, encodage: str = "utf-8") -> list[dict[str, str]]:
    """One mapping a line, by the names of the header row. Blank lines are skipped; a short line lacks its last columns."""
    debut = corps.removeprefix(codecs.BOM_UTF8).lstrip()[:1]
    if debut == b"<":
        raise DocumentInvalide("page HTML à la place des données")
    if debut == b"{":
        raise ErreurAnnoncee("erreur annoncée sous un statut de succès")
    flux = io.StringIO(_texte(corps, encodage), newline="")
    try:
        lignes = [ligne for ligne in csv.reader(flux, delimiter=";") if ligne]
    except csv.Error:
        raise DocumentInvalide("CSV illisible") from None
    if not lignes or len(set(lignes[0])) != len(lignes[0]):
        raise DocumentInvalide("ligne d'en-tête absente ou à colonnes en double")
    return [dict(zip(lignes[0], ligne, strict=False)) for ligne in lignes[1:]]


def _texte(corps: bytes, encodage: str) -> str:
    """A byte order mark announces UTF-8, but some partners put one before latin text: both are tried, in that order."""
    sans_marque = corps.removeprefix(codecs.BOM_UTF8)
    encodages = [encodage] if sans_marque is corps else ["utf-8", encodage]
    for essai in encodages:
        try:
            texte = sans_marque.decode(essai)
        except UnicodeDecodeError:
            continue
        if "\0" in texte:
            raise DocumentInvalide("caractère interdit")
        return texte
    raise DocumentInvalide("encodage inattendu")
