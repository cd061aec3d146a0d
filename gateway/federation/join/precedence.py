"""Sources that tell one thing, and disagree: which of their contracts are one, and which value of a field is kept
(docs/domaine.md, "Contrats", "Conflits", "Rupture"). Knows no viewer and no clock.

`fold` makes one of the contracts of one person that several sources tell, and leaves out of each what its own source no longer
says. Fields are settled by one table. Every order is total over the records that tell a field and looks at nothing else:
neither the order of answers nor a third source changes who wins between two.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from enum import Enum
from operator import eq
from typing import Any

from gateway.connectors.base import legal_unit
from gateway.domain.official_numbers import normalise_code_postal, normalise_nom, numero_key
from gateway.domain.referentiel import normalise_ville
from gateway.federation.join.join_records import SourcedRecord
from gateway.federation.organisation_directory import Directory
from gateway.schema.nouns import Adresse, Collaboration, Contrat, Employeur, Representant, Rupture, Suivi
from gateway.schema.organisations import Cfa

START_GAP_DAYS = 7  # same employer, starts this close: one contract (docs/domaine.md, Contrats)
WITHDRAWN = frozenset({"ANNULE", "ANNULEE", "RUPTUREANNULEE", "RESILIATIONANNULEE"})  # a cause that undoes its rupture

SaidValue = tuple[SourcedRecord, Any]  # who says it, what is said
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


def said_values(holders: Iterable[tuple[SourcedRecord, Any]], champ: str) -> list[SaidValue]:
    """The records that tell a field, in the order they come in: best source first."""
    return [(who, value) for who, noun in holders if (value := getattr(noun, champ)) is not None]


def chosen(order: Preference, told: Sequence[SaidValue]) -> SaidValue | None:
    """The record that is kept, and its value, of records given best source first; None when none tells."""
    return _CHOICES[order](told) if told else None


def valeur(table: Mapping[str, FieldRule], champ: str, holders: Iterable[tuple[SourcedRecord, Any]]) -> Any:
    """The value kept of a field; None when no record tells it."""
    kept = chosen(table[champ].order, said_values(holders, champ))
    return kept[1] if kept else None


def suivi_of(records: Sequence[SourcedRecord], directory: Directory) -> Suivi | None:
    """The follow-up that is kept of these records, best first."""
    kept = chosen(JEUNE["suivi"].order, said_values([(who, who.jeune) for who in records], "suivi"))
    # A follow-up does not name its Mission locale: the system that tells it does.
    return replace(kept[1], mission_locale=directory.mission_locale(kept[0].tenant)) if kept else None


def collaboration_of(records: Sequence[SourcedRecord]) -> Collaboration | None:
    """The request for joint support that is kept of these records, best first."""
    asked: Collaboration | None = valeur(JEUNE, "collaboration", [(who, who.jeune) for who in records])
    return asked


def _effect(told: Sequence[SaidValue]) -> SaidValue:
    # Sources tell the last day worked or the first day off: of two days that follow, the rupture takes effect the second.
    next_day = told[0][1] + timedelta(days=1)
    return next((pair for pair in told if pair[1] == next_day), told[0])


_CHOICES: Mapping[Preference, Callable[[Sequence[SaidValue]], SaidValue]] = {
    Preference.SOURCE: lambda told: told[0],
    Preference.RECENT: lambda told: min(told, key=lambda pair: pair[0].recency),
    Preference.EFFECT: _effect,
    Preference.FIRST: lambda told: min(told, key=lambda pair: pair[1]),
}


@dataclass(slots=True)
class FoldedContrat:
    """The versions of one contract, best source first, each with who says it."""

    versions: list[tuple[SourcedRecord, Contrat]] = field(default_factory=list)

    @property
    def annule(self) -> bool:
        """True when a source declares the contract void: the others only failed to hear of it."""
        return any(version.annule for _, version in self.versions)

    @property
    def ruptures(self) -> list[tuple[SourcedRecord, Rupture]]:
        """The sources that tell a rupture, best first."""
        return [(who, version.rupture) for who, version in self.versions if version.rupture and version.rupture.date]

    def is_told_by(self, sourced_record: SourcedRecord) -> bool:
        return any(who.origin == sourced_record.origin for who, _ in self.versions)


def fold(sourced_records: Iterable[SourcedRecord]) -> list[FoldedContrat]:
    """Fold the contracts of one person. Two contracts of one installation stay two, unless they have one number of the registry.
    Void ones are left out."""
    folded_contrats: list[FoldedContrat] = []
    for sourced_record in sourced_records:
        for contrat in _distinct(sorted(sourced_record.jeune.contrats or [], key=_order)):
            _add(folded_contrats, sourced_record, contrat)
    # Last, not first: a void version must still be recognised as one of the contract that it voids.
    return [folded for folded in folded_contrats if not folded.annule]


def _order(contrat: Contrat) -> tuple[str, ...]:
    """A fixed order, whatever order the source lists them in."""
    siret = contrat.employeur.siret if contrat.employeur else None
    return str(contrat.date_debut), contrat.numero or "", str(contrat.date_fin), siret or ""


def _distinct(contrats: Iterable[Contrat]) -> list[Contrat]:
    """The contracts of one record, one for each number: an amendment typed as a contract is no second one."""
    found: dict[object, Contrat] = {}
    for contrat in contrats:
        key = numero_key(contrat.numero) if contrat.numero else id(contrat)
        found[key] = _completed(found[key], contrat) if key in found else contrat
    return list(found.values())


def _completed(first: Contrat, second: Contrat) -> Contrat:
    """One contract, told twice by one source: the latest end, the rupture of either, void when both are."""
    # One of the two may be an amendment that says a new end, or the row that was typed before the rupture.
    ends = [end for end in (believed_end(first), believed_end(second)) if end]
    told = {
        champ: getattr(first, champ) or getattr(second, champ) for champ in ("type", "employeur", "formation", "cfa")
    }
    broken = max((one.rupture for one in (first, second) if one.rupture), key=_day_of, default=None)
    void = first.annule and second.annule
    return replace(first, **told, date_fin=max(ends, default=None), rupture=broken, annule=void)


def _day_of(rupture: Rupture) -> date:
    return rupture.date or date.min


def believed_end(contrat: Contrat) -> date | None:
    """The planned end that a source tells; one that is not after the start is no end."""
    # An empty date of some systems (1900-01-01), or the start typed twice: taken for an end, it would hide any rupture.
    debut, fin = contrat.date_debut, contrat.date_fin
    return None if debut and fin and fin <= debut else fin


def _believed(contrat: Contrat) -> Contrat:
    """The contract without an end that is none, nor a rupture that its own source takes back."""
    # Only its own words undo what a source said: one that is silent may not have heard, and a hidden rupture helps nobody.
    withdrawn = contrat.rupture is not None and normalise_nom(contrat.rupture.cause or "") in WITHDRAWN
    return replace(contrat, date_fin=believed_end(contrat), rupture=None if withdrawn else contrat.rupture)


def _add(folded_contrats: list[FoldedContrat], sourced_record: SourcedRecord, contrat: Contrat) -> None:
    """To the contract that it most looks like: the one of its number, else the one that starts the nearest; else a new one."""
    # A source that tells two contracts knows that they are two, however alike they look.
    candidates = [folded for folded in folded_contrats if not folded.is_told_by(sourced_record)]
    near = [(gap, folded) for folded in candidates if (gap := _gap(contrat, folded)) is not None]
    _, host = min(near, key=lambda pair: pair[0], default=(0, None))
    if host is None:
        folded_contrats.append(host := FoldedContrat())
    host.versions.append((sourced_record, _believed(contrat)))


def _gap(contrat: Contrat, folded: FoldedContrat) -> int | None:
    """How far a contract is from the versions of another: -1 for one number, else days; None when they are two contracts."""
    gaps = [_gap_between(contrat, version) for _, version in folded.versions]
    if -1 in gaps:
        return -1
    # Like every version: one that tells no employer would else make one contract of those of two employers.
    return None if None in gaps else min(gap for gap in gaps if gap is not None)


def _gap_between(left: Contrat, right: Contrat) -> int | None:
    if left.numero and right.numero:
        return -1 if same_numeros(left.numero, right.numero) else None
    if left.date_debut is None or right.date_debut is None:
        return None
    days = abs((left.date_debut - right.date_debut).days)
    # A source that names no employer contradicts nobody.
    compatible = not left.employeur or not right.employeur or same_employeurs(left.employeur, right.employeur)
    return days if days <= START_GAP_DAYS and compatible else None


def latest_end(folded: FoldedContrat, contrat: Contrat) -> date | None:
    """The latest planned end that a source tells: one of them may not have heard that the contract was prolonged."""
    debut = contrat.date_debut or date.min
    return max((v.date_fin for _, v in folded.versions if v.date_fin and v.date_fin > debut), default=None)


def merged_rupture(folded: FoldedContrat, planned_end: date | None) -> Rupture | None:
    """The merged rupture; None for a contract that ends at its planned end or later (docs/domaine.md, Rupture)."""
    told = folded.ruptures
    day = valeur(RUPTURE, "date", told)
    if day is None or (planned_end and day >= planned_end):
        return None
    return Rupture(
        date=day, cause=valeur(RUPTURE, "cause", told), sources=list(dict.fromkeys(who.source for who, _ in told))
    )
