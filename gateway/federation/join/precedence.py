"""Sources that disagree, settled field by field: one table (docs/domaine.md, "Conflits", "Rupture").

Every order is total over the records that tell a field and looks at nothing else: neither the order of answers nor a third
source changes who wins between two. How a rupture stands follows: new contract, treatment, priority. Knows no viewer, no clock.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import Enum
from operator import eq
from typing import Any

from gateway.connectors.base import legal_unit
from gateway.domain.days import paris_day
from gateway.domain.identifiers import normalise_code_postal, normalise_nom, numero_key
from gateway.domain.referentiel import normalise_ville
from gateway.domain.statut import StatutApprenant, StatutStep
from gateway.federation.join.link import SourcedRecord
from gateway.schema.nouns import (
    Adresse,
    Employeur,
    EtatTraitement,
    Jeune,
    MotifPriorite,
    Representant,
    Rupture,
    SituationSuivi,
    Suivi,
)
from gateway.schema.organisations import Cfa

PRIORITE_DAYS = 180  # docs/domaine.md, Rupture
EXITS = frozenset({StatutApprenant.APPRENTI, StatutApprenant.FIN_DE_FORMATION})

Told = tuple[SourcedRecord, Any]  # who says it, what is said
RUPTURE_GAP_DAYS = 1  # the last day worked and the first day off tell one rupture (docs/domaine.md, Rupture)


class Preference(Enum):
    """Which record is kept, of those that tell a field."""

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


def _if_told(left: Any, right: Any) -> bool:
    """True unless both are told and differ."""
    return not left or not right or bool(left == right)


def same_noms(left: str, right: str) -> bool:
    return normalise_nom(left) == normalise_nom(right)


def same_numeros(left: str, right: str) -> bool:
    return numero_key(left) == numero_key(right)


def same_adresses(left: Adresse, right: Adresse) -> bool:
    """One commune, as far as both tell it: a street is written in too many ways."""
    # An INSEE code names one commune, a postal code several.
    if left.insee and right.insee:
        return left.insee == right.insee
    villes = normalise_ville(left.ville or ""), normalise_ville(right.ville or "")
    codes = normalise_code_postal(left.code_postal), normalise_code_postal(right.code_postal)
    return _if_told(*codes) and _if_told(*villes)


def same_employeurs(left: Employeur, right: Employeur) -> bool:
    """One legal unit: two sources often know two of its establishments."""
    return _if_told(legal_unit(left), legal_unit(right))


def same_cfas(left: Cfa, right: Cfa) -> bool:
    return left.uai == right.uai if left.uai and right.uai else _if_told(left.siret, right.siret)


def same_representants(left: Sequence[Representant], right: Sequence[Representant]) -> bool:
    return _representants(left) == _representants(right)


def _representants(told: Iterable[Representant]) -> set[tuple[str, str | None, str | None]]:
    return {(normalise_nom(each.nom or ""), each.courriel, each.telephone) for each in told}


def same_days(left: date, right: date) -> bool:
    return abs((left - right).days) <= RUPTURE_GAP_DAYS


def same_ruptures(left: Rupture, right: Rupture) -> bool:
    return left.date is None or right.date is None or same_days(left.date, right.date)


# By attribute of the noun. Phones and e-mails are written one way by the connectors.
# A contact is whatever was told last: people change it, and the best source is not the first to hear of it.
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


def chosen(order: Preference, told: Sequence[Told]) -> Told | None:
    """The record that is kept, and its value, of records given best source first; None when none tells."""
    return _CHOICES[order](told) if told else None


def valeur(table: Mapping[str, FieldRule], champ: str, holders: Iterable[tuple[SourcedRecord, Any]]) -> Any:
    """The value kept of a field; None when no record tells it."""
    kept = chosen(table[champ].order, told_values(holders, champ))
    return kept[1] if kept else None


def _effect(told: Sequence[Told]) -> Told:
    # Sources tell the last day worked or the first day off: of two days that follow, the rupture takes effect the second.
    next_day = told[0][1] + timedelta(days=1)
    return next((pair for pair in told if pair[1] == next_day), told[0])


_CHOICES: Mapping[Preference, Callable[[Sequence[Told]], Told]] = {
    Preference.SOURCE: lambda told: told[0],
    Preference.RECENT: lambda told: min(told, key=lambda pair: pair[0].recency),
    Preference.EFFECT: _effect,
    Preference.FIRST: lambda told: min(told, key=lambda pair: pair[1]),
}


def nouveau_contrat(steps: Sequence[StatutStep], rupture: Rupture, day: date) -> bool:
    """True when the young person was an apprentice again some day from the rupture to `day`."""
    if rupture.date is None:
        return False
    # A step lasts until the next begins; the last one holds for ever.
    ends = [*(step.depuis for step in steps[1:]), date.max]
    return any(
        step.valeur is StatutApprenant.APPRENTI and step.depuis <= day and rupture.date < end
        for step, end in zip(steps, ends, strict=False)
    )


def etat_traitement(suivi: Suivi | None, rupture: Rupture) -> EtatTraitement:
    """No situation yet, called without answer, or handled. A situation noted before the rupture does not treat it."""
    if suivi is None or suivi.situation is None or _is_earlier(suivi, rupture):
        return EtatTraitement.A_TRAITER
    if suivi.situation is SituationSuivi.CONTACTE_SANS_RETOUR:
        return EtatTraitement.INJOIGNABLE
    return EtatTraitement.TRAITE


def _is_earlier(suivi: Suivi, rupture: Rupture) -> bool:
    """True when the present situation was noted before the day of the rupture; one without date is not said to be."""
    noted_at = situation_noted_at(suivi)
    return noted_at is not None and rupture.date is not None and paris_day(noted_at) < rupture.date


def situation_noted_at(suivi: Suivi) -> datetime | None:
    """When the present situation was noted; None where nothing dates it."""
    # A comment changed since moves the date of the dossier, not of the situation: the history tells when it was noted.
    noted = [step.date for step in suivi.historique or [] if step.situation is suivi.situation]
    return max(noted, default=suivi.date)


def motifs_priorite(jeune: Jeune, rupture: Rupture) -> list[MotifPriorite]:
    """The reasons of a priority, in the order of the priority list (docs/domaine.md, Rupture)."""
    motifs = []
    if jeune.collaboration and jeune.collaboration.demandee_le:
        motifs.append(MotifPriorite.ACCOMPAGNEMENT_CONJOINT)
    if jeune.suivi and jeune.suivi.souhaite_rdv:
        motifs.append(MotifPriorite.SOUHAITE_RDV)
    # Whoever has a contract again, or has finished, is called for no reason but one that somebody asked for.
    left = jeune.statut is not None and jeune.statut.valeur in EXITS
    if not left and (rupture.jours_depuis or 0) <= PRIORITE_DAYS:
        motifs += [MotifPriorite.RQTH] if jeune.rqth else []
        motifs += [MotifPriorite.MINEUR] if jeune.mineur else []
    return motifs
