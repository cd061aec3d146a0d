"""All that a connector author learns: how a partner is asked, and what it is made to say.

A connector is a payload model in the partner's own words plus pure mappings to the nouns. It performs no I/O: a *reading*
is a generator that yields the requests it needs and receives the decoded documents, so that the core alone knows HTTP,
credentials, paging, caching and failure.
"""

import logging
from collections import Counter, defaultdict
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import Enum
from functools import partial
from typing import Any, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError
from pydantic_core import ErrorDetails

from gateway.domain.referentiel import Referentiel
from gateway.domain.text import is_suspect, restore, through
from gateway.errors import place_of
from gateway.schema.nouns import Contrat, Jeune
from gateway.schema.organisations import ModeSource, TypeSource
from gateway.stores.registry_row import RegistryRow

T = TypeVar("T")
N = TypeVar("N")
K = TypeVar("K")
P = TypeVar("P", bound="Payload")
NEITHER_TEXT_NOR_INTEGER = "neither a text nor a whole number"  # what a value that cannot be read says of itself
UNKNOWN_CODE = "unknown code"
TWO_IDENTITIES = "identite_double"  # the drift of a key that designates two persons
UNMAPPED = "erreur"  # the drift of a record that the connector's own code could not map
logger = logging.getLogger("gateway.connecteurs")
PASSES = 5  # a bad value may leave a block without what it requires, and so on outwards
# One entry a request, in order: the list of its pages' decoded documents (JSON values, or lists of CSV lines).
Documents = Sequence[list[Any]]


class BodyFormat(Enum):
    """How a body is written. CSV bodies are decoded to one mapping a line."""

    JSON = "json"
    CSV = "csv"


class PagingStyle(Enum):
    """How a partner cuts a long answer; the core follows, within its bounds."""

    ONE = "une"  # one document, no paging
    LINK = "lien"  # RFC 8288 `Link: <...>; rel="next"`
    ODATA = "odata"  # `@odata.nextLink` in the body
    METADATA = "metadonnees"  # `metadonnees.totalPages` in the body, `page` (from 1) in the JSON request
    SIZE = "taille"  # `page` (from 1) and `taillePage` in the query; the body is a list, one not full is the last
    INDEX = "index"  # `page_index` (from 0) and `page_size` in the query; `pagination.total` in the body


@dataclass(frozen=True, slots=True)
class PartnerRequest:
    """One thing to ask of a partner. `operation` is its stable name (counters, metrics); paths are relative to the base
    URL of the tenant; no person's value ever goes into `path` or `params`."""

    operation: str
    path: str
    method: str = "GET"
    params: Mapping[str, str] = field(default_factory=dict)
    body: Mapping[str, Any] | None = None
    pages: PagingStyle = PagingStyle.ONE
    size: int = 0  # page size where the style has one
    shape: BodyFormat = BodyFormat.JSON
    encoding: str = "utf-8"
    empty_is_absence: bool = False  # an empty 200 means "nothing found" (docs/domaine.md), elsewhere an error
    acces: str = ""  # which of the partner's credentials, when it has several
    # Whether its outcome tells the state of the partner: a queue that answers does not freshen dossiers.
    witness: bool = True


ReadingSteps = Generator[Sequence[PartnerRequest], Documents, T]


@dataclass(frozen=True, slots=True)
class Tenant:
    """A tenant of a partner: the CFA (or structure) whose data one base URL and one credential give."""

    key: str  # UAI of the CFA, code of the Mission locale, or "" when the partner has one tenant
    siret: str = ""
    code: str = ""  # what the partner calls it


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
    repairs: Mapping[str, int] = field(default_factory=dict, compare=False)  # how often a value was repaired, by kind


class Payload(BaseModel):
    """Base of payload models: unknown keys are ignored, strings stripped. Fields with a default are optional."""

    # frozen: an empty block given by default is shared, not copied for each row
    model_config = ConfigDict(extra="ignore", str_strip_whitespace=True, populate_by_name=True, frozen=True)


@dataclass(slots=True)
class QualityCounts:
    """Quality counters of a reading."""

    rejects: int = 0
    ignored_fields: int = 0
    drifts: Counter[str] = field(default_factory=Counter, compare=False)
    repairs: Counter[str] = field(default_factory=Counter, compare=False)

    def result(self, records: list[Record]) -> ReadingResult:
        """What a reading gave, with its figures."""
        return ReadingResult(records, self.rejects, self.ignored_fields, self.drifts, self.repairs)


