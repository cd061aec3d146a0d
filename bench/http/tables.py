"""Figures as the Markdown of docs/performance-http.md. Measures nothing."""

from collections.abc import Sequence

from bench.http.cold import Cold
from bench.http.comparison import Cost
from bench.http.territories import Territoire

COMPARISON = """
| N | server | CPU µs/request | ÷ the first | req/s | p50 ms | p99 ms | p99/p50 | MiB |
| --: | --- | --: | --: | --: | --: | --: | --: | --: |
"""
ROWS = """
| rows | CPU µs/request | a row |
| --: | --: | --: |
"""
TERRITOIRES = """
| young people | CFAs | of this Mission locale | rows | CPU µs/request | p50 ms | MiB |
| --: | --: | --: | --: | --: | --: | --: |
"""
COLD_ROWS = """
| case | rows | a partner's latency, ms | median ms over the partners | p99, or the largest | CPU ms/answer | answers |
| --- | --: | --: | --: | --: | --: | --: |
"""


def comparison(metrics: Sequence[Cost]) -> str:
    """One line a server; the first is the one that others are compared with."""
    return "".join(_compared(metrics[0], one) for one in metrics)


def _compared(premiere: Cost, one: Cost) -> str:
    numbers = (
        f"{one.cpu:,.0f}",
        f"{premiere.times(one):.2f}",
        f"{one.median_of(lambda cost: cost.allowance):,.0f}",
        f"{one.median_of(lambda cost: cost.p50) / 1000:.1f}",
        f"{one.median_of(lambda cost: cost.p99) / 1000:.1f}",
        f"{one.spread:.1f}",
        f"{one.median_of(lambda cost: cost.memory):.0f}",
    )
    return f"| {one.n} | {one.nom} | {' | '.join(numbers)} |\n"


def rows(one: Cost) -> str:
    return f"| {one.n} | {one.cpu:,.0f} | {one.cpu / one.n:,.1f} |\n"


def territoire(one: Territoire) -> str:
    cost = one.cost
    p50, memory = cost.median_of(lambda parsed: parsed.p50) / 1000, cost.median_of(lambda parsed: parsed.memory)
    debut = f"| {one.jeunes:,} | {one.cfas} | {one.residents:,} | {cost.n} "
    return f"{debut}| {cost.cpu:,.0f} | {p50:.1f} | {memory:.0f} |\n"


def cold(one: Cold) -> str:
    figures = f"{one.median_of:.1f} | {one.p99:.1f} | {one.cpu:.1f} | {len(one.overheads)}"
    return f"| {one.case} | {one.rows} | {one.latence * 1000:.0f} | {figures} |\n"
