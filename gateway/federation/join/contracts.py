"""Folds the contracts of one person, told by several sources, into one each. Knows no viewer and no clock."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from gateway.federation.join.precedence import same_employeurs, same_numeros
from gateway.federation.join.records import SourcedRecord
from gateway.schema.nouns import Contrat, Rupture

START_GAP_DAYS = 7  # same employer, starts this close: one contract (docs/domaine.md, Contrats)


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
    """Fold the contracts of one person. Two contracts of one installation stay two. Void ones are left out."""
    folded_contrats: list[FoldedContrat] = []
    for sourced_record in sourced_records:
        for contrat in sorted(sourced_record.jeune.contrats or [], key=_order):
            _add(folded_contrats, sourced_record, contrat)
    # Last, not first: a void version must still be recognised as one of the contract that it voids.
    return [folded for folded in folded_contrats if not folded.annule]


def _order(contrat: Contrat) -> tuple[str, ...]:
    """A fixed order, whatever order the source lists them in."""
    siret = contrat.employeur.siret if contrat.employeur else None
    return str(contrat.date_debut), contrat.numero or "", str(contrat.date_fin), siret or ""


def _add(folded_contrats: list[FoldedContrat], sourced_record: SourcedRecord, contrat: Contrat) -> None:
    """To the contract that it most looks like: the one of its number, else the one that starts the nearest; else a new one."""
    # A source that tells two contracts knows that they are two, however alike they look.
    candidates = [folded for folded in folded_contrats if not folded.is_told_by(sourced_record)]
    near = [(gap, folded) for folded in candidates if (gap := _gap(contrat, folded)) is not None]
    if near:
        _, host = min(near, key=lambda pair: pair[0])
    else:
        host = FoldedContrat()
        folded_contrats.append(host)
    host.versions.append((sourced_record, contrat))


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
