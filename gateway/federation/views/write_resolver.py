"""What an operation shows of writes: the outcome of its own, and the list of its organisation's. Knows no store."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, Protocol, TypeVar

from gateway.auth.authorization.decide import Decision
from gateway.errors import InvalidCursor
from gateway.federation.views.view import View, ViewPerson
from gateway.schema.connections import PageInfo
from gateway.schema.nouns import Contrat, Jeune, Rupture
from gateway.schema.writes import (
    Ecriture,
    EcritureConnection,
    EcritureEdge,
    ErreurEcriture,
    FiltreEcritures,
    ResultatSuivi,
)

R = TypeVar("R", bound=ResultatSuivi)
T = TypeVar("T", Jeune, Contrat, Rupture)


class Showing(Protocol):
    """What shows a person of a view."""

    @property
    def decision(self) -> Decision: ...
    @property
    def view(self) -> View: ...
    def show(self, person: ViewPerson, object_: T) -> T:
        """The copy of it that leaves."""
        ...


@dataclass(frozen=True, slots=True)
class WriteOutcome:
    """What became of a mutation: the write, or what its author can correct; and whom it is about, where that is known."""

    errors: list[ErreurEcriture] = field(default_factory=list)
    ecriture: Ecriture | None = None
    jeune: str | None = None
    contrat: str | None = None


@dataclass(frozen=True, slots=True)
class WriteResolver:
    """Of one operation. `listed`: the writes of the caller's organisation, in order, where they are asked; `base`: the view whose
    persons the one that is shown shares, held as long as it is."""

    outcome: WriteOutcome = field(default_factory=WriteOutcome)
    listed: tuple[Ecriture, ...] = ()
    base: View | None = None

    def outcome_as(self, class_: type[R], showing: Showing) -> R:
        """What the mutation answers; of a person, only what is asked and may be read."""
        told, asked, view = self.outcome, showing.decision.coordinates, showing.view
        # Nobody is shown, counted nor written as read who is not asked: what is shown of a person goes through `show`.
        shown: dict[str, Any] = {"ecriture": told.ecriture, "erreurs": told.errors}
        person = view.persons.get(told.jeune) if told.jeune else None
        if person and f"{class_.__name__}.jeune" in asked:
            shown["jeune"] = showing.show(person, person.jeune)
        # A rupture that is withdrawn, or told by a partner since, is shown as it stands now.
        broken = view.contrats.get(told.contrat) if told.contrat else None
        if broken and broken[1].rupture and f"{class_.__name__}.rupture" in asked:
            shown["rupture"] = showing.show(broken[0], broken[1].rupture)
        return class_(**shown)

    def page(self, filtre: FiltreEcritures | None, first: int, after: str | None) -> EcritureConnection:
        """A page of the list. Raises InvalidCursor."""
        # A thousand at most, read before: no position in the store is told, and a cursor is the id of a write.
        kept = list(_kept(self.listed, filtre))
        start = _behind(kept, after)
        nodes = kept[start : start + first]
        edges = [EcritureEdge(cursor=str(node.id), node=node) for node in nodes]
        info = PageInfo(
            has_next_page=start + first < len(kept),
            has_previous_page=start > 0,
            start_cursor=edges[0].cursor if edges else None,
            end_cursor=edges[-1].cursor if edges else None,
        )
        return EcritureConnection(edges=edges, nodes=nodes, page_info=info, total_count=len(kept))

    def one(self, identifier: str) -> Ecriture | None:
        """A write of the list by its id."""
        return next((write for write in self.listed if write.id == identifier), None)


def _kept(writes: Iterable[Ecriture], filtre: FiltreEcritures | None) -> Iterable[Ecriture]:
    states, acts = (filtre.etat, filtre.acte) if filtre else (None, None)
    return (one for one in writes if (states is None or one.etat in states) and (acts is None or one.acte in acts))


def _behind(writes: list[Ecriture], after: str | None) -> int:
    if after is None:
        return 0
    # One that is no longer in the list tells nothing of where it stood.
    for rank, one in enumerate(writes):
        if one.id == after:
            return rank + 1
    raise InvalidCursor("Ce curseur n'est pas, ou plus, de cette liste.")
