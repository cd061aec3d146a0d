"""One record of one source, with where and when it was received, and the orders of precedence. Knows no merge rule."""

from dataclasses import dataclass
from datetime import date, datetime
from functools import cached_property

from gateway.connectors.base import Record
from gateway.connectors.values import traits_of
from gateway.domain.days import paris_day
from gateway.domain.identity import Traits, identity_key
from gateway.domain.matching import block_keys
from gateway.schema.nouns import Jeune
from gateway.schema.organisations import TypeSource

# An ERP speaks before the registry, the registry before a Mission locale's system (docs/domaine.md, "Conflits").
RANK = {TypeSource.ERP_CFA: 0, TypeSource.REGISTRE_CONTRATS: 1, TypeSource.MISSION_LOCALE: 2, TypeSource.REFERENTIEL: 3}


@dataclass(frozen=True)
class SourcedRecord:
    """What one source says of one person. Two records of one source and tenant are never one person."""

    source: str
    type: TypeSource
    tenant: str
    record: Record
    received_at: datetime

    @property
    def jeune(self) -> Jeune:
        return self.record.jeune

    @property
    def origin(self) -> tuple[str, str]:
        """The installation that speaks: partner and tenant."""
        return self.source, self.tenant

    @cached_property
    def traits(self) -> Traits | None:
        """What tells its person from others; None when its name has no letters, and so names nobody."""
        return traits_of(self.jeune, self.origin, self.record.key)

    @cached_property
    def identity(self) -> str:
        """Exact key of the person it speaks of."""
        traits = self.traits
        return identity_key(traits.noms[0], traits.prenom, traits.naissance) if traits else self.own_key

    @cached_property
    def blocks(self) -> tuple[int, ...]:
        """Hashes, one of which it shares with any record that it may be compared with, or that bears its exact identity."""
        keys = block_keys(self.traits) if self.traits else ()
        return hash(self.identity), *map(hash, keys)

    @property
    def own_key(self) -> str:
        """The key of the record itself, where it stands for nobody else."""
        return "|".join((*self.origin, self.record.key))

    @cached_property
    def rank(self) -> tuple[int, float, str, str, str]:
        """Precedence, total and independent of the order of arrival: kind of source, then the latest written."""
        # Of two systems of one kind, the one written last is the one in use; undated ones come after.
        written = self.record.modified_at.timestamp() if self.record.modified_at else 0.0
        return RANK[self.type], -written, self.source, self.tenant, self.record.key

    @cached_property
    def recency(self) -> tuple[bool, float, tuple[int, float, str, str, str]]:
        """The latest written first, whatever the kind; then those that do not say when."""
        return self.record.modified_at is None, self.rank[1], self.rank

    @cached_property
    def home_rank(self) -> tuple[int, int, str, str, str]:
        """Precedence for the home: kind of source, then who tells the latest event of this life.

        Not the latest written: two systems that rewrite their records in turn would send somebody to and fro.
        """
        return RANK[self.type], -_last_fact(self.jeune).toordinal(), self.source, self.tenant, self.record.key


def _last_fact(jeune: Jeune) -> date:
    """The last day that a training or a contract begins, or that a follow-up was noted."""
    starts = [fact.date_debut for fact in (*(jeune.formations or ()), *(jeune.contrats or ()))]
    suivi = paris_day(jeune.suivi.date) if jeune.suivi and jeune.suivi.date else None
    return max((day for day in (*starts, suivi) if day), default=date.min)
