"""Whether the bytes of a page are of the encoding that is told of them. The gateway reads the letters whatever is told
(docs/domaine.md, Écriture); whoever writes a table is told what to write."""

import codecs
from contextlib import suppress

from gateway.connectors.base import BodyFormat, PartnerRequest
from gateway.sources.http.decode import UTF_16, WINDOWS_LETTERS, declared_encoding

WINDOWS = "cp1252"


def misread(body: bytes, request: PartnerRequest) -> str:
    """What to write where a page is not of its encoding, with its first line that is not; "" when it is."""
    if body.isascii() or body.startswith((codecs.BOM_UTF8, *UTF_16)):  # its first bytes tell
        return ""
    declared = declared_encoding(body) if request.shape is BodyFormat.XML else ""
    told, is_utf8 = declared or request.encoding, _decodes(body, "utf-8")
    if codecs.lookup(told).name == "utf-8":
        fits, other = is_utf8, WINDOWS
    else:
        fits, other = (
            not is_utf8 and _decodes(body, told) and not _is_windows(body, told),
            "utf-8" if is_utf8 else WINDOWS,
        )
    if fits:
        return ""
    where = "« encoding », en tête de la page" if declared else f'encodage = "{other}", dans [dialecte]'
    return f"ligne {_line(body, told)} : {other} et non {told} : {where}"


def encoding_of(body: bytes) -> str:
    """The encoding in which a page seems to be written."""
    if not body.isascii() and _decodes(body, "utf-8"):
        return "utf-8"
    return declared_encoding(body) or ("utf-8" if body.isascii() else WINDOWS)


def _decodes(body: bytes, encoding: str) -> bool:
    with suppress(UnicodeDecodeError):
        return bool(body.decode(encoding))
    return False


def _is_windows(body: bytes, told: str) -> bool:
    """Letters of Windows in a latin alphabet, which has controls there."""
    return codecs.lookup(told).name.startswith("iso8859") and bool(WINDOWS_LETTERS.search(body))


def _line(body: bytes, told: str) -> int:
    """The first that is not of the encoding: in a latin one, the first beyond ASCII."""
    try:
        body.decode("utf-8" if codecs.lookup(told).name == "utf-8" else "ascii")
    except UnicodeDecodeError as error:
        return body[: error.start].count(b"\n") + 1
    return 1
