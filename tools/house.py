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

# A file name may stand in two layers for one concept: name → why.
SAME_CONCEPT: Mapping[str, str] = {
    "__init__": "what Python asks of a package",
    "__main__": "what Python runs",
    "metrics": "the figures of each room",
    "links": "as decided (domain) and as kept (stores)",
    "quotas": "the rule (domain) and what a client may ask (auth)",
    "referentiel": "the values (domain), the partner (connectors), its keeping (sources)",
    "registry": "the source (federation), its store (stores), its list (connectors)",
    "freshness": "of a unit (sources) and of what is told (federation)",
    "context": "what root fields ask for (schema), and what answers them over a view (federation)",
    "evidence": "the lines that explain a noun (schema), and their writing (federation)",
    "search": "of an index of identities (domain), and of a view (federation)",
}
# Records of partners say the same things with the same words: each connector has its own.
PAYLOADS = "gateway.connectors"
# The seven machines, and where each lives: dotted prefixes.
MACHINES: Mapping[str, tuple[str, ...]] = {
    "collect": ("gateway.federation.collect", "gateway.federation.collecte", "gateway.federation.recolte"),
    "join": ("gateway.federation.join", "gateway.federation.merge", "gateway.federation.rapprochement"),
    "ids": ("gateway.federation.ids", "gateway.federation.liens", "gateway.federation.attribution"),
    "views": ("gateway.federation.views", "gateway.federation.vues", "gateway.federation.vitrine"),
    "cache": ("gateway.cache",),
    "harvest": ("gateway.sources.harvest", "gateway.sources.moisson", "gateway.stores.grange"),
    "execution": ("gateway.execution",),
}


def files_twice(house: Iterable[Module]) -> list[str]:
    """File names that stand twice without being one concept."""
    where: dict[str, list[str]] = defaultdict(list)
    for module in house:
        where[module.path.stem].append(str(module.path))
    return [f"file {stem}: {', '.join(at)}" for stem, at in where.items() if len(at) > 1 and stem not in SAME_CONCEPT]


def classes_twice(house: Iterable[Module]) -> list[str]:
    """Class names defined twice; private ones and partners' payloads have a room of their own."""
    where: dict[str, list[str]] = defaultdict(list)
    for module in house:
        for one in module.classes():
            if not one.name.startswith("_") and not module.name.startswith(PAYLOADS):
                where[one.name].append(f"{module.path}:{one.lineno}")
    return [f"class {name}: {', '.join(at)}" for name, at in where.items() if len(at) > 1]


def too_long(house: Iterable[Module]) -> list[str]:
    """Functions and files over the bounds."""
    found = []
    for module in house:
        if module.lines > FILE_LINES:
            found.append(f"file {module.path}: {module.lines} lines")
        for one in module.functions():
            length = (one.end_lineno or one.lineno) - one.lineno + 1
            if length > FUNCTION_LINES:
                found.append(f"function {module.path}:{one.lineno} {one.name}: {length} lines")
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
    for machine, prefixes in MACHINES.items():
        its = [one for one in house if any(f"{one.name}.".startswith(f"{prefix}.") for prefix in prefixes)]
        if lines := sum(one.lines for one in its):
            rates[machine] = 100 * sum(one.comments for one in its) / lines
    return rates


def main(arguments: list[str]) -> int:
    house = modules("gateway")
    rates = commented(house)
    print(
        f"gateway/: {len(house)} files, {sum(one.lines for one in house)} lines, {sum(one.code_lines for one in house)} of code"
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
