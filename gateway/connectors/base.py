"""All that a connector author learns: how a partner is asked, and what it is made to say.

A connector is a payload model in the partner's own words plus pure mappings to the nouns. It performs no I/O: a *reading*
is a generator that yields the requests it needs and receives the decoded documents, so that the core alone knows HTTP,
credentials, paging, caching and failure.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import Enum
from typing import Any, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError
from pydantic_core import ErrorDetails

from gateway.domain.referentiel import Referentiel
from gateway.schema.lieux import ModeSource, TypeSource
from gateway.schema.nouns import Contrat, Jeune
from gateway.stores.lignes import LigneRegistre

T = TypeVar("T")
N = TypeVar("N")
P = TypeVar("P", bound="Charge")
NI_TEXTE_NI_ENTIER, CODE_INCONNU = "neither a text nor a whole number", "unknown code"  # what values say of themselves
PASSES = 5  # a bad value may leave a block without what it requires, and so on outwards


class Forme(Enum):
    """How a body is written. CSV bodies are decoded to one mapping a line."""

    JSON = "json"
    CSV = "csv"


class Pages(Enum):
    """How a partner cuts a long answer; the core follows, within its bounds."""

    UNE = "une"  # one document, no paging
    LIEN = "lien"  # RFC 8288 `Link: <...>; rel="next"`
    ODATA = "odata"  # `@odata.nextLink` in the body
    METADONNEES = "metadonnees"  # `metadonnees.totalPages` in the body, `page` (from 1) in the JSON request
    TAILLE = "taille"  # `page` (from 1) and `taillePage` in the query; a page that is not full is the last
    INDEX = "index"  # `page_index` (from 0) and `page_size` in the query; `pagination.total` in the body


@dataclass(frozen=True, slots=True)
class Requete:
    """One thing to ask of a partner. `operation` is its stable name (counters, metrics); paths are relative to the base
    URL of the tenant; no person's value ever goes into `chemin` or `params`."""

    operation: str
    chemin: str
    methode: str = "GET"
    params: Mapping[str, str] = field(default_factory=dict)
    corps: Mapping[str, Any] | None = None
    pages: Pages = Pages.UNE
    taille: int = 0  # page size where the style has one
    forme: Forme = Forme.JSON
    encodage: str = "utf-8"
    vide_est_absence: bool = False  # an empty 200 means "nothing found" (ANSWERS 7), elsewhere it is an error
    acces: str = ""  # which of the partner's credentials, when it has several
    temoin: bool = (
        True  # whether its outcome tells the state of the partner: a queue that answers does not freshen dossiers
    )


# One entry a request, in order: the list of its pages' decoded documents (JSON values, or lists of CSV lines).
Documents = Sequence[list[Any]]
Lecture = Generator[Sequence[Requete], Documents, T]


@dataclass(frozen=True, slots=True)
class Locataire:
    """A tenant of a partner: the CFA (or structure) whose data one base URL and one credential give."""

    cle: str  # UAI of the CFA, code of the Mission locale, or "" when the partner has one tenant
    siret: str = ""
    code: str = ""  # what the partner calls it


@dataclass(slots=True)
class Dossier:
    """What one source says of one young person under one of its own keys. The noun is partial and unmerged."""

    cle: str  # the record's key, unique for this partner and tenant
    jeune: Jeune
    modifie_le: datetime | None = None
    structure: str = ""  # code of the Mission locale the record names, where the dialect has one


@dataclass(slots=True)
class Lu:
    """What a reading gave: the records, and the quality figures that the core counts."""

    dossiers: list[Dossier] = field(default_factory=list)
    rejets: int = 0  # records lost: a required value was missing or unreadable
    champs_ignores: int = 0  # optional values set aside; their record was kept
    # how often the format was not what we know, by kind
    derives: Mapping[str, int] = field(default_factory=dict, compare=False)


class Charge(BaseModel):
    """Base of payload models: unknown keys are ignored, strings stripped. Fields with a default are optional."""

    # frozen: an empty block given by default is shared, not copied for each row
    model_config = ConfigDict(extra="ignore", str_strip_whitespace=True, populate_by_name=True, frozen=True)


@dataclass(slots=True)
class Compte:
    """Quality counters of a reading."""

    rejets: int = 0
    champs_ignores: int = 0
    derives: Counter[str] = field(default_factory=Counter, compare=False)


class ReponseInattendue(ValueError):
    """A whole document is not what the dialect says: the reading stops, and the core says the source is invalid."""


