"""What is asked of the sources and what comes back, as values. Knows no HTTP, no cache, no partner.

A unit is what a partner says about one key it can be asked for: the dossiers of one CFA, of one Mission locale. It is
the unit of the cache, of the shared flight and of the count of calls; nothing in it belongs to a caller.
"""

from dataclasses import dataclass
from datetime import datetime
from enum import Enum

from gateway.connectors.base import Dossier
from gateway.errors import ErreurSource
from gateway.sources.reperes import Repere


class Ressource(Enum):
    """What the key of a unit designates."""

    CFA = "cfa"  # UAI
    STRUCTURE = "structure"  # code of a Mission locale


class EtatCache(Enum):
    """Where a result comes from: kept and fresh, asked of the partner for this read, or kept past its fresh lifetime; or that
    it was left out, for the query had asked enough of its partner."""

    TOUCHE = "touche"
    MANQUE = "manque"
    PERIME = "perime"
    LAISSE = "laisse"


@dataclass(frozen=True, slots=True)
class Unite:
    """One thing a partner can be asked for. `source` is the partner's name, `cle` a UAI or a Mission locale code."""

    source: str
    ressource: Ressource
    cle: str


@dataclass(frozen=True, slots=True)
class Resultat:
    """What a partner said of a unit. Shared between callers and kept: read it, never change what it holds.

    `recu_le` is the instant the last answer arrived, `age` the seconds since the partner said so, or said that nothing
    changed since; `version` differs from one answer to the next. `reperes` ask whether anything changed; empty, nothing can.
    """

    unite: Unite
    dossiers: tuple[Dossier, ...]
    recu_le: datetime
    cache: EtatCache
    version: str
    age: float = 0.0
    reperes: tuple[Repere, ...] = ()


@dataclass(frozen=True, slots=True)
class Echec:
    """A unit nobody could read in time; the error names the partner. `secours` is what it had said, not too long ago."""

    unite: Unite
    erreur: ErreurSource
    secours: Resultat | None = None
