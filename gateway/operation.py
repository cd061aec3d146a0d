"""The steps of one operation, in order, and nowhere else.

    demand → parse and validate (kept by text) → limits → decide → plan → collect → view → execute → answer

Each step is a function over values; the effects are at both ends: the sources behind `Collecteur`, the bytes in `app.py`.
"""

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from typing import Any

from graphql import ExecutionResult, GraphQLError, execute_sync
from strawberry import Schema

from gateway.auth.decide import Decision, decider
from gateway.auth.politique import Politique
from gateway.auth.viewer import Viewer
from gateway.documents import Document, Documents
from gateway.errors import ErreurAppelant
from gateway.federation.annuaire import Annuaire
from gateway.federation.collecte import Collecteur, Fraicheur, Recolte
from gateway.federation.contexte import ContexteOperation
from gateway.federation.identifiants import Identifiants
from gateway.federation.plan import RACINES_DE_VUE, planifier
from gateway.federation.views import Droits, Vue, Vues
from gateway.limits import Mesure, mesurer
from gateway.reponses import (
    Reponse,
    annuler,
    erreur_de_source,
    erreur_graphql,
    erreur_refus,
    erreur_secourue,
    reponse_refusee,
)
from gateway.schema.build import graphe
from gateway.schema.lieux import Source

journal = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Demande:
    """What the caller sent, already read from the wire."""

    texte: str
    operation: str | None
    variables: dict[str, Any]
    age_max: int | None = None  # seconds, of the oldest answer wanted


@dataclass(frozen=True, slots=True)
class Passerelle:
    """Everything an operation uses, built once by the composition root."""

    schema: Schema
    politique: Politique
    documents: Documents
    collecteur: Collecteur
    identifiants: Identifiants
    annuaire: Callable[[], Annuaire]
    etats: Callable[[], list[Source]]
    source_du_cfa: Callable[[str], str | None]
    maintenant: Callable[[], datetime]
    jour: Callable[[], date]
    vues: Vues = field(default_factory=Vues)


async def repondre(passerelle: Passerelle, viewer: Viewer, demande: Demande) -> Reponse:
    """Answer one operation. Never raises: what the caller did wrong and what failed here are both answers."""
    try:
        document = passerelle.documents.lire(demande.texte, demande.operation)
        variables = document.variables(graphe(passerelle.schema), demande.variables)
        demande = replace(demande, age_max=document.age_max(variables))
        mesure = mesurer(document.arbre, document.operation, variables)
        decision = decider(
            graphe(passerelle.schema), document.arbre, document.operation, variables, viewer, passerelle.politique
        )
    except ErreurAppelant as erreur:
        return reponse_refusee([erreur_graphql(erreur)])
    return await _servir(passerelle, viewer, document, demande, decision, mesure)


async def _servir(
    passerelle: Passerelle, viewer: Viewer, document: Document, demande: Demande, decision: Decision, mesure: Mesure
) -> Reponse:
    contexte = _contexte(passerelle, viewer, decision)
    plan = planifier(decision, viewer.perimetre, contexte.annuaire.referentiel)
    if plan.vue:
        voulu = replace(plan, age_max=demande.age_max)
        contexte.recolte = await passerelle.collecteur.collecter(voulu, contexte.annuaire)
        contexte.vue = await _vue(passerelle, contexte)
    resultat = execute_sync(
        graphe(passerelle.schema),
        document.arbre,
        context_value=contexte,
        variable_values=demande.variables,
        operation_name=demande.operation,
    )
    return _assembler(passerelle, contexte, document, resultat, mesure)


async def _vue(passerelle: Passerelle, contexte: ContexteOperation) -> Vue:
    """A cold view of a region is seconds of merging: it is built beside the loop, once for all who wait."""
    return await asyncio.to_thread(
        passerelle.vues.vue, contexte.recolte, contexte.droits, contexte.annuaire, contexte.jour
    )


def _contexte(passerelle: Passerelle, viewer: Viewer, decision: Decision) -> ContexteOperation:
    return ContexteOperation(
        viewer=viewer,
        droits=Droits(passerelle.politique, viewer.profil, viewer.finalite, viewer.perimetre),
        decision=decision,
        annuaire=passerelle.annuaire(),
        identifiants=passerelle.identifiants,
        jour=passerelle.jour(),
        etats=passerelle.etats,
        source_du_cfa=passerelle.source_du_cfa,
    )


def _assembler(
    passerelle: Passerelle,
    contexte: ContexteOperation,
    document: Document,
    resultat: ExecutionResult,
    mesure: Mesure,
) -> Reponse:
    decision, racines, recolte = contexte.decision, document.racines(RACINES_DE_VUE), contexte.recolte
    noeuds = document.racines({"node"})  # one path there stands for several types: the mask alone empties them
    lignes = _lignes(recolte, passerelle.maintenant(), contexte)
    erreurs = [
        *(erreur_graphql(_cause(erreur), erreur.path) for erreur in resultat.errors or []),
        *(erreur_refus(refus, contexte.viewer) for refus in decision.refus),
        *(erreur_de_source(erreur, racines) for erreur in recolte.erreurs.values()),
        *(
            erreur_secourue(erreur, racines, lignes[source]["ageSecondes"])
            for source, erreur in recolte.secourues.items()
            if source not in recolte.erreurs
        ),
    ]
    data = annuler(resultat.data, [chemin for chemin, _ in decision.nuls if chemin[0] not in noeuds])
    return Reponse(data, erreurs, {"sources": list(lignes.values()), "cout": mesure.cout})


def _cause(erreur: GraphQLError) -> Exception:
    cause = erreur.original_error or erreur
    if not isinstance(cause, ErreurAppelant):
        journal.error("champ %s : %s", erreur.path, type(cause).__name__)
    return cause


def _lignes(recolte: Recolte, maintenant: datetime, contexte: ContexteOperation) -> dict[str, dict[str, Any]]:
    """What was used of each source and how fresh it is (GRAPH: `extensions.sources`)."""
    etats = {source.nom: source.etat.value for source in contexte.etats()} if recolte.fraicheurs else {}
    return {
        nom: {"nom": nom, "etat": etats.get(nom), "ageSecondes": _age(vue, maintenant), "cache": vue.cache}
        for nom, vue in sorted(recolte.fraicheurs.items())
    }


def _age(vue: Fraicheur, maintenant: datetime) -> int:
    return int(vue.age if vue.age is not None else (maintenant - vue.recu_le).total_seconds())
