"""What one reading of a partner showed, as figures and doubts: how much was read, kept, set aside, filled; what the partner says
that nothing reads. Names of fields, never a value of a person."""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields, is_dataclass
from datetime import date, timedelta
from difflib import get_close_matches
from typing import Any

from gateway.cli.kit.guess import totals_in
from gateway.cli.kit.recorded import Heard
from gateway.connectors.base import PagingStyle, Record
from gateway.connectors.table.answer_tables import document_path
from gateway.connectors.table.dialect import Dialect
from gateway.connectors.table.field_paths import first_filled, names_of, parse_path
from gateway.connectors.table.vocabulary import REQUIRED
from gateway.connectors.values import rows_at
from gateway.schema.organisations import Qualite
from gateway.sources.http.page_trail import total_rows

UNREAD_MAX = 40
ROUND = frozenset({10, 20, 25, 50, 100, 150, 200, 250, 500, 1000, 2000, 5000, 10000})
FEW = 3
PAGES = ("dialecte", "pages")
NEAR = 0.8  # how alike a path that nothing reads must be to one that finds nothing
_LIKE_DATA = re.compile(r"\d{3}|@|\s.*\s.*\s|^.{41,}$")


@dataclass(frozen=True, slots=True)
class Remark:
    """What is to be said of a place of a partner's file, by its keys; `is_wrong`: it is no doubt."""

    keys: tuple[str, ...]
    text: str
    is_wrong: bool = False


@dataclass(slots=True)
class ReadingReport:
    """The figures of a reading. `coverage`: of each field of a noun, how many of its kind have it, of how many.

    `empty`: the fields of the table that were never filled, each with where it was looked for."""

    pages: int
    rows: int
    announced: int | None
    kept: int
    aside: Mapping[str, int]
    tenant_checked: bool
    coverage: Mapping[str, tuple[int, int]]
    unread: Sequence[str] = ()
    empty: Sequence[str] = ()


def report(heard: Heard, records: Sequence[Record], quality: Qualite | None, dialect: Dialect | None) -> ReadingReport:
    """The report of a reading that succeeded."""
    announced = [total for request, page in heard.pages if (total := total_rows(request, page)) is not None]
    told = ReadingReport(
        pages=len(heard.pages),
        rows=heard.rows(),
        announced=max(announced, default=None),
        kept=len(records),
        aside={
            " ".join(filter(None, (one.nature.value, one.genre, one.champ))): one.nombre
            for one in (quality.defauts if quality else ())
        },
        tenant_checked=dialect is None or _tells_tenant(dialect, records),
        coverage=coverage(records),
        unread=unread(heard, dialect) if dialect else (),
    )
    told.empty = list(_empty_fields(told, records, dialect)) if dialect else ()
    return told


def _tells_tenant(dialect: Dialect, records: Sequence[Record]) -> bool:
    """Whether something that is read says whose it is: the CFA of a request for support is not the Mission locale asked."""
    if dialect.exige:
        return True
    if dialect.systeme == "mission_locale":
        return any(one.structure for one in records)
    return any(word == "uai" for _, table in dialect.nouns() for word, _ in table.fields())


def coverage(records: Sequence[Record]) -> dict[str, tuple[int, int]]:
    """How often each field is filled, by its place."""
    there, whole = Counter[str](), Counter[str]()
    for record in records:
        _count(record.jeune, "", there, whole)
    return {name: (number, whole[name.rpartition(".")[0]]) for name, number in sorted(there.items())}


def _count(noun: Any, where: str, there: Counter[str], whole: Counter[str]) -> None:
    whole[where.rstrip(".")] += 1
    for one in fields(noun):
        value = getattr(noun, one.name, None) if one.init else None
        if value in (None, "", [], ()) or value is one.default or one.name in {"id", "rows", "cfa"}:
            continue
        there[where + one.name] += 1
        for inside in value if isinstance(value, list | tuple) else [value]:
            if is_dataclass(inside):
                _count(inside, f"{where}{one.name}.", there, whole)


def unread(heard: Heard, dialect: Dialect) -> list[str]:
    """The paths of the partner's rows that the table does not read; a key that looks like data is a star."""
    read = set(_read_paths(dialect))
    rows = document_path(dialect.lignes)
    found = {path for _, page in heard.pages for path in paths_of(page) if path[: len(rows)] == rows or not rows}
    own = {path[len(rows) :] for path in found}
    not_read = (path for path in own if path and not any(f"{one}.".startswith(f"{'.'.join(path)}.") for one in read))
    return sorted({".".join(map(_shown, path)) for path in not_read})[:UNREAD_MAX]


def _read_paths(dialect: Dialect) -> Iterator[str]:
    for _, table in dialect.nouns():
        above = names_of(parse_path(table.lignes)) if table.lignes else ()
        for _, told in table.fields():
            for path in told.paths:
                steps = parse_path(path, dialect.is_csv)
                yield ".".join((*above, *names_of(steps)))
                for rank, step in enumerate(steps, 1):
                    yield from (".".join((*above, *names_of(steps[:rank]), key)) for key in (step.key, f"@{step.key}"))


