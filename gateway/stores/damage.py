"""What of a store was found damaged and was not read whole since: told as long as it lasts, and no longer. Knows no SQL."""

from collections.abc import Callable

KEYS_MAX = 1000  # remembered: beyond, there is no need to count


class Damage:
    """The parts of a store that do not read, by a key of whoever reads them; `report` is told whether there is any."""

    def __init__(self, report: Callable[[bool], None]) -> None:
        self._keys: set[str] = set()
        self._report = report

    def __bool__(self) -> bool:
        return bool(self._keys)

    def found(self, key: str) -> None:
        if len(self._keys) < KEYS_MAX:
            self._keys.add(key)
        self._report(True)

    def sound(self, key: str) -> None:
        """This part was read, whole."""
        if key in self._keys:
            self._keys.discard(key)
            self._report(bool(self._keys))
