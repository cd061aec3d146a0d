"""What an answer of a partner means: its status → error, its bytes → body → document, strictly. Knows no partner's habits.

Errors hold neither address, nor body, nor value; what is refused of a body is an InvalidDocument. The body
is read with a bound on its decoded size.

JSON: duplicate keys, NaN and infinities, bottomless nesting and endless integers are refused.
CSV: one separator, a header row, one mapping a line. XML: `decode_xml`. Lines: a JSON object or array a line.
Text: bytes win over what is declared of them, and one bad letter loses that letter (docs/domaine.md, "Écriture").
"""

import codecs
import csv
import io
import re
import zlib
from collections.abc import AsyncIterable, Mapping, Sequence
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from functools import lru_cache
from typing import Any

from gateway.connectors.base import BodyFormat, PartnerRequest
from gateway.domain.text import LOST, has_lone_surrogate, strict_json, through, without_half_characters
from gateway.errors import SourceClosed, SourceDenied, SourceError, SourceInvalid, SourceUnavailable
from gateway.sources.http.decode_xml import XmlRefused, decode_xml

RETRY_AFTER_MAX = 86_400.0  # seconds; a partner may be closed for a night, not for a year

EPOCH_DIGITS = 10  # of the seconds since 1970, since 2001 and until 2286
INSTANTS_MAX = 64  # read again and again: partners' clocks tell seconds
SUCCEEDED = frozenset({200, 204})

_MEANING: Mapping[int, tuple[type[SourceError], str]] = {
    304: (SourceInvalid, "le partenaire dit inchangé ce qui n'était pas demandé ainsi"),
    400: (SourceInvalid, "demande refusée par le partenaire"),
    401: (SourceDenied, "accès refusé par le partenaire"),
    403: (SourceDenied, "accès refusé par le partenaire"),
    404: (SourceInvalid, "ressource inconnue du partenaire"),
    408: (SourceUnavailable, "le partenaire n'a pas répondu à temps"),
    409: (SourceInvalid, "demande en conflit chez le partenaire"),
    412: (SourceInvalid, "ce qui est modifié a changé chez le partenaire"),
    413: (SourceInvalid, "demande trop large pour le partenaire"),
    429: (SourceUnavailable, "le partenaire limite nos demandes"),
    503: (SourceUnavailable, "le partenaire est momentanément indisponible"),
    504: (SourceUnavailable, "le partenaire n'a pas répondu à temps"),
}
_BY_CLASS: Mapping[int, tuple[type[SourceError], str]] = {
    3: (SourceInvalid, "redirection refusée"),
    4: (SourceInvalid, "demande refusée par le partenaire"),
    5: (SourceUnavailable, "le partenaire est en erreur"),
}
_NUL = "\\u0000"  # looked for first: the pattern alone costs milliseconds a body
_GZIP_OR_ZLIB = zlib.MAX_WBITS | 32  # the header tells which
_ESCAPED_NUL = re.compile(r"(?<!\\)((?:\\\\)*)\\u0000")
_XML_ENCODING = re.compile(rb"""\s*<\?xml[^>]*?\sencoding\s*=\s*["']([A-Za-z0-9._-]{1,40})["']""")
_LINK = re.compile(r"<([^<>]*)>([^<]*)")
_NEXT = re.compile(r';\s*rel\s*=\s*("[^"]*"|[^\s;,"]+)', re.IGNORECASE)
WINDOWS_LETTERS = re.compile(
    rb"[\x80-\x9f]"
)  # letters of Windows; latin alphabets have controls there, which nobody types
UTF_16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)


def error_for_status(source: str, statut: int, retry: str, now: datetime) -> SourceError | None:
    """The error that a status means for `source`, None for 200 and 204. `retry` is the Retry-After header."""
    if statut in SUCCEEDED:
        return None
    error = _error(source, statut, retry_after(retry, now) if statut in {429, 503} else None)
    error.statut = statut
    return error


