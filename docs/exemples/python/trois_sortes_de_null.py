"""Un `null` veut dire trois choses : personne ne le dit, vous ne le lisez pas, ou une source n'a pas répondu."""

from typing import Any

from passerelle import Passerelle

JEUNES = "{ jeunes(first: 3) { complet edges { node { id courriel ine } } } }"


def pourquoi(reponse: dict[str, Any], chemin: list[str | int]) -> str:
    """Pourquoi la valeur à ce chemin est nulle."""
    for erreur in reponse.get("errors", ()):
        if erreur.get("path") == chemin:
            return f"refusé ({erreur['extensions']['code']})"
    manque = any(erreur["extensions"]["code"].startswith("SOURCE_") for erreur in reponse.get("errors", ()))
    return "inconnu : une source manque" if manque else "inconnu des sources"


def main() -> None:
    reponse = Passerelle().demander({"query": JEUNES})
    for rang, arete in enumerate(reponse["data"]["jeunes"]["edges"]):
        for champ in ("courriel", "ine"):
            if arete["node"][champ] is None:
                print(arete["node"]["id"], champ, ":", pourquoi(reponse, ["jeunes", "edges", rang, "node", champ]))


if __name__ == "__main__":
    main()
