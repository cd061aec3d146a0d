"""Decides, before anything is fetched, what of an operation its caller may read (ANSWERS 12-15, SECURITY §4). Pure."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from graphql import (
    DocumentNode,
    FieldNode,
    GraphQLField,
    GraphQLObjectType,
    GraphQLSchema,
    OperationDefinitionNode,
    get_named_type,
    is_abstract_type,
    is_object_type,
)

from gateway.auth.arguments import criteres_du_champ
from gateway.auth.coordonnees import categorie, opening
from gateway.auth.motifs import critere_refuse
from gateway.auth.politique import SANS_FINALITE, Politique
from gateway.auth.rules import CategorieDonnee
from gateway.auth.selection import Ensembles, Selection
from gateway.auth.viewer import Viewer
from gateway.errors import ArgumentRefuse, RequeteInvalide, RequeteTropCouteuse

ETAPES_MAX = 20_000  # steps of one decision; the limits on cost and depth refuse long before
SANS_PERSONNE = SANS_FINALITE | {CategorieDonnee.TECHNIQUE}

Chemin = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Refus:
    """A refused coordinate: the topmost of its branch. `chemin`: response keys, list indexes left out."""

    chemin: Chemin
    coordonnee: str
    categorie: CategorieDonnee


@dataclass(frozen=True, slots=True)
class Decision:
    """What will be read of an operation, and what will not.

    `categories`: granted for the purpose. `coordonnees`: granted and used, governed or not, fields ("Jeune.telephone")
    and criteria ("FiltreRuptures.etat", "TriRuptures.PRIORITE"). `champs`: (response key, name) of the root fields, in
    the order of the answer. `racines`: response keys of those that run. `nuls`: (response path, coordinate) of the
    fields that answer null: refused, or holding nothing that is granted (ANSWERS 13). `nominative`: something of a
    person is read.
    """

    categories: frozenset[CategorieDonnee]
    coordonnees: frozenset[str]
    champs: tuple[tuple[str, str], ...]
    racines: frozenset[str]
    refus: tuple[Refus, ...]
    nuls: frozenset[tuple[Chemin, str]]
    nominative: bool

    def cles(self, noms: Collection[str]) -> list[str]:
        """Response keys of the root fields of these names."""
        return [cle for cle, nom in self.champs if nom in noms]


def decider(
    schema: GraphQLSchema,
    document: DocumentNode,
    operation: OperationDefinitionNode,
    variables: Mapping[str, Any],
    viewer: Viewer,
    politique: Politique,
) -> Decision:
    """The decision for a valid operation, linear in it.

    Raises ArgumentRefuse when a filter or a sort uses data of a category not granted: dropping it would widen the answer.
    """
    lecture = _Lecture(schema, Selection(schema, document, operation, variables), viewer, politique)
    racine = schema.get_root_type(operation.operation)
    if racine is None:
        raise RequeteInvalide("Ce type d'opération n'existe pas ici.")
    groupes = lecture.groupes(racine, (operation.selection_set,))
    branches = lecture.branches(racine, groupes)
    ensemble = _fusion(branches)
    return Decision(
        categories=lecture.lues,
        coordonnees=ensemble.coordonnees,
        champs=tuple((cle, noeuds[0].name.value) for cle, noeuds in groupes.items()),
        racines=frozenset(cle for cle, branche in branches.items() if not branche.nulle),
        refus=ensemble.refus,
        nuls=frozenset(ensemble.nuls),
        nominative=not ensemble.categories <= SANS_PERSONNE,
    )


@dataclass(frozen=True, slots=True)
class _Branche:
    """What a field or a set of fields comes to. Paths start at it; `accordee`: something governed in it is granted."""

    refus: tuple[Refus, ...] = ()
    nuls: tuple[tuple[Chemin, str], ...] = ()
    coordonnees: frozenset[str] = frozenset()
    categories: frozenset[CategorieDonnee] = frozenset()
    accordee: bool = False

    @property
    def nulle(self) -> bool:
        """The field itself answers null."""
        return any(chemin == () for chemin, _ in self.nuls)

    def sous(self, cle: str) -> "_Branche":
        """The same, seen from the selection that holds it under a response key."""
        if not self.refus and not self.nuls:
            return self
        refus = tuple(Refus((cle, *r.chemin), r.coordonnee, r.categorie) for r in self.refus)
        return replace(self, refus=refus, nuls=tuple(((cle, *chemin), nom) for chemin, nom in self.nuls))


class _Lecture:
    """One decision being made. Sub-selections are memoised by concrete type and selection sets."""

    def __init__(self, schema: GraphQLSchema, selection: Selection, viewer: Viewer, politique: Politique) -> None:
        self.lues = politique.categories(viewer.profil, viewer.finalite)
        self._filtrables = politique.partout(viewer.profil, viewer.finalite)
        self._schema = schema
        self._selection = selection
        self._viewer = viewer
        self._politique = politique
        self._memo: dict[tuple[str, tuple[int, ...]], _Branche] = {}
        self._etapes = 0

    def groupes(self, type_: GraphQLObjectType, ensembles: Ensembles) -> dict[str, list[FieldNode]]:
        """The fields of a selection by response key."""
        return self._selection.champs(type_, ensembles)

    def branches(self, type_: GraphQLObjectType, groupes: Mapping[str, list[FieldNode]]) -> dict[str, _Branche]:
        """What each response key of a selection comes to."""
        return {cle: self._champ(type_, noeuds) for cle, noeuds in groupes.items()}

    def _objet(self, type_: GraphQLObjectType, ensembles: Ensembles) -> _Branche:
        place = (type_.name, tuple(map(id, ensembles)))
        if place not in self._memo:
            self._memo[place] = _fusion(self.branches(type_, self.groupes(type_, ensembles)))
        return self._memo[place]

    def _champ(self, type_: GraphQLObjectType, noeuds: list[FieldNode]) -> _Branche:
        nom = noeuds[0].name.value
        if nom.startswith("__"):
            return _Branche(coordonnees=frozenset({f"{type_.name}.{nom}"}))
        champ, coordonnee = type_.fields[nom], f"{type_.name}.{nom}"
        propre = categorie(champ)
        if propre is not None and propre not in self.lues:
            return _refusee(coordonnee, propre)
        criteres = self._criteres(coordonnee, champ, noeuds[0])
        dessous = self._dessous(champ, noeuds)
        self._compter(1 + len(dessous.refus) + len(dessous.nuls))
        if dessous.refus and not dessous.accordee and propre is not None:
            return _Branche(refus=dessous.refus, nuls=(((), coordonnee),))
        return _Branche(
            dessous.refus,
            dessous.nuls,
            dessous.coordonnees | criteres | {coordonnee},
            dessous.categories | {propre} if propre else dessous.categories,
            accordee=dessous.accordee or propre is not None,
        )

    def _criteres(self, coordonnee: str, champ: GraphQLField, noeud: FieldNode) -> frozenset[str]:
        """The criteria a field uses; all must be readable on every record seen, else they would tell of the others."""
        criteres = list(criteres_du_champ(coordonnee, champ, noeud, self._selection))
        for critere in criteres:
            for refusee in sorted(critere.categories - self._filtrables, key=lambda c: c.value):
                raise ArgumentRefuse(critere_refuse(critere.chemin, refusee, self._viewer, self._politique))
        return frozenset(critere.coordonnee for critere in criteres)

    def _dessous(self, champ: GraphQLField, noeuds: list[FieldNode]) -> _Branche:
        ensembles = tuple(noeud.selection_set for noeud in noeuds if noeud.selection_set)
        type_ = get_named_type(champ.type)
        if is_object_type(type_):
            return self._objet(type_, ensembles)
        if is_abstract_type(type_):
            return self._abstrait(self._schema.get_possible_types(type_), ensembles)
        return _Branche()

    def _abstrait(self, possibles: list[GraphQLObjectType], ensembles: Ensembles) -> _Branche:
        """A key may be a field of several types: its path is null only if it is for each type that may be opened."""
        branches = {type_.name: self._noeud(type_, ensembles) for type_ in possibles}
        avis = [
            (self.groupes(type_, ensembles).keys(), {chemin for chemin, _ in branches[type_.name].nuls})
            for type_ in possibles
            if opening(type_) in self.lues
        ]
        reunie = _reunies(list(branches.values()))
        nuls = [nul for nul in reunie.nuls if all(nul[0] in chemins for cles, chemins in avis if nul[0][0] in cles)]
        return replace(reunie, nuls=tuple(nuls))

    def _noeud(self, type_: GraphQLObjectType, ensembles: Ensembles) -> _Branche:
        """The selection on one concrete type of an abstract one: opening it has its own rule."""
        ouverture = opening(type_)
        assert ouverture is not None  # noqa: S101 (the start is stopped otherwise)
        if ouverture in self.lues:
            branche = self._objet(type_, ensembles)
            propres = {f"{type_.name}.{nom}" for nom in ("id", "__typename")}
            public = ouverture is CategorieDonnee.PUBLIQUE and not branche.coordonnees <= propres
            return replace(branche, accordee=branche.accordee or public)
        noms = {cle: noeuds[0].name.value for cle, noeuds in self.groupes(type_, ensembles).items()}
        gouvernes = {cle: nom for cle, nom in noms.items() if nom in type_.fields and categorie(type_.fields[nom])}
        return _fusion({cle: _refusee(f"{type_.name}.{nom}", ouverture) for cle, nom in gouvernes.items()})

    def _compter(self, etapes: int) -> None:
        self._etapes += etapes
        if self._etapes > ETAPES_MAX:
            raise RequeteTropCouteuse("La requête est trop ramifiée.")


def _refusee(coordonnee: str, refusee: CategorieDonnee) -> _Branche:
    return _Branche(refus=(Refus((), coordonnee, refusee),), nuls=(((), coordonnee),))


def _fusion(branches: Mapping[str, _Branche]) -> _Branche:
    """The branches of one selection, paths starting at the selection."""
    return _reunies([branche.sous(cle) for cle, branche in branches.items()])


def _reunies(branches: Sequence[_Branche]) -> _Branche:
    return _Branche(
        refus=tuple({r.chemin: r for branche in reversed(branches) for r in reversed(branche.refus)}.values())[::-1],
        nuls=tuple(dict.fromkeys(nul for branche in branches for nul in branche.nuls)),
        coordonnees=frozenset().union(*(branche.coordonnees for branche in branches)),
        categories=frozenset().union(*(branche.categories for branche in branches)),
        accordee=any(branche.accordee for branche in branches),
    )
