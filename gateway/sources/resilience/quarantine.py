"""Tenants that answer for others are no longer asked for a while (docs/security.md U10). Pure; reads no clock."""

ANSWERS = 3  # answers in a row that hold somebody else's records
DURATION = 900.0  # seconds; as long as what we keep may be served without being asked again


class Quarantine:
    """Counts, by tenant, the answers in a row that were not all its own."""

    def __init__(self) -> None:
        self._suspects: dict[str, int] = {}
        self._until: dict[str, float] = {}

    def note(self, key: str, foreign: int, instant: float) -> bool:
        """An answer was read; true when it puts its tenant in quarantine."""
        if not foreign:
            self._suspects.pop(key, None)
            return False
        self._suspects[key] = self._suspects.get(key, 0) + 1
        if self._suspects[key] < ANSWERS:
            return False
        self._until[key] = instant + DURATION
        return True

    def holds(self, key: str, instant: float) -> bool:
        """Whether a tenant is in quarantine. Out of it, one more answer that is not its own puts it back."""
        return instant < self._until.get(key, instant)

    def active(self, instant: float) -> bool:
        """Whether any tenant is."""
        return any(instant < jusqua for jusqua in self._until.values())
