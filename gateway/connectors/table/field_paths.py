"""Where a value stands in a row of a partner, as a table writes it: `a.b`, `a[0].b`, `contacts[type=MOB].valeur`. Never an
expression.

A dot of a key is written `\\.`. In a CSV, a path is a column's name, whole.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

_STEP = re.compile(
    r"(?P<name>(?:\\.|[^\\.\[\]])+)(?:\[(?:(?P<rank>\d{1,3})|(?P<key>[^=\[\]]+)=(?P<value>(?:[^=\[\]][^\[\]]*)?))\])?(?:\.|$)"
)
EMPTY: tuple[Any, ...] = (None, "", [], {})
TEXT, NIL = "#text", "@nil"  # how an element of XML that has attributes holds its own text, and says that it has none


@dataclass(frozen=True, slots=True)
class Step:
    """A key, and which of a list it leads to: the one of a rank, the first whose `key` is `value`, or its only one."""

    name: str
    rank: int | None = None
    key: str = ""
    value: str = ""


FieldPath = tuple[Step, ...]


def parse_path(written: str, is_column: bool = False) -> FieldPath:
    """The steps of a path. Raises ValueError, in French."""
    if is_column and written:
        return (Step(written),)
    steps, place = list[Step](), 0
    while found := _STEP.match(written, place):
        rank = int(found["rank"]) if found["rank"] else None
        steps.append(Step(re.sub(r"\\(.)", r"\1", found["name"]), rank, found["key"] or "", found["value"] or ""))
        place = found.end()
    if not steps or place < len(written) or (written.endswith(".") and not written.endswith("\\.")):
        raise ValueError(f"chemin « {written} » mal formé : a.b, a[0].b ou a[cle=valeur].b attendu")
    return tuple(steps)


def names_of(path: FieldPath) -> tuple[str, ...]:
    """The keys of a path, for what holds no list."""
    return tuple(step.name for step in path)


def follow(row: Any, path: FieldPath) -> Any:
    """What stands at a path of a row: None where there is nothing. Of a list that nothing chooses from, its only value; a longer
    one is given whole, and is no value, be it at the end of the path or before."""
    found, left = _as_far(row, path)
    if left:
        return found if any(follow(one, left) not in EMPTY for one in found) else None
    return _content(_only(found))


def crosses_several(row: Any, path: FieldPath) -> bool:
    """Whether a path meets a list of several before its end, where nothing chooses."""
    return bool(_as_far(row, path)[1])


def _as_far(row: Any, path: FieldPath) -> tuple[Any, FieldPath]:
    """What stands as far as a path leads, and the steps left: those behind a list of several, if it meets one."""
    for rank, step in enumerate(path):
        row = _only(row)
        if isinstance(row, list):
            return row, path[rank:]
        row = _chosen(row.get(step.name), step) if isinstance(row, Mapping) else None
    return row, ()


def _chosen(found: Any, step: Step) -> Any:
    if step.rank is None and not step.key:
        return found
    rows = found if isinstance(found, list) else [found]
    if step.rank is not None:
        return rows[step.rank] if step.rank < len(rows) else None
    keys = (step.key, f"@{step.key}")  # in XML, what tells one from another is an attribute as often as an element
    return next(
        (one for one in rows if isinstance(one, Mapping) and any(_written(one.get(key)) == step.value for key in keys)),
        None,
    )


def _only(found: Any) -> Any:
    return found[0] if isinstance(found, list) and len(found) == 1 else found


def _content(found: Any) -> Any:
    """The text of an element that has attributes too."""
    if isinstance(found, Mapping):
        if found.get(NIL) in {"true", "1"}:
            return None
        return found[TEXT] if TEXT in found else None if all(key.startswith("@") for key in found) else found
    return found


def _written(value: Any) -> str:
    return str(_content(value)).strip()


def first_filled(row: Any, paths: Sequence[FieldPath]) -> Any:
    """The first value that is filled, of several places; None where all are empty."""
    for path in paths:
        if (found := follow(row, path)) not in EMPTY:
            return found
    return None
