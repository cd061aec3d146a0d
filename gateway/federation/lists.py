"""The three lists of the graph: what each holds of a view, filters, sorts, and is shown as. Pure; reaches no source."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any, Generic, TypeVar

from gateway.auth.rules import CategorieDonnee
from gateway.domain.identity import normaliser_nom
from gateway.domain.statut import StatutApprenant
from gateway.errors import RequeteInvalide
from gateway.federation.merge import uais_de
from gateway.federation.pages import Cle, Ordonnee, Tranche, ordonner
from gateway.federation.views import Personne, Shown, Vue
from gateway.federation.vitrine import Vitrine
from gateway.schema.connexions import (
    ContratConnection,
    ContratEdge,
    JeuneConnection,
    JeuneEdge,
    PageInfo,
    RuptureConnection,
    RuptureEdge,
)
from gateway.schema.filtres import FiltreContrats, FiltreJeunes, FiltreRuptures, TriJeunes, TriRuptures
from gateway.schema.nouns import Contrat, Jeune, MotifPriorite, Rupture

T = TypeVar("T", Jeune, Contrat, Rupture)
C = TypeVar("C", JeuneConnection, ContratConnection, RuptureConnection)
FENETRE_JOURS = 180  # days of ruptures listed when no window is asked
NOM_MIN = 3


@dataclass(frozen=True, slots=True)
class ListDefinition(Generic[T, C]):
    """What tells a list from the others. `person`: whose the element of that id is; `orders`: sort keys, by order asked."""

    name: str
    elements: Callable[[Vue], list[T]]
    person: Callable[[Vue, str], Personne]
    keep: Callable[[list[T], Any, date], list[T]]
    orders: Mapping[Any, Cle[T]]
    edge: Callable[..., Any]
    connection: Callable[..., C]


@dataclass(frozen=True, slots=True)
class ListQuery(Generic[T, C]):
    """A list as it is asked of a view, on a day."""

    definition: ListDefinition[T, C]
    filtre: Any
    tri: Any
    jour: date

    @property
    def key(self) -> tuple[str, ...]:
        """What tells its elements and their order, in one view."""
        return self.definition.name, repr(self.filtre), self.tri.value if self.tri else ""

    def sort(self, vue: Vue) -> Ordonnee[T]:
        """The elements kept, in order; sorted once as long as the view holds. Raises RequeteInvalide."""
        if self.key not in vue.listes:
            definition = self.definition
            kept = definition.keep(definition.elements(vue), self.filtre, self.jour)
            vue.listes[self.key] = ordonner(kept, definition.orders[self.tri])
        ordered: Ordonnee[T] = vue.listes[self.key]
        return ordered

    def show(self, vue: Vue, tranche: Tranche[T], copies: Vitrine, complet: bool) -> Shown:
        """The page as it leaves, over masked copies. Raises FuiteArretee."""
        definition, edges = self.definition, []
        read: dict[str, frozenset[CategorieDonnee]] = {}
        for cursor, element in tranche.elements:
            shown = copies.montrer(definition.person(vue, element.id), element)
            read |= shown.read
            edges.append(definition.edge(cursor=cursor, node=shown.value))
        page = definition.connection(
            edges=edges, page_info=_position(tranche), total_count=tranche.total, complet=complet
        )
        page.kept_bytes = {}
        return Shown(page, read)


def _position(tranche: Tranche[Any]) -> PageInfo:
    cursors = [cursor for cursor, _ in tranche.elements]
    return PageInfo(
        has_next_page=tranche.apres,
        has_previous_page=tranche.avant,
        start_cursor=cursors[0] if cursors else None,
        end_cursor=cursors[-1] if cursors else None,
    )


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


ORDRES_CONTRATS: dict[None, Cle[Contrat]] = {None: lambda contrat: [-_jour(contrat.date_debut), contrat.id]}


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


def filtrer_contrats(contrats: Sequence[Contrat], filtre: FiltreContrats | None) -> list[Contrat]:
    """Those that a filter names."""
    f = filtre or FiltreContrats()
    return [
        contrat
        for contrat in contrats
        if f.debut_depuis is None or (contrat.date_debut is not None and contrat.date_debut >= f.debut_depuis)
        if f.debut_jusqua is None or (contrat.date_debut is not None and contrat.date_debut <= f.debut_jusqua)
        if f.cfa is None or (contrat.cfa is not None and contrat.cfa.uai == f.cfa)
        if f.rompus is None or (contrat.rupture is not None) is f.rompus
    ]


JEUNES = ListDefinition(
    name="jeunes",
    elements=lambda vue: [personne.jeune for personne in vue.personnes.values()],
    person=lambda vue, cle: vue.personnes[cle],
    keep=lambda jeunes, filtre, _: filtrer_jeunes(jeunes, filtre),
    orders=ORDRES_JEUNES,
    edge=JeuneEdge,
    connection=JeuneConnection,
)
CONTRATS = ListDefinition(
    name="contrats",
    elements=lambda vue: [contrat for _, contrat in vue.contrats.values()],
    person=lambda vue, cle: vue.contrats[cle][0],
    keep=lambda contrats, filtre, _: filtrer_contrats(contrats, filtre),
    orders=ORDRES_CONTRATS,
    edge=ContratEdge,
    connection=ContratConnection,
)
RUPTURES = ListDefinition(
    name="ruptures",
    elements=lambda vue: [rupture for _, rupture in vue.ruptures.values()],
    person=lambda vue, cle: vue.ruptures[cle][0],
    keep=filtrer_ruptures,
    orders=ORDRES_RUPTURES,
    edge=RuptureEdge,
    connection=RuptureConnection,
)
