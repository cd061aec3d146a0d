"""What the access tests share: the real schema and policy, and viewers made by hand."""

from typing import Any

from graphql import get_operation_ast, parse, validate

from gateway.auth.decide import Decision, decider
from gateway.auth.perimetre import Perimetre
from gateway.auth.politique import lire_politique
from gateway.auth.rules import Finalite, Profil
from gateway.auth.viewer import Viewer
from gateway.schema.build import construire, graphe

SCHEMA = graphe(construire())
POLITIQUE = lire_politique()

# The purpose each profile works with (ANSWERS 11).
FINALITES = {
    Profil.MISSION_LOCALE: Finalite.ACCOMPAGNEMENT,
    Profil.CFA: Finalite.GESTION_CFA,
    Profil.TETE_DE_RESEAU: Finalite.PILOTAGE,
    Profil.DREETS: Finalite.CONTROLE_OBLIGATION,
    Profil.DDETS: Finalite.CONTROLE_OBLIGATION,
    Profil.ACADEMIE: Finalite.CONTROLE_OBLIGATION,
    Profil.FRANCE_TRAVAIL: Finalite.ACCOMPAGNEMENT,
    Profil.ARML: Finalite.PILOTAGE,
    Profil.SI_PARTENAIRE: Finalite.ACCOMPAGNEMENT,
    Profil.STATISTIQUES: Finalite.PILOTAGE,
    Profil.ADMINISTRATEUR: Finalite.EXPLOITATION,
}


def viewer(profil: Profil, *finalites: Finalite) -> Viewer:
    """A viewer of that profile; with several purposes, none is declared."""
    admises = finalites or (FINALITES[profil],)
    return Viewer(
        client="client",
        compte="client",
        profil=profil,
        organisation="59010",
        nom="Organisation",
        finalites=admises,
        finalite=admises[0] if len(admises) == 1 else None,
        perimetre=Perimetre(profil, "59010"),
    )


def decision(qui: Profil | Viewer, requete: str, variables: dict[str, Any] | None = None) -> Decision:
    """The decision on a valid query."""
    document = parse(requete)
    assert validate(SCHEMA, document) == []
    operation = get_operation_ast(document)
    assert operation is not None
    appelant = qui if isinstance(qui, Viewer) else viewer(qui)
    return decider(SCHEMA, document, operation, variables or {}, appelant, POLITIQUE)


def refus(vu: Decision) -> list[tuple[str, str, str]]:
    """The refusals, as (dotted path, coordinate, category)."""
    return [(".".join(r.chemin), r.coordonnee, r.categorie.value) for r in vu.refus]


def nuls(vu: Decision) -> set[tuple[str, str]]:
    """The fields that answer null, as (dotted path, coordinate)."""
    return {(".".join(chemin), coordonnee) for chemin, coordonnee in vu.nuls}
