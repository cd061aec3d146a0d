"""Tenants that answer for others are no longer asked for a while (SECURITY U10). Pure; reads no clock."""

REPONSES = 3  # answers in a row that hold somebody else's records
DUREE = 900.0  # seconds; as long as what we keep may be served without being asked again


class Quarantaine:
    """Counts, by tenant, the answers in a row that were not all its own."""

    def __init__(self) -> None:
        self._suspectes: dict[str, int] = {}
        self._jusqua: dict[str, float] = {}

    def noter(self, cle: str, etrangers: int, instant: float) -> bool:
        """An answer was read; true when it puts its tenant in quarantine."""
        if not etrangers:
            self._suspectes.pop(cle, None)
            return False
        self._suspectes[cle] = self._suspectes.get(cle, 0) + 1
        if self._suspectes[cle] < REPONSES:
            return False
        self._jusqua[cle] = instant + DUREE
        return True

    def tient(self, cle: str, instant: float) -> bool:
        """Whether a tenant is in quarantine. Out of it, one more answer that is not its own puts it back."""
        return instant < self._jusqua.get(cle, instant)

    def active(self, instant: float) -> bool:
        """Whether any tenant is."""
        return any(instant < jusqua for jusqua in self._jusqua.values())
