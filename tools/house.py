"""The measures of the house: names used twice, long functions and files, code, comments, import circles.

python -m tools.house            prints them
python -m tools.house --check    and ends with 1 when a rule is broken
"""

import sys
from collections import defaultdict
from collections.abc import Iterable, Mapping
from graphlib import CycleError, TopologicalSorter

from tools.source import Module, imports, modules

FUNCTION_LINES = 40
FILE_LINES = 300
COMMENTS_PER_100 = 5.0  # asked of the machines

# A file name may stand in two rooms for one concept: name → why.
SAME_CONCEPT: Mapping[str, str] = {
    "__init__": "what Python asks of a package",
    "__main__": "what Python runs",
    "metrics": "the figures of each room",
    "links": "as decided (domain) and as kept (stores)",
    "referentiel": "the values (domain), the partner (connectors), its keeping (sources)",
    "journal": "the reading journal: its store (stores), and what an operator asks of it (cli)",
    "reception": "what is decided of a push (reception), its store (stores)",
    "evidence": "the lines as the graph shows them (schema), made from what joined (federation)",
    "search": "somebody by identity: among people already joined (domain), in a view (federation)",
}
# Records of partners say the same things with the same words: each connector has its own.
PAYLOADS = "gateway.connectors"
# The seven machines, and the room of each.
MACHINES: Mapping[str, str] = {
    "collect": "gateway.federation.collect",
    "join": "gateway.federation.join",
    "ids": "gateway.federation.ids",
    "views": "gateway.federation.views",
    "cache": "gateway.cache",
    "harvest": "gateway.sources.harvest",
    "execution": "gateway.execution",
}


def files_twice(house: Iterable[Module]) -> list[str]:
    """File names that stand twice without being one concept."""
    where: dict[str, list[str]] = defaultdict(list)
    for module in house:
        where[module.path.stem.removesuffix("s")].append(str(module.path))  # a plural is no other name
    concepts = {stem.removesuffix("s") for stem in SAME_CONCEPT}
    return [f"file {stem}: {', '.join(at)}" for stem, at in where.items() if len(at) > 1 and stem not in concepts]


def classes_twice(house: Iterable[Module]) -> list[str]:
    """Class names defined twice; private ones and partners' payloads have a room of their own."""
    where: dict[str, list[str]] = defaultdict(list)
    for module in house:
        for definition in module.classes():
            if not definition.name.startswith("_") and not module.name.startswith(PAYLOADS):
                where[definition.name].append(f"{module.path}:{definition.lineno}")
    return [f"class {name}: {', '.join(at)}" for name, at in where.items() if len(at) > 1]


def too_long(house: Iterable[Module]) -> list[str]:
    """Functions and files over the bounds."""
    found = []
    for module in house:
        if module.lines > FILE_LINES:
            found.append(f"file {module.path}: {module.lines} lines")
        for function in module.functions():
            length = (function.end_lineno or function.lineno) - function.lineno + 1
            if length > FUNCTION_LINES:
                found.append(f"function {module.path}:{function.lineno} {function.name}: {length} lines")
    return found


def circles(house: Iterable[Module]) -> list[str]:
    """An import circle, if there is one. Imports inside functions count."""
    known = {module.name: module for module in house}
    sorter = TopologicalSorter({name: imports(module, set(known)) for name, module in known.items()})
    try:
        sorter.prepare()
    except CycleError as error:
        return [f"circle: {' → '.join(error.args[1])}"]
    return []


def commented(house: Iterable[Module]) -> Mapping[str, float]:
    """Comments per 100 lines of each machine that is there."""
    rates: dict[str, float] = {}
    for machine, room in MACHINES.items():
        its = [module for module in house if f"{module.name}.".startswith(f"{room}.")]
        rates[machine] = 100 * sum(module.comments for module in its) / max(1, sum(module.lines for module in its))
    return rates


def main(arguments: list[str]) -> int:
    house = modules("gateway")
    rates = commented(house)
    print(
        f"gateway/: {len(house)} files, {sum(module.lines for module in house)} lines, "
        f"{sum(module.code_lines for module in house)} of code"
    )
    print("comments per 100 lines: " + ", ".join(f"{machine} {rate:.1f}" for machine, rate in rates.items()))
    poor = [
        f"comments of {machine}: {rate:.1f} per 100 lines" for machine, rate in rates.items() if rate < COMMENTS_PER_100
    ]
    broken = [*files_twice(house), *classes_twice(house), *too_long(house), *circles(house), *poor]
    print("\n".join(broken) or "nothing to mend")
    return int(bool(broken) and "--check" in arguments)


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
