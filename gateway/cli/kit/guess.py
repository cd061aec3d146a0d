"""Guesses the table of a partner from one of its pages: the format, where the rows are, which field is which. What it is not
sure of it leaves to be written, and says so. Proposes; never decides.
"""

import re
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from gateway.cli.kit.field_names import NAMES
from gateway.cli.kit.told_encoding import encoding_of
from gateway.connectors.base import BodyFormat, PartnerRequest
from gateway.connectors.table.vocabulary import REQUIRED
from gateway.domain.official_numbers import is_valid_uai
from gateway.errors import CommandFailed
from gateway.sources.http.decode import AnnouncedError, InvalidDocument, declared_encoding, decode

LISTS = {
    "contrat": re.compile("contrat|alternance|contract"),
    "formation": re.compile("formation|session|inscription|cursus"),
}
_FORMS = (
    ("JJ/MM/AAAA", re.compile(r"\d{2}/\d{2}/\d{4}")),
    ("AAAA-MM-JJ", re.compile(r"\d{4}-\d{2}-\d{2}.*")),
    ("AAAAMMJJ", re.compile(r"(19|20)\d{6}")),
    ("JJ-MM-AAAA", re.compile(r"\d{2}-\d{2}-\d{4}")),
    ("JJ.MM.AAAA", re.compile(r"\d{2}\.\d{2}\.\d{4}")),
    ("millisecondes", re.compile(r"-?\d{11,13}")),
    ("secondes", re.compile(r"-?\d{9,10}")),
)
LAST_DAY = re.compile("dernierjour|lastday")  # the day before a rupture takes effect
_TOTAL = re.compile("total|totalelements|nombre|nb|count|nbtotal")


@dataclass(slots=True)
class Guess:
    """What a page looks like. `fields`: the path of each field, by noun and word; `lists`: where a noun's own list is; `whose`:
    where the page says whose it is."""

    format: str
    separator: str = ";"
    encoding: str = "utf-8"
    declared: bool = False  # by the page itself
    rows: str = ""
    dates: str = "AAAA-MM-JJ"
    total: str = ""
    whose: str = ""
    fields: dict[str, dict[str, str]] = field(default_factory=dict)
    lists: dict[str, str] = field(default_factory=dict)
    number: int = 0  # of rows in the example
    named: int = 0  # how many establishments it names, by their UAI

    @property
    def missing(self) -> dict[str, list[str]]:
        """What a table must say, and was not found, by noun: of a Jeune always, of another where it was found."""
        nouns = {"jeune": {}, **self.fields}
        told = {noun: [word for word in REQUIRED.get(noun, ()) if word not in found] for noun, found in nouns.items()}
        return {noun: words for noun, words in told.items() if words}


def guess(body: bytes, suffix: str) -> Guess:
    """The table of a page. Raises CommandFailed when it is no page."""
    found = Guess(_format(body, suffix))
    if found.format == "csv":
        found.separator = separator_of(body)
    found.encoding, found.declared = encoding_of(body), bool(declared_encoding(body))
    document = decoded(body, found)
    path, rows = _rows(document, found.format == "xml")
    found.rows, found.number = ".".join(map(_escaped, path)), len(rows)
    _guess_fields(found, rows)
    found.total = next((".".join(map(_escaped, place)) for place in totals_in(document)), "")
    found.whose = next((".".join(map(_escaped, place)) for place in _establishments(document)), "")
    return found


def decoded(body: bytes, found: Guess) -> Any:
    """The page, as the gateway decodes it. Raises CommandFailed."""
    request = PartnerRequest(
        "exemple", "/", shape=BodyFormat(found.format), encoding="cp1252", separator=found.separator
    )
    try:
        return decode(body, request)
    except (InvalidDocument, AnnouncedError) as error:
        raise CommandFailed(f"exemple : lu comme {found.format} : {error}") from None


