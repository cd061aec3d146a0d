"""Gives their ids to the groups of a view: reads the ledger of links, decides, writes what is new. Knows no SQL.

The write is awaited: an id is shown once its links are kept. A ledger that fails or is late stops nobody: ids are then made
from the best record of each group, as they were the first time, and the view is built again later.

Keys of records are pseudonyms, all that the ledger holds of them. A record is designated by the key that its source gives it.
The registry has no key for a person, only numbers of contracts: there, each contract is a record. Every text given to a
pseudonym is at rest in the ledger: a changed letter would lose the ids made from it.

The ledger also dates the report of each rupture: a source that states the day of its report is believed; for another, it is
the day we first saw it there (docs/domaine.md).
"""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Collection, Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from functools import partial
from typing import Protocol, TypeVar

from gateway.concurrency import offload
from gateway.domain.days import paris_day
from gateway.domain.links import KnownLinks, LinkWrites, RecordKey
from gateway.domain.official_numbers import identity_key
from gateway.domain.seal import OpaqueIds
from gateway.errors import LinksUnavailable
from gateway.federation.ids.anchors import anchor, resolve_anchored
from gateway.federation.ids.keep_or_create import Derive, IdDecision, RecordKeys, keep_or_create, unknown
from gateway.federation.join.join_records import RANK, Cluster, SourcedRecord
from gateway.federation.join.precedence import FoldedContrat
from gateway.schema.nouns import Contrat, Rupture, Sexe
from gateway.schema.organisations import TypeSource

Pseudonym = Callable[[str], str]
T = TypeVar("T")
Fact = tuple[str, str, str]  # record, fact, name of the source
FirstSeen = Mapping[tuple[str, str], datetime]  # by record and fact
TIMEOUT = 5.0  # seconds for each call of the ledger: a region reads or writes some 30,000 links in one
ROUNDS = 3  # after a write, what another process wrote first is read again, and decided again


def person_keys(cluster: Cluster, shared: frozenset[str], pseudonym: Pseudonym) -> RecordKeys:
    """The records of a person, best first; without identities when one of them is `shared`:
    borne by other groups too, or maybe, while a source was not heard."""
    # Not by date of writing: the first key makes the id, and must stay first when a source writes again.
    order = sorted(cluster.sourced_records, key=lambda t: (RANK[t.type], t.own_key))
    keys = tuple(key for sourced_record in order for key in _record_keys(sourced_record, pseudonym))
    own = {t.identity for t in order if t.identity != t.own_key}
    if own & shared:
        return RecordKeys(keys)
    # A record without sex is joined with either: it may be known again under both, and under none.
    sexes = {t.jeune.sexe for t in order if t.jeune.sexe} or set(Sexe)
    return RecordKeys(keys, frozenset(_identity(i, sexe, pseudonym) for i in own for sexe in (*sexes, None)))


def _record_keys(who: SourcedRecord, pseudonym: Pseudonym) -> list[RecordKey]:
    identity = _identity(who.identity, who.jeune.sexe, pseudonym) if who.identity != who.own_key else ""
    if who.type is not TypeSource.REGISTRE_CONTRATS:
        origin = pseudonym("|".join(("origine", *who.origin)))
        return [RecordKey(pseudonym(f"dossier|{who.own_key}"), identity, origin)]
    contrats = sorted(who.jeune.contrats or [], key=lambda contrat: (str(contrat.date_debut), contrat.numero or ""))
    return [RecordKey(pseudonym(f"dossier|{contrat_text(who, contrat)}"), identity) for contrat in contrats]


def identities(nom: str, prenom: str, naissance: date, pseudonym: Pseudonym) -> frozenset[str]:
    """What stands for an exact identity in the ledger: of either sex, and of none told."""
    identity = identity_key(nom, prenom, naissance)
    return frozenset(_identity(identity, sexe, pseudonym) for sexe in (*Sexe, None))


def _identity(identity: str, sexe: Sexe | None, pseudonym: Pseudonym) -> str:
    # With the sex: records that disagree on it are never joined.
    return pseudonym(f"identite|{sexe.value if sexe else ''}|{identity}")


def contrat_text(sourced_record: SourcedRecord, contrat: Contrat) -> str:
    """The text that designates a contract in its source: its number and the birth date in the registry; elsewhere the
    record, and the number or the first day."""
    if sourced_record.type is TypeSource.REGISTRE_CONTRATS:
        numero = (contrat.numero or "").casefold()
        return f"{sourced_record.source}|contrat|{numero}|{sourced_record.jeune.date_naissance}"
    return f"{sourced_record.own_key}|{contrat.numero or contrat.date_debut}"


