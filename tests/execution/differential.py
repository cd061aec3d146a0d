"""Compiled execution against graphql-core: the same data in the same order, the same errors.

    python -m tests.execution.differential --operations 20000 --graine 1

The oracle is graphql-core over masked copies, with what the decision refuses set to null by a function of its own, and the
errors below it left out: nothing is read there.
"""

import argparse
import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Any

import orjson
from graphql import ExecutionResult, execute_sync

from gateway.auth.authorization.decide import Decision, decide
from gateway.auth.policy.rules import Profil
from gateway.documents.parse import Document, Documents
from gateway.errors import CallerError
from gateway.execution.executor import ExecutionMode, Executor
from gateway.federation.views.operation_context import OperationContext
from gateway.federation.views.view import View
from gateway.schema.organisations import Source
from tests.support.access.tools import POLICY, SCHEMA, viewer
from tests.support.execution.data import TrainingDirectory, context, noun, spoil_data, view
from tests.support.execution.operations import operation

OPERATIONS_PER_WORLD = 40


@dataclass
class DrawnWorld:
    """Data that operations are asked of."""

    randomness: Random
    spoilt: bool
    view: View = field(init=False)
    directory: TrainingDirectory = field(init=False)
    sources: list[Source] = field(init=False)

    def __post_init__(self) -> None:
        self.view = view(self.randomness, self.randomness.randint(0, 3))
        self.directory = TrainingDirectory(self.randomness)
        self.sources = [noun(Source, self.randomness) for _ in range(2)]
        if self.spoilt:
            spoil_data(self.view, self.randomness)

    def context(self, profil: Profil, decision: Decision) -> OperationContext:
        return context(profil, decision, self.view, self.directory, self.sources)


class DifferentialHarness:
    """Asks each operation three times of the product, and once of the oracle."""

    def __init__(self) -> None:
        self.documents = Documents(SCHEMA, str)
        self.execution_paths: Counter[str] = Counter()
        self.issues: Counter[str] = Counter()
        self.differences: list[str] = []
        self.executor = Executor(SCHEMA, lambda voie: self.execution_paths.update([voie.value]))

    def attempt(self, text: str, variables: dict[str, Any], profil: Profil, world: DrawnWorld) -> None:
        """Compare; keep what differs."""
        try:
            document = self.documents.read(text, None)
            results = document.variables(SCHEMA, variables)
            who = viewer(profil)
            decision = decide(SCHEMA, document.tree, document.operation, results.coerced, who, POLICY)
        except CallerError as error:
            self.issues[type(error).__name__] += 1
            return
        self.issues["executee"] += 1
        expected = _seen(_oracle(document, variables, world.context(profil, decision)))
        self.issues["non_vide"] += any(signed in expected[0] for signed in ("[{", ': {"'))
        self.issues["en_erreur"] += bool(expected[1])
        for _ in range(3):
            rendered = self.executor.execute(document, results, world.context(profil, decision))
            if _seen(rendered) != expected:
                self.differences.append(
                    f"{profil.value} {json.dumps(variables)}\n{text}\n  {expected}\n  {_seen(rendered)}"
                )

    def generate(self, seed: int, operations: int) -> None:
        """That many operations of a seed, over worlds of which half are damaged."""
        randomness, profils = Random(seed), [*Profil, *[Profil.MISSION_LOCALE, Profil.CFA, Profil.SI_PARTENAIRE] * 3]
        world = DrawnWorld(randomness, spoilt=False)
        for rank in range(operations):
            if rank % OPERATIONS_PER_WORLD == 0:
                world = DrawnWorld(randomness, spoilt=rank % (2 * OPERATIONS_PER_WORLD) == 0)
            text, variables = operation(randomness)
            self.attempt(text, variables, randomness.choice(profils), world)

    def figure(self) -> str:
        """What was compared, in one line."""
        return f"{len(self.differences)} écart(s) ; {dict(self.issues)} ; voies {dict(self.execution_paths)}"


def _oracle(document: Document, variables: dict[str, Any], where: OperationContext) -> ExecutionResult:
    result = execute_sync(SCHEMA, document.tree, context_value=where, variable_values=variables)
    nulls = list(where.decision.nulls)
    for path, coordinate in nulls:
        _drain(result.data, path, coordinate)
    caches = tuple(path for path, _ in nulls)
    errors = [error for error in result.errors or [] if not _below(error.path or [], caches)]
    return ExecutionResult(result.data, errors)


def _below(path: Sequence[str | int], caches: Sequence[Sequence[str]]) -> bool:
    keys = tuple(key for key in path if isinstance(key, str))
    return any(keys[: len(cache)] == tuple(cache) for cache in caches)


def _drain(data: Any, path: Sequence[str], coordinate: str) -> None:
    for item in data if isinstance(data, list) else [data]:
        if isinstance(item, list):
            _drain(item, path, coordinate)
        elif isinstance(item, dict) and path[0] in item:
            if len(path) == 1:
                item[path[0]] = None
            else:
                _drain(item[path[0]], path[1:], coordinate)


def _seen(result: ExecutionResult) -> tuple[str, list[tuple[str, Any, Any]]]:
    """Data as text, so that the order of keys and the class of values count, and the errors."""
    errors = [
        (e.message, e.path, [(place.line, place.column) for place in e.locations or []]) for e in result.errors or []
    ]
    return json.dumps(result.data, default=_fragment), errors


def _fragment(fragment: Any) -> Any:
    """What was kept encoded, read again."""
    return orjson.loads(orjson.dumps(fragment))


def main() -> int:
    """Compare, print, and fail on a difference."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--operations", type=int, default=20_000)
    parser.add_argument("--graine", type=int, default=1, dest="seed", metavar="GRAINE")
    wanted = parser.parse_args()
    harness = DifferentialHarness()
    harness.generate(wanted.seed, wanted.operations)
    print(harness.figure())
    print("\n\n".join(harness.differences[:10]))
    return 1 if harness.differences or not harness.execution_paths[ExecutionMode.COMPILED.value] else 0


if __name__ == "__main__":
    raise SystemExit(main())
