"""What a failure says of a partner, in one place: whether it is in trouble, and whether asking again at once may help."""

from enum import Enum

from gateway.errors import (
    ErreurSource,
    SourceDelaiDepasse,
    SourceFermee,
    SourceIndisponible,
    SourceRefusee,
    SourceSuspendue,
)


class Issue(Enum):
    """How a reading ended, for a breaker."""

    REUSSITE = "reussite"  # it answered, were it to refuse
    ECHEC = "echec"  # 5xx, 429, unreachable
    DELAI = "delai"


def issue_de(erreur: ErreurSource) -> Issue:
    """A partner that refuses, is closed or answers nonsense is alive: only what it cannot do is a failure."""
    if isinstance(erreur, SourceDelaiDepasse):
        return Issue.DELAI
    return Issue.ECHEC if passagere(erreur) else Issue.REUSSITE


def passagere(erreur: ErreurSource) -> bool:
    """5xx, 429 or unreachable: it may be over in a moment."""
    durables = (SourceFermee, SourceRefusee, SourceSuspendue)
    return isinstance(erreur, SourceIndisponible) and not isinstance(erreur, durables)
