"""Writes the figures of an answer as files: CSV, JSON-stat 2, SDMX-CSV, from one table of observations. Pure; knows no HTTP.

It reads an answer as the graph writes it, so that a file says what the graph does, and what is secret there is secret here.
"""

import csv
import io
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import orjson

from gateway.statistiques.indicators import indicators

QUARTILES = "delaiSignalementQuartiles"
INDICATOR = "INDICATEUR"
_LABELS = {f"{QUARTILES}{rank}": f"{rank}e quartile du délai de signalement d'une rupture" for rank in (1, 2, 3)}


class FiledFigure(NamedTuple):
    """One figure of one line. `value` None: kept secret. `status`: A as observed, P provisional, B at a break of series."""

    codes: tuple[str, ...]
    indicator: str
    value: float | int | None
    status: str


@dataclass(frozen=True, slots=True)
class Dataset:
    """The lines of an answer. `dimensions`: their names, in order; `labels`: of each code; `answer`: what stands beside."""

    dimensions: tuple[str, ...]
    labels: Mapping[tuple[str, str], str]
    lines: Sequence[Mapping[str, Any]]
    answer: Mapping[str, Any]

    @property
    def stamp(self) -> dict[str, str]:
        """What dates all of it: the day to which it is counted, and when the snapshot was published."""
        return {"etatAu": self.answer["etatAu"], "releveDu": self.answer["calculeesLe"]}

    @property
    def period(self) -> str:
        return f"{self.answer['periode']['depuis']}/{self.answer['periode']['jusqua']}"

    def codes(self, line: Mapping[str, Any]) -> tuple[str, ...]:
        return tuple(value["code"] for value in line["dimensions"])

    def observations(self) -> Iterator[FiledFigure]:
        """The figures that are defined, line by line."""
        broken = {one["mois"][:7] for one in self.answer["rupturesDeSerie"]}
        for line in self.lines:
            codes = self.codes(line)
            status = "B" if not broken.isdisjoint(codes) else "P" if line["provisoire"] else "A"
            for name, value in figures_of(line):
                yield FiledFigure(codes, name, value, status)


def dataset(answer: Mapping[str, Any], lines: Sequence[Mapping[str, Any]], dimensions: Sequence[str]) -> Dataset:
    """The table of an answer, as the graph writes it, and of its lines, of all its pages."""
    labels = {
        (value["dimension"], value["code"]): value["libelle"] or value["code"]
        for line in lines
        for value in line["dimensions"]
    }
    return Dataset(tuple(dimensions), labels, lines, answer)


def figures_of(line: Mapping[str, Any]) -> Iterator[tuple[str, float | int | None]]:
    """The figures of a line that are defined, by name; of a list of quartiles, each by its rank."""
    for name in indicators():
        value, masked = line[name], name in line["masques"]
        if value is None and not masked:
            continue
        if name == QUARTILES:
            yield from ((f"{name}{rank}", value and value[rank - 1]) for rank in (1, 2, 3))
        else:
            yield name, value


def label_of(name: str) -> str:
    return _LABELS.get(name) or indicators()[name].libelle


def to_csv(data: Dataset, excel: bool = False) -> bytes:
    """RFC 4180, in UTF-8; `excel`: as the French Excel opens it, semicolons, commas in numbers and a mark of order."""
    names = [
        name for name in indicators() if any(line[name] is not None or name in line["masques"] for line in data.lines)
    ]
    columns = [f"{QUARTILES}{rank}" for name in names if name == QUARTILES for rank in (1, 2, 3)]
    figures = [name for name in names if name != QUARTILES] + columns
    rows = [_csv_row(line, data, figures, excel) for line in data.lines]
    head = [*(part for name in data.dimensions for part in (name, f"{name}_LIBELLE")), *figures]
    text = io.StringIO(newline="")
    writer = csv.writer(text, delimiter=";" if excel else ",", lineterminator="\r\n")
    writer.writerows([[*head, "provisoire", "masques", *data.stamp], *rows])
    return text.getvalue().encode("utf-8-sig" if excel else "utf-8")


