"""The words of a table: for each field of a noun, what reads its value. The name of the field implies its parser, so that a table
says only where things are. The one list of these words: the document is generated from it."""

import re
from collections.abc import Mapping
from datetime import date, datetime, timedelta
from functools import partial
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator

from gateway.connectors.date_forms import day_reader, instant_reader
from gateway.connectors.values import (
    Boolean,
    Cfd,
    CodeInseeValue,
    CodePostalValue,
    Courriel,
    Ine,
    Level,
    Listed,
    Naf,
    NumeroContrat,
    Required,
    Rncp,
    SexeValue,
    SirenValue,
    SiretValue,
    Telephone,
    Text,
    UaiValue,
    code,
    text,
)
from gateway.schema.nouns import SituationSuivi
from gateway.schema.write_states import MotifAccompagnement

_BETWEEN = re.compile(r"[;,|]")


class Day:
    """A day, in the partner's form."""


def parts_of(raw: Any) -> list[str]:
    """The words of a list that is told as one text."""
    return [part.strip() for part in _BETWEEN.split(text(raw))]


class FirstDay(Day):
    """A day without which nothing is known."""


class Instant:
    """An instant, in the partner's form."""


Situation = Annotated[SituationSuivi | None, BeforeValidator(lambda raw: code(SituationSuivi.__members__, text(raw)))]
Motif = Annotated[MotifAccompagnement, BeforeValidator(lambda raw: code(MotifAccompagnement.__members__, text(raw)))]
Motifs = Annotated[Listed[Motif], BeforeValidator(lambda raw: raw if isinstance(raw, list | None) else parts_of(raw))]

WORDS: Mapping[str, Mapping[str, Any]] = {
    "jeune": {
        "cle": Required,
        "nom": Required,
        "prenom": Required,
        "date_naissance": FirstDay,
        "autre_nom": Text,
        "sexe": SexeValue,
        "ine": Ine,
        "rqth": Boolean,
        "telephone": Telephone,
        "courriel": Courriel,
        "adresse.voie": Text,
        "adresse.complement": Text,
        "adresse.code_postal": CodePostalValue,
        "adresse.ville": Text,
        "adresse.insee": CodeInseeValue,
        "representant.nom": Text,
        "representant.courriel": Courriel,
        "representant.telephone": Telephone,
        "uai": UaiValue,
        "structure": Text,
        "modifie_le": Instant,
    },
    "formation": {
        "intitule": Text,
        "rncp": Rncp,
        "cfd": Cfd,
        "niveau": Level,
        "date_debut": Day,
        "date_fin": Day,
        "exclusion": Day,
        "uai": UaiValue,
    },
    "contrat": {
        "numero": NumeroContrat,
        "type": Text,
        "date_debut": FirstDay,
        "date_fin": Day,
        "employeur.siret": SiretValue,
        "employeur.siren": SirenValue,
        "employeur.denomination": Text,
        "employeur.naf": Naf,
        "employeur.idcc": Text,
        "rupture.date": Day,
        "rupture.cause": Text,
        "rupture.signalee_le": Day,
        "uai": UaiValue,
    },
    "suivi": {
        "situation": Situation,
        "situation_autre": Text,
        "date": Instant,
        "conseiller": Text,
        "commentaire": Text,
        "deja_connu": Boolean,
        "souhaite_rdv": Boolean,
    },
    "collaboration": {
        "demandee_le": Instant,
        "motifs": Motifs,
        "commentaire": Text,
        "cause_rupture": Text,
        "referent": Text,
        "uai": UaiValue,
    },
}
DAYS = (Day, FirstDay)
CLOSED: Mapping[Any, tuple[str, ...]] = {  # what may be said of a field of few values, which is what `codes` leads to
    Situation: tuple(SituationSuivi.__members__),
    Motifs: tuple(MotifAccompagnement.__members__),
    SexeValue: ("M", "F"),
    Boolean: ("true", "false"),
    Level: tuple("345678"),
}
REQUIRED = {"jeune": ("cle", "nom", "prenom", "date_naissance"), "contrat": ("date_debut",)}


def parser_of(word: Any, form: str, days: int = 0) -> Any:
    """The type that reads a field, for partners who write days in that form; `days`: what each is moved by."""
    if word in DAYS:
        told: Any = date if word is FirstDay else date | None
        day: Any = Annotated[told, BeforeValidator(day_reader(form))]
        return Annotated[day, AfterValidator(partial(_moved, days=days))] if days else day
    if word is Instant:
        return Annotated[datetime | None, BeforeValidator(instant_reader(form))]
    return word


def _moved(day: date | None, days: int) -> date | None:
    return day + timedelta(days=days) if day else None