def _error(source: str, statut: int, waiting: float | None) -> SourceError:
    kind, message = _MEANING.get(statut) or _BY_CLASS.get(statut // 100, (SourceInvalid, "statut inattendu"))
    if waiting is None:
        return kind(source, message)
    if statut == 503:
        return SourceClosed(source, "le partenaire est fermé pour le moment", waiting)
    return SourceUnavailable(source, message, waiting)


def retry_after(header: str, now: datetime) -> float | None:
    """Seconds told by Retry-After (a count or an HTTP date), between 0 and a day; None when it says nothing readable."""
    text = header.strip()
    if text.isascii() and text.isdigit():
        return min(float(text[:9]), RETRY_AFTER_MAX)
    instant = instant_http(text)
    return min(max((instant - now).total_seconds(), 0.0), RETRY_AFTER_MAX) if instant else None


def told_wait(headers: Mapping[str, str], now: datetime) -> str:
    """What an answer says of when to come back, as Retry-After would: else RateLimit-Reset, a count of seconds, or an instant in
    seconds since 1970 as some write it."""
    if told := headers.get("Retry-After", ""):
        return told
    reset = (headers.get("RateLimit-Reset") or headers.get("X-RateLimit-Reset") or "").partition(".")[0].strip()
    if not (reset.isascii() and reset.isdigit()) or len(reset) < EPOCH_DIGITS:
        return reset
    return str(max(0, int(int(reset[:EPOCH_DIGITS]) - now.timestamp()) + 1))


def next_link(header: str) -> str:
    """The target whose relation is `next` in a Link header (RFC 8288), "" when there is none."""
    for target, attributes in _LINK.findall(header):
        relation = _NEXT.search(attributes)
        if relation and "next" in relation[1].strip('"').lower().split():
            return str(target)
    return ""


@lru_cache(INSTANTS_MAX)
def instant_http(text: str) -> datetime | None:
    """An HTTP date, None when it cannot be read."""
    try:
        instant = parsedate_to_datetime(text)
    except (ValueError, OverflowError):
        return None
    return instant if instant.tzinfo else instant.replace(tzinfo=UTC)


class InvalidDocument(Exception):
    """The body is larger, or something else, than agreed. The message is French and holds nothing of the body."""


class _AsIs:
    """No content encoding; HTTP itself checks that the body is whole."""

    def decode(self, block: bytes, _rest: int) -> bytes:
        return block

    def finish(self) -> None:
        pass


class _Compressed:
    """gzip (several members allowed) or deflate. Never inflates more than one byte above what is left."""

    def __init__(self) -> None:
        self._stream = zlib.decompressobj(_GZIP_OR_ZLIB)

    def decode(self, block: bytes, rest: int) -> bytes:
        output = b""
        while block and len(output) <= rest:
            if self._stream.eof:
                self._stream = zlib.decompressobj(_GZIP_OR_ZLIB)
            output += self._inflate(block, rest + 1 - len(output))
            block = self._stream.unconsumed_tail or self._stream.unused_data
        return output

    def _inflate(self, block: bytes, rest: int) -> bytes:
        try:
            return self._stream.decompress(block, rest)
        except zlib.error:
            raise InvalidDocument("compression illisible") from None

    def finish(self) -> None:
        if not self._stream.eof:
            raise InvalidDocument("réponse tronquée")


async def read_body(blocks: AsyncIterable[bytes], encoding: str, octets_max: int) -> bytes:
    """The decoded body, at most `octets_max` bytes; `encoding` is the Content-Encoding header. Raises InvalidDocument."""
    decoder = _decoder(encoding.strip().lower())
    chunks: list[bytes] = []
    rest = octets_max
    async for block in blocks:
        chunk = decoder.decode(block, rest)
        rest -= len(chunk)
        if rest < 0:
            raise InvalidDocument("réponse trop volumineuse")
        chunks.append(chunk)
    if rest < octets_max:
        decoder.finish()
    return b"".join(chunks)


def _decoder(encoding: str) -> _AsIs | _Compressed:
    if encoding in {"", "identity"}:
        return _AsIs()
    if encoding in {"gzip", "x-gzip", "deflate"}:
        return _Compressed()
    raise InvalidDocument("compression non prise en charge")


class AnnouncedError(Exception):
    """The partner reports an error of its own (quota, right) under a status of success."""


def decode(body: bytes, request: PartnerRequest) -> Any:
    """The document a body holds. Raises InvalidDocument, or AnnouncedError for a JSON error where CSV was due."""
    if request.shape is BodyFormat.CSV:
        if request.ends_lines and not body.rstrip(b" ").endswith((b"\n", b"\r")):
            raise InvalidDocument("CSV coupé, sa dernière ligne ne finit pas")
        return decode_csv(body, request.encoding, request.separator, request.columns)
    if request.shape is BodyFormat.XML:
        return _decoded_xml(body, request.encoding)
    if request.shape is BodyFormat.LINES:
        return _decoded_lines(body, request.encoding)
    return decode_json(body, request.encoding)


def _decoded_xml(body: bytes, encoding: str) -> dict[str, Any]:
    """The alphabet that the declaration names, else the agreed one; its bytes say otherwise where they can."""
    try:
        return decode_xml(decoded_text(body, declared_encoding(body) or encoding).lstrip())
    except (XmlRefused, LookupError) as error:
        raise InvalidDocument(str(error) if isinstance(error, XmlRefused) else "encodage inconnu") from None


def declared_encoding(body: bytes) -> str:
    """The alphabet that the declaration of an XML names; "" when it names none."""
    declared = _XML_ENCODING.match(body[:200].removeprefix(codecs.BOM_UTF8))
    return declared[1].decode("ascii") if declared else ""


def _decoded_lines(body: bytes, encoding: str) -> list[Any]:
    """One JSON object a line."""
    return [decode_json(line, encoding) for line in body.splitlines() if line.strip()]


def decode_json(body: bytes, encoding: str = "utf-8") -> Any:
    """A JSON object or array; anything else, `null` included, is refused."""
    text = decoded_text(body, encoding)
    text = _ESCAPED_NUL.sub(rf"\1{LOST}", text) if _NUL in text else text
    try:
        document = strict_json(text)
    except ValueError:
        raise InvalidDocument("JSON illisible") from None
    if not isinstance(document, dict | list):
        raise InvalidDocument("ni objet ni tableau")
    return through(document, without_half_characters) if has_lone_surrogate(text, document) else document


def decode_csv(
    body: bytes, encoding: str = "utf-8", separator: str = ";", columns: Sequence[str] = ()
) -> list[dict[str | None, Any]]:
    """One mapping a line, by the names of the header row. Blank lines are skipped; a short line lacks its last columns. What a
    line has beyond the header is under None: a separator in a cell moved all that follows it (docs/domaine.md, "Complétude")."""
    start = body.removeprefix(codecs.BOM_UTF8).lstrip()[:1]
    if start == b"<":
        raise InvalidDocument("page HTML à la place des données")
    if start == b"{":
        raise AnnouncedError("erreur annoncée sous un statut de succès")
    stream = io.StringIO(decoded_text(body, encoding), newline="")
    try:
        rows = [line for line in csv.reader(stream, delimiter=separator) if line]
    except csv.Error:
        raise InvalidDocument("CSV illisible") from None
    if not rows or len(set(rows[0])) != len(rows[0]):
        raise InvalidDocument("ligne d'en-tête absente ou à colonnes en double")
    header, *lines = rows
    if missing := set(columns) - set(header):
        raise InvalidDocument(f"colonnes absentes : {len(missing)} sur {len(columns)} attendues")
    if lines and len(lines[-1]) > len(header) and not any(lines[-1][len(header) :]):
        del lines[-1][len(header) :]  # a row of totals, which is no record, may be padded
    trailing = {len(line) for line in lines[:-1]} == {len(header) + 1} and not any(line[-1] for line in lines[:-1])
    return [_line(header, line[:-1] if trailing and len(line) > len(header) else line) for line in lines]


def _line(header: list[str], cells: list[str]) -> dict[str | None, Any]:
    own: dict[str | None, Any] = dict(zip(header, cells, strict=False))
    return own if len(cells) <= len(header) else {**own, None: cells[len(header) :]}


def decoded_text(body: bytes, encoding: str) -> str:
    """The letters of a body. What is UTF-8 with any letter beyond ASCII is UTF-8, whatever is declared: no other text is, but
    by chance. Latin text with letters of Windows is Windows'. What is neither is read letter by letter."""
    b" ".decode(encoding)  # what is declared must be an alphabet, be it believed or not
    if body.startswith(UTF_16):
        return body.decode("utf-16", "replace").replace("\0", LOST)
    without_bom = body.removeprefix(codecs.BOM_UTF8)
    try:
        text = without_bom.decode("utf-8")
    except UnicodeDecodeError:
        text = _of_latin(without_bom, encoding)
    return text.replace("\0", LOST)


def _of_latin(body: bytes, encoding: str) -> str:
    """Latin text, as it is declared unless its bytes say otherwise; one bad letter in UTF-8 is Windows'."""
    name = codecs.lookup(encoding).name
    if name == "utf-8":
        return body.decode("utf-8", WINDOWS)
    return body.decode("cp1252" if WINDOWS_LETTERS.search(body) else name, "replace")


def _windows_letter(error: UnicodeError) -> tuple[str, int]:
    """What an error of UTF-8 reads in the place of bytes that are none: the letters that Windows writes so."""
    if not isinstance(error, UnicodeDecodeError):
        raise error
    return error.object[error.start : error.end].decode("cp1252", "replace"), error.end


WINDOWS = "windows-letter"
codecs.register_error(WINDOWS, _windows_letter)
