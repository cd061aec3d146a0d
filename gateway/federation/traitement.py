"""How a rupture stands: new contract, treatment, priority (docs/domaine.md, "Rupture"). Pure; knows no viewer."""

from collections.abc import Sequence
from datetime import date, datetime

from gateway.domain.statut import Etape, StatutApprenant
from gateway.domain.temps import jour_paris
from gateway.schema.nouns import EtatTraitement, Jeune, MotifPriorite, Rupture, SituationSuivi, Suivi

PRIORITE_JOURS = 180  # ANSWERS 10
SORTIES = frozenset({StatutApprenant.APPRENTI, StatutApprenant.FIN_DE_FORMATION})


def nouveau_contrat(etapes: Sequence[Etape], rupture: Rupture, jour: date) -> bool:
    """Whether the young person was an apprentice again some day from the rupture to today."""
    fins = [suivante.depuis for suivante in etapes[1:]] + [date.max]
    return any(
        etape.valeur is StatutApprenant.APPRENTI
        and etape.depuis <= jour
        and rupture.date is not None
        and rupture.date < fin
        for etape, fin in zip(etapes, fins, strict=False)
    )


def etat_traitement(suivi: Suivi | None, rupture: Rupture) -> EtatTraitement:
    """DOMAIN §4.3: no situation yet, called without answer, or handled. One noted before the rupture does not treat it."""
    if suivi is None or suivi.situation is None or _anterieure(suivi, rupture):
        return EtatTraitement.A_TRAITER
    if suivi.situation is SituationSuivi.CONTACTE_SANS_RETOUR:
        return EtatTraitement.INJOIGNABLE
    return EtatTraitement.TRAITE


def _anterieure(suivi: Suivi, rupture: Rupture) -> bool:
    """A situation without date is not said to come before."""
    notee_le = _notee_le(suivi)
    return notee_le is not None and rupture.date is not None and jour_paris(notee_le) < rupture.date


def _notee_le(suivi: Suivi) -> datetime | None:
    """When the present situation was noted: a comment changed since moves the date of the dossier, not of the situation."""
    etapes = [etape.date for etape in suivi.historique or [] if etape.situation is suivi.situation]
    return max(etapes, default=suivi.date)


def motifs_priorite(jeune: Jeune, rupture: Rupture) -> list[MotifPriorite]:
    """Reasons of ANSWERS 10, in the order of the priority list (DOMAIN §4.3)."""
    motifs = []
    if jeune.collaboration and jeune.collaboration.demandee_le:
        motifs.append(MotifPriorite.ACCOMPAGNEMENT_CONJOINT)
    if jeune.suivi and jeune.suivi.souhaite_rdv:
        motifs.append(MotifPriorite.SOUHAITE_RDV)
    sorti = jeune.statut is not None and jeune.statut.valeur in SORTIES
    if not sorti and (rupture.jours_depuis or 0) <= PRIORITE_JOURS:
        motifs += [MotifPriorite.RQTH] if jeune.rqth else []
        motifs += [MotifPriorite.MINEUR] if jeune.mineur else []
    return motifs
