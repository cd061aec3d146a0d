"""The figures of an operation, made before it is executed: what each root field shows, and what of it is for the journal."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from gateway.errors import GatewayError
from gateway.schema.statistics import Statistiques


@dataclass(frozen=True, slots=True)
class ToldFigure:
    """What a root field shows. `persons`: by id, those whom counts of few tell of; `mark`: stands for that, within one view;
    `published`: what was asked of a snapshot, and its number, where nobody was read."""

    shown: Statistiques | GatewayError | None
    persons: frozenset[str] = frozenset()
    mark: int = 0
    published: Mapping[str, Any] | None = None


@dataclass(slots=True)
class ToldFigures:
    """By response key. `walked`: units of cost of what had to be counted."""

    by_key: dict[object, ToldFigure] = field(default_factory=dict)
    walked: int = 0

    @property
    def marks(self) -> list[int]:
        """What stands for the counts of few, once they are written."""
        # 0: nothing to remember, whether nobody is told of or it is written already.
        return [told.mark for told in self.by_key.values() if told.mark]

    def show(self, key: object) -> Statistiques | None:
        """The figures of a root field. Raises what kept them from being made."""
        # Absent where the field is not granted: nothing was counted for it.
        told = self.by_key.get(key)
        if told is None:
            return None
        if isinstance(told.shown, GatewayError):
            raise told.shown
        return told.shown
