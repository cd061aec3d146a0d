"""Sources that disagree, settled field by field: one table (docs/domaine.md, "Conflits"). Knows no viewer and no clock.

Every order is total over the records that tell a field and looks at nothing else: neither the order of answers nor a third
source changes who wins between two.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from enum import Enum
from operator import eq
from typing import Any

from gateway.domain.identifiers import siren
from gateway.domain.identity import normalise_nom
from gateway.domain.territoire import normalise_ville
from gateway.federation.join.records import SourcedRecord
from gateway.schema.nouns import Adresse, Employeur, Representant, Rupture
from gateway.schema.organisations import Cfa

Told = tuple[SourcedRecord, Any]  # who says it, what is said
RUPTURE_GAP_DAYS = 1  # the last day worked and the first day off tell one rupture (docs/domaine.md, Rupture)


class Preference(Enum):
    """Whose word is kept, of the records that tell a field."""

    SOURCE = "source"  # ERP, registry, Mission locale; between two of one kind, the record written last
    RECENT = "récent"  # the record written last, whoever wrote it; after them, those that do not say when
    EFFECT = "effet"  # as SOURCE; but the day after it, when another record tells that one: the first day off
    FIRST = "premier"  # the earliest value
    PLACED = "située"  # the first that leads to a Mission locale (`SourcedRecord.home_rank`, merge.residence)


@dataclass(frozen=True, slots=True)
class FieldRule:
    """How a field is settled, and when two values of it say the same thing."""

    order: Preference = Preference.SOURCE
    same: Callable[[Any, Any], bool] = eq


def _if_told(un: Any, other: Any) -> bool:
    """What one of the two does not tell contradicts nothing."""
    return not un or not other or bool(un == other)


def same_noms(un: str, other: str) -> bool:
    return normalise_nom(un) == normalise_nom(other)


def same_numeros(un: str, other: str) -> bool:
    return un.casefold() == other.casefold()


def same_adresses(one: Adresse, other: Adresse) -> bool:
    """One commune, as far as both tell it: a street is written in too many ways."""
    if one.insee and other.insee:
        return one.insee == other.insee
    villes = normalise_ville(one.ville or ""), normalise_ville(other.ville or "")
    return _if_told(one.code_postal, other.code_postal) and _if_told(*villes)


def same_employeurs(un: Employeur, other: Employeur) -> bool:
    """One legal unit: two sources often know two of its establishments."""
    return _if_told(un.siret and siren(un.siret), other.siret and siren(other.siret))


def same_cfas(un: Cfa, other: Cfa) -> bool:
    return un.uai == other.uai if un.uai and other.uai else _if_told(un.siret, other.siret)


def same_representants(the_ones: Sequence[Representant], the_others: Sequence[Representant]) -> bool:
    return _representants(the_ones) == _representants(the_others)


def _representants(told_values: Iterable[Representant]) -> set[tuple[str, str | None, str | None]]:
    return {(normalise_nom(told.nom or ""), told.courriel, told.telephone) for told in told_values}


def same_days(un: date, other: date) -> bool:
    return abs((un - other).days) <= RUPTURE_GAP_DAYS


def same_ruptures(one: Rupture, other: Rupture) -> bool:
    return one.date is None or other.date is None or same_days(one.date, other.date)


# By attribute of the noun. Phones and e-mails are written one way by the connectors.
JEUNE: Mapping[str, FieldRule] = {
    "nom": FieldRule(same=same_noms),
    "prenom": FieldRule(same=same_noms),
    "date_naissance": FieldRule(),
    "sexe": FieldRule(),
    "ine": FieldRule(),
    "rqth": FieldRule(),
    "telephone": FieldRule(Preference.RECENT),
    "courriel": FieldRule(Preference.RECENT),
    "adresse": FieldRule(Preference.PLACED, same_adresses),
    "representants": FieldRule(same=same_representants),
    "suivi": FieldRule(),
    "collaboration": FieldRule(),
}
CONTRAT: Mapping[str, FieldRule] = {
    "numero": FieldRule(same=same_numeros),
    "type": FieldRule(),
    "date_debut": FieldRule(),
    "date_fin": FieldRule(),
    "employeur": FieldRule(same=same_employeurs),
    "cfa": FieldRule(same=same_cfas),
    "rupture": FieldRule(same=same_ruptures),
}
RUPTURE: Mapping[str, FieldRule] = {
    "date": FieldRule(Preference.EFFECT, same_days),
    "cause": FieldRule(same=same_noms),
    "signalee_le": FieldRule(Preference.FIRST),
}


def told_values(holders: Iterable[tuple[SourcedRecord, Any]], champ: str) -> list[Told]:
    """The records that tell a field, in the order they come in: best source first."""
    return [(who, value) for who, noun in holders if (value := getattr(noun, champ)) is not None]


def chosen(order: Preference, told_ones: Sequence[Told]) -> Told | None:
    """The word that is kept, of records given best source first; None when nobody tells."""
    return _CHOICES[order](told_ones) if told_ones else None


def valeur(table: Mapping[str, FieldRule], champ: str, holders: Iterable[tuple[SourcedRecord, Any]]) -> Any:
    """The value kept of a field; None when nobody tells it."""
    kept = chosen(table[champ].order, told_values(holders, champ))
    return kept[1] if kept else None


def _best(told_ones: Sequence[Told]) -> Told:
    return told_ones[0]


def _recent(told_ones: Sequence[Told]) -> Told:
    return min(told_ones, key=lambda told: told[0].recency)


def _effect(told_ones: Sequence[Told]) -> Told:
    next_day = told_ones[0][1] + timedelta(days=1)
    return next((told for told in told_ones if told[1] == next_day), told_ones[0])


def _lesser(told_ones: Sequence[Told]) -> Told:
    return min(told_ones, key=lambda told: told[1])


_CHOICES: Mapping[Preference, Callable[[Sequence[Told]], Told]] = {
    Preference.SOURCE: _best,
    Preference.RECENT: _recent,
    Preference.EFFECT: _effect,
    Preference.FIRST: _lesser,
}
