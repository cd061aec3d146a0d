"""`[dialecte.<nom>]`: where each field of a noun is, as strict models made of the vocabulary. What a field cannot mean is told
when the table is read, not at the first row."""

from collections.abc import Iterator, Mapping
from difflib import get_close_matches
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field, create_model, model_validator

from gateway.connectors.date_forms import check_form
from gateway.connectors.table.vocabulary import CLOSED, DAYS, REQUIRED, Instant
from gateway.toml_file import StrictModel

Form = Annotated[str, AfterValidator(check_form)]


class FieldTable(StrictModel):
    """Where a field is: `chemin`, one place or several of which the first filled is taken; `joint`, several put together.
    `codes`: what the partner's codes mean in our words; `dates`: its own form; `jours`: what a day is moved by; `obligatoire`: a
    row without it is set aside."""

    chemin: tuple[str, ...] = ()
    joint: tuple[str, ...] = ()
    codes: dict[str, str] = Field(default_factory=dict)
    dates: Form | None = None
    jours: Literal[-1, 0, 1] = 0
    obligatoire: bool = False

    @model_validator(mode="before")
    @classmethod
    def _short(cls, given: Any) -> Any:
        if isinstance(given, bool | int | float):
            raise ValueError("chemin attendu, entre guillemets")
        if isinstance(given, str | list):
            given = {"chemin": given}
        if isinstance(given, dict) and isinstance(given.get("chemin"), str):
            given = {**given, "chemin": (given["chemin"],)}
        return given

    @model_validator(mode="after")
    def _told(self) -> "FieldTable":
        if "" in self.paths:
            raise ValueError("chemin vide : ôter le champ, ou dire où il est")
        if bool(self.chemin) == bool(self.joint):
            raise ValueError("« chemin » ou « joint » attendu, l'un des deux")
        return self

    @property
    def paths(self) -> tuple[str, ...]:
        return self.chemin or self.joint

    def check(self, word: str, parser: Any) -> None:
        """Raises ValueError, in French, for what the field of that parser cannot mean."""
        if self.jours and parser not in DAYS:
            raise ValueError(f"{word} : « jours » n'a de sens que pour un jour")
        if self.dates and parser not in {*DAYS, Instant}:
            raise ValueError(f"{word} : « dates » n'a de sens que pour une date")
        known = CLOSED.get(parser)
        if known and (wrong := set(self.codes.values()) - {*known}):
            near = get_close_matches(min(wrong), known, 1, 0.5)
            ours = f"« {near[0]} » ?" if near else f"au choix {', '.join(known)}"
            raise ValueError(f"{word} : « {min(wrong)} » n'est pas un de nos mots ; {ours}")


class NounTable(StrictModel):
    """The fields of one noun, as a table writes them."""

    lignes: str = ""  # where its list is in a row; absent, the row is one

    @model_validator(mode="before")
    @classmethod
    def _table(cls, given: Any) -> Any:
        if isinstance(given, str | list):
            first = next(name for name in cls.model_fields if name != "lignes")
            raise ValueError(f'{{ {first} = "…" }} attendu, un chemin pour chaque champ')
        return given

    def fields(self) -> Iterator[tuple[str, FieldTable]]:
        """Each field that is told, by its word."""
        for name in type(self).model_fields:
            told = getattr(self, name)
            if isinstance(told, FieldTable):
                yield name, told
            elif isinstance(told, NounTable):
                yield from ((f"{name}.{inside}", own) for inside, own in told.fields())


def table_of(noun: str, words: Mapping[str, Any]) -> type[NounTable]:
    """The strict model of the fields of a noun; a word with a dot is in a table inside."""
    fields: dict[str, Any] = {}
    for word in words:
        head, _, tail = word.partition(".")
        inside = {other.partition(".")[2]: None for other in words if other.startswith(f"{head}.")}
        if not tail:
            fields[head] = (FieldTable, ...) if word in REQUIRED.get(noun, ()) else (FieldTable | None, None)
        elif head not in fields:
            fields[head] = (table_of(head, inside) | None, None)
    model: type[NounTable] = create_model(f"{noun.capitalize()}Table", __base__=NounTable, **fields)
    return model
