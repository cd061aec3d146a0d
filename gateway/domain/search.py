"""Look somebody up by identity among people already joined. Pure; knows no noun and no source."""

from collections import defaultdict
from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass

from gateway.domain.matching import block_keys
from gateway.domain.official_numbers import Traits
from gateway.domain.similarity import Similarity, compare, weights

CANDIDATES_MAX = 5


@dataclass(frozen=True, slots=True)
class Candidate:
    """A person who may be the one looked for, by the record of theirs that is most alike."""

    person: str
    similarity: Similarity


class PersonIndex:
    """People, each under the keys of their records, indexed as records are when they are joined."""

    def __init__(self, persons: Iterable[tuple[str, Sequence[Traits]]]) -> None:
        self._blocks: dict[Hashable, list[tuple[str, Traits]]] = defaultdict(list)
        self._holders: dict[object, str] = {}
        for key, records in persons:
            for traits in records:
                self._holders[traits.rank] = key
                for block in block_keys(traits):
                    self._blocks[block].append((key, traits))

    def person(self, traits: Traits) -> str | None:
        """Whose a record is."""
        return self._holders.get(traits.rank)

    def search(self, who: Traits) -> list[Candidate]:
        """At most CANDIDATES_MAX people, the most alike first; those whom nothing but chance brings together are left out."""
        best: dict[str, Similarity] = {}
        for key, traits in {pair: None for block in block_keys(who) for pair in self._blocks.get(block, ())}:
            found = compare(who, traits)
            if key not in best or found.score > best[key].score:
                best[key] = found
        rules = weights()
        offered = [Candidate(key, found) for key, found in best.items() if found.score >= rules.a_confirmer]
        return sorted(offered, key=lambda candidate: (-candidate.similarity.score, candidate.person))[:CANDIDATES_MAX]
