"""All that a connector author learns: how a partner is asked, and what it is made to say.

A connector is a payload model in the partner's own words plus pure mappings to the nouns. It performs no I/O: a *reading*
is a generator that yields the requests it needs and receives the decoded documents, so that the core alone knows HTTP,
credentials, paging, caching and failure.
"""

from collections.abc import Callable, Generator, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import Enum
from typing import Any, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError

from gateway.domain.referentiel import Referentiel
from gateway.schema.lieux import ModeSource, TypeSource
from gateway.schema.nouns import Contrat, Jeune
from gateway.stores.lignes import LigneRegistre

T = TypeVar("T")
P = TypeVar("P", bound="Charge")


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


@dataclass(slots=True)
class Lu:
    """What a reading gave: the records, and the quality figures that the core counts."""

    dossiers: list[Dossier] = field(default_factory=list)
    rejets: int = 0  # records lost: a required value was missing or unreadable
    champs_ignores: int = 0  # optional values set aside; their record was kept


class Charge(BaseModel):
    """Base of payload models: unknown keys are ignored, strings stripped. Fields with a default are optional."""

    model_config = ConfigDict(extra="ignore", str_strip_whitespace=True, populate_by_name=True)


@dataclass(slots=True)
class Compte:
    """Quality counters of a reading."""

    rejets: int = 0
    champs_ignores: int = 0


def lire(modele: type[P], lignes: Iterable[Any], compte: Compte) -> list[P]:
    """Read rows, tolerantly: a bad optional value is set aside, a bad required one rejects its row only; both counted."""
    return [lu for ligne in lignes if (lu := _lire_une(modele, ligne, compte)) is not None]


def _lire_une(modele: type[P], ligne: Any, compte: Compte) -> P | None:
    try:
        return modele.model_validate(ligne)
    except ValidationError as erreur:
        mauvais = {str(detail["loc"][0]) for detail in erreur.errors() if detail["loc"]}
    if not isinstance(ligne, dict) or not mauvais:
        compte.rejets += 1
        return None
    try:
        lu = modele.model_validate({cle: valeur for cle, valeur in ligne.items() if cle not in mauvais})
    except ValidationError:
        compte.rejets += 1
        return None
    compte.champs_ignores += len(mauvais)
    return lu


@dataclass(frozen=True, slots=True)
class Connecteur:
    """What a connector module exports as `CONNECTEUR`. A reading it does not have is absent (None)."""

    genre: str  # the `genre` of the partner's TOML file
    type: TypeSource
    mode: ModeSource
    dossiers_cfa: Callable[[Locataire, date], Lecture[Lu]] | None = None
    dossiers_structure: Callable[[Locataire, date], Lecture[Lu]] | None = None
    moisson: Callable[[date, date], Lecture[tuple[list[LigneRegistre], Compte]]] | None = None
    contrat: Callable[[Sequence[Mapping[str, Any]]], tuple[Jeune, Contrat] | None] | None = None
    referentiel: Callable[[], Lecture[tuple[Referentiel, Compte]]] | None = None
    capacites: frozenset[str] = frozenset()
