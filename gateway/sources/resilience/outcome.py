"""What a failure says of a partner, in one place: whether it is in trouble, and whether asking again at once may help."""

from enum import Enum

from gateway.errors import SourceClosed, SourceDenied, SourceError, SourceSuspended, SourceTimedOut, SourceUnavailable


class Outcome(Enum):
    """How a reading ended, for a breaker."""

    SUCCESS = "reussite"  # it answered, were it to refuse
    FAILURE = "echec"  # 5xx, 429, unreachable
    TIMEOUT = "delai"


def outcome_of(error: SourceError) -> Outcome:
    """A partner that refuses, is closed or answers nonsense is alive: only what it cannot do is a failure."""
    if isinstance(error, SourceTimedOut):
        return Outcome.TIMEOUT
    return Outcome.FAILURE if is_transient(error) else Outcome.SUCCESS


def is_transient(error: SourceError) -> bool:
    """5xx, 429 or unreachable: it may be over in a moment."""
    lasting = (SourceClosed, SourceDenied, SourceSuspended)
    return isinstance(error, SourceUnavailable) and not isinstance(error, lasting)
