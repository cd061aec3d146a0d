"""The words of a table: for each field of a noun, what reads its value. The name of the field implies its parser, so that a table
says only where things are. The one list of these words: the document is generated from it."""

from collections.abc import Mapping
from datetime import date, datetime
from typing import Annotated, Any

from pydantic import BeforeValidator

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


class Day:
    """A day, in the partner's form."""


class FirstDay(Day):
    """A day without which nothing is known."""


class Instant:
    """An instant, in the partner's form."""


Situation = Annotated[SituationSuivi | None, BeforeValidator(lambda raw: code(SituationSuivi.__members__, text(raw)))]
Motif = Annotated[MotifAccompagnement, BeforeValidator(lambda raw: code(MotifAccompagnement.__members__, text(raw)))]
Motifs = Annotated[Listed[Motif], BeforeValidator(lambda raw: raw if isinstance(raw, list | None) else (raw,))]

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
REQUIRED = {"jeune": ("cle", "nom", "prenom", "date_naissance"), "contrat": ("date_debut",)}


def parser_of(word: Any, form: str) -> Any:
    """The type that reads a field, for partners who write days in that form."""
    if word is FirstDay:
        return Annotated[date, BeforeValidator(day_reader(form))]
    if word is Day:
        return Annotated[date | None, BeforeValidator(day_reader(form))]
    if word is Instant:
        return Annotated[datetime | None, BeforeValidator(instant_reader(form))]
    return word
