"""Whom a total, an edge or a position tells of, by itself or beside what its account was told that day. Knows no store.

A set is a whole number with a bit for each element of a list, numbered for a day and an organisation as they come: two sets
are compared at once, whatever the view that each was told from. Of one process; bounded in bytes (docs/security.md, A18).
"""

from collections import OrderedDict, deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date
from functools import partial
from itertools import combinations
from threading import Lock
from typing import Any

from cachetools import LRUCache

from gateway.federation.criteria import ToldList, closed_part, given, is_refined_by, widened
from gateway.federation.lists import ListQuery
from gateway.federation.paging import SortedList
from gateway.federation.views.context import OperationContext
from gateway.federation.views.view import View

FEW, FEW_BY_NAME = 10, 50  # persons: what matches as few is a look-up of them
SETS_MAX = 32  # sets that a new one is compared with, of the account and of its organisation
ACCOUNTS_MAX = 256  # of one organisation and list
ELEMENTS_PER_PERSON = 20  # contracts or ruptures of one person, at most, before a difference is taken for large
WEIGHT_MAX = 32 * 1024 * 1024  # bytes, about, of all that is remembered
ELEMENT_WEIGHT = 256  # bytes of an element known by its number

ListKey = tuple[str, ...]
AccountKey = tuple[str, str]  # the client, and who acts through it
OrganisationKey = tuple[str, str, str]  # profile and organisation of the perimeter, and the list


@dataclass(frozen=True, slots=True)
class ToldSet:
    """A set that was told. `criteria`: of its filter, kept only when few persons match."""

    key: ListKey
    bits: int
    criteria: dict[str, Any] | None = field(default=None, compare=False)

    @property
    def weight(self) -> int:
        return self.bits.bit_length() // 8 + 8 * len(self.key[1]) + 128


