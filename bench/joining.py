"""Our joining beside Splink's on the same records: quality, time of a lookup, growth.

    python -m bench.joining [--graines 21 22] [--jeunes 3000] [--bruit 2]

Splink is given every value that we compare and learns by expectation-maximisation on the very records that it then judges, which
is in its favour. Its recall is read where its precision is not below ours, at a threshold chosen with the truth: of its pairs as
they are, then of its pairs taken best first, one record of an installation a person, as ours are. Prints, asserts nothing.
"""

import argparse
import gc
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

from bench._population import TODAY, Reading, accounts, name_record, read_off, traits_of
from bench._splink import line, table, train
from fixtures.evaluation.scores import Cost, Record, Scores, cost_of
from fixtures.population.generator import generate
from gateway.domain.matching import match
from gateway.domain.official_numbers import Traits
from gateway.domain.search import PersonIndex

DIRECTORY = 200_000  # people looked up among
SEARCHES = 2_000
SIZES = (1_000, 4_000, 16_000)
DEPARTEMENTS = ("02", "59", "60", "62", "80")
Pair = tuple[float, Record, Record]  # score in bits


def our_own(reading: Reading) -> Cost:
    """What our joining makes of the records."""
    persons, _ = match(reading.traits)
    return cost_of(reading.truth, [{name_record(trait) for trait in person.members} for person in persons])


@dataclass(frozen=True, slots=True)
class DeSplink:
    """Splink on one population: its persons made as ours are, its pairs alone, and the milliseconds of `score_pair`."""

    persons: Cost
    threshold: float  # bits
    pairs: Scores
    pairs_threshold: float
    score_pair: float


def from_splink(reading: Reading, precision: float) -> DeSplink:
    """Splink's best recall at this precision or better, whatever the threshold it takes."""
    linker = train(table(reading))
    rows = linker.inference.predict(threshold_match_weight=-5).as_record_list()
    names = {repr(trait.rank): name_record(trait) for trait in reading.traits}
    scores = [(float(one["match_weight"]), names[one["unique_id_l"]], names[one["unique_id_r"]]) for one in rows]
    metrics = [
        (cost_of(reading.truth, regroup(scores, threshold, names.values())), float(threshold))
        for threshold in range(-4, 40)
    ]
    certain = [cost for cost in metrics if cost[0].pairs.precision >= precision] or metrics[-1:]
    best, threshold = max(certain, key=lambda cost: cost[0].pairs.recall)
    first, other = (line(trait) for trait in reading.traits[:2])
    pairs, pairs_threshold = single(reading, scores, precision)
    ms = _millisecondes(lambda: linker.inference.score_pair(first, other), 20)
    return DeSplink(best, threshold, pairs, pairs_threshold, ms)


def single(reading: Reading, scores: Sequence[Pair], precision: float) -> tuple[Scores, float]:
    """The pairs that Splink scores above a threshold, taken as they are: nothing says that a school tells a person once."""
    who = {name_record(trait): reading.person(trait) for trait in reading.traits}
    own = [sorted(group) for group in group(who).values()]
    true_pairs = sum(one.installation != other.installation for group in own for one, other in combinations(group, 2))
    metrics = []
    for threshold in range(-4, 40):
        taken = [
            (one, other)
            for score, one, other in scores
            if score >= threshold and one.installation != other.installation
        ]
        right = sum(who[one] == who[other] for one, other in taken)
        metrics.append((Scores(right, len(taken) - right, true_pairs - right), float(threshold)))
    certain = [cost for cost in metrics if cost[0].precision >= precision] or metrics[-1:]
    return max(certain, key=lambda cost: cost[0].recall)


def group(who: Mapping[Record, str]) -> Mapping[str, list[Record]]:
    """The records of each person."""
    by_person: dict[str, list[Record]] = defaultdict(list)
    for record, person in who.items():
        by_person[person].append(record)
    return by_person


