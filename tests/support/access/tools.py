"""What the access tests share: the real schema and policy, and viewers made by hand."""

from typing import Any

from graphql import get_operation_ast, parse, validate

from gateway.auth.authentication.clients import Viewer
from gateway.auth.authorization.decide import Decision, decide
from gateway.auth.policy.policy import Perimetre, read_policy
from gateway.auth.policy.rules import Finalite, Profil
from gateway.schema.query import build, core_schema

SCHEMA = core_schema(build())
POLICY = read_policy()

# The purpose each profile works with (docs/graphe.md, Droits).
FINALITES = {
    Profil.MISSION_LOCALE: Finalite.ACCOMPAGNEMENT,
    Profil.CFA: Finalite.GESTION_CFA,
    Profil.TETE_DE_RESEAU: Finalite.PILOTAGE,
    Profil.DREETS: Finalite.CONTROLE_OBLIGATION,
    Profil.DDETS: Finalite.CONTROLE_OBLIGATION,
    Profil.ACADEMIE: Finalite.CONTROLE_OBLIGATION,
    Profil.FRANCE_TRAVAIL: Finalite.ACCOMPAGNEMENT,
    Profil.ARML: Finalite.PILOTAGE,
    Profil.REGION: Finalite.PILOTAGE,
    Profil.OPCO: Finalite.PILOTAGE,
    Profil.SI_PARTENAIRE: Finalite.ACCOMPAGNEMENT,
    Profil.STATISTIQUES: Finalite.PILOTAGE,
    Profil.ADMINISTRATEUR: Finalite.EXPLOITATION,
}


def viewer(profil: Profil, *finalites: Finalite) -> Viewer:
    """A viewer of that profile; with several purposes, none is declared."""
    admitted = finalites or (FINALITES[profil],)
    return Viewer(
        client="client",
        account="client",
        profil=profil,
        organisation="59010",
        nom="Organisation",
        finalites=admitted,
        finalite=admitted[0] if len(admitted) == 1 else None,
        perimetre=Perimetre(profil, "59010"),
    )


def decision(who: Profil | Viewer, partner_request: str, variables: dict[str, Any] | None = None) -> Decision:
    """The decision on a valid query."""
    document = parse(partner_request)
    assert validate(SCHEMA, document) == []
    operation = get_operation_ast(document)
    assert operation is not None
    caller = who if isinstance(who, Viewer) else viewer(who)
    return decide(SCHEMA, document, operation, variables or {}, caller, POLICY)


def refusal(seen: Decision) -> list[tuple[str, str, str]]:
    """The refusals, as (dotted path, coordinate, category)."""
    return [(".".join(r.path), r.coordinate, r.categorie.value) for r in seen.refusal]


def nulls(seen: Decision) -> set[tuple[str, str]]:
    """The fields that answer null, as (dotted path, coordinate)."""
    return {(".".join(path), coordinate) for path, coordinate in seen.nulls}
