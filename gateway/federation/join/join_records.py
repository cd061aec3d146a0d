"""Groups the records that speak of the same person: the one place where records are joined. Knows no merge rule, no viewer.

Theory of operation
===================

Each source keeps its own records, and none has an identifier that the others share. `gateway.domain.matching` says how alike
two records are and who may be one person with whom; this module gives it the records worth comparing, and names the groups.

1. what an installation gives for several of its people is left out of its records, over all of them (`Installation`): a
   subset could make a school's phone look like somebody's own.
2. match; then a key for each group, its exact identity, or the key of its best record where two groups bear one identity.

`link` does so of all the records at once. What is read again and again is grouped by change (`components`), which gives the same
groups: it decides with the same functions, of the records that a change may touch.

The groups then go to the other modules of the room: `precedence` folds the contracts of a group and says which values are
kept, `merge` makes one Jeune of it, `provenance` and `evidence` say, when asked, where a value and a group come from.

Invariants: every record given is in one group, and in one only. The groups are a function of the set
of records: order changes nothing. Two records of one installation are never in one group. Doubt separates: a person shown
twice is a nuisance, two persons shown as one are a leak.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from functools import cached_property

from gateway.connectors.base import Record, traits_of
from gateway.domain.days import PARIS, end_of_day, is_midnight, paris_day
from gateway.domain.matching import Collective, Match, ScoredPair, collective, match
from gateway.domain.official_numbers import Traits, identity_key
from gateway.domain.similarity import Level
from gateway.schema.nouns import Jeune
from gateway.schema.organisations import TypeSource
from gateway.sources.units import Resource, UnitResult

# An ERP speaks before the registry, the registry before a Mission locale's system (docs/domaine.md, "Conflits").
RANK = {TypeSource.ERP_CFA: 0, TypeSource.REGISTRE_CONTRATS: 1, TypeSource.MISSION_LOCALE: 2, TypeSource.REFERENTIEL: 3}
Key = tuple[tuple[str, str], str]  # installation, record


@dataclass(frozen=True)
class Installation:
    """All that one installation says of its people, read whole: what it gives for several of them is known of it.

    `same_keys`: its records bear the numbers that another installation of the same CFA gives them.
    """

    records: Sequence[Record] = ()
    same_keys: bool = False

    @cached_property
    def collective(self) -> Collective:
        """Found once, when somebody of it is first compared."""
        return collective(
            (_told_identity(jeune), (jeune.prenom or "").casefold(), (jeune.telephone, jeune.courriel))
            for jeune in (record.jeune for record in self.records)
        )

    def left_out(self, jeune: Jeune) -> Hashable:
        """What of somebody it gives for several: other records of the installation may change it."""
        shared = self.collective
        return _told_identity(jeune) in shared.identities, shared.contacts & {jeune.telephone, jeune.courriel}


def _told_identity(jeune: Jeune) -> tuple[str | None, str | None, date | None]:
    """As it is written: an installation that files strangers under one name writes it in one way."""
    return jeune.nom, jeune.prenom, jeune.date_naissance


# Of the registry, which is never read whole, nothing is known to be collective.
NOT_READ_WHOLE = Installation()


@dataclass(frozen=True)
class SourcedRecord:
    """What one source says of one person. Two records of one source and tenant are never one person.

    `received_at`: when it first came as it is; what came since is known of the answers (`SourceReadings.received`).
    """

    source: str
    type: TypeSource
    tenant: str
    record: Record
    received_at: datetime
    heard_at: datetime | None = (
        None  # when it came as it is, in the place of another, or without its source saying when
    )
    installation: Installation = field(default=NOT_READ_WHOLE, repr=False, compare=False)
    stands_in: bool = False  # it was transmitted by a CFA that is asked too: what is asked speaks before it

    @property
    def jeune(self) -> Jeune:
        return self.record.jeune

    @property
    def origin(self) -> tuple[str, str]:
        """The installation that speaks: partner and tenant."""
        return self.source, self.tenant

    @cached_property
    def traits(self) -> Traits | None:
        """What tells its person from others; None when it names nobody, for want of a name or of one of its own."""
        shared = self.installation.collective
        if shared.identities and _told_identity(self.jeune) in shared.identities:
            return None
        traits = traits_of(self.jeune, self.origin, self.record.key, shared.contacts)
        return (
            replace(traits, dossier=(self.tenant, self.record.key))
            if traits and self.installation.same_keys
            else traits
        )

    @cached_property
    def identity(self) -> str:
        """Exact key of the person it speaks of."""
        traits = self.traits
        return identity_key(traits.noms[0], traits.prenom, traits.naissance) if traits else self.own_key

    @cached_property
    def key(self) -> Key:
        """What designates it among all records: its installation, and its key there."""
        return self.origin, self.record.key

    @property
    def own_key(self) -> str:
        """The key of the record itself, where it stands for nobody else."""
        return "|".join((*self.origin, self.record.key))

    @cached_property
    def rank(self) -> tuple[float, float, str, str, str]:
        """Precedence, total and independent of the order of arrival: kind of source, then the latest written."""
        # Of two systems of one kind, the one written last is the one in use; undated ones come after.
        written = self.record.modified_at.timestamp() if self.record.modified_at else 0.0
        return self.precedence, -written, self.source, self.tenant, self.record.key

    @property
    def precedence(self) -> float:
        """Of the kind of source, the first one speaking first; between two kinds, what only stands in for one that is asked."""
        return RANK[self.type] + (0.5 if self.stands_in else 0.0)

    def tells_again(self, better: "SourcedRecord") -> bool:
        """Whether it mostly tells again what another did: of a lesser kind, or transmitted by a CFA whose answer is the other."""
        if RANK[better.type] < RANK[self.type]:
            return True
        return self.stands_in and not better.stands_in and better.tenant == self.tenant

    @property
    def modified_at(self) -> datetime | None:
        """The last instant at which it may have changed: as its source says, or as it was heard; None: nobody says."""
        told = self.record.modified_at
        own = end_of_day(told.astimezone(PARIS).date()) if told and is_midnight(told) else told
        return max((instant for instant in (own, self.heard_at) if instant), default=None)

    @cached_property
    def recency(self) -> tuple[int, float, tuple[float, float, str, str, str]]:
        """The latest written first, whatever the kind; then those that do not say when; then what stands in for an answer."""
        place = 2 if self.stands_in else int(self.record.modified_at is None)
        return place, self.rank[1], self.rank

    @cached_property
    def home_rank(self) -> tuple[float, int, str, str, str]:
        """Precedence for the home: kind of source, then who tells the latest event of this life.

        Not the latest written: two systems that rewrite their records in turn would send somebody to and fro.
        """
        return self.precedence, -_last_fact(self.jeune).toordinal(), self.source, self.tenant, self.record.key


def _last_fact(jeune: Jeune) -> date:
    """The last day that a training or a contract begins, or that a follow-up was noted."""
    starts = [fact.date_debut for fact in (*(jeune.formations or ()), *(jeune.contrats or ()))]
    suivi = paris_day(jeune.suivi.date) if jeune.suivi and jeune.suivi.date else None
    return max((day for day in (*starts, suivi) if day), default=date.min)


Concerns = Callable[[SourcedRecord], bool]
FollowUp = tuple[
    SourcedRecord, ScoredPair
]  # a record of a Mission locale, and what ties it to a person joined without it


@dataclass(frozen=True, slots=True)
class Cluster:
    """The records of one person, best source first, and what joined them.

    `key` is stable text, secret: it is never shown as it is. `doubtful`: links to other persons, too weak or too ambiguous
    to join them. `shared`: identities that other groups bear too, where somebody looked (`components`).
    """

    key: str
    sourced_records: tuple[SourcedRecord, ...]
    niveau: Level = Level.CERTAIN
    links: tuple[ScoredPair, ...] = ()
    doubtful: tuple[ScoredPair, ...] = ()
    shared: frozenset[str] = frozenset()


def link(sourced_records: Iterable[SourcedRecord]) -> list[Cluster]:
    """Group records by person, all at once, whatever the order they come in. Ambiguous ones stay apart."""
    records = {record.key: record for record in sourced_records}
    persons, doubtful = match(record.traits for record in records.values() if record.traits)
    clusters = _distinct_keys(clusters_of(persons, doubtful, records))
    # A name without letters can be compared with nothing: its record stands alone.
    anonymous = [Cluster(record.own_key, (record,)) for record in records.values() if not record.traits]
    return sorted([*clusters, *anonymous], key=lambda cluster: cluster.key)


def clusters_of(
    persons: Iterable[Match], doubtful: Iterable[ScoredPair], records: Mapping[Key, SourcedRecord]
) -> list[Cluster]:
    """The groups that a decision makes of records, each under the exact identity of its best one."""
    offered: dict[Key, list[ScoredPair]] = defaultdict(list)
    for pair in doubtful:
        offered[pair.left.rank].append(pair)
        offered[pair.right.rank].append(pair)
    return [_cluster(person, records, offered) for person in persons]


def _cluster(person: Match, records: Mapping[Key, SourcedRecord], offered: Mapping[Key, list[ScoredPair]]) -> Cluster:
    members = sorted((records[trait.rank] for trait in person.members), key=lambda member: member.rank)
    # By object: a doubtful pair of two records of one person is offered by both.
    doubtful = {id(pair): pair for trait in person.members for pair in offered.get(trait.rank, ())}
    return Cluster(members[0].identity, tuple(members), person.niveau, person.links, tuple(doubtful.values()))


def _distinct_keys(clusters: Sequence[Cluster]) -> list[Cluster]:
    """The same, two persons of one exact identity told apart by the key of their best record."""
    holders = Counter(cluster.key for cluster in clusters)
    return [named(cluster, alone=holders[cluster.key] == 1) for cluster in clusters]


def named(cluster: Cluster, alone: bool) -> Cluster:
    """The group under the exact identity of its best record, if it is the only one of that identity; else under its own key."""
    best = cluster.sourced_records[0]
    key = best.identity if alone else best.own_key
    return cluster if cluster.key == key else replace(cluster, key=key)


def told_by(result: UnitResult, before: Sequence[SourcedRecord] | None, stands_in: bool = False) -> list[SourcedRecord]:
    """The records of an answer; those that say what they said `before` are the same objects, as nothing of them changed."""
    unit, known = result.unit, {one.record.key: one for one in before or ()}
    nature = TypeSource.MISSION_LOCALE if unit.resource is Resource.STRUCTURE else TypeSource.ERP_CFA
    # The records of before where they are equal: what one version held is not kept for the sake of a record.
    pairs = [(one, known.get(one.key)) for one in result.records]
    records = [same.record if same and same.record == one else one for one, same in pairs]
    whole = Installation(records, result.same_keys)

    def told(record: Record) -> SourcedRecord:
        same, received_at = known.get(record.key), result.received(record) if result.pushed else result.received_at
        if same is None or same.record is not record:
            heard_at = result.received_at if before is not None or record.modified_at is None else None
            return SourcedRecord(unit.source, nature, unit.key, record, received_at, heard_at, whole, stands_in)
        left_out = same.installation.left_out(record.jeune), same.stands_in
        # When a transmission came is known of each record; else, of the part.
        if left_out == (whole.left_out(record.jeune), stands_in) and (
            not result.pushed or same.received_at == received_at
        ):
            return same
        return replace(same, received_at=received_at, installation=whole, stands_in=stands_in)

    return [told(record) for record in whole.records]
