"""What one reading of a partner showed, as figures and doubts: how much was read, kept, set aside, filled; what the partner says
that nothing reads. Names of fields, never a value of a person."""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields, is_dataclass
from datetime import date, timedelta
from typing import Any

from gateway.cli.kit.recorded import Heard
from gateway.connectors.base import PagingStyle, Record
from gateway.connectors.table.dialect import Dialect, document_path
from gateway.connectors.table.field_paths import names_of, parse_path
from gateway.schema.organisations import Qualite
from gateway.sources.http.page_trail import total_rows

UNREAD_MAX = 40
ROUND = frozenset({10, 20, 25, 50, 100, 150, 200, 250, 500, 1000, 2000, 5000, 10000})
FEW = 3
_LIKE_DATA = re.compile(r"\d{3}|@|\s.*\s.*\s|^.{41,}$")


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
    doubts: list[str] = field(default_factory=list)


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
        tenant_checked=dialect is None or _tells_tenant(dialect),
        coverage=coverage(records),
        unread=unread(heard, dialect) if dialect else (),
    )
    told.empty = list(_empty_fields(told, dialect)) if dialect else ()
    told.doubts = list(_doubts(told, heard, records, dialect))
    return told


def _tells_tenant(dialect: Dialect) -> bool:
    """Whether something that is read says whose it is."""
    words = {word for _, table in dialect.nouns() for word, _ in table.fields()}
    return bool(dialect.exige) or bool(words & {"uai", "structure"})


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
    found = {path for _, page in heard.pages for path in _paths(page) if path[: len(rows)] == rows or not rows}
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


def _paths(value: Any, above: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """The paths of all that is no object nor list."""
    if isinstance(value, Mapping):
        for key, inside in value.items():
            yield from _paths(inside, (*above, str(key))) if key is not None else ()
    elif isinstance(value, list):
        for inside in value:
            yield from _paths(inside, above)
    else:
        yield above[:-1] if above[-1:] == ("#text",) else above


def _shown(key: str) -> str:
    return "*" if _LIKE_DATA.search(key.removeprefix("@")) else key


def _doubts(told: ReadingReport, heard: Heard, records: Sequence[Record], dialect: Dialect | None) -> Iterator[str]:
    """What may be right, and has the look of a mistake."""
    if told.kept == 0:
        yield "aucun dossier : l'établissement est-il vide, ou la demande mal faite ?"
    single = told.pages == 1 and told.rows in ROUND and heard.pages[0][0].pages == PagingStyle.ONE
    if single:
        yield f"{told.rows} lignes tout juste, et aucune page décrite : la page 1 seulement ?"
    elif told.pages == 1 and heard.pages[0][0].pages != PagingStyle.ONE and told.announced is None:
        yield "une seule page lue : la suite n'est pas éprouvée"
    if not told.tenant_checked:
        yield "rien ne dit que la réponse est celle de l'établissement : [dialecte] exige, ou l'UAI d'un dossier"
    if dialect is None:
        return
    if dialect.rupture == "premier_jour_non_travaille" and _last_days(_ruptures(records)):
        yield 'ruptures datées du dernier jour d\'un mois : dernier jour travaillé ? (rupture = "dernier_jour_travaille")'


def _empty_fields(told: ReadingReport, dialect: Dialect) -> Iterator[str]:
    filled = {name.replace("contrats.", "contrat.").replace("formations.", "formation.") for name in told.coverage}
    for noun, table in dialect.nouns():
        for word, field_table in table.fields():
            name = {
                "autre_nom": "autres_noms",
                "cle": "nom",
                "uai": "nom",
                "structure": "nom",
                "modifie_le": "nom",
            }.get(word, word)
            name = name.replace("representant.", "representants.")
            if told.kept and (name if noun == "jeune" else f"{noun}.{name}") not in filled:
                yield f"{noun}.{word} : rien n'est jamais lu sous « {' / '.join(field_table.paths)} »"


def _ruptures(records: Iterable[Record]) -> list[date]:
    contrats = (contrat for record in records for contrat in record.jeune.contrats or ())
    return [contrat.rupture.date for contrat in contrats if contrat.rupture and contrat.rupture.date]


def _last_days(days: Sequence[date]) -> bool:
    last = sum((day + timedelta(days=1)).day == 1 for day in days)
    return last >= FEW and 2 * last > len(days)
