"""Tries whether the tests see small wrong changes of what must never be wrong: rights, accounts, the journal's chain, statuses,
joining, lists, views.

    python -m tools.mutants map            which tests enter which function (once, and again when tests change)
    python -m tools.mutants run [--mutants 200] [--seed 1]
    python -m tools.mutants report

`run` draws mutants (tools/mutations.py) by a seed, each of a function that some test enters, changes a copy of the project and
runs those tests, the quickest first. What was tried is kept in var/mutants/ and not tried again: a run that is stopped goes on.
A mutant that no test sees is listed; docs/mutants.md says of each why it may live, or which test sees it since.
"""

import argparse
import json
import random
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from tools.mutations import Mutant, mutants_of
from tools.source import ROOT

TARGETS = (
    "gateway/auth", "gateway/audit", "gateway/domain", "gateway/federation/join", "gateway/federation/ids",
    "gateway/federation/views", "gateway/federation/lists.py", "gateway/federation/criteria.py", "gateway/federation/paging.py",
    "gateway/stores/quota_counters.py", "gateway/stores/journal_tables.py",
)  # fmt: skip
WHERE = ROOT / "var" / "mutants"
MAP, TRIED, COPY = WHERE / "map.json", WHERE / "tried.jsonl", WHERE / "copy"
COPIED = (
    "gateway",
    "fixtures",
    "tests",
    "tools",
    "docs",
    "examples",
    "pyproject.toml",
    "schema.graphql",
    "GLOSSARY.md",
)
MAPPED = ("tests/unit", "tests/access", "tests/security", "tests/statistics", "tests/e2e/test_ids.py")
QUICK, ALL = 20.0, 240.0  # seconds of tests, as the map has them, run first; and at all
TIMEOUT = 600  # seconds: a mutant that never ends is seen
SEEN, ALIVE = "vu", "vivant"


def draw_map(tests: Sequence[str]) -> int:
    """Run the tests and write which functions each enters."""
    return subprocess.call(
        [sys.executable, "-m", "pytest", "-q", "-p", "tools.mutant_map", *(tests or MAPPED)], cwd=ROOT
    )


def sample(number: int, seed: int, mapped: Mapping[str, Sequence[str]]) -> list[Mutant]:
    """So many mutants of functions that some test enters, in an order that the seed gives."""
    found = [mutant for path in _targets() for mutant in mutants_of(path) if _key(mutant) in mapped]
    return random.Random(seed).sample(found, min(number, len(found)))


def _targets() -> Iterator[Path]:
    for target in TARGETS:
        path = ROOT / target
        yield from [path] if path.is_file() else sorted(path.rglob("*.py"))


def _key(mutant: Mutant) -> str:
    return f"{mutant.file}:{mutant.function}"


def run(number: int, seed: int) -> None:
    """Try a sample; each outcome is written as it comes."""
    known = json.loads(MAP.read_text())
    tried = {row["mutant"] for row in _rows()}
    _copy()
    for rank, mutant in enumerate(sample(number, seed, known["tests"]), 1):
        if mutant.name in tried:
            continue
        outcome, tests = _try(
            mutant, sorted(known["tests"][_key(mutant)], key=known["seconds"].__getitem__), known["seconds"]
        )
        with TRIED.open("a") as file:
            file.write(json.dumps({"mutant": mutant.name, "outcome": outcome, "tests": tests}) + "\n")
        print(f"{rank}/{number} {outcome} {mutant.name}", flush=True)


def _copy() -> None:
    shutil.rmtree(COPY, ignore_errors=True)
    for name in COPIED:
        here, there = ROOT / name, COPY / name
        if here.is_dir():
            shutil.copytree(here, there, ignore=shutil.ignore_patterns("__pycache__", "node_modules"))
        else:
            shutil.copy(here, there)


def _try(mutant: Mutant, tests: Sequence[str], seconds: Mapping[str, float]) -> tuple[str, int]:
    """Whether a test sees it, and how many tests were tried."""
    path = COPY / mutant.file
    original, ran = path.read_bytes(), 0
    path.write_bytes(mutant.applied())
    try:
        for chosen in _slices(tests, seconds):
            ran += len(chosen)
            if _fails(chosen):
                return SEEN, ran
    finally:
        path.write_bytes(original)
    return ALIVE, ran


def _slices(tests: Sequence[str], seconds: Mapping[str, float]) -> Iterator[list[str]]:
    """The tests that take little together, then the others, up to a bound."""
    total, first, rest = 0.0, list[str](), list[str]()
    for test in tests:
        total += seconds[test]
        if total < QUICK or not first:
            first.append(test)
        elif total < ALL:
            rest.append(test)
    yield first
    if rest:
        yield rest


def _fails(tests: Sequence[str]) -> bool:
    arguments = ["-x", "-q", "--no-header", "-p", "no:cacheprovider", *tests]
    try:
        done = subprocess.run(
            [sys.executable, "-m", "pytest", *arguments], cwd=COPY, capture_output=True, timeout=TIMEOUT, check=False
        )
    except subprocess.TimeoutExpired:
        return True
    return done.returncode != 0


def _rows() -> list[dict[str, Any]]:
    return [json.loads(line) for line in TRIED.read_text().splitlines()] if TRIED.exists() else []


def report() -> None:
    """The score, and the mutants that no test sees."""
    rows = _rows()
    counts = Counter(row["outcome"] for row in rows)
    print(f"{counts[SEEN]} mutants seen of {len(rows)} ({100 * counts[SEEN] / max(1, len(rows)):.1f} %)")
    for row in rows:
        if row["outcome"] == ALIVE:
            print(f"  {row['mutant']} ({row['tests']} tests)")


def main() -> None:
    """See the docstring of the module."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("command", choices=("map", "run", "report"))
    parser.add_argument("tests", nargs="*", help="for map: the tests to run")
    parser.add_argument("--mutants", type=int, default=200)
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    match arguments.command:
        case "map":
            sys.exit(draw_map(arguments.tests))
        case "run":
            run(arguments.mutants, arguments.seed)
    report()


if __name__ == "__main__":
    main()
