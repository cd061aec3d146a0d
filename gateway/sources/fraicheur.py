"""What the age of a kept answer allows. Pure: ages are in seconds, the rules those of the partner's `[cache]` table."""

from enum import Enum

from gateway.sources.fichier import CacheFichier

REPOS = 2.0  # seconds an answer serves whatever is told of it since: a flood of events is not one of requests


class Usage(Enum):
    """What to do with a kept answer."""

    FRAICHE = "fraiche"  # serve it, ask nothing
    PERIMEE = "perimee"  # serve it, and ask again behind
    SECOURS = "secours"  # ask again; serve it if that fails


def usage(
    age: float,
    vide: bool,
    du_jour: bool,
    regles: CacheFichier,
    age_max: float | None = None,
    invalidee: bool = False,
) -> Usage:
    """`vide`: it holds no record; `du_jour`: it was read for today; `age_max`: what the caller asks for; `invalidee`: the
    partner told since that it changed.

    Who asks for fresher data waits for them, but no partner is asked twice for the same within `plancher_secondes`.
    """
    fraiche = min(regles.duree_secondes, regles.absence_secondes) if vide else regles.duree_secondes
    if age_max is not None:
        fraiche = min(fraiche, max(age_max, regles.plancher_secondes))
    if invalidee:
        fraiche = min(fraiche, REPOS)
    if age < fraiche and du_jour:
        return Usage.FRAICHE
    if age < regles.perime_secondes and not vide and not invalidee and age_max is None:
        return Usage.PERIMEE
    return Usage.SECOURS
