"""The figures of an operation, made before it is executed: what each root field shows, and what of it is for the journal."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from gateway.errors import GatewayError
from gateway.schema.statistics import Statistiques


@dataclass(frozen=True, slots=True)
class ShownFigure:
    """What a root field shows. `persons`: by id, those whom counts of few tell of; `mark`: stands for that, within one view,
    and 0 for nothing to remember; `published`: what was asked of a snapshot, and its number, where nobody was read."""

    shown: Statistiques | GatewayError | None
    persons: frozenset[str] = frozenset()
    mark: int = 0
    published: Mapping[str, Any] | None = None


@dataclass(slots=True)
class FigureResolver:
    """By response key. `walked`: units of cost of what had to be counted."""

    by_key: dict[object, ShownFigure] = field(default_factory=dict)
    walked: int = 0

    def show(self, key: object) -> Statistiques | None:
        """The figures of a root field. Raises what kept them from being made."""
        # Absent where the field is not granted: nothing was counted for it.
        told = self.by_key.get(key)
        if told is None:
            return None
        if isinstance(told.shown, GatewayError):
            raise told.shown
        return told.shown
