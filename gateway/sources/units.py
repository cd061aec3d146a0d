"""What is asked of the sources and what comes back, as values. Knows no HTTP, no cache, no partner.

A unit is what a partner says about one key it can be asked for: the dossiers of one CFA, of one Mission locale. It is
the unit of the cache, of the shared flight and of the count of calls; nothing in it belongs to a caller.
"""

from dataclasses import dataclass
from datetime import datetime
from enum import Enum

from gateway.connectors.base import Record
from gateway.errors import SourceDenied, SourceError
from gateway.schema.organisations import EtatSource
from gateway.sources.http.page_answer import PageValidator


class Resource(Enum):
    """What the key of a unit designates."""

    __hash__ = object.__hash__  # members are unique, and hashed at each request: Enum hashes its name, in Python

    CFA = "cfa"  # UAI
    STRUCTURE = "structure"  # code of a Mission locale


class CacheStatus(Enum):
    """What the cache is to a unit that is read, and where a result comes from."""

    HIT = "touche"  # kept and fresh: served, and nothing is asked
    MISSED = "manque"  # asked of the partner for this read; what is kept serves if that fails
    STALE = "perime"  # kept past its fresh lifetime: served, and asked again behind
    LEFT_OUT = "laisse"  # not asked: the query had asked enough of its partner


@dataclass(frozen=True, slots=True)
class Unit:
    """One thing a partner can be asked for. `source` is the partner's name, `key` a UAI or a Mission locale code."""

    source: str
    resource: Resource
    key: str


@dataclass(frozen=True, slots=True)
class PushState:
    """Of what is not asked but transmitted: when its CFA last transmitted, None if it never did, and what that says of it."""

    as_of: datetime | None
    etat: EtatSource


@dataclass(frozen=True, slots=True)
class UnitResult:
    """What a partner said of a unit. Shared between callers and kept: read it, never change what it holds.

    `received_at` is the instant the last answer arrived, `age` the seconds since the partner said so, or said that nothing
    changed since; `version` differs from one answer to the next. `validators` ask whether anything changed; empty, nothing can.
    `missing` names what is secondary and the partner refuses. `pushed`: it was transmitted, not asked for. `whole_at`: when the
    partner last said everything, where it has since said only what changed. `same_keys`: its keys are those of the other source
    of its CFA.
    """

    unit: Unit
    records: tuple[Record, ...]
    received_at: datetime
    cache: CacheStatus
    version: str
    age: float = 0.0
    validators: tuple[PageValidator, ...] = ()
    missing: tuple[str, ...] = ()
    pushed: PushState | None = None
    whole_at: datetime | None = None
    same_keys: bool = False

    def received(self, record: Record) -> datetime:
        """When what a record says was received."""
        return record.modified_at or self.received_at if self.pushed else self.received_at


@dataclass(frozen=True, slots=True)
class UnitFailure:
    """A unit nobody could read in time; the error names the partner. `fallback` is what it had said, not too long ago."""

    unit: Unit
    error: SourceError
    fallback: UnitResult | None = None


def told(result: UnitResult) -> UnitFailure:
    """What lacks a part that its partner refuses, with the error that says which."""
    error = SourceDenied(result.unit.source, f"le partenaire refuse {', '.join(result.missing)} ; le reste est là")
    return UnitFailure(result.unit, error, result)
