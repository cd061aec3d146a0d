"""`[dialecte]` of a partner's file: one strict model. Says what to ask, how pages follow, where the rows and the fields are."""

import re
from collections.abc import Iterator, Mapping
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field, create_model, model_validator

from gateway.connectors.base import BodyFormat, Meaning
from gateway.connectors.date_forms import ISO_FORM, check_form
from gateway.connectors.page_description import Paging
from gateway.connectors.table.field_paths import names_of, parse_path
from gateway.connectors.table.vocabulary import REQUIRED, WORDS
from gateway.toml_file import StrictModel

PLACES = frozenset({"uai", "siret", "code", "mission_locale", "annee_scolaire", "jour"})
_PLACE = re.compile(r"\{([^{}\s]*)\}")
Form = Annotated[str, AfterValidator(check_form)]


def _place(written: str) -> str:
    if unknown := set(_PLACE.findall(written)) - PLACES:
        known = ", ".join(f"{{{name}}}" for name in sorted(PLACES))
        raise ValueError(f"{{{min(unknown)}}} inconnu ; au choix {known}")
    return written


def _request_path(written: str) -> str:
    if not written.startswith("/") or "?" in written:
        raise ValueError("chemin commençant par / attendu, sans « ? » : les paramètres vont dans « parametres »")
    if "" in written.split("/")[1:]:
        raise ValueError("chemin sans « // » ni / finale attendu")
    return _place(written)


def _encoding(written: str) -> str:
    try:
        b" ".decode(written)
    except LookupError:
        raise ValueError("encodage inconnu : utf-8, iso-8859-15 ou cp1252, par exemple") from None
    return written


Filled = Annotated[str, AfterValidator(_place)]
Encoding = Annotated[str, AfterValidator(_encoding)]


class FieldTable(StrictModel):
    """Where a field is: `chemin`, one place or several of which the first filled is taken; `joint`, several put together.
    `codes`: what the partner's codes mean in our words; `dates`: its own form; `obligatoire`: a row without it is set aside."""

    chemin: tuple[str, ...] = ()
    joint: tuple[str, ...] = ()
    codes: dict[str, str] = Field(default_factory=dict)
    dates: Form | None = None
    obligatoire: bool = False

    @model_validator(mode="before")
    @classmethod
    def _short(cls, given: Any) -> Any:
        if isinstance(given, str | list):
            given = {"chemin": given}
        if isinstance(given, dict) and isinstance(given.get("chemin"), str):
            given = {**given, "chemin": (given["chemin"],)}
        return given

    @model_validator(mode="after")
    def _told(self) -> "FieldTable":
        if bool(self.chemin) == bool(self.joint):
            raise ValueError("« chemin » ou « joint » attendu, l'un des deux")
        return self

    @property
    def paths(self) -> tuple[str, ...]:
        return self.chemin or self.joint


class _NounTable(StrictModel):
    """The fields of one noun, as a table writes them."""

    lignes: str = ""  # where its list is in a row; absent, the row is one

    def fields(self) -> Iterator[tuple[str, FieldTable]]:
        """Each field that is told, by its word."""
        for name in type(self).model_fields:
            told = getattr(self, name)
            if isinstance(told, FieldTable):
                yield name, told
            elif isinstance(told, _NounTable):
                yield from ((f"{name}.{inside}", own) for inside, own in told.fields())


def _table_of(noun: str, words: Mapping[str, Any]) -> type[_NounTable]:
    """The strict model of the fields of a noun; a word with a dot is in a table inside."""
    fields: dict[str, Any] = {}
    for word in words:
        head, _, tail = word.partition(".")
        inside = {other.partition(".")[2]: None for other in words if other.startswith(f"{head}.")}
        if not tail:
            fields[head] = (FieldTable, ...) if word in REQUIRED.get(noun, ()) else (FieldTable | None, None)
        elif head not in fields:
            fields[head] = (_table_of(head, inside) | None, None)
    model: type[_NounTable] = create_model(f"{noun.capitalize()}Table", __base__=_NounTable, **fields)
    return model


_Jeune, _Formation, _Contrat, _Suivi, _Collaboration = (_table_of(noun, words) for noun, words in WORDS.items())


