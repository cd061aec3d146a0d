"""Executes operations: by their plan once it is written, by graphql-core until then and whenever the plan does not do."""

import hashlib
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Protocol

from cachetools import LRUCache
from graphql import (
    DirectiveNode,
    DocumentNode,
    ExecutionResult,
    GraphQLError,
    GraphQLSchema,
    Undefined,
    VariableNode,
    VariableValues,
    Visitor,
    execute_sync,
    visit,
)

from gateway.auth.decide import Decision
from gateway.auth.sentinelle import LIBRE, Interdits
from gateway.documents import Document
from gateway.errors import ErreurPasserelle
from gateway.execution.ecriture import NonCouvert
from gateway.execution.lecture import Chemin
from gateway.execution.plans import Plan, planifier
from gateway.reponses import annuler

journal = logging.getLogger("gateway.execution.executeur")
DOCUMENTS_MAX = 1000  # followed, those last seen
PLANS_MAX = 16  # of one document: by fields refused and values of @skip and @include

Cle = tuple[frozenset[tuple[Chemin, str]], tuple[Any, ...]]  # what is null by decision, values of the conditions


class Voie(StrEnum):
    """How an operation was executed, as the metric `passerelle_executions` counts it."""

    PLAN = "plan"
    PREMIERE_VUE = "premiere_vue"  # first sight: not worth a plan yet
    REPLI = "repli"  # not covered: graphql-core, by itself
    REPRISE = "reprise"  # the plan met what it was not written for: graphql-core, from the start


class Contexte(Protocol):
    """What resolvers ask, and what was decided of the operation."""

    @property
    def decision(self) -> Decision: ...
    @property
    def figes(self) -> bool:
        """Whether what is shown of an object is the same as long as the object is."""
        ...


@dataclass(slots=True)
class _Suivi:
    """What is known of a document: its tree (kept, so that its id stays its own) and its plans. None: seen once."""

    arbre: DocumentNode
    conditions: tuple[str, ...]  # variables of @skip and @include
    plans: LRUCache[Cle, Plan | NonCouvert | None] = field(default_factory=lambda: LRUCache(PLANS_MAX))
    dites: set[Voie] = field(default_factory=set)  # what was logged of it


class Executeur:
    """The plans of a schema, for as many documents as are kept. `compter` is told the way of each execution."""

    def __init__(self, schema: GraphQLSchema, compter: Callable[[Voie], None]) -> None:
        self._schema = schema
        self._compter = compter
        self._suivis: LRUCache[tuple[int, int], _Suivi] = LRUCache(DOCUMENTS_MAX)

    def executer(
        self, document: Document, variables: VariableValues, contexte: Contexte, interdits: Interdits = LIBRE
    ) -> ExecutionResult:
        """Data, with null where the decision says so, and errors.

        What is already encoded in the data was held to `interdits`; the rest is not.
        """
        suivi = self._suivi(document)
        cle = (contexte.decision.nuls, tuple(variables.coerced.get(nom) for nom in suivi.conditions))
        plan = self._plan(suivi, document, cle, variables)
        if isinstance(plan, Voie):
            return self._reference(document, variables, contexte, plan)
        try:
            resultat = plan.executer(contexte, variables, interdits)
        except Exception as erreur:
            self._dire(suivi, Voie.REPRISE, erreur)
            return self._reference(document, variables, contexte, Voie.REPRISE)
        self._compter(Voie.PLAN)
        return resultat

    def _suivi(self, document: Document) -> _Suivi:
        place = (id(document.arbre), id(document.operation))
        if place not in self._suivis:
            self._suivis[place] = _Suivi(document.arbre, tuple(sorted(_conditions(document.arbre))))
        return self._suivis[place]

    def _plan(self, suivi: _Suivi, document: Document, cle: Cle, variables: VariableValues) -> Plan | Voie:
        if cle not in suivi.plans:
            suivi.plans[cle] = None
            return Voie.PREMIERE_VUE
        if suivi.plans[cle] is None:
            try:
                suivi.plans[cle] = planifier(
                    self._schema, document, frozenset(chemin for chemin, _ in cle[0]), variables.coerced
                )
            except NonCouvert as raison:
                suivi.plans[cle] = raison
                self._dire(suivi, Voie.REPLI, raison)
        plan = suivi.plans[cle]
        return plan if isinstance(plan, Plan) else Voie.REPLI

    def _reference(
        self, document: Document, variables: VariableValues, contexte: Contexte, voie: Voie
    ) -> ExecutionResult:
        """graphql-core, over the variables as received; what is refused was not read, and is null."""
        self._compter(voie)
        brutes = {nom: dite.value for nom, dite in variables.sources.items() if dite.value is not Undefined}
        nom = document.operation.name.value if document.operation.name else None
        resultat = execute_sync(
            self._schema, document.arbre, context_value=contexte, variable_values=brutes, operation_name=nom
        )
        nuls = [chemin for chemin, _ in contexte.decision.nuls]
        erreurs = [erreur for erreur in resultat.errors or [] if not _dessous(erreur, nuls)]
        return ExecutionResult(annuler(resultat.data, nuls), erreurs or None)

    def _dire(self, suivi: _Suivi, voie: Voie, raison: Exception) -> None:
        """Log once a document, by the hash of its text: what was met, of our own errors only, and no value."""
        if voie not in suivi.dites:
            suivi.dites.add(voie)
            texte = suivi.arbre.loc.source.body if suivi.arbre.loc else ""
            empreinte = hashlib.sha256(texte.encode()).hexdigest()[:12]
            notre = f" ({raison})" if isinstance(raison, ErreurPasserelle) else ""
            journal.warning("document %s : %s, %s%s", empreinte, voie.value, type(raison).__name__, notre)


def _dessous(erreur: GraphQLError, nuls: Sequence[Chemin]) -> bool:
    """Whether an error is of a place that is null by decision: a plan does not read there."""
    cles = tuple(cle for cle in erreur.path or () if isinstance(cle, str))
    return any(cles[: len(nul)] == nul for nul in nuls)


class _Lecteur(Visitor):
    """Finds the variables of @skip and @include."""

    def __init__(self) -> None:
        super().__init__()
        self.noms: set[str] = set()

    def enter_directive(self, noeud: DirectiveNode, *_: Any) -> None:
        self.noms |= {a.value.name.value for a in noeud.arguments or () if isinstance(a.value, VariableNode)}


def _conditions(arbre: DocumentNode) -> set[str]:
    lecteur = _Lecteur()
    visit(arbre, lecteur)
    return lecteur.noms
