"""The steps of one operation, in order, and nowhere else.

    demand → its text → parse, judge and validate (kept by text) → cost → charge → decide → plan → collect → view → execute
    → sentinel → guesses → quotas and journal → answer
    a view that is not known yet: join, merge and bound → give ids → enrol

Each step is a function over values; the effects are at both ends: the sources behind `Collecteur`, the bytes in `app.py`.
"""

import logging
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, datetime
from functools import partial
from typing import Any

from graphql import ExecutionResult, GraphQLError, VariableValues
from strawberry import Schema

from gateway.admission import PlanSlots
from gateway.auth.candidate import Candidate
from gateway.auth.decide import Decision
from gateway.auth.formes import Formes
from gateway.auth.jugement import Juge, Jugement
from gateway.auth.politique import Politique
from gateway.auth.sentinelle import fuite
from gateway.auth.viewer import Viewer
from gateway.consigne import Consigne
from gateway.documents import Document, Documents
from gateway.enregistres import Enregistres
from gateway.errors import ArgumentRefuse, ErreurAppelant, FuiteArretee, QuotaAtteint, RequeteInvalide
from gateway.execution.executeur import Executeur
from gateway.federation.annuaire import Annuaire
from gateway.federation.attribution import Attributeur
from gateway.federation.collecte import Collecteur
from gateway.federation.contexte import ContexteOperation
from gateway.federation.identifiants import Identifiants
from gateway.federation.plan import planifier
from gateway.federation.recolte import Recolte
from gateway.federation.views import Droits, Vue
from gateway.federation.vues import Vues, find_view
from gateway.introspection import introspecter, seulement
from gateway.limits import META, mesurer
from gateway.reponses import (
    Reponse,
    erreur_de_source,
    erreur_graphql,
    erreur_refus,
    erreur_secourue,
    reponse_refusee,
    reponse_sans_donnee,
)
from gateway.schema.build import graphe
from gateway.schema.lieux import EtatSource, Source
from gateway.schema.tables import VIEW_ROOTS

journal = logging.getLogger("gateway.operation")


