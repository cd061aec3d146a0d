"""The root fields by which events are read and received. Like every root they ask the context of their operation: what a
subscription answers is an event that the context already holds (docs/evenements.md)."""

from typing import Annotated, Any, Protocol

import strawberry

from gateway.auth.policy.rules import CategorieDonnee as C
from gateway.auth.policy.rules import argument, donnee
from gateway.schema.connections import DEFAULT_PAGE, PAGE_MAX
from gateway.schema.events import Evenement, EvenementConnection, FiltreEvenements
from gateway.schema.filters import FiltreRuptures
from gateway.schema.organisations import TypeSource


class EventPages(Protocol):
    """The events that an operation may show. `context` is that of the operation."""

    def page(
        self, context: Any, filtre: FiltreEvenements | None, depuis: str | None, first: int
    ) -> EvenementConnection | None: ...
    def evenement(self, context: Any, filtre: FiltreEvenements | None) -> Evenement | None: ...
    def of_rupture(self, context: Any, filtre: FiltreRuptures | None) -> Evenement | None: ...


class EventContext(Protocol):
    """What the context of an operation is to these fields."""

    def is_open(self, key: object) -> bool:
        """Whether the root field of that response key was granted."""
        ...

    @property
    def events(self) -> EventPages: ...


_FILTER = strawberry.argument(description="Ce que le fil garde ; sans filtre, tout ce que je peux lire.")
_INFO = strawberry.Info[EventContext, None]
_SINCE = "Place dans le fil, elle-même non comprise : l'`id` du dernier événement reçu."
Since = Annotated[strawberry.ID | None, argument(C.PUBLIQUE, f"{_SINCE} Sans elle, du plus ancien gardé.")]
SinceNow = Annotated[strawberry.ID | None, argument(C.PUBLIQUE, f"{_SINCE} Sans elle, à partir de maintenant.")]


def read_evenements(
    info: _INFO,
    *,
    filtre: Annotated[FiltreEvenements | None, _FILTER] = None,
    depuis: Since = None,
    first: Annotated[int, argument(C.PUBLIQUE, f"Nombre d'événements, de 0 à {PAGE_MAX}.")] = DEFAULT_PAGE,
) -> EvenementConnection | None:
    """A page of the log of the caller's perimeter."""
    context = info.context
    return context.events.page(context, filtre, depuis, first) if context.is_open(info.path.key) else None


EVENEMENTS = donnee(
    C.PARCOURS,
    "Ce que mon périmètre a de nouveau depuis sept jours, du plus ancien au plus récent.",
    read_evenements,
    told_by=TypeSource.MISSION_LOCALE,
)


# `depuis` is read before the first event: by what holds the stream.
def _evenements(
    info: _INFO, *, filtre: Annotated[FiltreEvenements | None, _FILTER] = None, depuis: SinceNow = None
) -> Evenement | None:
    context = info.context
    return context.events.evenement(context, filtre) if context.is_open(info.path.key) else None


def _ruptures(
    info: _INFO, *, filtre: Annotated[FiltreRuptures | None, _FILTER] = None, depuis: SinceNow = None
) -> Evenement | None:
    context = info.context
    return context.events.of_rupture(context, filtre) if context.is_open(info.path.key) else None


@strawberry.type(
    name="Subscription", description="Ce que la passerelle annonce dès qu'elle le sait, tant que la connexion dure."
)
class EventRoots:
    evenements: Evenement | None = donnee(
        C.PARCOURS, "Ce qui est nouveau dans mon périmètre.", _evenements, told_by=TypeSource.MISSION_LOCALE
    )
    ruptures: Evenement | None = donnee(
        C.RUPTURE,
        "Les ruptures nouvelles ou annulées de mon périmètre ; le filtre est celui de la liste.",
        _ruptures,
        told_by=TypeSource.MISSION_LOCALE,
    )
