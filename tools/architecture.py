"""Draws docs/architecture.svg: the rooms of gateway/ from their real imports, in the order that pyproject.toml contracts.

    python -m tools.architecture            writes it
    python -m tools.architecture --check    ends with 1 when the committed picture is another

A row is a layer of the import contract; a box is a room, as wide as it is long; an arrow goes from who imports to who is
imported. An arrow that others imply (A to B and B to C, for A to C) is left out, or nothing could be read.
"""

import itertools
import sys
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape

from tools.source import ROOT, Module, imports, modules

PICTURE = ROOT / "docs" / "architecture.svg"
WIDTH, MARGIN, TOP = 1120, 24, 84
ROW, BOX, GAP = 92, 46, 16  # height of a row, of a box; least distance between two boxes
LETTER, PADDING, LINE = 8.4, 30.0, 0.055  # pixels a letter of a name, around it, a line of code
SWEEPS = 8
STYLE = """
  .paper { fill: #ffffff } text { font-family: system-ui, "Segoe UI", Helvetica, Arial, sans-serif; fill: #1b1f24 }
  .title { font-size: 20px; font-weight: 600 } .legend { font-size: 13px; fill: #57606a }
  .room { fill: #eef4ff; stroke: #3b6fb6; stroke-width: 1.2 } .name { font-size: 13.5px; font-weight: 600 }
  .size { font-size: 11.5px; fill: #57606a } .layer { stroke: #d0d7de; stroke-dasharray: 2 5 }
  .arrow { fill: none; stroke: #6e7f95; stroke-width: 1.3; opacity: .75 } .head { fill: #6e7f95 }
  @media (prefers-color-scheme: dark) {
    .paper { fill: #0d1117 } text { fill: #e6edf3 } .legend, .size { fill: #9da7b3 }
    .room { fill: #16243a; stroke: #79a8e8 } .layer { stroke: #30363d }
    .arrow { stroke: #8b9db5 } .head { fill: #8b9db5 }
  }
"""

