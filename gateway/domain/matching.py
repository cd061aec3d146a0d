"""Matches records: which are of one person, by block, score, and the best first. Pure; knows no noun and no source.

1. Block: two records are compared only if they share a telling word and the birth date (day and month in any order), the
   birth date and the home, all their words in one year or on one day of the year, a contact and the year or a word, an INE,
   a contract number, or the number of a dossier where two installations have one numbering. The work grows with the records,
   not with their square: a record that names nobody is in no block.
2. Score each pair (`similarity`).
3. Set aside what is ambiguous: a record claimed as strongly by two that cannot be one person.
4. Join best first, a record of an installation at most once a person, never across a contradiction.

The result is a function of the set of records: the order in which they come changes nothing. What an installation gives
for several of its people (`collective`) is left out of its records before. It is found among *all* the records of that
installation, so that it is a fact of it, whoever asks and whatever else is read.
"""

from collections import Counter, defaultdict
from collections.abc import Hashable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations

from gateway.domain.official_numbers import Traits, numeros
from gateway.domain.similarity import Level, Similarity, Weights, compare, weights
from gateway.domain.text import NOBODY_BEFORE

SEVERAL = 3  # records of one installation: two may be one person, typed twice


@dataclass(frozen=True, slots=True)
class ScoredPair:
    """Two records, in order, and how alike they are."""

    left: Traits
    right: Traits
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
        """The level of its weakest link."""
        levels = {weights().niveau(link.score) for link in self.links}
        return Level.PROBABLE if Level.PROBABLE in levels else Level.CERTAIN


def match(traits: Iterable[Traits]) -> tuple[list[Match], list[ScoredPair]]:
    """The persons, in order of their first record, and the links too weak or too ambiguous to join anybody, best first."""
    records = sorted(traits, key=lambda trait: trait.rank)
    pairs = (scored(left, right) for left, right in candidate_pairs(records))
    return decide(records, [pair for pair in pairs if pair])


def scored(left: Traits, right: Traits) -> ScoredPair | None:
    """The link of two records, in order; None when they are too little alike for one to be offered."""
    found = compare(left, right)
    return ScoredPair(left, right, found) if found.score >= weights().a_confirmer else None


def decide(records: Sequence[Traits], pairs: Iterable[ScoredPair]) -> tuple[list[Match], list[ScoredPair]]:
    """Who is one person of these records, in order, and the links left over; `pairs`: all the links between them.

    No link leads from one to another of two sets: deciding on each, or on both at once, gives the same persons.
    """
    links = _Links(weights(), pairs)
    selected, doubtful = links.sort()
    persons = {id(trait): Match((trait,)) for trait in records}
    for link in selected:
        host, guest = persons[id(link.left)], persons[id(link.right)]
        if host is guest:
            continue
        if links.compatibles(host.members, guest.members):
            members = sorted(host.members + guest.members, key=lambda trait: trait.rank)
            joined = Match(tuple(members), (*host.links, *guest.links, link))
            persons.update((id(member), joined) for member in members)
        else:
            doubtful.append(link)
    distinct = {id(person): person for person in persons.values()}.values()
    return sorted(distinct, key=lambda person: person.members[0].rank), sorted(doubtful, key=_best_first)


def _best_first(link: ScoredPair) -> tuple[object, ...]:
    return -link.score, link.left.rank, link.right.rank


def candidate_pairs(traits: Sequence[Traits]) -> Iterator[tuple[Traits, Traits]]:
    """The pairs worth comparing, each once, of different installations."""
    first_ranks: dict[Hashable, int] = {}
    blocks: dict[Hashable, list[int]] = {}  # of two records or more: most keys are of one only
    for rank, trait in enumerate(traits):
        for key in block_keys(trait):
            first = first_ranks.setdefault(key, rank)
            if first != rank:
                blocks.setdefault(key, [first]).append(rank)
    pairs = {pair for block in blocks.values() for pair in combinations(block, 2)}
    for left, right in pairs:
        if traits[left].origin != traits[right].origin:
            yield traits[left], traits[right]


