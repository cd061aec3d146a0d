"""Queries that several end-to-end tests ask."""

import time
from typing import Any

from fixtures.passerelle import PasserelleLancee

TOUT = """
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


def jusqu_a_complete(passerelle: PasserelleLancee, jeton: str, requete: str, **variables: Any) -> dict[str, Any]:
    """The first answer that misses no source: on a busy machine a fetch may outlive the answer that began it."""
    for _ in range(20):
        reponse: dict[str, Any] = passerelle.graphql(jeton, requete, variables)
        if not any(e["extensions"]["code"] == "SOURCE_DELAI_DEPASSE" for e in reponse.get("errors", [])):
            return reponse
        time.sleep(0.5)
    raise AssertionError("the sources never answered")


def toutes_les_ruptures(passerelle: PasserelleLancee, jeton: str, requete: str = TOUT) -> list[dict[str, Any]]:
    """Every page of the ruptures of a caller."""
    noeuds: list[dict[str, Any]] = []
    apres = None
    while True:
        reponse = jusqu_a_complete(passerelle, jeton, requete, n=100, apres=apres)
        assert "errors" not in reponse, reponse["errors"]
        liste = reponse["data"]["ruptures"]
        noeuds += [arete["node"] for arete in liste["edges"]]
        if not liste["pageInfo"]["hasNextPage"]:
            assert len(noeuds) == liste["totalCount"]
            return noeuds
        apres = liste["pageInfo"]["endCursor"]
