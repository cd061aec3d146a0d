"""What is counted while an operation executes, for the quotas and the journal."""

from dataclasses import dataclass, field

from gateway.auth.policy.rules import CategorieDonnee
from gateway.federation.criteria import ToldList


@dataclass(slots=True)
class Tally:
    """What is counted while an operation executes, for the quotas and the journal.

    `shown`: the categories read of each person, by id; `found`: of those, the persons of an object that the caller names:
    that it exists is told, be nothing of it selected. `lookups`: searches of what the caller names. `told`: lists that tell
    something of persons beside their rows.
    """

    shown: dict[str, frozenset[CategorieDonnee]] = field(default_factory=dict)
    told: list[ToldList] = field(default_factory=list)
    found: dict[str, frozenset[CategorieDonnee]] = field(default_factory=dict)
    lookups: int = 0
    not_found: int = 0

    def clear(self) -> None:
        """Forget what a first execution counted."""
        # Emptied in place: resolvers of the second execution hold this very tally.
        self.shown.clear()
        self.found.clear()
        self.told.clear()
        self.lookups = self.not_found = 0
