"""Figures as the Markdown of docs/performance-http.md. Measures nothing."""

from collections.abc import Sequence

from bench.http.comparaison import Mesure
from bench.http.froid import Froid
from bench.http.territoires import Territoire

COMPARAISON = """
| N | server | CPU µs/request | ÷ the first | req/s | p50 ms | p99 ms | p99/p50 | MiB |
| --: | --- | --: | --: | --: | --: | --: | --: | --: |
"""
LIGNES = """
| rows | CPU µs/request | a row |
| --: | --: | --: |
"""
TERRITOIRES = """
| young people | CFAs | of this Mission locale | rows | CPU µs/request | p50 ms | MiB |
| --: | --: | --: | --: | --: | --: | --: |
"""
FROIDS = """
| case | rows | a partner's latency, ms | median ms over the partners | p99, or the largest | CPU ms/answer | answers |
| --- | --: | --: | --: | --: | --: | --: |
"""


def comparaison(mesures: Sequence[Mesure]) -> str:
    """One line a server; the first is the one that others are compared with."""
    return "".join(_comparee(mesures[0], une) for une in mesures)


def _comparee(premiere: Mesure, une: Mesure) -> str:
    nombres = (
        f"{une.cpu:,.0f}",
        f"{premiere.fois(une):.2f}",
        f"{une.mediane(lambda un: un.debit):,.0f}",
        f"{une.mediane(lambda un: un.p50) / 1000:.1f}",
        f"{une.mediane(lambda un: un.p99) / 1000:.1f}",
        f"{une.etalement:.1f}",
        f"{une.mediane(lambda un: un.memoire):.0f}",
    )
    return f"| {une.n} | {une.nom} | {' | '.join(nombres)} |\n"


def lignes(une: Mesure) -> str:
    return f"| {une.n} | {une.cpu:,.0f} | {une.cpu / une.n:,.1f} |\n"


def territoire(un: Territoire) -> str:
    mesure = un.mesure
    p50, memoire = mesure.mediane(lambda lu: lu.p50) / 1000, mesure.mediane(lambda lu: lu.memoire)
    debut = f"| {un.jeunes:,} | {un.cfas} | {un.siens:,} | {mesure.n} "
    return f"{debut}| {mesure.cpu:,.0f} | {p50:.1f} | {memoire:.0f} |\n"


def froid(un: Froid) -> str:
    figures = f"{un.mediane:.1f} | {un.p99:.1f} | {un.cpu:.1f} | {len(un.surcouts)}"
    return f"| {un.cas} | {un.lignes} | {un.latence * 1000:.0f} | {figures} |\n"
