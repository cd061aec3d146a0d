"""Filter, order and cut the lists of a view. Pure; a position is a sort key, so rows that come or go shift nothing."""

import hashlib
import json
from bisect import bisect_right
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from datetime import date, timedelta
from enum import Enum
from typing import Any, Generic, TypeVar

from gateway.domain.identity import normaliser_nom
from gateway.domain.statut import StatutApprenant
from gateway.errors import CurseurInvalide, RequeteInvalide
from gateway.federation.identifiants import Identifiants
from gateway.limits import PAGE_MAX
from gateway.schema.contexte import Page
from gateway.schema.filtres import FiltreContrats, FiltreJeunes, FiltreRuptures, TriJeunes, TriRuptures
from gateway.schema.nouns import Contrat, Jeune, MotifPriorite, Rupture

T = TypeVar("T")
FENETRE_JOURS = 180  # ANSWERS 10
NOM_MIN = 3

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


def _jour(jour: date | None) -> int:
    return jour.toordinal() if jour else 0


ORDRES_RUPTURES: dict[TriRuptures, Cle[Rupture]] = {
    TriRuptures.DATE_DESC: lambda rupture: [-_jour(rupture.date), rupture.id],
    TriRuptures.DATE_ASC: lambda rupture: [_jour(rupture.date), rupture.id],
    TriRuptures.PRIORITE: lambda rupture: [_urgence(rupture), -_jour(rupture.date), rupture.id],
}
_URGENCES = list(MotifPriorite)


def _urgence(rupture: Rupture) -> int:
    return min((_URGENCES.index(motif) for motif in rupture.motifs_priorite or []), default=len(_URGENCES))


ORDRES_JEUNES: dict[TriJeunes, Cle[Jeune]] = {
    TriJeunes.STATUT_RECENT: lambda jeune: [-_jour(jeune.statut.depuis if jeune.statut else None), jeune.id],
    TriJeunes.NOM_ASC: lambda jeune: [*_noms(jeune), jeune.id],
    TriJeunes.NOM_DESC: lambda jeune: [*([-ord(lettre) for lettre in nom] for nom in _noms(jeune)), jeune.id],
}


def _noms(jeune: Jeune) -> list[str]:
    """Name and first name, closed by a character below letters so that the reverse order is a total one too."""
    return [normaliser_nom(jeune.nom or "") + " ", normaliser_nom(jeune.prenom or "") + " "]


def ordre_contrats(contrat: Contrat) -> list[Any]:
    """Newest first."""
    return [-_jour(contrat.date_debut), contrat.id]


def filtrer_ruptures(ruptures: Sequence[Rupture], filtre: FiltreRuptures | None, jour: date) -> list[Rupture]:
    """Those that are listed: what is counted is what is shown, for one predicate decides of both."""
    f = filtre or FiltreRuptures()
    return [rupture for rupture in ruptures if est_listee(rupture, f, jour)]


def est_listee(rupture: Rupture, f: FiltreRuptures, jour: date) -> bool:
    """ANSWERS 10: without filter, a rupture of the last 180 days whose young person is RUPTURANT today."""
    jeune = rupture.jeune
    if rupture.date is None or jeune is None or jeune.statut is None:
        return False
    dans_la_fenetre = (f.depuis or jour - timedelta(days=FENETRE_JOURS)) <= rupture.date <= (f.jusqua or jour)
    statuts = [StatutApprenant.RUPTURANT] if f.statut is None else f.statut
    return dans_la_fenetre and jeune.statut.valeur in statuts and _convient(rupture, f) and _lieu_et_age(jeune, f)


def _convient(rupture: Rupture, f: FiltreRuptures) -> bool:
    cfa = rupture.contrat.cfa if rupture.contrat else None
    return (
        (f.etat is None or rupture.etat is f.etat)
        and (f.prioritaire is None or rupture.prioritaire is f.prioritaire)
        and (f.cfa is None or (cfa is not None and cfa.uai == f.cfa))
    )


def _lieu_et_age(jeune: Jeune, f: FiltreRuptures) -> bool:
    commune = jeune.commune
    return (
        (f.communes is None or (commune is not None and commune.code in f.communes))
        and (f.departements is None or (commune is not None and commune.departement.code in f.departements))
        and (f.age_max is None or (jeune.age is not None and jeune.age <= f.age_max))
        and (f.mineur is None or jeune.mineur is f.mineur)
    )


def filtrer_jeunes(jeunes: Sequence[Jeune], filtre: FiltreJeunes | None) -> list[Jeune]:
    """Raises RequeteInvalide for a name shorter than three letters."""
    f = filtre or FiltreJeunes()
    debut = normaliser_nom(f.nom) if f.nom is not None else None
    if debut is not None and len(debut) < NOM_MIN:
        raise RequeteInvalide(f"Le filtre nom demande {NOM_MIN} lettres au moins.")
    return [
        jeune
        for jeune in jeunes
        if f.statut is None or (jeune.statut is not None and jeune.statut.valeur in f.statut)
        if f.cfa is None or f.cfa in uais_de(jeune)
        if f.communes is None or (jeune.commune is not None and jeune.commune.code in f.communes)
        if debut is None or normaliser_nom(jeune.nom or "").startswith(debut)
    ]


def uais_de(jeune: Jeune) -> frozenset[str]:
    """The CFAs of a person's contracts and formations."""
    cfas = [contrat.cfa for contrat in jeune.contrats or []] + [f.cfa for f in jeune.formations or []]
    return frozenset(cfa.uai for cfa in cfas if cfa and cfa.uai)


def filtrer_contrats(contrats: Sequence[Contrat], filtre: FiltreContrats | None) -> list[Contrat]:
    f = filtre or FiltreContrats()
    return [
        contrat
        for contrat in contrats
        if f.debut_depuis is None or (contrat.date_debut is not None and contrat.date_debut >= f.debut_depuis)
        if f.debut_jusqua is None or (contrat.date_debut is not None and contrat.date_debut <= f.debut_jusqua)
        if f.cfa is None or (contrat.cfa is not None and contrat.cfa.uai == f.cfa)
        if f.rompus is None or (contrat.rupture is not None) is f.rompus
    ]
