"""Contracts told by several sources, folded into one each. Knows no viewer and no clock."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from gateway.federation.join.precedence import same_employeurs, same_numeros
from gateway.federation.join.records import SourcedRecord
from gateway.schema.nouns import Contrat, Employeur, Rupture

START_GAP_DAYS = 7  # same employer, starts this close: one contract (docs/domaine.md, Contrats)


@dataclass(slots=True)
class FoldedContrat:
    """The versions of one contract, best source first, each with who says it."""

    versions: list[tuple[SourcedRecord, Contrat]] = field(default_factory=list)

    @property
    def annule(self) -> bool:
        """A source that declares a contract void is believed: the others only failed to hear of it."""
        return any(version.annule for _, version in self.versions)

    @property
    def ruptures(self) -> list[tuple[SourcedRecord, Rupture]]:
        """The sources that tell a rupture, best first."""
        return [(who, version.rupture) for who, version in self.versions if version.rupture and version.rupture.date]

    def is_told_by(self, sourced_record: SourcedRecord) -> bool:
        return any(who.origin == sourced_record.origin for who, _ in self.versions)


def fold(sourced_records: Iterable[SourcedRecord]) -> list[FoldedContrat]:
    """Fold the contracts of one person. Two contracts of one installation stay two. Void ones are left out."""
    folded_contrats: list[FoldedContrat] = []
    for sourced_record in sourced_records:
        for contrat in sorted(sourced_record.jeune.contrats or [], key=_order):
            _rank(folded_contrats, sourced_record, contrat)
    return [folded for folded in folded_contrats if not folded.annule]


def _order(contrat: Contrat) -> tuple[str, ...]:
    """Whatever order the source lists them in."""
    siret = contrat.employeur.siret if contrat.employeur else None
    return str(contrat.date_debut), contrat.numero or "", str(contrat.date_fin), siret or ""


def _rank(folded_contrats: list[FoldedContrat], sourced_record: SourcedRecord, contrat: Contrat) -> None:
    """With the contract that it most looks like: the one of its number, else the one that starts the nearest."""
    candidates = [folded for folded in folded_contrats if not folded.is_told_by(sourced_record)]
    near_ones = [(gap, folded) for folded in candidates if (gap := _gap(contrat, folded)) is not None]
    if near_ones:
        _, hote = min(near_ones, key=lambda near: near[0])
    else:
        hote = FoldedContrat()
        folded_contrats.append(hote)
    hote.versions.append((sourced_record, contrat))


def _gap(contrat: Contrat, folded: FoldedContrat) -> int | None:
    """How far a contract is from the versions of another: -1 for one number, else days; None when they are two contracts.

    It must be like every version: one that tells no employer would else make one contract of those of two employers.
    """
    differences = [_gap_between(contrat, version) for _, version in folded.versions]
    if -1 in differences:
        return -1
    return None if None in differences else min(gap for gap in differences if gap is not None)


def _gap_between(un: Contrat, other: Contrat) -> int | None:
    if un.numero and other.numero:
        return -1 if same_numeros(un.numero, other.numero) else None
    if un.date_debut is None or other.date_debut is None:
        return None
    days = abs((un.date_debut - other.date_debut).days)
    compatibles = days <= START_GAP_DAYS and _compatible_employeurs(un.employeur, other.employeur)
    return days if compatibles else None


def _compatible_employeurs(un: Employeur | None, other: Employeur | None) -> bool:
    """Same legal unit, or one of the two sources does not say."""
    return un is None or other is None or same_employeurs(un, other)
