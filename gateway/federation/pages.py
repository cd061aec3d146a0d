"""Sort a list, and cut a page of it. Pure; a position is a sort key, so rows that come or go shift nothing."""

import hashlib
import json
from bisect import bisect_right
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from enum import Enum
from typing import Any, Generic, TypeVar

from gateway.errors import CurseurInvalide, RequeteInvalide
from gateway.federation.identifiants import Identifiants
from gateway.schema.connexions import PAGE_MAX
from gateway.schema.contexte import Page

T = TypeVar("T")

Cle = Callable[[T], list[Any]]


@dataclass(frozen=True, slots=True)
class Tranche(Generic[T]):
    """One page of a list, with the cursor of each element."""

    elements: list[tuple[str, T]]
    total: int
    avant: bool
    apres: bool


@dataclass(frozen=True, slots=True)
class Ordonnee(Generic[T]):
    """A list in order, with the key of each element."""

    cles: list[list[Any]]
    elements: list[T]


@dataclass(frozen=True, slots=True)
class Curseurs:
    """How the cursors of a page are written, and which: those of every element (`tous`), of the first and last (`bornes`).

    `lie_a` tells what they are bound to, when one is written or read.
    """

    identifiants: Identifiants
    lie_a: Callable[[], str]
    tous: bool = True
    bornes: bool = True


def ordonner(liste: Sequence[T], cle: Cle[T]) -> Ordonnee[T]:
    """Sort by a total order."""
    paires = sorted(((cle(element), element) for element in liste), key=lambda paire: paire[0])
    return Ordonnee([position for position, _ in paires], [element for _, element in paires])


def decouper(liste: Ordonnee[T], page: Page, curseurs: Curseurs) -> Tranche[T]:
    """Cut a page; a cursor that is not asked is empty. Raises CurseurInvalide, RequeteInvalide."""
    if not 0 <= page.first <= PAGE_MAX:
        raise RequeteInvalide(f"L'argument first va de 0 à {PAGE_MAX}.")
    debut = 0 if page.after is None else bisect_right(liste.cles, _position(page.after, curseurs))
    fin = min(debut + page.first, len(liste.cles))
    textes = _textes(liste.cles[debut:fin], curseurs)
    return Tranche(
        list(zip(textes, liste.elements[debut:fin], strict=True)), len(liste.cles), debut > 0, fin < len(liste.cles)
    )


def _textes(positions: list[list[Any]], curseurs: Curseurs) -> list[str]:
    """The cursors of a page."""
    if not positions or not (curseurs.tous or curseurs.bornes):
        return [""] * len(positions)
    lie_a, sceller = curseurs.lie_a(), curseurs.identifiants.sceller_curseur
    if curseurs.tous:
        return [sceller(position, lie_a) for position in positions]
    vides = [""] * len(positions)
    vides[0], vides[-1] = sceller(positions[0], lie_a), sceller(positions[-1], lie_a)
    return vides


def _position(curseur: str, curseurs: Curseurs) -> list[Any]:
    position = curseurs.identifiants.ouvrir_curseur(curseur, curseurs.lie_a())
    if position is None:
        raise CurseurInvalide("Curseur inconnu ici : reprendre la liste depuis le début, sans changer filtre ni ordre.")
    return position


def liaison(liste: str, filtre: Any, tri: Enum | None, perimetre: str) -> str:
    """What a cursor is bound to: the list, its filter, its order and the caller's perimeter."""
    contenu = [liste, asdict(filtre) if filtre else None, tri.value if tri else None, perimetre]
    return hashlib.sha256(json.dumps(contenu, default=str, sort_keys=True).encode()).hexdigest()
