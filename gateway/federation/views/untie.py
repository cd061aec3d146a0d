"""Unties what a view held once nobody reads it any more, so that its memory is given back at once. Knows nothing of rights.

A young person leads to its contracts, and these back to it: left as they are, they would wait for the cycle collector, which
stops the process for as long as it looks at everything kept, and is told to come as seldom as can be.
"""

import weakref
from collections.abc import Iterable
from threading import Thread
from typing import Any

from gateway.federation.join.merge import MergedPerson
from gateway.federation.views.view import ShownCopies, View, ViewPerson
from gateway.schema.nouns import Contrat, Jeune, Rupture


def untie_once_left(view: View) -> None:
    """Have it done, beside the loop, when the last who reads the view is gone: nothing of it is shown any more."""
    finalizer = weakref.finalize(view, _start, vars(view))
    # A process that ends gives everything back at once.
    finalizer.atexit = False


def _start(held: dict[str, Any]) -> None:
    Thread(target=_untie_all, args=(held,), name="vue-quittee", daemon=True).start()


def _untie_all(held: dict[str, Any]) -> None:
    # One at a time: freed together, they would hold the interpreter all the while.
    persons: dict[str, ViewPerson] = held["persons"]
    kept_copies: dict[object, ShownCopies] = held["kept_copies"]
    for shown_copies in kept_copies.values():
        shown_copies.pages.clear()
        while shown_copies.copies:
            untie(shown_copies.copies.popitem()[1].value)
    # Lists and indexes lead to the persons, who are untied last.
    for name in held.keys() - {"persons"}:
        del held[name]
    while persons:
        untie_merged(persons.popitem()[1].merged)


def untie_merged(merged: MergedPerson) -> None:
    """Take the links back from a person of whom nothing is shown."""
    _untie_contrats(merged.contrats)


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
