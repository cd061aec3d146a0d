"""Explains an operation without executing it: its cost, what is refused of it, which sources it asks, its functions.

Needs no configuration: the perimeter is that of a profile, not of an organisation.
"""

from gateway.auth.authentication.clients import Viewer
from gateway.auth.authorization.decide import Decision, decide
from gateway.auth.authorization.reasons import field_refused
from gateway.auth.policy.policy import AccessPolicy, Perimetre, read_policy
from gateway.auth.policy.rules import Finalite, Profil
from gateway.documents.limits import cost_of
from gateway.documents.parse import Documents
from gateway.errors import CallerError, CommandFailed
from gateway.execution.codegen import Unsupported, compile_operation
from gateway.federation.collect.plan import asks_follow_ups, needs_view
from gateway.schema.query import build, core_schema

SHORT = {"ml": Profil.MISSION_LOCALE, "reseau": Profil.TETE_DE_RESEAU, "admin": Profil.ADMINISTRATEUR}


def explain(text: str, profil: str) -> str:
    """The cost, the refusals, the sources and the functions of a query for a profile (`ml`, `cfa`…), as a text.

    Raises CommandFailed for an unknown profile or a query that is refused.
    """
    schema, policy = core_schema(build()), read_policy()
    viewer = _viewer(profil, policy)
    try:
        document = Documents(schema, str).read(text, None)
        variables = document.variables(schema, {}).coerced
        cost = cost_of(document.shape, variables)
        decision = decide(schema, document.tree, document.operation, variables, viewer, policy)
    except CallerError as error:
        raise CommandFailed(f"requête refusée ({error.code.value}) : {error}") from None
    try:
        sources = compile_operation(schema, document, frozenset(path for path, _ in decision.nulls), variables).sources
    except Unsupported as reason:
        sources = [f"# exécutée par graphql-core : {reason}"]
    return "\n\n".join(
        [f"coût : {cost}", _refused_fields(decision, viewer, policy), f"sources : {_sources_asked(decision)}", *sources]
    )


def _viewer(name: str, policy: AccessPolicy) -> Viewer:
    profil = SHORT.get(name) or Profil.__members__.get(name.upper().replace("-", "_"))
    if profil is None:
        raise CommandFailed(f"profil {name} : inconnu")
    finalites = tuple(finalite for finalite in Finalite if policy.rows(profil, finalite))
    return Viewer("", "", profil, "", "", finalites, next(iter(finalites), None), Perimetre(profil, ""))


def _refused_fields(decision: Decision, viewer: Viewer, policy: AccessPolicy) -> str:
    rows = [
        f"  {'.'.join(refusal.path)} : {field_refused(refusal.coordinate, refusal.categorie, viewer, policy)}"
        for refusal in decision.refusal
    ]
    return "\n".join(["refusés :", *rows]) if rows else "refusés : aucun"


def _sources_asked(decision: Decision) -> str:
    if not needs_view(decision.coordinates):
        return "aucune"
    suivi = " ; le suivi des Missions locales" if asks_follow_ups(decision) else ""
    return f"les ERP des CFA du périmètre ; le registre des contrats{suivi}"
