"""Rows of a partner read tolerantly, and what is counted of what was met: values mended, set aside, doubtful or unknown,
children without their parent, keys that come twice. By field, in the partner's words, for whom can mend them there; no value.

Knows no partner, and no threshold but those beyond which a reading says nothing sure (docs/decisions/0072).
"""

import logging
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import cache, partial
from typing import Any, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError
from pydantic_core import ErrorDetails

from gateway.domain.text import is_suspect, restore, through
from gateway.error_places import place_of
from gateway.schema.nouns import Jeune
from gateway.schema.organisations import DefautQualite, NatureDefaut

N = TypeVar("N")
K = TypeVar("K")
P = TypeVar("P", bound="Payload")
logger = logging.getLogger("gateway.connecteurs")
PASSES = 5  # a bad value may leave a block without what it requires, and so on outwards
UNKNOWN_CODE = "unknown code"
NEITHER_TEXT_NOR_INTEGER = "neither a text nor a whole number"  # what a value that cannot be read says of itself
TWO_IDENTITIES = "identite_double"  # the drift of a key that designates two persons
TYPE_CHANGE = "type_change"  # the drift of a value of another kind than is read, or of several where one is meant
UNMAPPED = "erreur"  # the drift of a record that the connector's own code could not map
TOO_WIDE = "colonnes_en_trop"  # the drift of a row wider than its header: its values are under other names than theirs
SAME_KEY, NO_PARENT, VALUE, RECORD, LETTERS = "cle", "parent_absent", "valeur", "dossier", "texte"
DRIFTS = frozenset({"champ_absent", TYPE_CHANGE, "code_inconnu", TWO_IDENTITIES, UNMAPPED, TOO_WIDE})
DOUBTFUL = frozenset({"zero_douteux", "lettre_perdue"})  # repairs that may have guessed wrong
REPAIRS = frozenset(
    {"encodage", "entite", "invisible", "zero_perdu", "plusieurs_valeurs", "valeur_moindre", LETTERS, *DOUBTFUL}
)
KINDS = DRIFTS | REPAIRS | {SAME_KEY, NO_PARENT, VALUE, RECORD}
FEW, RATE = 3, 0.1  # lost records beyond which a reading says nothing sure: more than a few, and more than a share

Fault = tuple[NatureDefaut, str, str]  # its nature, its kind, the field it is of ("" for a whole record)


@dataclass(slots=True)
class Record:
    """What one source says of one young person under one of its own keys. The noun is partial and unmerged."""

    key: str  # the record's key, unique for this partner and tenant
    jeune: Jeune
    modified_at: datetime | None = None
    structure: str = ""  # code of the Mission locale the record names, where the dialect has one


@dataclass(slots=True)
class ReadingResult:
    """What a reading gave: the records, and the quality figures that the core counts."""

    records: list[Record] = field(default_factory=list)
    rejects: int = 0  # records lost: a required value was missing or unreadable
    ignored_fields: int = 0  # optional values set aside; their record was kept
    # how often the format was not what we know, by kind
    drifts: Mapping[str, int] = field(default_factory=dict, compare=False)
    repairs: Mapping[str, int] = field(default_factory=dict, compare=False)  # how often a value was mended, by kind
    faults: Mapping[Fault, int] = field(default_factory=dict, compare=False)  # all of these, by field

    def faults_of(self, nature: NatureDefaut) -> int:
        """How many faults of a nature there are."""
        return sum(number for (told, _, _), number in self.faults.items() if told is nature)


@dataclass(slots=True)
class QualityCounts:
    """Quality counters of a reading."""

    rejects: int = 0
    ignored_fields: int = 0
    drifts: Counter[str] = field(default_factory=Counter, compare=False)
    repairs: Counter[str] = field(default_factory=Counter, compare=False)
    faults: Counter[Fault] = field(default_factory=Counter, compare=False)

    def reject(self, drift: str, champ: str = "", number: int = 1) -> None:
        """Count records set aside, and the drift that they were set aside for."""
        self.rejects += number
        self.drifts[drift] += 1
        nature = NatureDefaut.DOUBLON if drift == TWO_IDENTITIES else NatureDefaut.DERIVE
        self.faults[nature, drift, champ] += number

    def set_aside(self, drift: str, champ: str) -> None:
        """Count what stands in a record and cannot be read as records: nobody knows how many they are."""
        self.reject(drift, champ)
        self.faults[NatureDefaut.ECARTEE, RECORD, champ] += 1

    def mend(self, kinds: Mapping[str, int], champ: str) -> None:
        """Count the repairs of one field, by kind."""
        self.repairs.update(kinds)
        for kind, number in kinds.items():
            nature = NatureDefaut.DOUTEUSE if kind in DOUBTFUL else NatureDefaut.REPAREE
            self.faults[nature, kind, champ] += number

    def result(self, records: list[Record]) -> ReadingResult:
        """What a reading gave, with its figures."""
        return ReadingResult(records, self.rejects, self.ignored_fields, self.drifts, self.repairs, self.faults)


class UnexpectedAnswer(ValueError):
    """A whole document is not what the dialect says: the reading stops, and the core says the source is invalid."""


def defects(faults: Mapping[Fault, int]) -> list[DefautQualite]:
    """The faults as they are shown, the most frequent first."""
    lines = sorted(
        ((fault, n) for fault, n in faults.items() if n), key=lambda line: (-line[1], line[0][0].value, *line[0][1:])
    )
    return [
        DefautQualite(nature=nature, genre=kind, champ=name or None, nombre=number)
        for (nature, kind, name), number in lines
    ]