@dataclass(slots=True)
class AccountMemory:
    """The last sets told to an account, the rows shown to it of the lists they come from, and what their closed criteria
    match by themselves: free to ask, and so taken as known."""

    sets: deque[ToldSet] = field(default_factory=lambda: deque(maxlen=SETS_MAX))
    shown: LRUCache[ListKey, int] = field(default_factory=lambda: LRUCache(SETS_MAX))
    closed: LRUCache[ListKey, int] = field(default_factory=lambda: LRUCache(SETS_MAX))

    @property
    def weight(self) -> int:
        kept = (*self.shown.values(), *self.closed.values())
        return sum(told.weight for told in self.sets) + sum(bits.bit_length() // 8 + 128 for bits in kept)


@dataclass(slots=True)
class OrganisationMemory:
    """What the accounts of an organisation were told of one list, on one day. `persons`: of each element, by number."""

    day: date
    identity: object = field(default_factory=object)
    numbers: dict[str, int] = field(default_factory=dict)
    persons: list[str] = field(default_factory=list)
    recent: deque[ToldSet] = field(default_factory=lambda: deque(maxlen=SETS_MAX))
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
                numbers[element.id] = len(self.persons)
                self.persons.append(person(view, element.id).jeune.id)
        marks = bytearray(len(self.persons) // 8 + 1)
        for rank in [numbers[element.id] for element in elements]:
            marks[rank >> 3] |= 1 << (rank & 7)
        return int.from_bytes(marks, "little")

    def few(self, bits: int, most: int = FEW) -> frozenset[str]:
        """The persons of a set when they are few; else nobody."""
        persons: set[str] = set()
        if bits.bit_count() > most * ELEMENTS_PER_PERSON:
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


class ToldSets:
    """The sets told today, by organisation, list and account; the organisation heard least recently is forgotten first.

    May be asked in any thread, of one operation at a time: a comparison goes through the lists of a whole perimeter.
    """

    def __init__(self) -> None:
        self._organisations: OrderedDict[OrganisationKey, OrganisationMemory] = OrderedDict()
        self._turn = Lock()

    @property
    def busy(self) -> bool:
        """Whether a thread compares: the loop would wait for it."""
        return self._turn.locked()

    def looked_up(self, context: OperationContext) -> list[frozenset[str]]:
        """Of each list that the operation told, the persons, by id, of whom it tells something without showing them; it is
        remembered for the next ones."""
        with self._turn:
            return [self._of_list(context, told) for told in context.tally.told]

    def _of_list(self, context: OperationContext, told: ToldList) -> frozenset[str]:
        memory = self._memory(context, told)
        account = memory.account((context.viewer.client, context.viewer.account))
        comparison = _Comparison(context.view, told, memory, account)
        persons = comparison.of_criteria() if told.criteria else frozenset()
        if told.cursors:
            persons |= comparison.of_position(context.between(told))
        # Its rows are written in the journal anyway.
        persons -= told.shown
        memory.weigh()
        self._forget()
        return persons

    def _memory(self, context: OperationContext, told: ToldList) -> OrganisationMemory:
        perimetre = context.rights.perimetre
        key = (perimetre.profil.value, perimetre.organisation, told.query.definition.name)
        memory = self._organisations.get(key)
        if memory is None or memory.day != context.day:
            memory = self._organisations[key] = OrganisationMemory(context.day)
        self._organisations.move_to_end(key)
        return memory

    def _forget(self) -> None:
        while len(self._organisations) > 1 and sum(m.weight for m in self._organisations.values()) > WEIGHT_MAX:
            self._organisations.popitem(last=False)


@dataclass(frozen=True, slots=True)
class _Comparison:
    """One list told, beside what its account and its organisation were told."""

    view: View
    told: ToldList
    memory: OrganisationMemory
    account: AccountMemory

    @property
    def _most(self) -> int:
        return FEW_BY_NAME if self.told.is_by_name else FEW

    def of_criteria(self) -> frozenset[str]:
        """Whom the list tells of by its criteria."""
        bits = self.memory.bits(self.told.query, self.view, self.told.ordered)
        few = self.memory.few(bits, self._most)
        persons = few | (self._of_differences(bits, bool(few)) if bits else self._of_nobody())
        self._see()
        told_set = ToldSet(self.told.query.key, bits, given(self.told.query.filtre) if few else None)
        # To its organisation too: two of its accounts may ask one half each. Not so pages, which each turns at its own pace.
        self._remember(told_set, self.account.sets, self.memory.recent)
        return persons

    def of_position(self, between: Sequence[Any]) -> frozenset[str]:
        """Whom the list tells of by what its cursors leave."""
        bits = self.memory.bits_of(self.told.query, self.view, between)
        # What was shown of that very list, now or on an earlier page, is in the journal.
        seen = self._see()
        persons = self.memory.few(bits & ~seen) if self.memory.few(bits, self._most) else frozenset()
        for other in self.account.sets:
            persons |= self.memory.few((bits ^ other.bits) & ~seen)
        self._remember(ToldSet(self.told.query.key, bits), self.account.sets)
        return persons

    def _of_nobody(self) -> frozenset[str]:
        """Nobody matches: told of the few who would, with one criterion fewer, and of the few told who no longer do."""
        persons: frozenset[str] = frozenset()
        for elements in widened(self.told.query, self.view):
            persons |= self.memory.few(self.memory.bits_of(self.told.query, self.view, elements), self._most)
        criteria = given(self.told.query.filtre)
        for other in self.account.sets:
            if other.criteria is not None and is_refined_by(other.criteria, criteria):
                persons |= self.memory.few(other.bits, FEW_BY_NAME)
        return persons

    def _of_differences(self, bits: int, is_few: bool) -> frozenset[str]:
        """The few by whom a set differs from one already told, or from the sum or the difference of two."""
        closed, pool = self._closed(), {*self.account.sets, *self.memory.recent}
        own = {other.bits for other in self.account.sets} | closed
        # Of two sets that match few, each was a look-up by itself, or is free to ask.
        known = {other.bits for other in pool if other.criteria is not None or self.memory.few(other.bits)}
        known |= {other for other in closed if self.memory.few(other)}
        few = known | ({bits} if is_few else set())
        others = (own | {other.bits for other in pool}) - {bits}
        persons = frozenset[str]().union(*(self.memory.few(bits ^ one) for one in others if not {bits, one} <= few))
        for first, second in combinations(own - {bits}, 2):
            persons |= self._of_three((bits, first, second), few)
        return persons

    def _closed(self) -> set[int]:
        """What the closed criteria of the filters told to the account match, for this list first."""
        closed = closed_part(self.told.query)
        self.account.closed[closed.key] = self.memory.bits(closed, self.view)
        return set(self.account.closed.values())

    def _of_three(self, sets: tuple[int, int, int], few: set[int]) -> frozenset[str]:
        """The few whom the sum of two sets less the third counts; `few`: the sets that match few, each a look-up by itself."""
        bits, first, second = sets
        odd = bits ^ first ^ second
        if odd.bit_count() > FEW * ELEMENTS_PER_PERSON or self._is_told(sets, few):
            return frozenset()
        # Nobody counts in one sum less the third set, but those whom the two of the sum share, or an odd number holds.
        sums = (odd | (bits & first), odd | (bits & second), odd | (first & second))
        return frozenset[str]().union(*map(self.memory.few, sums))

    def _is_told(self, sets: tuple[int, int, int], few: set[int]) -> bool:
        """Whether one of the sets matches few and the others differ by few: whom they count was named with these."""
        bits, first, second = sets
        turns = (bits, first ^ second), (first, bits ^ second), (second, bits ^ first)
        return any(one in few and self.memory.few(apart) for one, apart in turns)

    def _see(self) -> int:
        """All that was shown to the account of that very list, this page included."""
        key, definition, shown = self.told.query.key, self.told.query.definition, self.told.shown
        seen = self.account.shown.get(key, 0)
        if shown:
            person = partial(definition.person, self.view)
            rows = [one for one in self.told.in_order(self.view).elements if person(one.id).jeune.id in shown]
            seen |= self.memory.bits_of(self.told.query, self.view, rows)
            self.account.shown[key] = seen
        return seen

    def _remember(self, told_set: ToldSet, *memories: deque[ToldSet]) -> None:
        # Once: a question repeated must not push the others out.
        for sets in memories:
            if told_set not in sets:
                sets.append(told_set)
