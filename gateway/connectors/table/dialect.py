"""`[dialecte]` of a partner's file: one strict model. Says what to ask, how pages follow, where the rows and the fields are."""

import re
from collections.abc import Collection, Iterator
from difflib import get_close_matches
from functools import partial
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from gateway.connectors.base import WHOLE_SECONDS, BodyFormat
from gateway.connectors.date_forms import ISO_FORM, check_instant_form
from gateway.connectors.table.answer_tables import ErrorTable, PagesTable, WrittenPath, document_path
from gateway.connectors.table.field_paths import parse_path
from gateway.connectors.table.former_words import in_words_of_now
from gateway.connectors.table.graphql_fields import check_asked, check_query, query_of, rows_paths
from gateway.connectors.table.noun_tables import Form, table_of
from gateway.connectors.table.vocabulary import REQUIRED, WORDS
from gateway.toml_file import StrictModel

PLACES = frozenset({"uai", "siret", "code", "mission_locale", "annee_scolaire", "jour"})
SINCE = "{depuis}"
_PLACE = re.compile(r"\{([^{}\s]*)\}")


def _place(written: str) -> str:
    if unknown := set(_PLACE.findall(written)) - PLACES:
        known = get_close_matches(min(unknown), PLACES, 1) or sorted(PLACES)
        told = ", ".join(f"{{{name}}}" for name in known)
        raise ValueError(f"{{{min(unknown)}}} inconnu ; {f'{told} ?' if len(known) == 1 else f'au choix {told}'}")
    return written


def _places_in(value: Any, others: Collection[str] = ()) -> Any:
    """What is sent, which may well hold braces of its own: a place that is nearly one of ours is one, misspelt."""
    for one in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        _places_in(one, others)
    for name in _PLACE.findall(value) if isinstance(value, str) else ():
        if name not in PLACES and name not in others and (name == SINCE[1:-1] or get_close_matches(name, PLACES, 1)):
            _place(f"{{{name}}}")
    return value


def _request_path(written: str) -> str:
    if not written.startswith("/") or "?" in written:
        raise ValueError("chemin commençant par / attendu, sans « ? » : les paramètres vont dans « parametres »")
    if "" in written.split("/")[1:]:
        raise ValueError("chemin sans « // » ni / finale attendu")
    return _place(written)


def _encoding(written: str) -> str:
    try:
        b" ".decode(written)
    except (LookupError, UnicodeError):
        raise ValueError("encodage inconnu : utf-8, iso-8859-15 ou cp1252, par exemple") from None
    return written


def _by_quoted_path(given: Any) -> Any:
    """A path that is not quoted is read by TOML as tables in one another."""
    if isinstance(given, dict):
        for name, told in given.items():
            if isinstance(told, dict) and any(isinstance(inside, dict) for inside in told.values()):
                raise ValueError(f'un chemin se met entre guillemets : {{ "{name}.…" = … }}')
    return given


Filled = Annotated[str, AfterValidator(_place)]
Sent = Annotated[dict[str, Any], AfterValidator(_places_in)]
SentSince = Annotated[dict[str, Any], AfterValidator(partial(_places_in, others=(SINCE[1:-1],)))]
Encoding = Annotated[str, AfterValidator(_encoding)]


_Jeune, _Formation, _Contrat, _Suivi, _Collaboration = (table_of(noun, words) for noun, words in WORDS.items())


class ChangesTable(StrictModel):
    """How the partner is asked only what changed since `{depuis}`: what is added to its request, how the instant is written."""

    parametres: Annotated[dict[str, str], AfterValidator(partial(_places_in, others=(SINCE[1:-1],)))] = Field(
        default_factory=dict
    )
    corps: SentSince = Field(default_factory=dict)
    variables: SentSince = Field(default_factory=dict)
    forme: Annotated[str, AfterValidator(check_instant_form)] = "AAAA-MM-JJThh:mm:ssZ"
    entiere_secondes: float = Field(default=WHOLE_SECONDS, ge=60, le=14_400)

    @model_validator(mode="after")
    def _dated(self) -> "ChangesTable":
        if SINCE not in str([self.parametres, self.corps, self.variables]):
            raise ValueError(f'{SINCE} attendu dans parametres, corps ou variables : {{ modifie_depuis = "{SINCE}" }}')
        return self


