"""What the counts of an account told that day in its own list, and by whom a new one differs from them (docs/security.md, A18).

Two counts that differ by few persons tell of these, whichever questions they are of. Of one process, bounded; knows no question.
"""

from collections import deque
from collections.abc import Collection, Hashable, Iterator, Mapping
from itertools import chain
from threading import Lock

from cachetools import LRUCache

from gateway.statistiques.live_counts import FEW, Counting

ANSWERS_MAX = 32  # of an account, that a new one is compared with
LINES_MAX = 60  # of one answer: beyond, its total alone is remembered
PERSONS_MAX = 2_000_000  # of all the sets remembered, an id each
Wanted = tuple[tuple[str, str], ...]  # what one count adds up: partitions and classes
Sets = Mapping[Wanted, Collection[frozenset[str]]]


class AnsweredCounts:
    """The sets counted of each account; those of the account heard least recently are forgotten first."""

    def __init__(self) -> None:
        self._told: LRUCache[Hashable, deque[Sets]] = LRUCache(PERSONS_MAX, getsizeof=_weight)
        self._turn = Lock()

    def compared(self, account: Hashable, told: Sets) -> frozenset[str]:
        """The few persons by whom these counts differ from earlier ones of the account, which they join. In any thread."""
        with self._turn:
            earlier = self._told.get(account) or deque[Sets](maxlen=ANSWERS_MAX)
            found = frozenset[str]().union(*(few for answer in earlier for few in _differences(told, answer)))
            if told not in earlier:
                earlier.append(told)
            if _weight(earlier) <= PERSONS_MAX:
                self._told[account] = earlier
        return found


def sets_of(counting: Counting, lines: Collection[tuple[str, ...]], counts: Collection[Wanted]) -> Sets:
    """Whom each count of a page adds up, line by line and in all."""
    kept = lines if len(lines) <= LINES_MAX else ()
    each = [*(counting.persons.get(codes, {}) for codes in kept), counting.all_lines]
    return {
        wanted: [frozenset(chain.from_iterable(classes.get(one, ()) for one in wanted)) for classes in each]
        for wanted in counts
    }


def _weight(answers: Collection[Sets]) -> int:
    return 1 + sum(len(one) for sets in answers for kept in sets.values() for one in kept)


def _differences(told: Sets, answer: Sets) -> Iterator[frozenset[str]]:
    for wanted, sets in told.items():
        for before in answer.get(wanted, ()):
            for own in sets:
                if abs(len(own) - len(before)) <= FEW and 0 < len(few := own ^ before) <= FEW:
                    yield few