def lignes_de(pages: Iterable[Any], champ: str = "") -> Iterator[Any]:
    """The rows of all pages, each a list or an object that holds one under `champ`. Raises ReponseInattendue."""
    for page in pages:
        lignes = page.get(champ) if champ and isinstance(page, dict) else page
        if not isinstance(lignes, list):
            raise ReponseInattendue(f"no list of rows under {champ!r}")
        yield from lignes


def lire(modele: type[P], lignes: Iterable[Any], compte: Compte) -> list[P]:
    """Read rows, tolerantly: what is bad at any depth is set aside, and the row with it only if it cannot do without."""
    return [lu for ligne in lignes if (lu := _lire_une(modele, ligne, compte)) is not None]


def _lire_une(modele: type[P], ligne: Any, compte: Compte) -> P | None:
    ecartes = 0
    for _ in range(PASSES):
        try:
            lu = modele.model_validate(ligne)
        except ValidationError as erreur:
            details = erreur.errors(include_url=False)
            mauvais = {_chemin(detail) for detail in details}
            compte.derives.update(genre for detail in details if (genre := _derive(detail)))
        else:
            compte.champs_ignores += ecartes
            return lu
        if () in mauvais:
            break
        ecartes += len(mauvais)
        ligne = _sans(ligne, mauvais)
    compte.rejets += 1
    return None


def _derive(detail: ErrorDetails) -> str | None:
    """The kind of drift an error tells, None for a value that is merely bad (SECURITY U09)."""
    if detail["type"] == "missing":
        return "champ_absent"
    if detail["type"].endswith("_type") or NI_TEXTE_NI_ENTIER in detail["msg"]:
        return "type_change"
    return "code_inconnu" if CODE_INCONNU in detail["msg"] else None


def _chemin(detail: ErrorDetails) -> tuple[int | str, ...]:
    """What to set aside: the bad value, or what lacks a required one."""
    lieu = detail["loc"]
    return lieu[:-1] if detail["type"] == "missing" else lieu


def _sans(valeur: Any, chemins: Iterable[tuple[int | str, ...]]) -> Any:
    """The value without what stands at these paths. A copy: rows are kept as they came."""
    if not isinstance(valeur, dict | list):
        return valeur
    suites = defaultdict(set)
    for tete, *suite in chemins:
        suites[tete].add(tuple(suite))
    paires = valeur.items() if isinstance(valeur, dict) else enumerate(valeur)
    gardees = [(cle, _sans(dedans, suites.get(cle, ()))) for cle, dedans in paires if () not in suites.get(cle, ())]
    return dict(gardees) if isinstance(valeur, dict) else [dedans for _, dedans in gardees]


def rempli(nom: N) -> N | None:
    """The noun, or None when nothing was said of it: an empty one would hide what another source says."""
    return nom if any(vars(nom).values()) else None


@dataclass(frozen=True, slots=True)
class Moisson:
    """How a registry is harvested, page by page: a night's answer does not fit in memory. `requetes` tells what to ask of a
    window of days, both included; `lignes` reads one page of one of them, given the last day of the window."""

    requetes: Callable[[date, date], Sequence[Requete]]
    lignes: Callable[[Requete, date, Any], tuple[list[LigneRegistre], Compte]]


@dataclass(frozen=True, slots=True)
class Avis:
    """What an event tells: something changed. Nothing of it is believed but what to ask again: a tenant by the partner's
    code, or a record by its key; neither, when it concerns nothing that is read. `cle` is what acknowledges it."""

    cle: str = ""
    locataire: str = ""
    dossier: str = ""


@dataclass(frozen=True, slots=True)
class File:
    """A partner's queue of events: given again until acknowledged, in no order. `situer` asks which tenant holds a record
    now, None when nobody does."""

    lire: Callable[[], Lecture[list[Avis]]]
    situer: Callable[[str], Lecture[str | None]]
    acquitter: Callable[[str], Lecture[None]]


@dataclass(frozen=True, slots=True)
class Connecteur:
    """What a connector module exports as `CONNECTEUR`. A reading it does not have is absent (None)."""

    genre: str  # the `genre` of the partner's TOML file
    type: TypeSource
    mode: ModeSource
    dossiers_cfa: Callable[[Locataire, date], Lecture[Lu]] | None = None
    dossiers_structure: Callable[[Locataire, date], Lecture[Lu]] | None = None
    moisson: Moisson | None = None
    contrat: Callable[[Sequence[Mapping[str, Any]]], tuple[Jeune, Contrat] | None] | None = None
    referentiel: Callable[[], Lecture[tuple[Referentiel, Compte]]] | None = None
    file: File | None = None
    avis: Callable[[Any], Avis] | None = None  # of a call of the partner; raises ReponseInattendue
    capacites: frozenset[str] = frozenset()
