"""Queries that several end-to-end tests ask."""

import time
from typing import Any

from fixtures.gateway_process import LaunchedGateway

ALL = """
query Tout($n: Int!, $apres: String) { ruptures(first: $n, after: $apres) { totalCount complet
 pageInfo { hasNextPage endCursor } edges { cursor node {
  id date cause signaleeLe delaiSignalementJours joursDepuis etat prioritaire motifsPriorite sources
  provenance { champ source recueLe retenue divergente }
  contrat { id numero type dateDebut dateFin employeur { siret denomination naf idcc }
    formation { intitule rncp cfd niveau dateDebut dateFin } cfa { id uai siret nom commune { code nom } region { code } } }
  jeune { id nom prenom dateNaissance sexe age mineur rqth telephone courriel
    adresse { voie complement codePostal commune { code nom } } representants { nom courriel telephone }
    commune { code nom codesPostaux } missionLocale { code nom } statut { valeur depuis } parcours { valeur depuis }
    formations { intitule rncp niveau dateDebut dateFin cfa { uai nom } }
    contrats { id numero dateDebut dateFin employeur { siret denomination } cfa { uai } rupture { date } }
    ruptures { id date sources } suivi { situation date conseiller commentaire historique { situation date } }
    collaboration { demandeeLe motifs referent } provenance { champ source retenue divergente } } } } } }
"""


def until_complete(gateway: LaunchedGateway, token: str, partner_request: str, **variables: Any) -> dict[str, Any]:
    """The first answer that misses no source: on a busy machine a fetch may outlive the answer that began it."""
    for _ in range(20):
        response: dict[str, Any] = gateway.graphql(token, partner_request, variables)
        if not any(e["extensions"]["code"] == "SOURCE_DELAI_DEPASSE" for e in response.get("errors", [])):
            return response
        time.sleep(0.5)
    raise AssertionError("the sources never answered")


def all_the_ruptures(gateway: LaunchedGateway, token: str, partner_request: str = ALL) -> list[dict[str, Any]]:
    """Every page of the ruptures of a caller."""
    nodes: list[dict[str, Any]] = []
    after = None
    while True:
        response = until_complete(gateway, token, partner_request, n=100, apres=after)
        assert "errors" not in response, response["errors"]
        list_query = response["data"]["ruptures"]
        nodes += [edge["node"] for edge in list_query["edges"]]
        if not list_query["pageInfo"]["hasNextPage"]:
            assert len(nodes) == list_query["totalCount"]
            return nodes
        after = list_query["pageInfo"]["endCursor"]
