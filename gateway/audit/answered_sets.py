"""Whom a total, an edge or a position tells of, by itself or beside what its account was told that day. Knows no store.

Of one process; bounded in bytes (docs/security.md, A18).
"""

from collections import OrderedDict, deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import chain, combinations
from threading import Lock
from typing import Any

from gateway.audit.answered_memory import FEW, AccountMemory, AnsweredSet, OrganisationMemory
from gateway.federation.criteria import AnsweredList, closed_part, given, is_refined_by, widened
from gateway.federation.views.operation_context import OperationContext
from gateway.federation.views.view import View

FEW_BY_NAME = 50  # persons: those whom a name finds are looked up when they are as few
WEIGHT_MAX = 32 * 1024 * 1024  # bytes, about, of all that is remembered

OrganisationKey = tuple[str, str, str]  # profile and organisation of the perimeter, and the list


class AnsweredSets:
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

    def _of_list(self, context: OperationContext, told: AnsweredList) -> frozenset[str]:
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

    def _memory(self, context: OperationContext, told: AnsweredList) -> OrganisationMemory:
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
    told: AnsweredList
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
        answered_set = AnsweredSet(self.told.query.key, bits, given(self.told.query.filtre) if few else None)
        # To its organisation too: two of its accounts may ask one half each. Not so pages, which each turns at its own pace.
        self._remember(answered_set, self.account.sets, self.memory.recent)
        return persons

    def of_position(self, between: Sequence[Any]) -> frozenset[str]:
        """Whom the list tells of by what its cursors leave."""
        bits = self.memory.bits_of(self.told.query, self.view, between)
        # What was shown of that very list, now or on an earlier page, is in the journal.
        seen = self._see()
        persons = self.memory.few(bits & ~seen) if self.memory.few(bits, self._most) else frozenset()
        for other in self.account.sets:
            persons |= self.memory.few((bits ^ other.bits) & ~seen)
        self._remember(AnsweredSet(self.told.query.key, bits), self.account.sets)
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
        """The few by whom a set differs from one already told, or from the sum or the difference of two; and those who are left
        of a set, or of such a difference, by others that it holds."""
        beside = self._beside(bits, is_few)
        before = {*self.account.named, *beside.own}
        sums = (one for pair in combinations(beside.own, 2) for one in self._sums((bits, *pair), beside.few))
        persons = self._named(chain(beside.differences(), sums))
        return persons | self._named(self._rests(beside, before, {*before, *self.account.named, bits}))

    def _beside(self, bits: int, is_few: bool) -> "_Beside":
        closed, pool = self._closed(), {*self.account.sets, *self.memory.recent}
        own = {other.bits for other in self.account.sets} | closed
        # Of two sets that match few, each was a look-up by itself, or is free to ask.
        few = {other.bits for other in pool if other.criteria is not None or self.memory.few(other.bits)}
        few |= {other for other in closed if self.memory.few(other)} | ({bits} if is_few else set())
        return _Beside(bits, own - {bits}, (own | {other.bits for other in pool}) - {bits}, few)

    def _rests(self, beside: "_Beside", before: set[int], now: set[int]) -> Iterator[int]:
        """What sets leave of those that hold them, once this set and what is known by it are among them (`now`)."""
        bits = beside.bits
        if bits not in beside.few:
            yield _rest(bits, now)
            yield from (_rest(bits & ~other, now) | _rest(other & ~bits, now) for other in beside.own)
        # Of the others, those who were left before are named.
        yield from (_rest(other, now) for other in beside.own - beside.few if not self.memory.few(_rest(other, before)))

    def _named(self, sets: Iterable[int]) -> frozenset[str]:
        """The persons of those sets that hold few. Named together, they are known to the account from then on."""
        persons: frozenset[str] = frozenset()
        for bits in sets:
            if few := self.memory.few(bits):
                persons |= few
                if bits not in self.account.named:
                    self.account.named.append(bits)
        return persons

    def _closed(self) -> set[int]:
        """What the closed criteria of the filters told to the account match, for this list first."""
        closed = closed_part(self.told.query)
        self.account.closed[closed.key] = self.memory.bits(closed, self.view)
        return set(self.account.closed.values())

    def _sums(self, sets: tuple[int, int, int], few: set[int]) -> tuple[int, ...]:
        """Whom the sum of two sets less the third counts, where they may be few; `few`: the sets that match few."""
        bits, first, second = sets
        odd = bits ^ first ^ second
        if not self.memory.may_be_few(odd) or self._is_told(sets, few):
            return ()
        # Nobody counts in one sum less the third set, but those whom the two of the sum share, or an odd number holds.
        return (odd | (bits & first), odd | (bits & second), odd | (first & second))

    def _is_told(self, sets: tuple[int, int, int], few: set[int]) -> bool:
        """Whether all whom they count were looked up: one of the sets matches few, so do the others, or whom they differ by
        was named."""
        bits, first, second = sets
        turns = (bits, first, second), (first, bits, second), (second, bits, first)
        return any(one in few and ({x, y} <= few or x ^ y in self.account.named) for one, x, y in turns)

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

    def _remember(self, answered_set: AnsweredSet, *memories: deque[AnsweredSet]) -> None:
        # Once: a question repeated must not push the others out.
        for sets in memories:
            if answered_set not in sets:
                sets.append(answered_set)


@dataclass(frozen=True, slots=True)
class _Beside:
    """A set, those that its account was told or may ask at no charge (`own`), these with those of its organisation (`others`),
    and which of all of them match few."""

    bits: int
    own: set[int]
    others: set[int]
    few: set[int]

    def differences(self) -> Iterator[int]:
        return (self.bits ^ other for other in self.others if not {self.bits, other} <= self.few)


def _rest(bits: int, known: Iterable[int]) -> int:
    """What is left of a set by others that it holds, the largest first, no two of which share anything."""
    rest = bits
    for other in sorted((one for one in known if one != bits and not one & ~bits), key=int.bit_count, reverse=True):
        if not other & ~rest:
            rest ^= other
    return rest
