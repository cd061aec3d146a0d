"""Folds the contracts of one person, told by several sources, into one each, and tells how a rupture stands: new contract,
treatment, priority (docs/domaine.md, "Rupture"). Knows no viewer and no clock.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date

from gateway.domain.days import paris_day
from gateway.domain.statut import StatutApprenant, StatutStep
from gateway.federation.join.link import SourcedRecord
from gateway.federation.join.precedence import same_employeurs, same_numeros
from gateway.schema.nouns import Contrat, EtatTraitement, Jeune, MotifPriorite, Rupture, SituationSuivi, Suivi

START_GAP_DAYS = 7  # same employer, starts this close: one contract (docs/domaine.md, Contrats)
PRIORITE_DAYS = 180  # docs/domaine.md, Rupture
EXITS = frozenset({StatutApprenant.APPRENTI, StatutApprenant.FIN_DE_FORMATION})


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
    _, host = min(near, key=lambda pair: pair[0], default=(0, None))
    if host is None:
        folded_contrats.append(host := FoldedContrat())
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
    # A comment changed since moves the date of the dossier, not of the situation: the history tells when it was noted.
    noted = [step.date for step in suivi.historique or [] if step.situation is suivi.situation]
    noted_at = max(noted, default=suivi.date)
    return noted_at is not None and rupture.date is not None and paris_day(noted_at) < rupture.date


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