def block_keys(trait: Traits) -> Iterator[Hashable]:
    """The keys of a record: two records are compared when they share one. None for one that names nobody."""
    if not trait.full_words:
        return
    year, day_and_month = trait.naissance.year, sorted((trait.naissance.month, trait.naissance.day))
    for word in trait.full_words:
        yield year, *day_and_month, word
    words = sorted(trait.full_words)
    yield year, *words
    yield *day_and_month, *words
    if trait.code_postal and year >= NOBODY_BEFORE:
        yield trait.naissance, trait.code_postal
    for contact in filter(None, (trait.telephone, trait.courriel)):
        yield year, contact
        for word in words:
            yield contact, word
    if trait.ine:
        yield trait.ine
    if trait.dossier:
        yield trait.dossier
    yield from numeros(trait.contrats)


class _Links:
    """The links of a set of records, and how alike any two of these are, compared once."""

    def __init__(self, rules: Weights, pairs: Iterable[ScoredPair]) -> None:
        self._rules = rules
        self._pairs = list(pairs)
        self._scores = {(id(link.left), id(link.right)): link.similarity for link in self._pairs}
        # By record: who claims it, and how much.
        self._rivals: dict[int, list[tuple[Traits, float]]] = defaultdict(list)
        for link in self._pairs:
            self._rivals[id(link.left)].append((link.right, link.score))
            self._rivals[id(link.right)].append((link.left, link.score))

    def similarity(self, left: Traits, right: Traits) -> Similarity:
        key = (id(left), id(right)) if left.rank < right.rank else (id(right), id(left))
        if key not in self._scores:
            self._scores[key] = compare(left, right)
        return self._scores[key]

    def sort(self) -> tuple[list[ScoredPair], list[ScoredPair]]:
        """The links that may join, best first; those that may only be offered."""
        certain: list[ScoredPair] = []
        doubtful: list[ScoredPair] = []
        for link in self._pairs:
            joins = link.score >= self._rules.probable and not self._is_ambiguous(link)
            (certain if joins else doubtful).append(link)
        return sorted(certain, key=_best_first), doubtful

    def _is_ambiguous(self, link: ScoredPair) -> bool:
        return self._dispute(link, link.left, link.right) or self._dispute(link, link.right, link.left)

    def _dispute(self, link: ScoredPair, who: Traits, elected: Traits) -> bool:
        """True when another record claims `who` about as strongly, and cannot be of one person with the `elected`."""
        strong = (rival for rival, score in self._rivals[id(who)] if score > link.score - self._rules.marge)
        return any(rival is not elected and self._excluded(rival, elected) for rival in strong)

    def _excluded(self, left: Traits, right: Traits) -> bool:
        return left.origin == right.origin or self.similarity(left, right).score < self._rules.contradiction

    def compatibles(self, hosts: Sequence[Traits], guests: Sequence[Traits]) -> bool:
        """True when no installation has a record on both sides, and no pair contradicts that they are one person."""
        return not any(self._excluded(host, guest) for host in hosts for guest in guests)


@dataclass(frozen=True, slots=True)
class Collective:
    """Contacts of a school, a home or a family; identities under which an installation files whoever it does not know."""

    contacts: frozenset[str] = frozenset()
    identities: frozenset[Hashable] = frozenset()


def collective(people: Iterable[tuple[Hashable, str, tuple[str | None, ...]]]) -> Collective:
    """Of the records of one installation, each as the identity that it tells, its first name, and its contacts."""
    told, prenoms = list(people), defaultdict[str, list[str]](list)
    identities = Counter(identity for identity, _, _ in told)
    for _, prenom, contacts in told:
        for contact in filter(None, contacts):
            prenoms[contact].append(prenom)
    # Of two first names, two persons: brothers, whom their parents' telephone tells not apart.
    shared = (contact for contact, of in prenoms.items() if len(of) >= SEVERAL or len(set(of)) > 1)
    repeated = (identity for identity, number in identities.items() if number >= SEVERAL)
    return Collective(frozenset(shared), frozenset(repeated))
