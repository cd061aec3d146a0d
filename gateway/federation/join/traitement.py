"""How a rupture stands: new contract, treatment, priority (docs/domaine.md, "Rupture"). Pure; knows no viewer."""

from collections.abc import Sequence
from datetime import date

from gateway.domain.days import paris_day
from gateway.domain.statut import StatutApprenant, StatutStep
from gateway.schema.nouns import EtatTraitement, Jeune, MotifPriorite, Rupture, SituationSuivi, Suivi

PRIORITE_DAYS = 180  # docs/domaine.md, Rupture
EXITS = frozenset({StatutApprenant.APPRENTI, StatutApprenant.FIN_DE_FORMATION})


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