def contract_keys(folded_contrats: Sequence[FoldedContrat], pseudonym: Pseudonym) -> list[RecordKeys]:
    """The keys of each contract of a person, the registry's number first. A key of two contracts designates neither."""
    texts = [_texts(folded) for folded in folded_contrats]
    holders = Counter(text for own in texts for text in own)
    key_sets = []
    for rank, own in enumerate(texts):
        unique = [text for text in own if holders[text] == 1] or [f"{own[0]}|{rank}"]
        key_sets.append(RecordKeys(tuple(RecordKey(pseudonym(f"contrat|{text}")) for text in unique)))
    return key_sets


def _texts(folded: FoldedContrat) -> list[str]:
    """By number and by first day: either may be told late, or corrected."""
    versions = sorted(folded.versions, key=lambda version: version[0].type is not TypeSource.REGISTRE_CONTRATS)
    texts: dict[str, None] = {}
    for sourced_record, contrat in versions:
        texts[contrat_text(sourced_record, contrat)] = None
        if sourced_record.type is not TypeSource.REGISTRE_CONTRATS and contrat.date_debut:
            texts[f"{sourced_record.own_key}|{contrat.date_debut}"] = None
    return list(texts)


class LinkLedger(Protocol):
    """Where links and first sightings are kept. Each call may raise LinksUnavailable."""

    async def read(self, keys: Collection[str]) -> KnownLinks: ...
    async def read_cousins(self, identities: Collection[str]) -> KnownLinks: ...
    async def write(self, writes: LinkWrites) -> None: ...
    async def first_seen(self, facts: Sequence[Fact], instant: datetime) -> FirstSeen: ...


@dataclass(frozen=True, slots=True)
class AssignedIds:
    """The ids of a view, by first key of each group; `provisional` when the ledger did not answer."""

    objects: Mapping[str, str]
    former_ids: Mapping[str, str]
    first_seen: FirstSeen
    provisional: bool

    def id_of(self, record_keys: RecordKeys) -> str:
        return self.objects[record_keys.first]

    def of(self, key_sets: Iterable[RecordKeys], facts: Iterable[Fact]) -> Hashable:
        """All that is said of a person."""
        return tuple(map(self.id_of, key_sets)), tuple(self.first_seen.get(fact[:2]) for fact in facts)


def derivation(opaque_ids: OpaqueIds) -> Derive:
    """How an id is made: from the key of a record, or from another id."""
    return lambda text: opaque_ids.pseudonym(f"objet|{text}")


@dataclass(frozen=True, slots=True)
class IdAssigner:
    """The ledger, and what an id is made with."""

    store: LinkLedger
    derive: Derive
    now: Callable[[], datetime]
    failure: Callable[[], None]  # counts the views built without the ledger
    timeout: float = TIMEOUT

    async def assign(
        self, key_sets: Sequence[RecordKeys], facts: Sequence[Fact], base: Sequence[RecordKeys] | None = None
    ) -> AssignedIds:
        """The ids of these groups and the first sightings of these facts. Does not raise LinksUnavailable.

        `base`: where Missions locales' records count in the groups, what they are without them (`anchors`).
        """
        ledger = _Ledger(self, self.now())
        # Groups of others first: nothing that is decided after may change their ids, not even where none of them is there yet.
        groups = key_sets if base is None else base
        decision = await ledger.settle(
            groups, partial(keep_or_create, groups, derive=self.derive, instant=ledger.instant)
        )
        if base is not None:
            decision = await self._anchor(ledger, key_sets, base, decision)
        first_seen = await ledger.first_seen(facts)
        return AssignedIds(decision.objects, decision.former_ids, first_seen, ledger.failed)

    async def _anchor(
        self, ledger: "_Ledger", key_sets: Sequence[RecordKeys], base: Sequence[RecordKeys], decided: IdDecision
    ) -> IdDecision:
        """The ids of the groups of a Mission locale's view, over those that everybody else sees."""
        groups = await offload(len(key_sets), anchor, key_sets, base, decided.objects, self.derive)
        decision = await ledger.settle(groups.asked, partial(resolve_anchored, groups, instant=ledger.instant))
        objects = {
            own.first: decision.objects[anchored.first] for own, anchored in zip(key_sets, groups.key_sets, strict=True)
        }
        further = {former: decision.former_ids.get(now, now) for former, now in decided.former_ids.items()}
        present = set(objects.values())
        return replace(
            decision,
            objects=objects,
            former_ids={
                former: now for former, now in {**further, **decision.former_ids}.items() if former not in present
            },
        )


