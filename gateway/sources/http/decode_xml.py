"""XML of a partner, read by expat with all that could grow refused: no DTD, hence no entity but the five of the language; bounded
depth and number of elements. Knows no vocabulary.

An element without attribute nor child is its text. Another is what it holds by name: a child, a list where several have one name;
`@name` for an attribute; `#text` for its own text. Prefixes are left out.
"""

from collections.abc import Mapping
from typing import Any
from xml.parsers import expat

DEPTH_MAX = 64
ELEMENTS_MAX = 2_000_000
_SPACE = "xmlns"  # what declares a prefix says nothing of anybody


class XmlRefused(Exception):
    """It is no XML, or more than we read of it. The message is French and holds nothing of the body."""


class _Builder:
    """Builds the elements as they end."""

    def __init__(self) -> None:
        self._open: list[tuple[str, dict[str, Any], list[str]]] = []
        self._seen = 0
        self.root: dict[str, Any] | None = None

    def start(self, name: str, attributes: Mapping[str, str]) -> None:
        self._seen += 1
        if len(self._open) >= DEPTH_MAX or self._seen > ELEMENTS_MAX:
            raise XmlRefused("XML trop profond ou trop long")
        told = {f"@{_local(key)}": value for key, value in attributes.items() if not key.startswith(_SPACE)}
        self._open.append((_local(name), told, []))

    def end(self, _name: str) -> None:
        name, told, letters = self._open.pop()
        written = "".join(letters).strip()
        if written and told:
            told["#text"] = written
        value: Any = told or written
        if not self._open:
            self.root = {name: value}
            return
        above = self._open[-1][1]
        if name not in above:
            above[name] = value
        elif isinstance(above[name], list):
            above[name].append(value)
        else:
            above[name] = [above[name], value]

    def letters(self, written: str) -> None:
        self._open[-1][2].append(written)


def _local(name: str) -> str:
    return name.rpartition(":")[2]


def _refuse_dtd(name: str, *_: Any) -> None:
    raise XmlRefused("page HTML à la place des données" if name.lower() == "html" else "DTD refusée")


def decode_xml(text: str) -> dict[str, Any]:
    """The document of a text, under the name of its root. Raises XmlRefused."""
    builder, parser = _Builder(), expat.ParserCreate()
    parser.buffer_text = True
    parser.StartElementHandler, parser.EndElementHandler = builder.start, builder.end
    parser.CharacterDataHandler = builder.letters
    parser.StartDoctypeDeclHandler = _refuse_dtd
    try:
        parser.Parse(text, True)
    except expat.ExpatError:
        raise XmlRefused("XML illisible") from None
    if builder.root is None or next(iter(builder.root)).lower() == "html":
        raise XmlRefused("page HTML à la place des données")
    return builder.root
