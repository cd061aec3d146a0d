"""A body read item by item, where the decoder refuses it whole for one value that JSON allows: half a character, bytes that are
no letter, a number beyond all bounds, lists within lists by the thousand. That value is unreadable, and nothing else is lost.

Several times slower than the decoder, for bodies that it refuses only. Pure.
"""

import json
import math
import re
from collections.abc import Iterator
from typing import Any, NoReturn

from gateway.reception.readers import Unreadable

LEVELS = 8  # of lists and objects that are read: a body is one, an item is one, a field of the contract is none
_MARK = re.compile(r'"[^"\\]*(?:\\.[^"\\]*)*"|[\[\]{}]', re.DOTALL)  # a text is passed over
_BLANKS = re.compile(r"[ \t\n\r]*")
_HALF = re.compile("[\ud800-\udfff]")


def items_of(body: bytes) -> Iterator[Any]:
    """The items of a list, as they come. Raises ValueError, once it comes to what is no JSON."""
    # A byte that is no letter becomes half a character, and is found with those.
    text = _shallow(body.decode("utf-8", "surrogateescape"))
    at = _past(text, 0, "[")
    more = text[at : at + 1] != "]"
    while more:
        item, at = _DECODER.raw_decode(text, at)
        yield _marked(item)
        at = _past(text, at)
        more = text[at : at + 1] == ","
        at = _past(text, at, ",") if more else at
    if _past(text, at, "]") != len(text):
        raise ValueError("more than a list")


def _past(text: str, at: int, sign: str = "") -> int:
    """The place behind blanks, a sign, and blanks. Raises ValueError where that sign is not there."""
    at = _BLANKS.match(text, at).end()  # type: ignore[union-attr] # nothing is a match
    if not text.startswith(sign, at):
        raise ValueError("another sign")
    return _BLANKS.match(text, at + len(sign)).end()  # type: ignore[union-attr] # as above


def _shallow(text: str) -> str:
    """The text without what stands within LEVELS: the decoder recurses, and a field that holds a list is refused anyway."""
    kept, depth, start = [], 0, 0
    for found in _MARK.finditer(text):
        if found[0] in "[{":
            depth += 1
            if depth == LEVELS + 1:
                kept.append(text[start : found.end()])
                start = len(text)  # of what is never closed, nothing more is kept
        elif found[0] in "]}":
            if depth == LEVELS + 1:
                start = found.start()
            depth -= 1
    return "".join([*kept, text[start:]])


def _marked(item: Any) -> Any:
    """An item, its texts that nothing can write told as such."""
    if not isinstance(item, dict):
        return item
    return {
        name: Unreadable(told) if isinstance(told, str) and _HALF.search(told) else told for name, told in item.items()
    }


def _whole(text: str) -> Any:
    try:
        return int(text)
    except ValueError:  # of thousands of digits
        return Unreadable(text)


def _number(text: str) -> Any:
    number = float(text)
    return number if math.isfinite(number) else Unreadable(text)


def _refuse(_: str) -> NoReturn:
    raise ValueError("not a JSON number")


_DECODER = json.JSONDecoder(parse_int=_whole, parse_float=_number, parse_constant=_refuse)
