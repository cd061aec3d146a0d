"""Ids of groups that Missions locales' records count in, anchored on those of the groups made without them. Pure.

What a Mission locale joins must not show to others (docs/decisions/0049). Ids of the groups that CFAs and the registry alone
make are therefore decided first, as everybody else sees them; a group of a Mission locale's view takes the id of the first of
those whose best record it holds, and the others lead to it, in that view only. Its further records have keys and identities
of their own in the ledger, which nobody else asks for: they keep an id while no CFA tells of the person.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from gateway.domain.links import KnownLinks, Link, LinkWrites, RecordKey
from gateway.federation.ids.keep_or_create import Derive, IdDecision, RecordKeys, keep_or_create

ANCHORED = datetime.min.replace(tzinfo=UTC)  # an anchor is older than whatever a Mission locale saw


@dataclass(frozen=True, slots=True)
class AnchoredGroups:
    """The groups of a view under keys of their own. `anchors`: the id of each group made without Missions locales, by its best
    record; `originals`: the key of a record, by the one it has here."""

    key_sets: list[RecordKeys]
    anchors: Mapping[str, str]
    originals: Mapping[str, str]
    derive: Derive

    @property
    def asked(self) -> list[RecordKeys]:
        """What the ledger is asked of: the keys that no anchor settles."""
        private = [(own, tuple(key for key in own.keys if key.key not in self.anchors)) for own in self.key_sets]
        return [RecordKeys(keys, own.similar if own.keys == keys else frozenset()) for own, keys in private if keys]

    def id_made_from(self, key: str) -> str:
        """The id of an anchor; else the one that a group made from this record has."""
        return self.anchors.get(key) or self.derive(self.originals.get(key, key))


def followed_name(name: str, derive: Derive) -> str:
    """What a key or an identity is called where Missions locales alone know it."""
    return derive(f"suivi|{name}")


def anchor(
    key_sets: Sequence[RecordKeys], base: Sequence[RecordKeys], ids: Mapping[str, str], derive: Derive
) -> AnchoredGroups:
    """The groups of a view, over those of `base` and their ids."""
    # All of their keys, not their best alone: the others lead everybody else to the same ids, and none here.
    common = {key.key for own in base for key in own.keys}
    originals: dict[str, str] = {}

    def private(key: str) -> str:
        originals[derived := followed_name(key, derive)] = key
        return derived

    def keys(own: RecordKeys) -> tuple[RecordKey, ...]:
        anchors = tuple(RecordKey(key.key) for key in own.keys if key.key in ids)
        others = [key for key in own.keys if key.key not in common]
        # A group that has neither a best record nor one of its own parts from a group that stays whole for others.
        others = others if anchors or others else [own.keys[0]]
        return (
            *anchors,
            *(replace(k, key=private(k.key), identity=k.identity and private(k.identity)) for k in others),
        )

    groups = [RecordKeys(keys(own), frozenset(private(identity) for identity in own.similar)) for own in key_sets]
    return AnchoredGroups(groups, ids, originals, derive)


def resolve_anchored(groups: AnchoredGroups, known: KnownLinks, instant: datetime) -> IdDecision:
    """An id for every group. Nothing that it writes is read for anybody else."""
    firsts = {key.key for own in groups.key_sets for key in own.keys if key.key in groups.anchors}
    # Said anew each time, whatever the ledger holds of them: they were decided a moment before.
    links = {key: Link(RecordKey(key), groups.anchors[key], ANCHORED, instant) for key in firsts}
    told = KnownLinks({**known.links, **links}, known.cousins, known.alias, known.ties)
    decision = keep_or_create(groups.key_sets, told, groups.id_made_from, instant)
    moves, former = _moves(groups, decision, told, instant)
    # Neither aliases nor what breaks them: they would lead others from one person to another.
    changes = {link.key.key: (object_id, link) for object_id, link in [*decision.writes.changes, *moves]}
    writes = LinkWrites(new=decision.writes.new, changes=tuple(changes.values()))
    return IdDecision(decision.objects, {**former, **decision.former_ids}, writes)


def _moves(
    groups: AnchoredGroups, decision: IdDecision, known: KnownLinks, instant: datetime
) -> tuple[list[tuple[str, Link]], dict[str, str]]:
    """The links of a Mission locale's records that follow their person to its anchor, and the ids that they had made."""
    moves, former = [], {}
    # An id that is somebody's now is nobody's former one.
    present = set(decision.objects.values())
    for own in groups.key_sets:
        object_id = decision.objects[own.first]
        for key in own.keys if own.first in groups.anchors else ():
            made, link = groups.id_made_from(key.key), known.links.get(key.key)
            if made not in present:
                former[made] = object_id
            # Once there, it keeps that id when the CFA or the registry does not answer.
            if link and link.object_ != object_id and key.key not in groups.anchors:
                moves.append((link.object_, Link(key, object_id, ANCHORED, instant)))
    return moves, former
