"""Un document de confiance : son texte est chez l'exploitant (`documents.json`), la requête n'en envoie que l'empreinte."""

import json
from pathlib import Path

from passerelle import Passerelle, Refus

MANIFESTE = Path(__file__).parents[1] / "documents.json"


def main() -> None:
    passerelle = Passerelle()
    (empreinte,) = json.loads(MANIFESTE.read_text(encoding="utf-8"))
    liste = passerelle.demander({"documentId": empreinte, "variables": {"first": 2}})["data"]["ruptures"]
    print(f"par empreinte : {len(liste['nodes'])} ruptures sur {liste['totalCount']}")
    try:
        passerelle.demander({"query": "{ moi { profil } }"})
        print("par texte : accepté, ce client n'est pas tenu aux documents de confiance")
    except Refus as refus:
        print(f"par texte : {refus.code}")


if __name__ == "__main__":
    main()