class PagesTable(StrictModel):
    """How the partner cuts a long answer (docs/partenaires.md, Les pages)."""

    numero: str = ""
    premiere: int = Field(default=1, ge=0)
    decalage: str = ""
    curseur: str = ""
    taille: str = ""
    lignes_par_page: int = Field(default=0, ge=0)
    dans: Literal["adresse", "corps"] = "adresse"
    lien: bool = False
    suivante: str = ""
    encore: str = ""
    nombre_pages: str = ""
    total: str = ""

    @model_validator(mode="after")
    def _coherent(self) -> "PagesTable":
        ways = [bool(self.numero), bool(self.decalage), bool(self.curseur), self.lien]
        if sum(ways) > 1 or not (any(ways) or self.suivante):
            raise ValueError("numero, decalage, curseur, lien ou suivante attendu, un seul des quatre premiers")
        if self.curseur and not self.suivante:
            raise ValueError("curseur demande « suivante », le chemin du curseur de la page qui suit")
        if self.taille and not self.lignes_par_page:
            raise ValueError("taille demande « lignes_par_page », le nombre de lignes demandées")
        return self

    def paging(self) -> Paging:
        return Paging(
            page=self.numero,
            first_page=self.premiere,
            offset=self.decalage,
            cursor=self.curseur,
            size=self.taille,
            in_body=self.dans == "corps",
            link=self.lien,
            next=document_path(self.suivante),
            more=document_path(self.encore),
            pages=document_path(self.nombre_pages),
            total=document_path(self.total),
        )


def document_path(written: str) -> tuple[str, ...]:
    """A path of a whole document. Raises ValueError, in French."""
    return names_of(parse_path(written)) if written else ()


class ErrorTable(StrictModel):
    """An error that the partner tells under a status of success. Without `valeurs`: whatever is there, if it is filled."""

    chemin: str
    valeurs: tuple[str, ...] = ()
    sens: Literal["refus", "quota", "absence", "panne"]

    @property
    def meaning(self) -> Meaning:
        return Meaning(self.sens)


class Dialect(StrictModel):
    """What a partner of one request says, and how it is asked."""

    systeme: Literal["cfa", "mission_locale"]
    chemin: Annotated[str, AfterValidator(_request_path)]
    methode: Literal["GET", "POST"] = "GET"
    parametres: dict[str, Filled] = Field(default_factory=dict)
    corps: dict[str, Any] | None = None
    formulaire: bool = False
    graphql: str = ""
    variables: dict[str, Any] = Field(default_factory=dict)
    format: Literal["json", "csv", "xml", "lignes"] = "json"
    encodage: Encoding = "utf-8"
    separateur: Annotated[str, Field(min_length=1, max_length=1)] = ";"
    fin_de_ligne: bool = True
    annees: int = Field(default=1, ge=1, le=3)
    lignes: str = ""
    vide_absence: bool = False
    dates: Form = ISO_FORM
    rupture: Literal["premier_jour_non_travaille", "dernier_jour_travaille"] = "premier_jour_non_travaille"
    exige: dict[str, Filled] = Field(default_factory=dict)
    pages: PagesTable | None = None
    erreurs: tuple[ErrorTable, ...] = ()
    jeune: _Jeune  # type: ignore[valid-type]
    formation: _Formation | None = None  # type: ignore[valid-type]
    contrat: _Contrat | None = None  # type: ignore[valid-type]
    suivi: _Suivi | None = None  # type: ignore[valid-type]
    collaboration: _Collaboration | None = None  # type: ignore[valid-type]

    @model_validator(mode="after")
    def _coherent(self) -> "Dialect":
        if self.graphql and self.corps is not None:
            raise ValueError("graphql et corps : un seul des deux")
        if self.systeme == "cfa" and (self.suivi or self.collaboration):
            raise ValueError(
                'suivi et collaboration ne sont dits que par une Mission locale (systeme = "mission_locale")'
            )
        self._check_paths()
        return self

    def _check_paths(self) -> None:
        """Each path reads, and none serves two fields of one noun."""
        told = [*self.exige, self.lignes, *(error.chemin for error in self.erreurs)]
        if self.pages:
            told += [self.pages.suivante, self.pages.encore, self.pages.nombre_pages, self.pages.total]
        for written in told:
            document_path(written)
        for noun, table in self.nouns():
            seen: dict[str, str] = {}
            for word, field in table.fields():
                for path in field.paths:
                    parse_path(path, self.is_csv)
                    if path in seen and {word, seen[path]} != {"employeur.siret", "employeur.siren"}:
                        raise ValueError(f"{noun} : {seen[path]} et {word} lisent le même chemin « {path} »")
                    seen[path] = word

    def nouns(self) -> Iterator[tuple[str, Any]]:
        """The nouns that are told, with their tables."""
        yield from ((noun, getattr(self, noun)) for noun in WORDS if getattr(self, noun) is not None)

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns that a CSV must have: those of what no row goes without."""
        if not self.is_csv:
            return ()
        _, table = next(self.nouns())
        return tuple(field.paths[0] for word, field in table.fields() if word in REQUIRED["jeune"])

    @property
    def is_csv(self) -> bool:
        return self.format == "csv"

    @property
    def shape(self) -> BodyFormat:
        return BodyFormat(self.format)