class Payload(BaseModel):
    """Base of payload models: unknown keys are ignored, strings stripped. Fields with a default are optional."""

    # frozen: an empty block given by default is shared, not copied for each row
    model_config = ConfigDict(extra="ignore", str_strip_whitespace=True, populate_by_name=True, frozen=True)


def rows_of(pages: Iterable[Any], key: str = "") -> Iterator[Any]:
    """The rows of all pages, each a list or an object that holds one under `key`. Raises UnexpectedAnswer."""
    for page in pages:
        rows = page.get(key) if key and isinstance(page, dict) else page
        if not isinstance(rows, list):
            raise UnexpectedAnswer(f"no list of rows under {key!r}")
        yield from rows


def read(model: type[P], rows: Iterable[Any], account: QualityCounts) -> list[P]:
    """Read rows, tolerantly: what is bad at any depth is set aside, and the row with it only if it cannot do without."""
    return [payload for row in rows if (payload := _read_one(model, row, account)) is not None]


def mapped(mapping: Callable[[K], N], items: Iterable[K], account: QualityCounts) -> list[N]:
    """What a mapping makes of each item. One that it cannot map is set aside and counted, and where it failed is told once:
    the others are there."""
    found, told = list[N](), set[str]()
    for item in items:
        try:
            found.append(mapping(item))
        except Exception as error:  # whatever a mapping meets in one record
            _set_aside(error, account, told)
    return found


def _set_aside(error: Exception, account: QualityCounts, told: set[str]) -> None:
    account.reject(UNMAPPED)
    if (where := place_of(error)) not in told:
        told.add(where)
        logger.error("enregistrement écarté : %s", where)


def _read_one(model: type[P], row: Any, account: QualityCounts) -> P | None:
    if isinstance(row, dict) and None in row:  # wider than its header: nothing tells which of its values moved
        account.reject(TOO_WIDE)
        return None
    try:
        return _validated(model, _mended(model, row, account), account)
    except Exception as error:  # a validator that met what it does not know
        _set_aside(error, account, set())
        return None


def _mended(model: type[P], row: Any, account: QualityCounts) -> Any:
    """The row with the letters that were meant: the one door of what partners write. What is not read is not counted."""
    if not isinstance(row, dict) or not is_suspect(row):
        return row
    repairs, own = Counter[str](), dict[str, Any]()
    mend = partial(restore, repairs=repairs)
    for key, inside in row.items():
        word = mend(key)
        own[word] = through(inside, mend)
        if repairs:
            if word in fields_of(model):
                account.mend(repairs, word)
            repairs.clear()
    return own


@cache
def fields_of(model: type[BaseModel]) -> Mapping[str, str]:
    """The names of the fields of a model, by the partner's words for them."""
    return {told.alias or name: name for name, told in model.model_fields.items()}


def _validated(model: type[P], row: Any, account: QualityCounts) -> P | None:
    set_aside = Counter[str]()
    for _ in range(PASSES):
        repairs = Counter[tuple[str, str]]()
        try:
            payload = model.model_validate(row, context=repairs)
        except ValidationError as error:
            details = error.errors(include_url=False)
            bad = {_path(detail): _name(detail) for detail in details}
            _count_drifts(details, account)
        else:
            account.ignored_fields += set_aside.total()
            account.faults.update({(NatureDefaut.ECARTEE, VALUE, name): n for name, n in set_aside.items()})
            words = {name: word for word, name in fields_of(model).items()} if repairs else {}
            for (kind, name), number in repairs.items():
                account.mend({kind: number}, words.get(name, name))
            return payload
        if () in bad:
            break
        set_aside.update(bad.values())
        row = _without(row, bad)
    account.rejects += 1
    account.faults.update((NatureDefaut.ECARTEE, RECORD, name) for name in {_name(detail) for detail in details[:1]})
    return None


def _count_drifts(details: Iterable[ErrorDetails], account: QualityCounts) -> None:
    for detail in details:
        if kind := _drift(detail):
            account.drifts[kind] += 1
            account.faults[NatureDefaut.DERIVE, kind, _name(detail)] += 1


def _name(detail: ErrorDetails) -> str:
    """The field of an error, in the partner's words: what a model says of it, and no key of the row."""
    return ".".join(part for part in detail["loc"] if isinstance(part, str))


def _drift(detail: ErrorDetails) -> str | None:
    """The kind of drift an error tells, None for a value that is merely bad (docs/security.md U09)."""
    if detail["type"] == "missing":
        return "champ_absent"
    if detail["type"].endswith("_type") or NEITHER_TEXT_NOR_INTEGER in detail["msg"]:
        return TYPE_CHANGE
    return "code_inconnu" if UNKNOWN_CODE in detail["msg"] else None


def _path(detail: ErrorDetails) -> tuple[int | str, ...]:
    """What to set aside: the bad value, or what lacks a required one."""
    place = detail["loc"]
    return place[:-1] if detail["type"] == "missing" else place


def _without(value: Any, paths: Iterable[tuple[int | str, ...]]) -> Any:
    """The value without what stands at these paths. A copy: rows are kept as they came."""
    if not isinstance(value, dict | list):
        return value
    sequences = defaultdict(set)
    for head, *following in paths:
        sequences[head].add(tuple(following))
    pairs = value.items() if isinstance(value, dict) else enumerate(value)
    kept = [
        (key, _without(inside, sequences.get(key, ()))) for key, inside in pairs if () not in sequences.get(key, ())
    ]
    return dict(kept) if isinstance(value, dict) else [inside for _, inside in kept]
