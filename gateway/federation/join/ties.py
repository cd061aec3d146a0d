"""Unties what nobody reads any more, so that its memory is given back at once. Knows nothing of rights.

A young person leads to its contracts, and these back to it: left as they are, they would wait for the cycle collector, which
stops the process for as long as it looks at everything kept, and is told to come as seldom as can be.
"""

from collections.abc import Iterable, Sequence
from typing import Any

from gateway.schema.nouns import Contrat, Jeune, Rupture


class Ties:
    """The links back of a merged person: taken away with the last who holds this object, be it of several views."""

    __slots__ = ("_contrats",)

    def __init__(self, contrats: Sequence[Contrat]) -> None:
        self._contrats = contrats

    def __del__(self) -> None:
        _untie_contrats(self._contrats)


def untie(copy: Any) -> None:
    """Take the links back from a masked copy, and from all that it leads to."""
    jeune = copy if isinstance(copy, Jeune) else copy.jeune
    own = [copy] if isinstance(copy, Contrat) else [copy.contrat] if isinstance(copy, Rupture) else []
    _untie_contrats([contrat for contrat in (*own, *((jeune and jeune.contrats) or ())) if contrat])
    _untie_ruptures([rupture for rupture in ((jeune and jeune.ruptures) or ()) if rupture])


def _untie_contrats(contrats: Iterable[Contrat]) -> None:
    for contrat in contrats:
        contrat.jeune = None
        _untie_ruptures([contrat.rupture] if contrat.rupture else [])


def _untie_ruptures(ruptures: Iterable[Rupture]) -> None:
    for rupture in ruptures:
        rupture.jeune = rupture.contrat = None
