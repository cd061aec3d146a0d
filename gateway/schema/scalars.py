"""The scalars of the graph: identifiers as types. Knows their form, not where they come from."""

import re
from collections.abc import Callable
from datetime import date, datetime
from operator import methodcaller
from typing import NewType

import strawberry
from strawberry.types.scalar import ScalarDefinition

from gateway.domain.days import write_instant
from gateway.domain.official_numbers import normalise_code_insee, normalise_code_postal, normalise_siret, normalise_uai

UAI = NewType("UAI", str)
SIRET = NewType("SIRET", str)
CodeInsee = NewType("CodeInsee", str)
CodePostal = NewType("CodePostal", str)


isoformat = methodcaller("isoformat")
_RFC_3339 = "https://www.rfc-editor.org/rfc/rfc3339"
_INSTANT = r"\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(\.\d{1,6})?([Zz]|[+-]\d\d:\d\d)"


def _scalar(nom: str, description: str, normalise: Callable[[str], str | None], url: str) -> ScalarDefinition:
    """A code that callers may write in any way that partners may: one normal form for both."""

    def read(valeur: object) -> str:
        form = normalise(str(valeur))
        if form is None:
            raise ValueError(f"{nom} invalide")
        return form

    return strawberry.scalar(name=nom, description=description, specified_by_url=url, serialize=str, parse_value=read)


def _day(value: object) -> date:
    """A day as RFC 3339 writes it, and in no other way of ISO 8601."""
    if not isinstance(value, str) or not re.fullmatch(r"\d{4}-\d\d-\d\d", value, re.ASCII):
        raise ValueError("Date invalide")
    return date.fromisoformat(value)


def _instant(value: object) -> datetime:
    """An instant as RFC 3339 writes it, its offset told: without one, it would be another instant for each reader."""
    if not isinstance(value, str) or not re.fullmatch(_INSTANT, value, re.ASCII):
        raise ValueError("DateTime invalide")
    return datetime.fromisoformat(value.upper())


SCALARS: dict[object, ScalarDefinition] = {
    UAI: _scalar(
        "UAI",
        "Code d'un établissement : 7 chiffres et une lettre de contrôle.",
        normalise_uai,
        "https://www.education.gouv.fr/acce_public/",
    ),
    SIRET: _scalar(
        "SIRET",
        "Numéro SIRET : 14 chiffres, clé de Luhn (règle de La Poste admise).",
        normalise_siret,
        "https://www.insee.fr/fr/metadonnees/definition/c1841",
    ),
    CodeInsee: _scalar(
        "CodeInsee",
        "Code officiel géographique d'une commune (Insee).",
        normalise_code_insee,
        "https://www.insee.fr/fr/information/2560452",
    ),
    CodePostal: _scalar(
        "CodePostal",
        "Code postal : 5 chiffres.",
        normalise_code_postal,
        "https://datanova.laposte.fr/datasets/laposte-hexasmal",
    ),
    date: strawberry.scalar(
        name="Date",
        description="Jour, AAAA-MM-JJ (RFC 3339, full-date).",
        specified_by_url=_RFC_3339,
        serialize=isoformat,
        parse_value=_day,
    ),
    datetime: strawberry.scalar(
        name="DateTime",
        description="Instant en temps universel, à la seconde, AAAA-MM-JJThh:mm:ssZ (RFC 3339, date-time).",
        specified_by_url=_RFC_3339,
        serialize=write_instant,
        parse_value=_instant,
    ),
}