class UnexpectedAnswer(ValueError):
    """A whole document is not what the dialect says: the reading stops, and the core says the source is invalid."""


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
    account.rejects += 1
    account.drifts[UNMAPPED] += 1
    if (where := place_of(error)) not in told:
        told.add(where)
        logger.error("enregistrement écarté : %s", where)


def _read_one(model: type[P], row: Any, account: QualityCounts) -> P | None:
    try:
        own = through(row, partial(restore, repairs=account.repairs)) if is_suspect(row) else row
        return _validated(model, own, account)
    except Exception as error:  # a validator that met what it does not know
        _set_aside(error, account, set())
        return None


def _validated(model: type[P], row: Any, account: QualityCounts) -> P | None:
    set_aside = 0
    for _ in range(PASSES):
        repairs = Counter[str]()
        try:
            payload = model.model_validate(row, context=repairs)
        except ValidationError as error:
            details = error.errors(include_url=False)
            bad = {_path(detail) for detail in details}
            account.drifts.update(kind for detail in details if (kind := _drift(detail)))
        else:
            account.ignored_fields += set_aside
            account.repairs.update(repairs)
            return payload
        if () in bad:
            break
        set_aside += len(bad)
        row = _without(row, bad)
    account.rejects += 1
    return None


def _drift(detail: ErrorDetails) -> str | None:
    """The kind of drift an error tells, None for a value that is merely bad (docs/security.md U09)."""
    if detail["type"] == "missing":
        return "champ_absent"
    if detail["type"].endswith("_type") or NEITHER_TEXT_NOR_INTEGER in detail["msg"]:
        return "type_change"
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


def filled(noun: N) -> N | None:
    """The noun, or None when nothing was said of it: an empty one would hide what another source says."""
    return noun if any(vars(noun).values()) else None


def listed(noun: N) -> list[N] | None:
    """The noun as a list of one, or None when nothing was said of it."""
    return [noun] if filled(noun) else None


def grouped(items: Iterable[N], key: Callable[[N], K]) -> defaultdict[K, list[N]]:
    """The items by their key, in order; an empty list for a key that none has."""
    groups: defaultdict[K, list[N]] = defaultdict(list)
    for item in items:
        groups[key(item)].append(item)
    return groups


@dataclass(frozen=True, slots=True)
class Harvest:
    """How a registry is harvested, page by page: a night's answer does not fit in memory.

    `partner_requests` tells what to ask of a window of days, both included; `rows` reads one page of one of them, given the
    last day of the window.
    """

    partner_requests: Callable[[date, date], Sequence[PartnerRequest]]
    rows: Callable[[PartnerRequest, date, Any], tuple[list[RegistryRow], QualityCounts]]


@dataclass(frozen=True, slots=True)
class ChangeNotice:
    """What an event tells: something changed. Nothing of it is believed but what to ask again: a tenant by the partner's
    code, or a record by its key; neither, when it concerns nothing that is read. `key` is what acknowledges it."""

    key: str = ""
    tenant: str = ""
    record: str = ""


@dataclass(frozen=True, slots=True)
class EventQueue:
    """A partner's queue of events: given again until acknowledged, in no order. `place` asks which tenant holds a record
    now, None when nobody does."""

    read: Callable[[], ReadingSteps[list[ChangeNotice]]]
    place: Callable[[str], ReadingSteps[str | None]]
    acknowledge: Callable[[str], ReadingSteps[None]]


@dataclass(frozen=True, slots=True)
class Connector:
    """What a connector module exports as `CONNECTOR`. A reading it does not have is absent (None)."""

    genre: str  # the `genre` of the partner's TOML file
    type: TypeSource
    mode: ModeSource
    cfa_records: Callable[[Tenant, date], ReadingSteps[ReadingResult]] | None = None
    structure_records: Callable[[Tenant, date], ReadingSteps[ReadingResult]] | None = None
    moisson: Harvest | None = None
    contrat: Callable[[Sequence[Mapping[str, Any]]], tuple[Jeune, Contrat] | None] | None = None
    referentiel: Callable[[], ReadingSteps[tuple[Referentiel, QualityCounts]]] | None = None
    queue: EventQueue | None = None
    notices: Callable[[Any], ChangeNotice] | None = None  # of a call of the partner; raises UnexpectedAnswer
    capabilities: frozenset[str] = frozenset()
