"""A plot of the figures, written as SVG by hand: CPU a request by rows, both scales logarithmic. Measures nothing."""

from collections import defaultdict
from collections.abc import Sequence
from math import log10

from bench.http.comparison import Cost

WIDTH, HAUTEUR, MARGIN, LEGEND = 760, 460, 60, 190
COLORS = ("#0b5fff", "#d9480f", "#2b8a3e", "#862e9c", "#c2255c", "#495057", "#e8a200")
Point = tuple[float, float]


def plot(metrics: Sequence[Cost]) -> str:
    """One line a server."""
    series: dict[str, list[Point]] = defaultdict(list)
    for one in metrics:
        series[one.nom].append((one.n, one.cpu))
    frame = _Frame([point for points in series.values() for point in points])
    traits = [_series(frame, rank, name, sorted(points)) for rank, (name, points) in enumerate(series.items())]
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HAUTEUR}" font-family="sans-serif" font-size="12">',
            f'<rect width="{WIDTH}" height="{HAUTEUR}" fill="#ffffff"/>',
            f'<text x="{MARGIN}" y="24" font-size="15">CPU µs a request by rows of the page (both scales logarithmic)</text>',
            *_grille(frame),
            *traits,
            "</svg>\n",
        ]
    )


class _Frame:
    """Where a point falls."""

    def __init__(self, points: Sequence[Point]) -> None:
        self.x = _bounds([x for x, _ in points])
        self.y = _bounds([y for _, y in points])

    def place(self, point: Point) -> Point:
        x, y = ((log10(v) - debut) / (fin - debut) for v, (debut, fin) in zip(point, (self.x, self.y), strict=True))
        return MARGIN + x * (WIDTH - MARGIN - LEGEND), HAUTEUR - MARGIN - y * (HAUTEUR - 2 * MARGIN)


def _bounds(values: Sequence[float]) -> tuple[float, float]:
    """Logarithms a little outside the values."""
    return log10(min(values)) - 0.08, log10(max(values)) + 0.08


def _grille(frame: _Frame) -> list[str]:
    (x0, x1), (y0, y1) = frame.x, frame.y
    rows = []
    for mantissa in (1, 2, 5):
        for power in range(7):
            value = mantissa * 10**power
            if x0 <= log10(value) <= x1:
                x, _ = frame.place((value, 10**y0))
                rows.append(f'<path d="M{x:.0f} {MARGIN}V{HAUTEUR - MARGIN}" stroke="#e3e6ea"/>')
                rows.append(f'<text x="{x:.0f}" y="{HAUTEUR - MARGIN + 18}" text-anchor="middle">{value}</text>')
            if y0 <= log10(value) <= y1:
                _, y = frame.place((10**x0, value))
                rows.append(f'<path d="M{MARGIN} {y:.0f}H{WIDTH - LEGEND}" stroke="#e3e6ea"/>')
                rows.append(f'<text x="{MARGIN - 6}" y="{y + 4:.0f}" text-anchor="end">{value:,}</text>')
    return rows


def _series(frame: _Frame, rank: int, nom: str, points: Sequence[Point]) -> str:
    color = COLORS[rank % len(COLORS)]
    places = [frame.place(point) for point in points]
    line = " ".join(f"{x:.1f},{y:.1f}" for x, y in places)
    round_values = "".join(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3.5" fill="{color}"/>' for x, y in places)
    legend = f'<text x="{WIDTH - LEGEND + 12}" y="{MARGIN + 20 * rank + 4}" fill="{color}">{nom}</text>'
    return f'<polyline points="{line}" fill="none" stroke="{color}" stroke-width="2"/>{round_values}{legend}'