class _Ledger:
    """The ledger for one view. Once it fails or is late, it is asked nothing more."""

    def __init__(self, assigner: IdAssigner, instant: datetime) -> None:
        self._assigner = assigner
        self._store = assigner.store
        self.instant = instant
        self.failed = False

    async def settle(self, key_sets: Sequence[RecordKeys], decide: Callable[[KnownLinks], IdDecision]) -> IdDecision:
        """The decision on these groups, once what it teaches is written."""
        decision: IdDecision | None = None
        try:
            for _ in range(0 if self.failed else ROUNDS):
                # Off the event loop: a region has tens of thousands of groups.
                decision = await offload(len(key_sets), decide, await self._known_links(key_sets))
                if not decision.writes:
                    break
                await self._wait(self._store.write(decision.writes))
        except (LinksUnavailable, TimeoutError):
            self._fail()
        # A ledger that can be read and not written still gives the known ids.
        return decision if decision is not None else await offload(len(key_sets), decide, KnownLinks())

    async def first_seen(self, facts: Sequence[Fact]) -> FirstSeen:
        """The first sightings of these facts; none when the ledger fails."""
        try:
            return await self._wait(self._store.first_seen(facts, self.instant)) if facts and not self.failed else {}
        except (LinksUnavailable, TimeoutError):
            self._fail()
            return {}

    async def _known_links(self, key_sets: Sequence[RecordKeys]) -> KnownLinks:
        """The links of these records; for groups none of whose records is known, those of their identities too."""
        # One call for the records of all groups: the ledger is asked in one round, whatever the view holds.
        known = await self._wait(self._store.read([key.key for record_keys in key_sets for key in record_keys.keys]))
        similar = {identity for record_keys in unknown(key_sets, known) for identity in record_keys.similar}
        if not similar:
            return known
        near = await self._wait(self._store.read_cousins(similar))
        return KnownLinks(known.links, near.cousins, {**known.alias, **near.alias}, known.ties | near.ties)

    def _fail(self) -> None:
        self.failed = True
        self._assigner.failure()

    async def _wait(self, call: Awaitable[T]) -> T:
        async with asyncio.timeout(self._assigner.timeout):
            return await call


def undated_facts(folded: FoldedContrat, pseudonym: Pseudonym) -> Iterator[Fact]:
    """The ruptures of a contract whose source does not say when it reported them; those to come are facts too."""
    for sourced_record, contrat in folded.versions:
        if contrat.rupture and contrat.rupture.date and not contrat.rupture.signalee_le:
            yield (*_fact(sourced_record, contrat, contrat.rupture.date, pseudonym), sourced_record.source)


def date_report(rupture: Rupture, folded: FoldedContrat, first_seen: FirstSeen, pseudonym: Pseudonym) -> None:
    """Write on a merged rupture the day of its first report, and how many days an ERP was ahead of the registry."""
    # By kind of source: the advance compares the first ERP with the first registry, whichever they are.
    first_days: dict[TypeSource, date] = {}
    for sourced_record, contrat in folded.versions:
        day = _reported_at(sourced_record, contrat, first_seen, pseudonym)
        if day:
            first_days[sourced_record.type] = min(day, first_days.get(sourced_record.type, day))
    rupture.signalee_le = min(first_days.values(), default=None)
    if rupture.signalee_le and rupture.date:
        rupture.delai_signalement_jours = (rupture.signalee_le - rupture.date).days
    if first_days.keys() >= {TypeSource.ERP_CFA, TypeSource.REGISTRE_CONTRATS}:
        ahead = first_days[TypeSource.REGISTRE_CONTRATS] - first_days[TypeSource.ERP_CFA]
        rupture.avance_sur_registre_jours = ahead.days


def _reported_at(who: SourcedRecord, contrat: Contrat, first_seen: FirstSeen, pseudonym: Pseudonym) -> date | None:
    rupture = contrat.rupture
    if rupture is None or rupture.date is None:
        return None
    if rupture.signalee_le:
        return rupture.signalee_le
    seen_at = first_seen.get(_fact(who, contrat, rupture.date, pseudonym))
    return paris_day(seen_at) if seen_at else None


def _fact(who: SourcedRecord, contrat: Contrat, day: date, pseudonym: Pseudonym) -> tuple[str, str]:
    record = contrat_text(who, contrat)
    # The day is part of the fact: a rupture whose day is corrected is reported anew.
    return pseudonym(f"contrat|{record}"), pseudonym(f"rupture|{record}|{day}")