@dataclass(frozen=True, slots=True)
class Demande:
    """What the caller sent, already read from the wire: a text, the SHA-256 of one, or both."""

    texte: str | None
    operation: str | None
    variables: dict[str, Any]
    empreinte: str | None = None
    identifiant: str = ""  # names the request to the operator


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked, once it is known to be a valid operation of the graph."""

    document: Document
    variables: VariableValues
    identifiant: str  # of the request
    age_max: int | None  # seconds, of the oldest answer wanted


@dataclass(frozen=True, slots=True)
class Passerelle:
    """Everything an operation uses, built once by the composition root."""

    schema: Schema
    politique: Politique
    documents: Documents
    enregistres: Enregistres
    juge: Juge
    formes: Formes
    candidate: Candidate | None
    arretee: Callable[[str], None]  # told where the sentinel stopped a leak
    executeur: Executeur
    collecteur: Collecteur
    identifiants: Identifiants
    attributeur: Attributeur
    consigne: Consigne
    annuaire: Callable[[], Annuaire]
    etats: Callable[[], list[Source]]
    etat_de: Callable[[str], EtatSource | None]  # of a source by name, None when it is not configured
    source_du_cfa: Callable[[str], str | None]
    maintenant: Callable[[], datetime]
    jour: Callable[[], date]
    vues: Vues = field(default_factory=Vues)
    plan_slots: PlanSlots = field(default_factory=PlanSlots)


async def repondre(passerelle: Passerelle, viewer: Viewer, demande: Demande) -> Reponse:
    """Answer one operation: what the caller did wrong and what failed here are both answers.

    Raises FuiteArretee, QuotaAtteint, Sature, and JournalIndisponible when it could not be written whom the answer shows:
    nothing leaves.
    """
    try:
        texte = passerelle.enregistres.texte(viewer, demande.texte, demande.empreinte)
        document = passerelle.documents.lire(texte, demande.operation)
        variables = document.variables(graphe(passerelle.schema), demande.variables)
        question = Question(document, variables, demande.identifiant, document.age_max(variables.coerced))
        cout = mesurer(document.forme, variables.coerced)
        await passerelle.consigne.payer(viewer, cout)
        jugement = _juger(passerelle, viewer, question)
    except ArgumentRefuse as erreur:
        return reponse_sans_donnee(erreur)
    except QuotaAtteint:
        raise
    except ErreurAppelant as erreur:
        return reponse_refusee(erreur)
    try:
        return await _servir(passerelle, viewer, question, jugement, cout)
    except FuiteArretee as arret:
        journal.critical("%s", arret)
        passerelle.arretee(arret.coordonnee)
        raise


def _juger(passerelle: Passerelle, viewer: Viewer, question: Question) -> Jugement:
    """The decision, told to the policy on trial too. Raises what the policy in force refuses."""
    posee = (question.document.arbre, question.document.operation, question.variables.coerced, viewer)
    accordees: frozenset[str] = frozenset()
    try:
        jugement = passerelle.juge.juger(*posee)
        accordees = jugement.decision.coordonnees
        return jugement
    finally:
        if passerelle.candidate:
            passerelle.candidate.comparer(*posee, accordees)


async def _servir(passerelle: Passerelle, viewer: Viewer, question: Question, jugement: Jugement, cout: int) -> Reponse:
    contexte = await build_context(passerelle, viewer, jugement.decision, question.age_max)
    reponse = _assembler(passerelle, contexte, _executer(passerelle, contexte, question, jugement), cout)
    if trouvee := fuite(reponse.data, jugement.interdits):
        raise FuiteArretee(".".join(trouvee))
    etats = {source["nom"]: source["etat"] for source in reponse.extensions["sources"]}
    await passerelle.consigne.retenir(contexte)
    await passerelle.consigne.consigner(contexte, question.identifiant, question.document.texte, etats)
    return reponse


def _executer(
    passerelle: Passerelle, contexte: ContexteOperation, question: Question, jugement: Jugement
) -> ExecutionResult:
    """The data, and beside them what the caller asks of the graph itself: the shape it may use."""
    document, variables, champs = question.document, question.variables, contexte.decision.champs
    executer = partial(passerelle.executeur.executer, contexte=contexte, interdits=jugement.interdits)
    meta = contexte.decision.cles(META)
    if not meta:
        return executer(document, variables)
    donnees = [cle for cle, _ in champs if cle not in meta]
    vues = [introspecter(passerelle.formes.pour(contexte.viewer), document, meta, variables.coerced)]
    if donnees:
        vues.append(executer(seulement(graphe(passerelle.schema), document, donnees, variables.coerced), variables))
    trouve = {cle: valeur for vue in vues for cle, valeur in (vue.data or {}).items()}
    data = {cle: trouve.get(cle) for cle, _ in champs} if all(vue.data is not None for vue in vues) else None
    return ExecutionResult(data, [erreur for vue in vues for erreur in vue.errors or []])


async def build_context(
    passerelle: Passerelle, viewer: Viewer, decision: Decision, age_max: int | None = None
) -> ContexteOperation:
    """All that the operation may show, collected and merged. Raises Sature when too many wait for the same."""
    annuaire, jour = passerelle.annuaire(), passerelle.jour()
    droits = Droits(passerelle.politique, viewer.profil, viewer.finalite, viewer.perimetre)
    plan = planifier(decision, viewer.perimetre, annuaire)
    recolte, vue = Recolte(), Vue()
    if plan.vue:
        with passerelle.plan_slots.hold(plan):
            recolte = await passerelle.collecteur.collecter(plan, annuaire, age_max)
            vue = await find_view(passerelle.vues, passerelle.attributeur, recolte, droits, annuaire, jour)
    return ContexteOperation(
        viewer=viewer,
        droits=droits,
        decision=decision,
        annuaire=annuaire,
        identifiants=passerelle.identifiants,
        jour=jour,
        etats=passerelle.etats,
        source_du_cfa=passerelle.source_du_cfa,
        recolte=recolte,
        vue=vue,
    )


def _assembler(
    passerelle: Passerelle,
    contexte: ContexteOperation,
    resultat: ExecutionResult,
    cout: int,
) -> Reponse:
    decision, racines, recolte = contexte.decision, contexte.decision.cles(VIEW_ROOTS), contexte.recolte
    lignes = _lignes(recolte, passerelle)
    erreurs = [
        *(erreur_graphql(_cause(erreur), erreur.path) for erreur in resultat.errors or []),
        *(erreur_refus(refus, contexte.viewer, passerelle.politique) for refus in decision.refus),
        *(erreur_de_source(erreur, racines) for erreur in recolte.erreurs.values()),
        *(
            erreur_secourue(erreur, racines, lignes[source]["ageSecondes"])
            for source, erreur in recolte.secourues.items()
            if source not in recolte.erreurs
        ),
    ]
    return Reponse(resultat.data, erreurs, {"sources": list(lignes.values()), "cout": cout})


def _cause(erreur: GraphQLError) -> Exception:
    cause = erreur.original_error or erreur
    if isinstance(cause, FuiteArretee):
        raise cause
    if isinstance(cause, GraphQLError) and cause.message.startswith("Argument "):
        return RequeteInvalide("Une variable nulle est donnée où une valeur est requise.")
    if not isinstance(cause, ErreurAppelant):
        journal.error("champ %s : %s", erreur.path, type(cause).__name__)
    return cause


def _lignes(recolte: Recolte, passerelle: Passerelle) -> dict[str, dict[str, Any]]:
    """What was used of each source asked and how fresh it is (GRAPH: `extensions.sources`)."""
    vues, erreurs = recolte.fraicheurs, recolte.erreurs
    lignes = {}
    for nom in sorted({*vues, *erreurs}):
        etat = passerelle.etat_de(nom)
        age = {"ageSecondes": None, "cache": None}
        if nom in vues:
            age = vues[nom].line(passerelle.collecteur.horloge(), passerelle.maintenant())
        lignes[nom] = {"nom": nom, "etat": etat and etat.value, **age, "partiel": nom in erreurs}
    return lignes
