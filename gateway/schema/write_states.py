"""What follow-ups and requests tell of the writes behind them: state, answer, version. Knows no noun."""

from dataclasses import fields
from datetime import datetime
from enum import Enum
from hashlib import blake2b
from typing import Any

import strawberry

from gateway.auth.policy.rules import CategorieDonnee as C
from gateway.auth.policy.rules import libre, object_type
from gateway.slotted_types import with_slots

VERSION_BYTES = 8
# What a version does not depend on: what the delivery of a write changes with no new word of anybody.
_OWN = {"ecriture", "mission_locale", "kept_bytes", "historique", "version"}


@strawberry.enum(description="Motif d'une demande d'accompagnement conjoint.")
class MotifAccompagnement(Enum):
    MOBILITE = "MOBILITE"
    LOGEMENT = "LOGEMENT"
    SANTE = "SANTE"
    FINANCE = "FINANCE"
    ADMINISTRATIF = "ADMINISTRATIF"
    SOCIAL_FAMILIAL = "SOCIAL_FAMILIAL"
    REORIENTATION = "REORIENTATION"
    RECHERCHE_EMPLOI = "RECHERCHE_EMPLOI"
    AUTRE = "AUTRE"


@strawberry.enum(description="Où en est une écriture.")
class EtatEcriture(Enum):
    EN_ATTENTE = "EN_ATTENTE"
    TRANSMISE = "TRANSMISE"
    CONSERVEE = "CONSERVEE"
    REFUSEE = "REFUSEE"
    EN_ECHEC = "EN_ECHEC"
    ABANDONNEE = "ABANDONNEE"


@strawberry.enum(description="Réponse d'une Mission locale à une demande d'accompagnement conjoint.")
class ReponseAccompagnement(Enum):
    ACCEPTEE = "ACCEPTEE"
    REFUSEE = "REFUSEE"
    TERMINEE = "TERMINEE"


@with_slots
@object_type("Précision du CFA sur un motif de sa demande.", C.COLLABORATION)
class PrecisionDite:
    motif: MotifAccompagnement = strawberry.field(description="Motif précisé.")
    texte: str | None = libre("Précision.")


def version_of(told: Any) -> str:
    """What changes with anything that is told, and stays as a write reaches its partner and comes back by it."""
    values = [(one.name, _plain(getattr(told, one.name))) for one in fields(told) if one.name not in _OWN]
    return blake2b(repr(values).encode(), digest_size=VERSION_BYTES).hexdigest()


def _plain(value: Any) -> Any:
    """The value in words that do not change with the process."""
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, datetime):
        return int(value.timestamp())  # partners keep seconds
    if isinstance(value, list):
        return [_plain(one) for one in value]
    if hasattr(value, "__dataclass_fields__"):
        return [(one.name, _plain(getattr(value, one.name))) for one in fields(value)]
    return value
