"""Toutes les ruptures de mon périmètre, page par page, et ce qui manque à la réponse."""

from typing import Any

from passerelle import Passerelle, dire_ce_qui_manque

RUPTURES = """
query Ruptures($first: Int!, $after: String) {
  ruptures(first: $first, after: $after, tri: PRIORITE) {
    totalCount
    complet
    pageInfo { hasNextPage endCursor }
    nodes { id date jeune { id prenom nom } }
  }
}
"""


def main() -> None:
    passerelle = Passerelle()
    lues: list[dict[str, Any]] = []
    manques: set[str] = set()
    complet = True
    variables: dict[str, Any] = {"first": 10, "after": None}
    while True:
        reponse = passerelle.demander({"query": RUPTURES, "variables": variables})
        liste = reponse["data"]["ruptures"]
        lues += liste["nodes"]
        manques.update(dire_ce_qui_manque(reponse))
        complet = complet and liste["complet"]
        if not liste["pageInfo"]["hasNextPage"]:
            break
        variables["after"] = liste["pageInfo"]["endCursor"]
    for rupture in lues:
        print(rupture["date"], rupture["id"])
    print(f"{len(lues)} ruptures lues sur {liste['totalCount']}, liste {'complète' if complet else 'incomplète'}")
    for phrase in sorted(manques):
        print(phrase)


if __name__ == "__main__":
    main()