def _format(body: bytes, suffix: str) -> str:
    start = body.removeprefix(b"\xef\xbb\xbf").lstrip()[:1]
    if start == b"<":
        return "xml"
    if suffix == ".jsonl":
        return "lignes"
    return "json" if start in {b"{", b"["} else "csv"


def separator_of(body: bytes) -> str:
    """What most often stands between the columns of a header."""
    header = body.splitlines()[0] if body else b""
    return max(";,\t|", key=lambda sign: header.count(sign.encode()))


def _rows(document: Any, is_xml: bool) -> tuple[tuple[str, ...], list[Any]]:
    """The longest list of objects, outside any row. In XML a list of one is an object."""
    lists = sorted(_lists(document, ()), key=lambda found: -len(found[1]))
    if lists:
        return lists[0]
    if is_xml and isinstance(document, Mapping):
        path, inside = _only_way(document)
        return path, [inside]
    raise CommandFailed("exemple : aucune liste de dossiers n'y est ; donner une page qui en a deux au moins")


def _lists(value: Any, above: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], list[Any]]]:
    if isinstance(value, list) and value and all(isinstance(one, Mapping) for one in value):
        yield above, value
    elif isinstance(value, Mapping):
        for key, inside in value.items():
            yield from _lists(inside, (*above, str(key)))


def _only_way(document: Mapping[str, Any]) -> tuple[tuple[str, ...], Any]:
    """Down the only objects of an XML, as far as a row of one."""
    path, value = list[str](), document
    while True:
        inside = [(key, own) for key, own in value.items() if isinstance(own, Mapping)]
        if len(inside) != 1 or len([key for key in value if not key.startswith("@")]) > 1:
            return tuple(path), value
        path.append(inside[0][0])
        value = inside[0][1]


