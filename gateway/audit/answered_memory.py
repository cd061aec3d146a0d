"""What accounts were told of a list, on one day, as sets of its elements: of one process, bounded in bytes. Knows no store.

A set is a whole number with a bit for each element of a list, numbered for a day and an organisation as they come: two sets
are compared at once, whatever the view that each was told from.
"""

from collections import Counter, deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from cachetools import LRUCache

from gateway.federation.lists import ListQuery
from gateway.federation.paging import SortedList
from gateway.federation.views.view import View

FEW = 10  # persons: what matches as few is a look-up of them
SETS_MAX = 32  # sets that a new one is compared with, of the account and of its organisation
NAMED_MAX = 64  # sets of few, of one account
ACCOUNTS_MAX = 256  # of one organisation and list
ELEMENTS_MAX = 20  # contracts or ruptures of one person, at most, before a difference is taken for large
ELEMENT_WEIGHT = 400  # bytes of an element known by its number

ListKey = tuple[str, ...]
AccountKey = tuple[str, str]  # the client, and who acts through it


@dataclass(frozen=True, slots=True)
class AnsweredSet:
    """A set that was told. `criteria`: of its filter, kept only when few persons match."""

    key: ListKey
    bits: int
    criteria: dict[str, Any] | None = field(default=None, compare=False)

    @property
    def weight(self) -> int:
        return self.bits.bit_length() // 8 + 8 * len(self.key[1]) + 128


@dataclass(slots=True)
class AccountMemory:
    """The last sets told to an account, those of few that look-ups named together, the rows shown to it of the lists they
    come from, and what their closed criteria match by themselves: free to ask, and so taken as known."""

    sets: deque[AnsweredSet] = field(default_factory=lambda: deque(maxlen=SETS_MAX))
    named: deque[int] = field(default_factory=lambda: deque(maxlen=NAMED_MAX))
    shown: LRUCache[ListKey, int] = field(default_factory=lambda: LRUCache(SETS_MAX))
    closed: LRUCache[ListKey, int] = field(default_factory=lambda: LRUCache(SETS_MAX))

    @property
    def weight(self) -> int:
        kept = (*self.named, *self.shown.values(), *self.closed.values())
        return sum(told.weight for told in self.sets) + sum(bits.bit_length() // 8 + 128 for bits in kept)


@dataclass(slots=True)
class OrganisationMemory:
    """What the accounts of an organisation were told of one list, on one day. `persons`: of each element, by number.
    `elements`: how many the person who has most of them has."""

    day: date
    identity: object = field(default_factory=object)
    numbers: dict[str, int] = field(default_factory=dict)
    persons: list[str] = field(default_factory=list)
    by_person: Counter[str] = field(default_factory=Counter)
    elements: int = 1
    recent: deque[AnsweredSet] = field(default_factory=lambda: deque(maxlen=SETS_MAX))
    accounts: LRUCache[AccountKey, AccountMemory] = field(default_factory=lambda: LRUCache(ACCOUNTS_MAX))
    weight: int = 0

    def account(self, name: AccountKey) -> AccountMemory:
        if name not in self.accounts:
            self.accounts[name] = AccountMemory()
        memory: AccountMemory = self.accounts[name]
        return memory

    def bits(self, query: ListQuery[Any, Any], view: View, known: SortedList[Any] | None = None) -> int:
        """The set that a list keeps, `known` if it was found; worked out once as long as the view and this memory hold."""
        key = (self.identity, query.key)
        if key not in view.sets:
            view.sets[key] = self.bits_of(query, view, (known or query.sort(view)).elements)
        bits: int = view.sets[key]
        return bits

    def bits_of(self, query: ListQuery[Any, Any], view: View, elements: Sequence[Any]) -> int:
        """The set of these elements of a list."""
        numbers, person = self.numbers, query.definition.person
        for element in elements:
            if element.id not in numbers:
                self._number(element.id, person(view, element.id).jeune.id)
        marks = bytearray(len(self.persons) // 8 + 1)
        for rank in [numbers[element.id] for element in elements]:
            marks[rank >> 3] |= 1 << (rank & 7)
        return int.from_bytes(marks, "little")

    def _number(self, element: str, person: str) -> None:
        self.numbers[element] = len(self.persons)
        self.persons.append(person)
        self.by_person[person] += 1
        self.elements = min(max(self.elements, self.by_person[person]), ELEMENTS_MAX)

    def may_be_few(self, bits: int, most: int = FEW) -> bool:
        """False where the elements are too many to be of few persons."""
        return bits.bit_count() <= most * self.elements

    def few(self, bits: int, most: int = FEW) -> frozenset[str]:
        """The persons of a set when they are few; else nobody."""
        persons: set[str] = set()
        if not self.may_be_few(bits, most):
            return frozenset()
        for rank in _ranks(bits):
            persons.add(self.persons[rank])
            if len(persons) > most:
                return frozenset()
        return frozenset(persons)

    def weigh(self) -> None:
        sets = sum(account.weight for account in self.accounts.values())
        self.weight = sets + ELEMENT_WEIGHT * len(self.persons)


def _ranks(bits: int) -> Iterator[int]:
    while bits:
        lowest = bits & -bits
        yield lowest.bit_length() - 1
        bits ^= lowest
