"""Draws plots as SVG, on the server: bars and curves, read without colour and without script. Pure; knows no figure by name.

Every value that a plot shows stands in the table beside it too. A value that is missing leaves a gap: it is never drawn as 0.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from html import escape
from itertools import pairwise
from math import ceil, floor, log10

WIDTH, HEIGHT = 720, 300
LEFT, RIGHT, TOP, BOTTOM = 64, 16, 20, 48
INK, RULE, FIRST, SECOND = "#1e1e1e", "#767676", "#00407a", "#8a3b00"
_TICKS = 5


@dataclass(frozen=True, slots=True)
class Point:
    """One value at a label of the axis. `open_`: provisional, drawn hollow."""

    label: str
    value: float | None
    open_: bool = False


@dataclass(frozen=True, slots=True)
class Curve:
    """A named series; `square`: of its marks, which are round otherwise."""

    name: str
    points: Sequence[Point]
    square: bool = False


@dataclass(frozen=True, slots=True)
class Caption:
    """What a plot is called, and what it shows, for who does not see it. `unit`: after the values of the axis."""

    key: str
    title: str
    text: str
    unit: str = ""


def bars(caption: Caption, points: Sequence[Point], marks: Sequence[str] = ()) -> str:
    """A bar for each label. `marks`: labels at which the series breaks."""
    top = _ceiling([point.value for point in points])
    step = (WIDTH - LEFT - RIGHT) / max(1, len(points))
    parts = [*_axis(top, caption.unit), *_labels([point.label for point in points], step)]
    for rank, point in enumerate(points):
        x = LEFT + rank * step
        if point.value is not None:
            y = _y(point.value, top)
            fill = "none" if point.open_ else FIRST
            parts.append(
                f'<rect x="{x + step * 0.15:.1f}" y="{y:.1f}" width="{step * 0.7:.1f}" height="{HEIGHT - BOTTOM - y:.1f}" '
                f'fill="{fill}" stroke="{FIRST}" stroke-width="2"/>'
            )
        if point.label in marks:
            parts.append(_break(x))
    return _svg(caption, parts)


def curves(caption: Caption, told: Sequence[Curve], marks: Sequence[str] = ()) -> str:
    """A curve for each series, its marks hollow where provisional, named where it ends."""
    labels = [point.label for point in told[0].points] if told else []
    top = _ceiling([point.value for curve in told for point in curve.points])
    step = (WIDTH - LEFT - RIGHT) / max(1, len(labels))
    parts = [*_axis(top, caption.unit), *_labels(labels, step)]
    parts += [_break(LEFT + rank * step) for rank, label in enumerate(labels) if label in marks]
    for curve, ink in zip(told, (FIRST, SECOND), strict=False):
        places = [
            None if point.value is None else (LEFT + (rank + 0.5) * step, _y(point.value, top))
            for rank, point in enumerate(curve.points)
        ]
        parts += _path(places, ink, curve.square)
        parts += (
            _mark(place, ink, point.open_, curve.square)
            for place, point in zip(places, curve.points, strict=True)
            if place
        )
        parts += _name(curve, places, ink)
    return _svg(caption, parts)


def _svg(caption: Caption, parts: Sequence[str]) -> str:
    key = escape(caption.key)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" role="img" '
        f'aria-labelledby="{key}-titre {key}-description" font-size="13" fill="{INK}">'
        f'<title id="{key}-titre">{escape(caption.title)}</title>'
        f'<desc id="{key}-description">{escape(caption.text)}</desc>{"".join(parts)}</svg>'
    )


def _ceiling(values: Sequence[float | None]) -> float:
    """The end of the axis: the next round number."""
    most = max((value for value in values if value is not None), default=0.0)
    if most <= 0:
        return 1.0
    size = float(10 ** floor(log10(most)))
    return next((size * part for part in (1.0, 2.0, 2.5, 5.0) if size * part >= most), size * 10.0)


def _y(value: float, top: float) -> float:
    return HEIGHT - BOTTOM - value / top * (HEIGHT - TOP - BOTTOM)


def _axis(top: float, unit: str) -> Iterator[str]:
    for rank in range(_TICKS):
        value = top * rank / (_TICKS - 1)
        y = _y(value, top)
        ends = f'x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y:.1f}" y2="{y:.1f}"'
        yield f'<line {ends} stroke="{RULE}" stroke-width="{0.5 if rank else 2}"/>'
        yield f'<text x="{LEFT - 8}" y="{y + 4:.1f}" text-anchor="end">{number(value)}{escape(unit)}</text>'


def _labels(labels: Sequence[str], step: float) -> Iterator[str]:
    every = ceil(len(labels) / 12) or 1
    for rank, label in enumerate(labels):
        if rank % every == 0:
            x = LEFT + (rank + 0.5) * step
            yield f'<text x="{x:.1f}" y="{HEIGHT - BOTTOM + 20}" text-anchor="middle">{escape(label)}</text>'


def _break(x: float) -> str:
    return (
        f'<line x1="{x:.1f}" x2="{x:.1f}" y1="{TOP}" y2="{HEIGHT - BOTTOM}" stroke="{INK}" stroke-width="1.5" '
        f'stroke-dasharray="2 3"/><text x="{x + 4:.1f}" y="{TOP + 4}">rupture de série</text>'
    )


def _path(places: Sequence[tuple[float, float] | None], ink: str, dashed: bool) -> Iterator[str]:
    """The lines between two values that follow each other."""
    dash = ' stroke-dasharray="6 4"' if dashed else ""
    for one, other in pairwise(places):
        if one and other:
            yield (
                f'<line x1="{one[0]:.1f}" y1="{one[1]:.1f}" x2="{other[0]:.1f}" y2="{other[1]:.1f}" stroke="{ink}" '
                f'stroke-width="2"{dash}/>'
            )


def _mark(place: tuple[float, float], ink: str, is_open: bool, square: bool) -> str:
    fill, (x, y) = "#ffffff" if is_open else ink, place
    if square:
        return f'<rect x="{x - 4:.1f}" y="{y - 4:.1f}" width="8" height="8" fill="{fill}" stroke="{ink}" stroke-width="2"/>'
    return f'<circle cx="{x:.1f}" cy="{y:.1f}" r="4.5" fill="{fill}" stroke="{ink}" stroke-width="2"/>'


def _name(curve: Curve, places: Sequence[tuple[float, float] | None], ink: str) -> Iterator[str]:
    last = next((place for place in reversed(places) if place), None)
    if last:
        yield f'<text x="{last[0]:.1f}" y="{last[1] - 12:.1f}" text-anchor="end" fill="{ink}">{escape(curve.name)}</text>'


def number(value: float) -> str:
    """As a French reader writes it: a space between thousands, a comma."""
    text = f"{value:,.1f}" if value != round(value) else f"{value:,.0f}"
    return text.replace(",", "\u202f").replace(".", ",")
