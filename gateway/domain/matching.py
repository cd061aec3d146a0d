"""Which records are of one person: block, score, join best first. Pure; knows no noun and no source.

1. Block: two records are compared only if they share a telling word and the birth date (day and month in any order), all
   their words in one year or on one day of the year, a contact and the year or a word, an INE or a contract number. The
   work grows with the records, not with their square.
2. Score each pair (`similarity`).
3. Set aside what is ambiguous: a record claimed as strongly by two that cannot be one person.
4. Join best first, a record of an installation at most once a person, never across a contradiction.

The result is a function of the set of records: the order in which they come changes nothing.
"""

from collections import Counter, defaultdict
from collections.abc import Hashable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import combinations

from gateway.domain.identity import Traits, numeros
from gateway.domain.similarity import Level, Similarity, Weights, compare, weights

COLLECTIVE = (
    3  # records of one installation with one contact: it is a school's, a home's, and tells nobody from another
)


@dataclass(frozen=True, slots=True)
class ScoredPair:
    """Two records and how alike they are. `un` comes before `other` in the order of records."""

    un: Traits
    other: Traits
    similarity: Similarity

    @property
    def score(self) -> float:
        return self.similarity.score


@dataclass(frozen=True, slots=True)
class Match:
    """One person: its records in order, and the links that joined them."""

    members: tuple[Traits, ...]
    links: tuple[ScoredPair, ...] = ()

    @property
    def niveau(self) -> Level:
        """That of its weakest link."""
        levels = {weights().niveau(link.score) for link in self.links}
        return Level.PROBABLE if Level.PROBABLE in levels else Level.CERTAIN


@dataclass(slots=True)
class _Growing:
    """A person being put together."""

    members: list[Traits]
    links: list[ScoredPair] = field(default_factory=list)


def match(traits: Iterable[Traits]) -> tuple[list[Match], list[ScoredPair]]:
    """The persons, in order of their first record, and the links too weak or too ambiguous to join anybody."""
    all_ = without_collective(sorted(traits, key=lambda trait: trait.rank))
    links = _Links(weights())
    for un, other in candidate_pairs(all_):
        links.add(un, other)
    selected, doubtful = links.sort()
    growing = {id(trait): _Growing([trait]) for trait in all_}
    for link in selected:
        left, right = growing[id(link.un)], growing[id(link.other)]
        if left is right:
            continue
        if links.compatibles(left.members, right.members):
            _join(growing, left, right, link)
        else:
            doubtful.append(link)
    unique = {id(un): un for un in growing.values()}.values()
    persons = [Match(tuple(sorted(un.members, key=lambda t: t.rank)), tuple(un.links)) for un in unique]
    return sorted(persons, key=lambda person: person.members[0].rank), doubtful


def without_collective(traits: Sequence[Traits]) -> list[Traits]:
    """The records, without the phones and e-mails that an installation gives for several of its people."""
    given = Counter((t.origin, contact) for t in traits for contact in (t.telephone, t.courriel) if contact)
    common = {contact for (_, contact), number in given.items() if number >= COLLECTIVE}
    if not common:
        return list(traits)
    return [_without(trait, common) if {trait.telephone, trait.courriel} & common else trait for trait in traits]


def _without(trait: Traits, common: set[str]) -> Traits:
    kept = {champ: None for champ in ("telephone", "courriel") if getattr(trait, champ) in common}
    return replace(trait, **kept)  # type: ignore[arg-type]


def _join(growing: dict[int, _Growing], un: _Growing, other: _Growing, link: ScoredPair) -> None:
    un.members += other.members
    un.links += [*other.links, link]
    for member in other.members:
        growing[id(member)] = un


def candidate_pairs(traits: Sequence[Traits]) -> Iterator[tuple[Traits, Traits]]:
    """The pairs worth comparing, each once, of different installations."""
    first_ones: dict[Hashable, int] = {}
    blocks: dict[Hashable, list[int]] = {}  # of two records or more: most keys are of one only
    for rank, trait in enumerate(traits):
        for key in block_keys(trait):
            first = first_ones.setdefault(key, rank)
            if first != rank:
                blocks.setdefault(key, [first]).append(rank)
    seen_ones = {pair for block in blocks.values() for pair in combinations(block, 2)}
    for un, other in seen_ones:
        if traits[un].origin != traits[other].origin:
            yield traits[un], traits[other]


def block_keys(trait: Traits) -> Iterator[Hashable]:
    """What a record must share with another to be compared with it."""
    year, day_and_month = trait.naissance.year, sorted((trait.naissance.month, trait.naissance.day))
    for word in trait.full_words:
        yield year, *day_and_month, word
    words = sorted(trait.full_words)
    yield year, *words
    yield *day_and_month, *words
    for contact in filter(None, (trait.telephone, trait.courriel)):
        yield year, contact
        for word in words:
            yield contact, word
    if trait.ine:
        yield trait.ine
    yield from numeros(trait.contrats)


class _Links:
    """The compared pairs of a set of records, each scored once."""

    def __init__(self, rule: Weights) -> None:
        self._rule = rule
        self._scores: dict[tuple[int, int], Similarity] = {}
        self._neighbours: dict[int, list[ScoredPair]] = defaultdict(list)
        self._strong: list[ScoredPair] = []
        self._doubtful: list[ScoredPair] = []

    def similarity(self, un: Traits, other: Traits) -> Similarity:
        key = (id(un), id(other)) if un.rank < other.rank else (id(other), id(un))
        if key not in self._scores:
            self._scores[key] = compare(un, other)
        return self._scores[key]

    def add(self, un: Traits, other: Traits) -> None:
        found = self.similarity(un, other)
        if found.score < self._rule.a_confirmer:
            return
        link = ScoredPair(un, other, found)
        (self._strong if link.score >= self._rule.probable else self._doubtful).append(link)
        self._neighbours[id(un)].append(link)
        self._neighbours[id(other)].append(link)

    def sort(self) -> tuple[list[ScoredPair], list[ScoredPair]]:
        """The links that may join, best first; those that may only be offered."""
        ambiguous = {id(link) for link in self._strong if self._is_ambiguous(link)}
        certain = [link for link in self._strong if id(link) not in ambiguous]
        doubtful = [*self._doubtful, *(link for link in self._strong if id(link) in ambiguous)]
        return sorted(certain, key=lambda link: (-link.score, link.un.rank, link.other.rank)), doubtful

    def _is_ambiguous(self, link: ScoredPair) -> bool:
        return self._dispute(link, link.un, link.other) or self._dispute(link, link.other, link.un)

    def _dispute(self, link: ScoredPair, who: Traits, elected: Traits) -> bool:
        """Whether another record claims `who` about as strongly, and cannot be of one person with the `elected`."""
        for rival in self._neighbours[id(who)]:
            other = rival.other if rival.un is who else rival.un
            if other is not elected and rival.score > link.score - self._rule.marge and self._excluded(other, elected):
                return True
        return False

    def _excluded(self, un: Traits, other: Traits) -> bool:
        return un.origin == other.origin or self.similarity(un, other).score < self._rule.contradiction

    def compatibles(self, ones: Sequence[Traits], others: Sequence[Traits]) -> bool:
        """One record of an installation at most, and nothing that says they are two people."""
        return not any(self._excluded(un, other) for un in ones for other in others)
