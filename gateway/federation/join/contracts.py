"""Folds the contracts of one person, told by several sources, into one each, and what each source no longer says out of them
(docs/domaine.md, "Contrats"). Knows no viewer and no clock.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import date

from gateway.domain.identifiers import normalise_nom, numero_key
from gateway.federation.join.link import SourcedRecord
from gateway.federation.join.precedence import same_employeurs, same_numeros
from gateway.schema.nouns import Contrat, Rupture

START_GAP_DAYS = 7  # same employer, starts this close: one contract (docs/domaine.md, Contrats)
WITHDRAWN = frozenset({"ANNULE", "ANNULEE", "RUPTUREANNULEE", "RESILIATIONANNULEE"})  # a cause that undoes its rupture


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
