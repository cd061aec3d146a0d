"""The record pool: each record of the process as joining compares it, held once, and the links between any two. Knows no caller,
no perimeter, no rule of its own: `gateway.domain.matching` says which are worth comparing, and how alike they are.

A record is what it tells: two versions of one are two records here, and what two perimeters read alike is one. The score of two
records depends on nothing else, so it is found once, when the links of either are first asked for, and serves everybody.

What nobody holds leaves, with its links. Any thread may ask.
"""

from collections import deque
from collections.abc import Hashable, Iterator, Sequence
from dataclasses import dataclass, field
from threading import Lock
from weakref import WeakValueDictionary

from gateway.domain.matching import ScoredPair, block_keys, scored
from gateway.domain.official_numbers import Traits

Rank = tuple[tuple[str, str], str]
Left = deque[tuple[int, Traits]]  # numbers that nobody holds any more


class PooledRecord:
    """A record of the pool, there as long as somebody keeps this object. `number` is never shown, nor ordered by."""

    __slots__ = ("__weakref__", "_left", "number", "traits")

    def __init__(self, traits: Traits, number: int, left: Left) -> None:
        self.traits, self.number, self._left = traits, number, left

    def __del__(self) -> None:
        # Only noted: this may run in the middle of anything, the pool's own work included.
        self._left.append((self.number, self.traits))


@dataclass(slots=True)
class _Compared:
    """A number: its traits, its links by the number of the other record, and the numbers below which it was compared with all."""

    traits: Traits
    links: dict[int, ScoredPair] = field(default_factory=dict)
    below: int = 0


class RecordPool:
    """The records held, and their links. `pairs_scored`: how many pairs were compared since the start."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._records: WeakValueDictionary[Hashable, PooledRecord] = WeakValueDictionary()
        self._numbers: dict[int, _Compared] = {}
        self._blocks: dict[int, int | list[int]] = {}  # by hash: of one number mostly, else of several, in order
        self._left: Left = deque()
        self._next = 0
        self.pairs_scored = 0

    def __len__(self) -> int:
        with self._lock:
            self._forget_left()
            return len(self._numbers)

    def hold(self, traits: Traits) -> PooledRecord:
        """The record of these traits, to be kept by who asks."""
        content = _content(traits)
        with self._lock:
            # Gone between two looks, it is another number: the former one is forgotten in its turn.
            known = self._records.get(content)
            if known is None:
                self._forget_left()
                known = self._records[content] = PooledRecord(traits, self._next, self._left)
                self._numbers[self._next] = _Compared(traits)
                for block in _hashes(traits):
                    self._add(block, self._next)
                self._next += 1
            return known

    def links(self, record: PooledRecord) -> Sequence[tuple[int, ScoredPair]]:
        """The links of a record to those held, whoever holds them, each with the number of the other one."""
        with self._lock:
            self._forget_left()
            compared = self._numbers[record.number]
            # Late, and not when a record comes: a small perimeter asks for the links of a hundredth of what its region tells.
            if compared.below < self._next:
                for other in self._candidates(record.number, compared):
                    self._compare(record.number, other)
                compared.below = self._next
            return tuple(compared.links.items())

    def near(self, traits: Traits) -> list[tuple[int, Rank]]:
        """The records that these traits are worth comparing with, of whatever installation: number, and whose record it is."""
        with self._lock:
            self._forget_left()
            near = {number for block in _hashes(traits) for number in _several(self._blocks.get(block, ()))}
            return [(number, self._numbers[number].traits.rank) for number in near]

    def _candidates(self, number: int, compared: _Compared) -> set[int]:
        """The numbers that share a block, and that this one was not compared with."""
        found: set[int] = set()
        for block in _hashes(compared.traits):
            # In order of number: those that came since stand at the end.
            for other in reversed(_several(self._blocks[block])):
                if other < compared.below:
                    break
                found.add(other)
        # Whoever was compared since this number is there was compared with it.
        return {other for other in found if self._numbers[other].below <= number != other}

    def _compare(self, number: int, other: int) -> None:
        one, two = self._numbers[number], self._numbers[other]
        if one.traits.origin == two.traits.origin:
            return
        self.pairs_scored += 1
        link = scored(*sorted((one.traits, two.traits), key=lambda traits: traits.rank))
        # Blocks are known by their hashes, and two may have one hash.
        if link and not set(block_keys(one.traits)).isdisjoint(block_keys(two.traits)):
            one.links[other] = two.links[number] = link

    def _add(self, block: int, number: int) -> None:
        known = self._blocks.get(block)
        if known is None:
            self._blocks[block] = number
        elif isinstance(known, int):
            self._blocks[block] = [known, number]
        else:
            known.append(number)

    def _forget_left(self) -> None:
        while self._left:
            number, traits = self._left.popleft()
            for other in self._numbers.pop(number).links:
                del self._numbers[other].links[number]
            for block in _hashes(traits):
                self._remove(block, number)

    def _remove(self, block: int, number: int) -> None:
        known = self._blocks[block]
        if isinstance(known, int):
            del self._blocks[block]
            return
        known.remove(number)
        if not known:
            del self._blocks[block]


def _content(traits: Traits) -> Hashable:
    """All that a comparison looks at, and whose record it is."""
    return (
        *(traits.rank, traits.noms, traits.prenom, traits.naissance, traits.sexe, traits.telephone, traits.courriel),
        *(traits.ine, traits.code_postal, traits.cfas, traits.contrats),
    )


def _hashes(traits: Traits) -> set[int]:
    return set(map(hash, block_keys(traits)))


def _several(known: int | Sequence[int]) -> Sequence[int]:
    return (known,) if isinstance(known, int) else known


def links_between(pool: RecordPool, records: Sequence[PooledRecord]) -> Iterator[ScoredPair]:
    """The links between these records, each once."""
    numbers = {record.number for record in records}
    for record in records:
        for number, link in pool.links(record):
            if number in numbers and link.left is record.traits:
                yield link