def regroup(scores: Sequence[Pair], threshold: float, all_: Iterable[Record]) -> list[set[Record]]:
    """Persons from scored pairs: best first, a record of an installation at most once."""
    growing = {one: {one} for one in all_}
    for score, one, other in sorted(scores, reverse=True):
        left, right = growing[one], growing[other]
        disjoint = not {e.installation for e in left} & {e.installation for e in right}
        if score >= threshold and left is not right and disjoint:
            left |= right
            growing |= dict.fromkeys(right, left)
    return list({id(group): group for group in growing.values()}.values())


def _millisecondes(call: Callable[[], object], times: int) -> float:
    """CPU time of one call: what else runs on this machine is not counted."""
    debut = time.process_time()
    for _ in range(times):
        call()
    return (time.process_time() - debut) / times * 1e3


def quality(reading: Reading, seed: int) -> None:
    """Print one population's figures."""
    ours = our_own(reading)
    splink = from_splink(reading, ours.pairs.precision)
    print(f"graine {seed}, {len(reading.traits)} records, {ours.pairs.justes + ours.pairs.manques} pairs of one person")
    for name, p in (
        ("ours", ours.pairs),
        (f"Splink's pairs, from {splink.pairs_threshold:.0f} bits", splink.pairs),
        (f"Splink's, joined as ours, from {splink.threshold:.0f} bits", splink.persons.pairs),
    ):
        print(
            f"  {name:<40} precision {p.precision:.5f}  recall {p.recall:.4f}  wrong {p.faux:>3}  missed {p.manques:>4}"
        )
    print(f"  Splink score_pair      {splink.score_pair:.1f} ms a pair")


def speed(by_person: Mapping[int, Sequence[Traits]], lookups: Sequence[Traits]) -> None:
    """Print the CPU time of a lookup among these people."""
    person_index = PersonIndex((str(numero), own) for numero, own in by_person.items())
    gc.freeze()
    durations = sorted(_millisecondes(lambda who=who: person_index.search(who), 1) for who in lookups)  # type: ignore[misc]
    mean, median_of, last = (
        sum(durations) / len(durations),
        durations[len(durations) // 2],
        durations[len(durations) * 99 // 100],
    )
    print(f"lookup among {len(by_person)} people: mean {mean:.3f} ms, median {median_of:.3f}, 99th centile {last:.3f}")


def growth(by_person: Sequence[Sequence[Traits]]) -> None:
    """Print the time to join the records of more and more people."""
    for number in (800, *SIZES):
        traits = [trait for own in by_person[:number] for trait in own]
        ms = _millisecondes(lambda traits=traits: match(traits), 1)  # type: ignore[misc]
        print(
            f"joining {number:>6} people, {len(traits):>6} records: {ms:>7.0f} ms, {ms / len(traits) * 1e3:.0f} µs a record"
        )


def measure_speed() -> None:
    """A population too large to be served by HTTP here: its records are taken as the systems tell them. Who is looked up is as a
    Mission locale spells him, among the records of the other systems."""
    population = generate(seed=23, jeunes=DIRECTORY, departements=DEPARTEMENTS, today=TODAY, progression=print)
    followed = traits_of(accounts(population, ["imilo"])[:SEARCHES])
    by_person: dict[int, list[Traits]] = {}
    for account in accounts(population, [system for system in population.accounts if system != "imilo"]):
        by_person.setdefault(account.person.numero, []).extend(traits_of([account]))
    speed(by_person, followed)
    growth([by_person[numero] for numero in sorted(by_person)])


def main() -> None:
    """Run the bench."""
    request = argparse.ArgumentParser()
    request.add_argument("--graines", type=int, nargs="*", default=[21, 22], dest="seeds", metavar="GRAINES")
    request.add_argument("--jeunes", type=int, default=3000)
    request.add_argument("--bruit", type=float, default=2.0, dest="noise", metavar="BRUIT")
    wanted = request.parse_args()
    for seed in wanted.seeds:
        quality(read_off(seed, wanted.jeunes, wanted.noise), seed)
    measure_speed()


if __name__ == "__main__":
    main()
