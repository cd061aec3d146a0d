"""A plot of the figures, written as SVG by hand: CPU a request by rows, both scales logarithmic. Measures nothing."""

from collections import defaultdict
from collections.abc import Sequence
from math import log10

from bench.http.comparaison import Mesure

LARGEUR, HAUTEUR, MARGE, LEGENDE = 760, 460, 60, 190
COULEURS = ("#0b5fff", "#d9480f", "#2b8a3e", "#862e9c", "#c2255c", "#495057", "#e8a200")
Point = tuple[float, float]


def tracer(mesures: Sequence[Mesure]) -> str:
    """One line a server."""
    series: dict[str, list[Point]] = defaultdict(list)
    for une in mesures:
        series[une.nom].append((une.n, une.cpu))
    cadre = _Cadre([point for points in series.values() for point in points])
    traits = [_serie(cadre, rang, nom, sorted(points)) for rang, (nom, points) in enumerate(series.items())]
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {LARGEUR} {HAUTEUR}" font-family="sans-serif" font-size="12">',
            f'<rect width="{LARGEUR}" height="{HAUTEUR}" fill="#ffffff"/>',
            f'<text x="{MARGE}" y="24" font-size="15">CPU µs a request by rows of the page (both scales logarithmic)</text>',
            *_grille(cadre),
            *traits,
            "</svg>\n",
        ]
    )


class _Cadre:
    """Where a point falls."""

    def __init__(self, points: Sequence[Point]) -> None:
        self.x = _bornes([x for x, _ in points])
        self.y = _bornes([y for _, y in points])

    def place(self, point: Point) -> Point:
        x, y = ((log10(v) - debut) / (fin - debut) for v, (debut, fin) in zip(point, (self.x, self.y), strict=True))
        return MARGE + x * (LARGEUR - MARGE - LEGENDE), HAUTEUR - MARGE - y * (HAUTEUR - 2 * MARGE)


def _bornes(valeurs: Sequence[float]) -> tuple[float, float]:
    """Logarithms a little outside the values."""
    return log10(min(valeurs)) - 0.08, log10(max(valeurs)) + 0.08


def _grille(cadre: _Cadre) -> list[str]:
    (x0, x1), (y0, y1) = cadre.x, cadre.y
    lignes = []
    for mantisse in (1, 2, 5):
        for puissance in range(7):
            valeur = mantisse * 10**puissance
            if x0 <= log10(valeur) <= x1:
                x, _ = cadre.place((valeur, 10**y0))
                lignes.append(f'<path d="M{x:.0f} {MARGE}V{HAUTEUR - MARGE}" stroke="#e3e6ea"/>')
                lignes.append(f'<text x="{x:.0f}" y="{HAUTEUR - MARGE + 18}" text-anchor="middle">{valeur}</text>')
            if y0 <= log10(valeur) <= y1:
                _, y = cadre.place((10**x0, valeur))
                lignes.append(f'<path d="M{MARGE} {y:.0f}H{LARGEUR - LEGENDE}" stroke="#e3e6ea"/>')
                lignes.append(f'<text x="{MARGE - 6}" y="{y + 4:.0f}" text-anchor="end">{valeur:,}</text>')
    return lignes


def _serie(cadre: _Cadre, rang: int, nom: str, points: Sequence[Point]) -> str:
    couleur = COULEURS[rang % len(COULEURS)]
    places = [cadre.place(point) for point in points]
    ligne = " ".join(f"{x:.1f},{y:.1f}" for x, y in places)
    ronds = "".join(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3.5" fill="{couleur}"/>' for x, y in places)
    legende = f'<text x="{LARGEUR - LEGENDE + 12}" y="{MARGE + 20 * rang + 4}" fill="{couleur}">{nom}</text>'
    return f'<polyline points="{ligne}" fill="none" stroke="{couleur}" stroke-width="2"/>{ronds}{legende}'