class Dialect(StrictModel):
    """What a partner of one request says, and how it is asked."""

    systeme: Literal["cfa", "mission_locale"] = "cfa"
    chemin: Annotated[str, AfterValidator(_request_path)]
    methode: Literal["GET", "POST"] | None = None  # POST where a body is sent
    parametres: dict[str, Filled] = Field(default_factory=dict)
    corps: Sent | None = None
    formulaire: bool = False
    graphql: str = ""
    variables: Sent = Field(default_factory=dict)
    format: Literal["json", "csv", "xml", "lignes"] = "json"
    encodage: Encoding = "utf-8"
    separateur: Annotated[str, Field(min_length=1, max_length=1)] = ";"
    fin_de_ligne: bool = True
    annees: int = Field(default=1, ge=1, le=3)
    lignes: WrittenPath = ""
    vide_absence: bool = False
    dates: Form = ISO_FORM
    exige: Annotated[dict[WrittenPath, Filled], BeforeValidator(_by_quoted_path)] = Field(default_factory=dict)
    pages: PagesTable | None = None
    changements: ChangesTable | None = None
    erreurs: Annotated[dict[WrittenPath, ErrorTable], BeforeValidator(_by_quoted_path)] = Field(default_factory=dict)
    jeune: _Jeune  # type: ignore[valid-type]
    formation: _Formation | None = None  # type: ignore[valid-type]
    contrat: _Contrat | None = None  # type: ignore[valid-type]
    suivi: _Suivi | None = None  # type: ignore[valid-type]
    collaboration: _Collaboration | None = None  # type: ignore[valid-type]

    @model_validator(mode="before")
    @classmethod
    def _former(cls, given: Any) -> Any:
        return in_words_of_now(given)

    @model_validator(mode="after")
    def _coherent(self) -> "Dialect":
        if self.graphql and self.corps is not None:
            raise ValueError("graphql et corps : un seul des deux")
        if self.corps is not None and self.methode == "GET":
            raise ValueError("corps : un GET n'en a pas ; ôter « methode », ou le corps")
        if self.formulaire and self.corps is None:
            raise ValueError("formulaire demande « corps », ce qui est envoyé")
        if self.variables and not self.graphql:
            raise ValueError("variables demande « graphql », la requête dont elles sont")
        if self.systeme == "cfa" and (self.suivi or self.collaboration):
            raise ValueError(
                'suivi et collaboration ne sont dits que par une Mission locale (systeme = "mission_locale")'
            )
        if self.contrat and self.contrat.rupture and self.contrat.rupture.date is None:
            raise ValueError("contrat.rupture : « date » attendu ; d'une rupture sans date, rien n'est gardé")
        self._check_changes()
        self._check_paths()
        if self.graphql:
            self._check_query()
        return self

    def _check_query(self) -> None:
        """The query asks for what is read, and its variables are those that are sent."""
        pages, since = self.pages, self.changements.variables if self.changements else {}
        asked = pages.asks if pages and pages.dans != "adresse" else ()
        operation = check_query(query_of(self.graphql, self.nouns()), {**since, **self.variables}, asked)
        whole = [
            ("lignes", self.lignes),
            *(pages.told.items() if pages else ()),
            *(("exige", path) for path in self.exige),
        ]
        check_asked(operation, [(label, document_path(path)) for label, path in whole])
        rows = document_path(self.lignes)
        check_asked(operation, [(label, (*rows, *path)) for label, path in rows_paths(self.nouns())])

    def _check_changes(self) -> None:
        """One that changed must be told whole: it takes the place of what was known of it."""
        several = self.annees > 1 or any(
            noun in {"contrat", "formation"} and not table.lignes for noun, table in self.nouns()
        )
        if self.changements and several:
            raise ValueError(
                "changements : un dossier changé doit être redit en entier, ce que ni plusieurs « annees » ni une ligne par"
                " contrat ou par formation (sans « lignes ») n'assurent"
            )

    def _check_paths(self) -> None:
        """Each path of a row reads, and none serves two fields of one noun."""
        for noun, table in self.nouns():
            seen: dict[str, str] = {}
            for word, field in table.fields():
                field.check(f"{noun}.{word}", WORDS[noun][word])
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
