"""All that a connector author learns: how a partner is asked, and what it is made to say.

A connector is a payload model in the partner's own words plus pure mappings to the nouns. It performs no I/O: a *reading*
is a generator that yields the requests it needs and receives the decoded documents, so that the core alone knows HTTP,
credentials, paging, caching and failure.
"""

from collections import defaultdict
from collections.abc import Callable, Collection, Generator, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import Enum
from typing import Any, Protocol, TypeVar

from gateway.connectors.page_description import DocumentPath, Meaning, Paging, PagingStyle, ToldError
from gateway.connectors.quality import (
    FEW,
    NO_PARENT,
    SAME_KEY,
    TWO_IDENTITIES,
    Payload,
    QualityCounts,
    ReadingResult,
    Record,
    UnexpectedAnswer,
    mapped,
    read,
    rows_of,
)
from gateway.domain.official_numbers import ContratTraits, Traits, normalise_code_postal, normalise_nom, siren
from gateway.domain.referentiel import Referentiel
from gateway.domain.similarity import Identity, is_one_identity
from gateway.schema.nouns import Contrat, Employeur, Jeune
from gateway.schema.organisations import ModeSource, NatureDefaut, TypeSource
from gateway.slotted_types import stored
from gateway.stores.registry_row import RegistryRow

T = TypeVar("T")
N = TypeVar("N")
K = TypeVar("K")
WHOLE_SECONDS = 3600.0
# What an author reads rows with stands apart, and is learnt here all the same.
__all__ = ["Meaning", "Paging", "PagingStyle", "Payload", "QualityCounts", "ReadingResult", "Record", "ToldError"]
__all__ += ["UnexpectedAnswer", "mapped", "read", "rows_of"]
# One entry a request, in order: the list of its pages' decoded documents (JSON values, or lists of CSV lines).
Documents = Sequence[list[Any]]


class BodyFormat(Enum):
    """How a body is written. CSV is decoded to one mapping a line, lines of JSON to a list; an element of XML to its text, or to
    what it holds by name: `@name` an attribute, `#text` its own text, a list where a name comes twice."""

    JSON = "json"
    CSV = "csv"
    XML = "xml"
    LINES = "lignes"


@dataclass(frozen=True, slots=True)
class PartnerRequest:
    """One thing to ask of a partner. `operation` is its stable name (counters, metrics); paths are relative to the base
    URL of the tenant; no person's value ever goes into `path` or `params`."""

    operation: str
    path: str
    method: str = "GET"
    params: Mapping[str, str] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    body: Mapping[str, Any] | None = None
    pages: Paging = PagingStyle.ONE
    size: int = 0  # page size where the style has one
    rows: DocumentPath = ()  # where the list stands; else the only list of a page is it
    shape: BodyFormat = BodyFormat.JSON
    encoding: str = "utf-8"
    separator: str = ";"  # of a CSV
    columns: tuple[str, ...] = ()  # that a CSV must have, be it without any row
    ends_lines: bool = False  # the last line of a CSV ends as the others, or it was cut
    is_form: bool = False  # the body goes as a form, not as JSON
    told_errors: tuple[ToldError, ...] = ()
    expected: tuple[tuple[DocumentPath, str], ...] = ()  # what each page must say of itself: whose it is
    empty_is_absence: bool = False  # an empty 200 means "nothing found" (docs/domaine.md), elsewhere an error
    acces: str = ""  # which of the partner's credentials, when it has several
    secondary: bool = False  # refused, it is missing, and told; the rest of the reading is there
    # Whether its outcome tells the state of the partner: a queue that answers does not freshen dossiers.
    witness: bool = True


ReadingSteps = Generator[Sequence[PartnerRequest], Documents, T]


@dataclass(frozen=True, slots=True)
class Tenant:
    """A tenant of a partner: the CFA (or structure) whose data one base URL and one credential give."""

    key: str  # UAI of the CFA, code of the Mission locale, or "" when the partner has one tenant
    siret: str = ""
    code: str = ""  # what the partner calls it


def filled(noun: N) -> N | None:
    """The noun, or None when nothing was said of it: an empty one would hide what another source says."""
    type_: Any = type(noun)
    return noun if any(getattr(noun, name) for name in stored(type_)) else None


def listed(noun: N) -> list[N] | None:
    """The noun as a list of one, or None when nothing was said of it."""
    return [noun] if filled(noun) else None


def grouped(items: Iterable[N], key: Callable[[N], K]) -> defaultdict[K, list[N]]:
    """The items by their key, in order; an empty list for a key that none has."""
    groups: defaultdict[K, list[N]] = defaultdict(list)
    for item in items:
        groups[key(item)].append(item)
    return groups


def number_of(key: str | None) -> str:
    """A partner's key as the number that it is: 0123 in one list is 123 in another. As it is, when it is no number."""
    return key.lstrip("0") or "0" if key and key.isascii() and key.isdigit() else key or ""