def _leaves(value: Any, above: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    if isinstance(value, Mapping):
        for key, inside in value.items():
            if key not in {None, "#text"}:
                yield from _leaves(inside, (*above, str(key)))
        if "#text" in value:
            yield above, value["#text"]
    elif not isinstance(value, list):
        yield above, value


def _guess_fields(found: Guess, rows: Sequence[Any]) -> None:
    leaves = {path: value for row in rows for path, value in _leaves(row) if path and value not in (None, "")}
    taken = set[tuple[str, ...]]()
    inside = {noun: _inside(noun, rows) for noun in LISTS}
    for noun, words in NAMES.items():
        path, own = inside.get(noun, ((), []))
        if path:
            found.lists[noun] = ".".join(map(_escaped, path))
            places = {place: value for row in own for place, value in _leaves(row) if place}
        else:
            places = {place: value for place, value in leaves.items() if place not in taken and _may_tell(noun, place)}
        chosen = _chosen(words, places)
        if noun == "jeune" and found.format != "csv":  # there a person has several lines
            chosen = _identified(chosen, words["cle"], rows)
        if path or noun == "jeune" or "date_debut" in chosen:
            found.fields[noun] = {word: _written(place, found.format) for word, place in chosen.items()}
            taken |= set(chosen.values()) if not path else set()
    found.dates = form_of(_birth(found, rows)) or found.dates


def form_of(written: str) -> str:
    """The form that a date looks to be of; "" when of none."""
    return next((form for form, pattern in _FORMS if pattern.fullmatch(written)), "")


def _may_tell(noun: str, place: tuple[str, ...]) -> bool:
    """Whether a value beside those of a person tells of another noun: by a word of its name."""
    return noun == "jeune" or any(LISTS[noun].search(plain(part)) for part in place) or plain(place[-1]) in _OWN[noun]


def _identified(chosen: Mapping[str, tuple[str, ...]], names: str, rows: Sequence[Any]) -> dict[str, tuple[str, ...]]:
    """With a key that each row has, another in each, the nearest to the row; a usual name is the name of who tells no other."""
    told = [dict(_leaves(row)) for row in rows]
    keys = [
        place
        for place in (told[0] if told else {})
        if place and re.fullmatch(names, plain(place[-1])) and _tells_apart([values.get(place) for values in told])
    ]
    rest = {word: place for word, place in chosen.items() if word != "cle"}
    if "nom" not in rest and "autre_nom" in rest:
        rest["nom"] = rest.pop("autre_nom")
    return {"cle": min(keys, key=len), **rest} if keys else rest


def _tells_apart(values: Sequence[Any]) -> bool:
    return None not in values and "" not in values and len(set(map(str, values))) == len(values)


_OWN = {
    "contrat": {"rupture", "daterupture", "siret", "motifrupture", "employeur", "entreprise", "deca"},
    "formation": {"rncp", "cfd", "entree", "niveau"},
}


def _inside(noun: str, rows: Sequence[Any]) -> tuple[tuple[str, ...], list[Any]]:
    """The list of a noun in the rows, and what all of them hold."""
    lists = [(path, own) for row in rows for path, own in _lists(row, ())]
    singles = [(path, [own]) for row in rows for path, own in _objects(row)]
    named = [path for path, _ in (*lists, *singles) if LISTS[noun].search(plain(path[-1]))]
    known = named or [path for path, own in (*lists, *singles) if _is_one(noun, own[0])]
    return (
        (known[0], [one for path, own in (*lists, *singles) if path == known[0] for one in own]) if known else ((), [])
    )


def _is_one(noun: str, value: Any) -> bool:
    """Whether an object is a noun by what it holds, whatever it is called: a first day, and a word of its own."""
    begins = any(
        len(place) == 1 and re.fullmatch(NAMES[noun]["date_debut"], plain(place[0])) for place, _ in _leaves(value)
    )
    return begins and any(plain(part) in _OWN[noun] for place, _ in _leaves(value) for part in place)


def _objects(value: Any, above: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    if isinstance(value, Mapping):
        for key, inside in value.items():
            if isinstance(inside, Mapping):
                yield from _objects(inside, (*above, str(key)))
                # alone under its plural, it is a list of one
                is_one_of = bool(above) and plain(above[-1]) == f"{plain(str(key))}s"
                if is_one_of or not any(isinstance(own, Mapping | list) for own in inside.values()):
                    yield (*above, str(key)), inside


def _chosen(words: Mapping[str, str], places: Mapping[tuple[str, ...], Any]) -> dict[str, tuple[str, ...]]:
    """For each word the first place whose name is one of its names: its last key, else the last two together."""
    chosen = dict[str, tuple[str, ...]]()
    for length in (1, 2):
        for word, names in words.items():
            for place in places:
                name = "".join(plain(part) for part in place[-length:])
                if word not in chosen and place not in chosen.values() and re.fullmatch(names, name):
                    chosen[word] = place
    return chosen


def _birth(found: Guess, rows: Sequence[Any]) -> str:
    path = found.fields.get("jeune", {}).get("date_naissance", "")
    told = [str(value) for row in rows for place, value in _leaves(row) if _written(place, found.format) == path]
    return next(filter(None, told), "")


def totals_in(document: Any) -> Iterator[tuple[str, ...]]:
    """The places, outside of any list, that have the name and the look of a total."""
    for path, value in _leaves(document):
        if path and _TOTAL.fullmatch(plain(path[-1])) and str(value).isdigit():
            yield path


def _establishments(document: Any) -> Iterator[tuple[str, ...]]:
    for path, value in _leaves(document):
        if path and is_valid_uai(str(value)):
            yield path


def plain(name: str) -> str:
    """The letters and digits of a name, as those that partners give are compared."""
    letters = unicodedata.normalize("NFD", name.lower())
    return "".join(one for one in letters if one.isascii() and one.isalnum())


def _escaped(key: str) -> str:
    return re.sub(r"([\\.\[\]])", r"\\\1", key)


def _written(place: tuple[str, ...], format_: str) -> str:
    return place[0] if format_ == "csv" else ".".join(map(_escaped, place))