def rows_elsewhere(heard: Heard, dialect: Dialect) -> str:
    """Where the pages seem to hold the rows, when none was read where the table says: the nearest path; "" when nowhere does.

    In XML, an absent element may be an empty list, which the gateway must believe; the author of a table is asked."""
    rows, is_xml = document_path(dialect.lignes), dialect.format == "xml"
    if any(rows_at(page, rows, is_xml) for _, page in heard.pages):
        return ""
    found = [
        ".".join(path) for _, page in heard.pages for path, rows in _objects(page) if _look_like_rows(rows, dialect)
    ]
    return next(iter(get_close_matches(dialect.lignes, found, 1, 0)), "")


def _objects(value: Any, above: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], list[Any]]]:
    """The objects of a page, alone or in a list, each with its path."""
    if isinstance(value, Mapping):
        yield above, [value]
        for key, inside in value.items():
            yield from _objects(inside, (*above, str(key)))
    elif isinstance(value, list) and (rows := [one for one in value if isinstance(one, Mapping)]):
        yield above, rows


def _look_like_rows(rows: Sequence[Any], dialect: Dialect) -> bool:
    """Whether they are several, or one of whom half of an identity is told."""
    _, table = next(dialect.nouns())
    places = [[parse_path(path) for path in told.paths] for word, told in table.fields() if word in REQUIRED["jeune"]]
    return len(rows) > 1 or sum(first_filled(rows[0], paths) is not None for paths in places) >= len(places) / 2


def paths_of(value: Any, above: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """The paths of all that is no object nor list."""
    if isinstance(value, Mapping):
        for key, inside in value.items():
            yield from paths_of(inside, (*above, str(key))) if key is not None else ()
    elif isinstance(value, list):
        for inside in value:
            yield from paths_of(inside, above)
    else:
        yield above[:-1] if above[-1:] == ("#text",) else above


def _shown(key: str) -> str:
    return "*" if _LIKE_DATA.search(key.removeprefix("@")) else key


def doubts_of(
    told: ReadingReport, heard: Heard, records: Sequence[Record], dialect: Dialect | None
) -> Iterator[Remark]:
    """What may be right, and has the look of a mistake."""
    if told.kept == 0:
        yield Remark((), "aucun dossier : l'établissement est-il vide, ou la demande mal faite ?")
    if told.pages == 1 and told.rows in ROUND and heard.pages[0][0].pages == PagingStyle.ONE:
        yield Remark(PAGES, f"{told.rows} lignes tout juste, et aucune page décrite : la page 1 seulement ?")
    elif dialect is None and told.pages == 1 and heard.pages[0][0].pages != PagingStyle.ONE and told.announced is None:
        yield Remark((), "une seule page lue : la suite n'est pas éprouvée")
    if told.announced is None and dialect and (total := _untold_total(heard, dialect)):
        why = f"« {total} » a l'air d'un total : [dialecte.pages] total, pour qu'une moitié de liste se voie"
        yield Remark(PAGES, why)
    if not told.tenant_checked:
        why = "rien ne dit que la réponse est celle de l'établissement : [dialecte] exige, ou l'UAI d'un dossier"
        yield Remark(("dialecte",), why)
    if dialect is not None:
        yield from _doubts_of_table(records, dialect)


def _doubts_of_table(records: Sequence[Record], dialect: Dialect) -> Iterator[Remark]:
    if dialect.corps is not None and dialect.pages and dialect.pages.asks and dialect.pages.dans is None:
        why = "la page est demandée dans l'adresse d'une demande qui a un corps : [dialecte.pages] dans = \"corps\" ?"
        yield Remark(PAGES, why)
    if _last_days(_ruptures(records)):
        why = "ruptures datées du dernier jour d'un mois : dernier jour travaillé ? (contrat.rupture.date : jours = 1)"
        yield Remark(("dialecte", "contrat", "rupture", "date"), why)


def _untold_total(heard: Heard, dialect: Dialect) -> str:
    """Where the first page seems to tell how many rows there are, which the table does not read."""
    rows = document_path(dialect.lignes)
    page = heard.pages[0][1] if heard.pages else None
    return next((".".join(place) for place in totals_in(page) if not rows or place[: len(rows)] != rows), "")


def _empty_fields(told: ReadingReport, records: Sequence[Record], dialect: Dialect) -> Iterator[str]:
    filled = {name.replace("contrats.", "contrat.").replace("formations.", "formation.") for name in told.coverage}
    # What is no field of the graph, or is filled anyway: it is not counted, or not under this name.
    filled |= {"cle", "uai", "contrat.uai", "formation.uai", "modifie_le"}
    filled |= {"structure"} if any(one.structure for one in records) else set()
    for noun, table in dialect.nouns():
        above = f"{table.lignes}." if table.lignes else ""
        for word, field_table in table.fields():
            name = {"autre_nom": "autres_noms"}.get(word, word)
            name = name.replace("representant.", "representants.")
            if told.kept and (name if noun == "jeune" else f"{noun}.{name}") not in filled:
                near = get_close_matches(f"{above}{field_table.paths[0]}", told.unread, 1, NEAR)
                hint = f" ; « {near[0].removeprefix(above)} » ?" if near else ""
                yield f"{noun}.{word} : rien n'est jamais lu sous « {' / '.join(field_table.paths)} »{hint}"


def _ruptures(records: Iterable[Record]) -> list[date]:
    contrats = (contrat for record in records for contrat in record.jeune.contrats or ())
    return [contrat.rupture.date for contrat in contrats if contrat.rupture and contrat.rupture.date]


def _last_days(days: Sequence[date]) -> bool:
    last = sum((day + timedelta(days=1)).day == 1 for day in days)
    return last >= FEW and 2 * last > len(days)