def indexed(items: Iterable[N], key: Callable[[N], str], account: QualityCounts, champ: str) -> dict[str, N]:
    """The items by number, the last one of each; those that say something else under the same are counted."""
    found: dict[str, N] = {}
    for item in items:
        number = number_of(key(item))
        account.faults[NatureDefaut.DOUBLON, SAME_KEY, champ] += number in found and found[number] != item
        found[number] = item
    return found


def attached(
    children: Collection[N],
    parent_of: Callable[[N], str | None],
    parents: Collection[str],
    account: QualityCounts,
    champ: str,
) -> defaultdict[str, list[N]]:
    """The children by the number of their parent. Raises UnexpectedAnswer when most have none among `parents` (numbers)."""
    groups: defaultdict[str, list[N]] = defaultdict(list)
    for child in children:
        groups[number_of(parent_of(child))].append(child)
    orphans = sum(len(group) for number, group in groups.items() if number not in parents)
    account.faults[NatureDefaut.ORPHELINE, NO_PARENT, champ] += orphans
    if orphans > max(FEW, len(children) - orphans):
        raise UnexpectedAnswer(f"{orphans} rows without their parent, of {len(children)}")
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
class PartnerWrite:
    """What is said to a partner of one of its dossiers. `key` is the same at each try: a partner that received it once does
    nothing more. `content`: the words of the graph's input, in snake case; `author`: UAI or code of who says it, at `at`; `seen`:
    when what its author read there was last changed, where it is to be written on nothing else."""

    acte: str
    dossier: str
    key: str
    author: str
    at: datetime
    content: Mapping[str, Any]
    seen: datetime | None = None


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
    write: Callable[[PartnerWrite], ReadingSteps[None]] | None = None
    acts: frozenset[str] = frozenset()  # that `write` says
    changes: Callable[[Tenant, date, datetime], ReadingSteps[ReadingResult]] | None = (
        None  # of records, since an instant
    )
    whole_seconds: float = WHOLE_SECONDS  # between two readings of everything, which alone tell who is no more there


W = TypeVar("W", bound="Named")


class Named(Protocol):
    """What a payload tells of who somebody is."""

    @property
    def nom(self) -> str: ...
    @property
    def prenom(self) -> str: ...
    @property
    def naissance(self) -> date: ...


def of_one_person(people: Iterable[W], key: Callable[[W], str], account: QualityCounts) -> list[W]:
    """The payloads whose key designates one person. Of a key that bears two identities nothing says whose its contracts are:
    it is set aside, and counted."""
    kept = list[W]()
    for same in grouped(people, key).values():
        if all(is_one_identity(_identity(same[0]), _identity(other)) for other in same[1:]):
            kept += same
        else:
            account.reject(TWO_IDENTITIES, number=len(same))
    return kept


def _identity(who: Named) -> Identity:
    return who.nom, who.prenom, who.naissance


def traits_of(jeune: Jeune, origin: tuple[str, str], key: str, shared: Collection[str] = frozenset()) -> Traits | None:
    """None for a record that identifies nobody: no letter in its name, or placeholders alone (TEST Test).

    `shared`: contacts that are not its person's own. Raises ValueError without name or birth date.
    """
    if jeune.nom is None or jeune.prenom is None or jeune.date_naissance is None:
        raise ValueError("a connector let through a record without identity")
    if not normalise_nom(jeune.nom) or not normalise_nom(jeune.prenom):
        return None
    contrats = [contrat for contrat in jeune.contrats or [] if not contrat.annule]
    traits = Traits(
        origin=origin,
        key=key,
        noms=(jeune.nom, *(name for name in jeune.autres_noms if normalise_nom(name))),
        prenom=jeune.prenom,
        naissance=jeune.date_naissance,
        sexe=jeune.sexe.value if jeune.sexe else None,
        telephone=jeune.telephone if jeune.telephone not in shared else None,
        courriel=jeune.courriel if jeune.courriel not in shared else None,
        ine=jeune.ine,
        code_postal=normalise_code_postal(jeune.adresse.code_postal) if jeune.adresse else None,
        cfas=_cfas(jeune),
        contrats=tuple(_contrat(contrat) for contrat in contrats),
    )
    return traits if traits.full_words else None


def _cfas(jeune: Jeune) -> frozenset[str]:
    """By UAI and by SIRET: a source may tell one of the two only."""
    cfas = [contrat.cfa for contrat in jeune.contrats or []] + [formation.cfa for formation in jeune.formations or []]
    return frozenset(key for cfa in cfas if cfa for key in (cfa.uai, cfa.siret) if key)


def _contrat(contrat: Contrat) -> ContratTraits:
    return ContratTraits(
        numero=contrat.numero.upper() if contrat.numero else None,
        debut=contrat.date_debut,
        fin=_last_day(contrat),
        siren=legal_unit(contrat.employeur) if contrat.employeur else None,
    )


def legal_unit(employeur: Employeur) -> str | None:
    """The SIREN of an employer, told as such or by one of its establishments."""
    return siren(employeur.siret) if employeur.siret else employeur.siren


def _last_day(contrat: Contrat) -> date | None:
    return (contrat.rupture.date if contrat.rupture else None) or contrat.date_fin