def _csv_row(line: Mapping[str, Any], data: Dataset, figures: Sequence[str], excel: bool) -> list[str]:
    told = dict(figures_of(line))
    named = [_text(part, excel) for value in line["dimensions"] for part in (value["code"], value["libelle"] or "")]
    values = [_number(told.get(name), excel) for name in figures]
    return [*named, *values, "oui" if line["provisoire"] else "non", " ".join(line["masques"]), *data.stamp.values()]


def _number(value: float | int | None, excel: bool) -> str:
    text = "" if value is None else repr(value)
    return text.replace(".", ",") if excel else text


def _text(text: str, excel: bool) -> str:
    """A name; one that a spreadsheet would take for a formula is told to be a text."""
    return f"'{text}" if excel and text[:1] in "=+-@" and text else text


def to_json_stat(data: Dataset, excel: bool = False) -> bytes:
    """JSON-stat 2.0: a sparse dataset of which `status` tells what is secret (C), provisional (P) or at a break (B)."""
    observations = list(data.observations())
    axes = [
        (name, sorted({codes[rank] for codes in map(data.codes, data.lines)}))
        for rank, name in enumerate(data.dimensions)
    ]
    axes.append((INDICATOR, list(dict.fromkeys(one.indicator for one in observations))))
    places = [{code: rank for rank, code in enumerate(codes)} for _, codes in axes]
    values, statuses = dict[str, float | int | None](), dict[str, str]()
    for one in observations:
        rank = 0
        for (_, codes), places_of, code in zip(axes, places, (*one.codes, one.indicator), strict=True):
            rank = rank * len(codes) + places_of[code]
        values[str(rank)] = one.value
        if one.value is None or one.status != "A":
            statuses[str(rank)] = "C" if one.value is None else one.status
    document = {
        "version": "2.0",
        "class": "dataset",
        "label": "Statistiques de l'apprentissage",
        "source": "Passerelle apprentissage",
        "updated": data.stamp["releveDu"],
        "id": [name for name, _ in axes],
        "size": [len(codes) for _, codes in axes],
        "dimension": {name: _axis(name, codes, data) for name, codes in axes},
        "value": values,
        "status": statuses,
        "extension": data.stamp
        | {"periode": data.period, "origine": data.answer["origine"], "protection": data.answer["protection"]},
    }
    return orjson.dumps(document)


def _axis(name: str, codes: Sequence[str], data: Dataset) -> dict[str, Any]:
    labels = {code: label_of(code) if name == INDICATOR else data.labels[name, code] for code in codes}
    return {"label": name, "category": {"index": list(codes), "label": labels}}


def to_sdmx_csv(data: Dataset, excel: bool = False) -> bytes:
    """SDMX-CSV 2.0: a line for each observation; CONF_STATUS C where it is secret, F where it is free."""
    apart = [name for name in data.dimensions if name != "MOIS"]
    head = [
        "STRUCTURE",
        "STRUCTURE_ID",
        "ACTION",
        *apart,
        INDICATOR,
        "TIME_PERIOD",
        "OBS_VALUE",
        "OBS_STATUS",
        "CONF_STATUS",
    ]
    rows = [[*head, "ETAT_AU", "RELEVE_DU"]]
    for one in data.observations():
        named = dict(zip(data.dimensions, one.codes, strict=True))
        when = named.pop("MOIS", data.period)
        told = ["dataflow", "PASSERELLE:STATISTIQUES(1.0)", "I", *named.values(), one.indicator, when]
        secret = "C" if one.value is None else "F"
        rows.append([*told, _number(one.value, False), one.status, secret, *data.stamp.values()])
    text = io.StringIO(newline="")
    csv.writer(text, lineterminator="\r\n").writerows(rows)
    return text.getvalue().encode()


FORMATS: Mapping[str, tuple[str, Callable[[Dataset, bool], bytes]]] = {
    "csv": ("text/csv; charset=utf-8", to_csv),
    "json": ("application/json", to_json_stat),
    "sdmx.csv": ("application/vnd.sdmx.data+csv; version=2.0.0; charset=utf-8", to_sdmx_csv),
}
