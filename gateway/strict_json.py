"""JSON from outside, read strictly: what two readers could understand differently is refused (RFC 8259, and I-JSON, RFC 7493).

Refused: a key given twice, NaN and infinities (`1e999` is one), an integer of thousands of digits, nesting deeper than
Python's stack. The rest is for its reader to check.
"""

import json
import math
import re
from typing import Any, NoReturn

_SURROGATE = re.compile(r"\\u[dD][89a-fA-F]")


def loads(text: str) -> Any:
    """The document of a text. Raises ValueError, without any value of the text."""
    try:
        return _DECODER.decode(text)
    except RecursionError:
        raise ValueError("too deep") from None


def has_lone_surrogate(text: str, document: Any) -> bool:
    """True when UTF-8 cannot write the document back: an escape of `text` is half a character (or it is too deep to tell)."""
    if not _SURROGATE.search(text):
        return False
    try:
        json.dumps(document, ensure_ascii=False).encode()
    except (UnicodeEncodeError, RecursionError):
        return True
    return False


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise ValueError("duplicate key")
    return members


def _refuse_constant(_: str) -> NoReturn:
    raise ValueError("not a JSON number")


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError("not a finite number")
    return number


_DECODER = json.JSONDecoder(object_pairs_hook=_unique, parse_constant=_refuse_constant, parse_float=_finite)
