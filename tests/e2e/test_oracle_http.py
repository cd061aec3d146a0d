"""The oracle heard over real HTTP: drawn operations of every demo client, refused where it says, null where refused."""

from random import Random
from typing import Any

import pytest
from graphql import build_client_schema, get_introspection_query

from fixtures.monde import Monde
from fixtures.passerelle import PasserelleLancee
from tests.access.operations import attendre, ecrire, tirer_operation
from tests.chiffres import noter
from tests.e2e.requetes import jusqu_a_complete

# profile and purpose of the demo's clients; what they may see of whom is judged elsewhere
CLIENTS = {
    "ml": ("MISSION_LOCALE", "ACCOMPAGNEMENT"),
    "cfa": ("CFA", "GESTION_CFA"),
    "reseau": ("TETE_DE_RESEAU", "PILOTAGE"),
    "dreets": ("DREETS", "CONTROLE_OBLIGATION"),
    "ddets": ("DDETS", "CONTROLE_OBLIGATION"),
    "academie": ("ACADEMIE", "CONTROLE_OBLIGATION"),
    "france-travail": ("FRANCE_TRAVAIL", "ACCOMPAGNEMENT"),
    "si-partenaire": ("SI_PARTENAIRE", "ACCOMPAGNEMENT"),
    "arml": ("ARML", "PILOTAGE"),
    "statistiques": ("STATISTIQUES", "PILOTAGE"),
    "admin": ("ADMINISTRATEUR", "EXPLOITATION"),
}
OPERATIONS = 20
INCONNUS: dict[str, list[str]] = {"Jeune": [], "Contrat": [], "Rupture": []}


def _valeurs(data: Any, chemin: tuple[str, ...]) -> list[Any]:
    """What stands at a path, in every row."""
    if isinstance(data, list):
        return [valeur for element in data for valeur in _valeurs(element, chemin)]
    if not chemin or data is None:
        return [data]
    return _valeurs(data.get(chemin[0]), chemin[1:])


@pytest.mark.parametrize("client", sorted(CLIENTS))
def test_a11_drawn_operations_are_refused_where_the_oracle_says(
    monde: Monde, passerelle: PasserelleLancee, client: str
) -> None:
    profil, finalite = CLIENTS[client]
    viewer = {"profil": profil, "role": profil, "finalite": finalite, "finalites": [finalite], "organisations": set()}
    hasard, jeton = Random(client), monde.jeton(client)
    for _ in range(OPERATIONS):
        operation = tirer_operation(hasard)
        texte = ecrire(operation, hasard, INCONNUS).replace("first: 50", "first: 2")
        attente = attendre(viewer, operation, [], INCONNUS)
        recue = jusqu_a_complete(passerelle, jeton, texte)
        refus = [(tuple(e["path"]), e["extensions"]["code"]) for e in recue.get("errors", []) if "path" in e]
        if attente.data is None:
            assert recue["data"] is None, texte
            assert [e["extensions"]["code"] for e in recue["errors"]] == ["ARGUMENT_REFUSE"], texte
            continue
        assert sorted(refus) == sorted(set(attente.refus)), texte
        assert {cle: vu is None for cle, vu in recue["data"].items()} == {
            cle: vu is None for cle, vu in attente.data.items()
        }, texte
        assert not any(valeur is not None for chemin, _ in refus for valeur in _valeurs(recue["data"], chemin)), texte
    if client == "ml":
        noter(f"oracle  : {len(CLIENTS) * OPERATIONS} opérations par HTTP, 0 désaccord")


@pytest.mark.parametrize("client", sorted(CLIENTS))
def test_g09_each_client_is_shown_its_own_graph(monde: Monde, passerelle: PasserelleLancee, client: str) -> None:
    reponse = passerelle.graphql(monde.jeton(client), get_introspection_query())
    assert "errors" not in reponse
    vu = build_client_schema(reponse["data"])
    assert (vu.get_type("Jeune") is None) is (client in {"arml", "statistiques", "admin"})
    assert (vu.get_type("Suivi") is None) is (client not in {"ml", "cfa", "si-partenaire"})
