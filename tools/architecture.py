"""Draws docs/architecture.svg: the rooms of gateway/ from their real imports, in the order that pyproject.toml contracts.

    python -m tools.architecture            writes it
    python -m tools.architecture --check    ends with 1 when the committed picture is another

A row is a layer of the import contract; a box is a room, as wide as it is long; an arrow goes from who imports to who is
imported. An arrow that others imply (A to B and B to C, for A to C) is left out, or nothing could be read.
"""

import sys
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape

from tools.source import ROOT, Module, imports, modules

PICTURE = ROOT / "docs" / "architecture.svg"
WIDTH, MARGIN, TOP = 1120, 24, 84
ROW, BOX, GAP = 84, 46, 14  # height of a row, of a box; least distance between two boxes
LETTER, PADDING, LINE = 7.6, 30.0, 0.055  # pixels a letter of a name, around it, a line of code
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


def arranged(layers: Layers, edges: Edges) -> Layers:
    """The rooms of each layer put under who imports them, so that few arrows cross."""
    rows = [sorted(layer) for layer in layers]
    near: dict[str, list[str]] = {room: [] for layer in layers for room in layer}
    for source, target in sorted(edges):
        near[source].append(target)
        near[target].append(source)
    for _ in range(SWEEPS):
        place = {room: (rank + 0.5) / len(row) for row in rows for rank, room in enumerate(row)}
        for row in rows:
            wished = {room: sum(place[one] for one in near[room]) / (len(near[room]) or 1) for room in row}
            row.sort(key=lambda room: (wished[room], room))
    return rows


def laid_out(layers: Layers, sizes: Mapping[str, int]) -> dict[str, Box]:
    """A box for each room, rows centred."""
    boxes: dict[str, Box] = {}
    for rank, row in enumerate(layers):
        widths = {room: LETTER * len(short(room)) + PADDING + LINE * sizes[room] for room in row}
        space = min(60.0, (WIDTH - 2 * MARGIN - sum(widths.values())) / max(1, len(row) - 1))
        x = (WIDTH - sum(widths.values()) - max(space, GAP) * (len(row) - 1)) / 2
        for room in row:
            boxes[room] = Box(x, TOP + rank * ROW, widths[room])
            x += widths[room] + max(space, GAP)
    return boxes


def short(room: str) -> str:
    return room.removeprefix("gateway.").replace(".", "/")


def ports(boxes: Mapping[str, Box], edges: Edges, own: int) -> dict[tuple[str, str], float]:
    """Where each arrow leaves (`own` 0) or enters (1) its box, in the order of the boxes at its other end."""
    found: dict[tuple[str, str], float] = {}
    for room, box in boxes.items():
        mine = sorted(
            (edge for edge in edges if edge[own] == room), key=lambda edge: (boxes[edge[1 - own]].middle, edge)
        )
        for rank, edge in enumerate(mine, 1):
            found[edge] = box.x + box.width * rank / (len(mine) + 1)
    return found


def arrow(start: tuple[float, float], end: tuple[float, float]) -> str:
    (x, y), (to_x, to_y) = start, end
    bend = min(60.0, (to_y - y) / 2)
    return (
        f'<path class="arrow" marker-end="url(#head)" d="M{x:.0f} {y:.0f} '
        f'C{x:.0f} {y + bend:.0f} {to_x:.0f} {to_y - bend:.0f} {to_x:.0f} {to_y - 4:.0f}"/>'
    )


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
    layers = arranged(contracted, edges)
    boxes = laid_out(layers, sizes)
    leaves, enters = ports(boxes, edges, 0), ports(boxes, edges, 1)
    height = TOP + len(layers) * ROW
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
            *(
                arrow((leaves[edge], boxes[edge[0]].y + BOX), (enters[edge], boxes[edge[1]].y))
                for edge in sorted(edges)
            ),
            *(drawn_room(room, boxes[room], sizes[room]) for row in layers for room in row),
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
