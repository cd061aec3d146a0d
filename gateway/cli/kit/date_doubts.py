"""Whether the pages of the cases prove the form of dates that a table tells: days and months change places in silence where no
day exceeds twelve."""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from gateway.cli.kit.guess import form_of
from gateway.cli.kit.told_pages import told_values
from gateway.connectors.date_forms import ISO_FORM, day_reader, instant_reader
from gateway.connectors.table.dialect import Dialect
from gateway.connectors.table.vocabulary import DAYS, WORDS, Instant
from gateway.connectors.values import text

Keys = tuple[str, ...]
UNREADABLE = "illisible"


@dataclass(slots=True)
class _Form:
    """What the values of one form say of it. `keys`: where the table tells it; `unread`: the values that are not of it, by
    field."""

    keys: Keys
    proven: bool = False
    either: int = 0
    unread: dict[Keys, list[Any]] = field(default_factory=dict)


def date_doubts(documents: Iterable[Any], dialect: Dialect) -> Iterator[tuple[Keys, str, bool]]:
    """Where a form is told, what is to be said of it, and whether it is surely wrong."""
    for form, told in _forms(documents, dialect).items():
        by_other = dict[str, list[Keys]]()
        for keys, values in told.unread.items():
            if other := _form_that_reads(values, form, WORDS[keys[1]][".".join(keys[2:])]):
                by_other.setdefault(other, []).append(keys)
        for other, places in by_other.items():
            number = sum(len(told.unread[keys]) for keys in places)
            where = ", ".join(f"« {' / '.join(_paths_of(dialect, keys))} »" for keys in places)
            why = f'{number} date(s) sous {where} ne se lisent pas en « {form} » : dates = "{other}" ?'
            yield told.keys, why, not told.proven
        if told.either and not told.proven and not told.unread:
            swapped = _swapped(form)
            both = f"aucune date des cas ne dit si c'est « {form} » ou « {swapped} »"
            yield told.keys, f"{both} : ajouter à un cas une date dont le jour passe 12", False


def _forms(documents: Iterable[Any], dialect: Dialect) -> dict[str, _Form]:
    forms = dict[str, _Form]()
    for noun, word, told, value in told_values(documents, dialect):
        parser = WORDS[noun][word]
        if parser not in {*DAYS, Instant}:
            continue
        form = told.dates or dialect.dates
        keys = ("dialecte", noun, *word.split("."))
        own = forms.setdefault(form, _Form(keys if told.dates else ("dialecte", "dates")))
        read, other = _read(value, form, parser), _read(value, _swapped(form), parser)
        if read == UNREADABLE:
            own.unread.setdefault(keys, []).append(value)
        else:
            own.proven = own.proven or (read is not None and other == UNREADABLE)
            own.either += _is_ambiguous(form) and other not in {UNREADABLE, read}
    return forms


def _is_ambiguous(form: str) -> bool:
    """Nobody writes the year, then the day: only a form that says so, or ends by the year, is written both ways."""
    return "AAAA" in form and not form.startswith(("AAAA-MM", "AAAAMM", "AAAA/MM", "AAAA.MM", "AAAA MM"))


def _swapped(form: str) -> str:
    return form.replace("JJ", "?").replace("MM", "JJ").replace("?", "MM")


def _read(value: Any, form: str, parser: Any) -> date | str | None:
    """The day or the instant, None for what is empty."""
    try:
        return instant_reader(form)(value) if parser is Instant else day_reader(form)(value)
    except ValueError:
        return UNREADABLE


def _form_that_reads(values: Sequence[Any], form: str, parser: Any) -> str:
    """A form that reads them all; "" where none is known."""
    with suppress(ValueError):  # what is neither text nor number
        found = form_of(text(values[0]))
        candidates = [_swapped(form), found, _swapped(found), ISO_FORM]
        return next((one for one in candidates if one and all(_read(v, one, parser) != UNREADABLE for v in values)), "")
    return ""


def _paths_of(dialect: Dialect, keys: Keys) -> Sequence[str]:
    _, noun, *word = keys
    return next(told.paths for own, told in dict(dialect.nouns())[noun].fields() if own == ".".join(word))