Layers = Sequence[Sequence[str]]
Edges = set[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class Box:
    """Where a room is drawn: its left side, its top and its width."""

    x: float
    y: float
    width: float

    @property
    def middle(self) -> float:
        return self.x + self.width / 2


def contracted_layers() -> Layers:
    """The rooms, a list a layer, from the import contract."""
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["importlinter"][
        "contracts"
    ]
    layers = next(contract["layers"] for contract in contracts if contract["type"] == "layers")
    return [[room.strip(" ()") for room in layer.split("|")] for layer in layers]


def room_of(name: str, rooms: set[str]) -> str | None:
    """The room of a module: the longest one that its dotted name begins with."""
    parts = name.split(".")
    prefixes = (".".join(parts[:length]) for length in range(len(parts), 0, -1))
    return next((prefix for prefix in prefixes if prefix in rooms), None)


def room_sizes(house: Sequence[Module], rooms: set[str]) -> Mapping[str, int]:
    """Lines of each room."""
    sizes = dict.fromkeys(rooms, 0)
    for module in house:
        if room := room_of(module.name, rooms):
            sizes[room] += module.lines
    return sizes


def room_imports(house: Sequence[Module], rooms: set[str]) -> Edges:
    """Which room imports which."""
    known = {module.name for module in house}
    pairs = {(room_of(one.name, rooms), room_of(other, rooms)) for one in house for other in imports(one, known)}
    return {(source, target) for source, target in pairs if source and target and source != target}


def reduced(edges: Edges) -> Edges:
    """Without the arrows that others imply."""
    after: dict[str, set[str]] = {}
    for source, target in sorted(edges):
        after.setdefault(source, set()).add(target)

    def reachable(room: str, seen: set[str]) -> set[str]:
        for following in after.get(room, ()):
            if following not in seen:
                seen.add(following)
                reachable(following, seen)
        return seen

    beyond = {room: set[str]().union(*(reachable(one, set()) for one in after[room])) for room in after}
    return {(source, target) for source, target in edges if target not in beyond[source]}


def routed(layers: Layers, edges: Edges) -> tuple[list[list[str]], list[list[str]]]:
    """The rows with a bend in each row that an arrow crosses, and each arrow as the rooms and bends it goes through."""
    rank = {room: level for level, row in enumerate(layers) for room in row}
    rows = [sorted(row) for row in layers]
    routes = []
    for source, target in sorted(edges):
        bends = [f"{source}>{target}@{level}" for level in range(rank[source] + 1, rank[target])]
        for level, bend in enumerate(bends, rank[source] + 1):
            rows[level].append(bend)
        routes.append([source, *bends, target])
    return rows, routes


def neighbours(routes: Sequence[Sequence[str]]) -> Mapping[str, list[str]]:
    near: dict[str, list[str]] = {}
    for route in routes:
        for one, other in itertools.pairwise(route):
            near.setdefault(one, []).append(other)
            near.setdefault(other, []).append(one)
    return near


def arranged(rows: list[list[str]], near: Mapping[str, list[str]]) -> None:
    """Put each row in the order of what it is tied to, so that few arrows cross."""
    for _ in range(SWEEPS):
        for row in rows:
            place = {one: (position + 0.5) / len(other) for other in rows for position, one in enumerate(other)}
            wished = {one: mean([place[other] for other in near.get(one, [one])]) for one in row}
            row.sort(key=lambda one, wished=wished: (wished[one], one))  # type: ignore[misc]


def mean(values: Sequence[float]) -> float:
    return sum(values) / len(values)


def laid_out(rows: list[list[str]], near: Mapping[str, list[str]], sizes: Mapping[str, int]) -> dict[str, Box]:
    """Where each room and bend is: as near as may be to what it is tied to and to the middle, in the order of its row."""
    widths = {one: width_of(one, sizes) for row in rows for one in row}
    middles = {one: WIDTH * (position + 0.5) / len(row) for row in rows for position, one in enumerate(row)}
    for _ in range(10 * SWEEPS):
        for row in rows:
            wished = [mean([*(middles[other] for other in near.get(one, [])), WIDTH / 2]) for one in row]
            middles.update(zip(row, spaced(wished, [widths[one] for one in row]), strict=True))
    level = {one: TOP + rank * ROW for rank, row in enumerate(rows) for one in row}
    return {one: Box(middles[one] - widths[one] / 2, level[one], widths[one]) for one in middles}


def width_of(one: str, sizes: Mapping[str, int]) -> float:
    return LETTER * len(short(one)) + PADDING + LINE * sizes[one] if one in sizes else 0.0


def spaced(wished: Sequence[float], widths: Sequence[float]) -> list[float]:
    """Middles near the wished ones, that keep their distances and the margins: the mean of packing from either side."""
    steps = [(one + other) / 2 + GAP for one, other in itertools.pairwise(widths)]
    low, high = [MARGIN + widths[0] / 2], [WIDTH - MARGIN - widths[-1] / 2]
    for forward, backward in zip(steps, reversed(steps), strict=True):
        low.append(low[-1] + forward)
        high.insert(0, high[0] - backward)
    left: list[float] = []
    right: list[float] = []
    for rank, wish in enumerate(wished):
        after = left[-1] + steps[rank - 1] if rank else wish
        left.append(min(high[rank], max(wish, after, low[rank])))
    for rank in reversed(range(len(wished))):
        before = right[0] - steps[rank] if right else wished[rank]
        right.insert(0, max(low[rank], min(wished[rank], before, high[rank])))
    return [mean(pair) for pair in zip(left, right, strict=True)]


def short(room: str) -> str:
    return room.removeprefix("gateway.").replace(".", "/")


def ports(boxes: Mapping[str, Box], steps: Sequence[tuple[str, str]], own: int) -> dict[tuple[str, str], float]:
    """Where each arrow leaves (`own` 0) or enters (1) a box, in the order of what is at its other end."""
    found: dict[tuple[str, str], float] = {}
    for one, box in boxes.items():
        mine = sorted(
            (step for step in steps if step[own] == one), key=lambda step: (boxes[step[1 - own]].middle, step)
        )
        inside = box.width - 16 if box.width else 0
        for rank, step in enumerate(mine, 1):
            found[step] = box.middle - inside / 2 + inside * rank / (len(mine) + 1)
    return found


def arrows(boxes: Mapping[str, Box], routes: Sequence[Sequence[str]]) -> list[str]:
    steps = [step for route in routes for step in itertools.pairwise(route)]
    leaves, enters = ports(boxes, steps, 0), ports(boxes, steps, 1)
    return [arrow(route, boxes, leaves, enters) for route in routes]


def arrow(
    route: Sequence[str],
    boxes: Mapping[str, Box],
    leaves: Mapping[tuple[str, str], float],
    enters: Mapping[tuple[str, str], float],
) -> str:
    """One smooth line, straight down past the boxes of the rows it crosses."""
    path = [f"M{leaves[route[0], route[1]]:.0f} {boxes[route[0]].y + BOX:.0f}"]
    for one, other in itertools.pairwise(route):
        x, y, to_x, to_y = leaves[one, other], boxes[one].y + BOX, enters[one, other], boxes[other].y
        end = to_y - 4 if other == route[-1] else to_y
        path.append(f"C{x:.0f} {(y + end) / 2:.0f} {to_x:.0f} {(y + end) / 2:.0f} {to_x:.0f} {end:.0f}")
        if other != route[-1]:
            path.append(f"V{to_y + BOX:.0f}")
    return f'<path class="arrow" marker-end="url(#head)" d="{" ".join(path)}"/>'


def drawn_room(room: str, box: Box, lines: int) -> str:
    return (
        f'<rect class="room" x="{box.x:.0f}" y="{box.y}" width="{box.width:.0f}" height="{BOX}" rx="7"/>'
        f'<text class="name" text-anchor="middle" x="{box.middle:.0f}" y="{box.y + 20}">{escape(short(room))}</text>'
        f'<text class="size" text-anchor="middle" x="{box.middle:.0f}" y="{box.y + 37}">{lines:,}</text>'
    )


def picture() -> str:
    """The whole drawing, the same for the same code."""
    house, contracted = modules("gateway"), contracted_layers()
    rooms = {room for layer in contracted for room in layer}
    sizes, edges = room_sizes(house, rooms), reduced(room_imports(house, rooms))
    rows, routes = routed(contracted, edges)
    near = neighbours(routes)
    arranged(rows, near)
    boxes = laid_out(rows, near, sizes)
    height = TOP + len(rows) * ROW
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" role="img">',
            "<title>The rooms of gateway/ and what each imports</title>",
            f"<style>{STYLE}</style>",
            '<defs><marker id="head" viewBox="0 0 8 8" refX="6" refY="4" markerWidth="6.5" markerHeight="6.5" orient="auto">'
            '<path class="head" d="M0 0L8 4L0 8z"/></marker></defs>',
            f'<rect class="paper" width="{WIDTH}" height="{height}"/>',
            f'<text class="title" x="{MARGIN}" y="34">The rooms of gateway/</text>',
            f'<text class="legend" x="{MARGIN}" y="58">A box: a room and its lines. An arrow: imports; '
            "those that others imply are left out. Everything points down.</text>",
            *arrows(boxes, routes),
            *(drawn_room(room, boxes[room], sizes[room]) for row in contracted for room in row),
            "</svg>\n",
        ]
    )


def main(arguments: list[str]) -> int:
    drawn = picture()
    if "--check" not in arguments:
        PICTURE.write_text(drawn, encoding="utf-8")
        return 0
    if PICTURE.is_file() and PICTURE.read_text(encoding="utf-8") == drawn:
        return 0
    print("docs/architecture.svg is stale: python -m tools.architecture")
    return 1


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
