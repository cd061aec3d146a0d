"""Noter un suivi, et savoir ce qu'il devient : la clé rend l'écriture sûre à redire."""

import uuid

from passerelle import Passerelle

PREMIER = "{ jeunes(first: 1) { nodes { id suivi { version } } } }"
NOTER = """
mutation Noter($saisie: SaisieSuivi!) {
  noterSuivi(saisie: $saisie) {
    ecriture { id etat rejouee }
    erreurs { code champ message }
  }
}
"""


def main() -> None:
    passerelle = Passerelle()
    (jeune,) = passerelle.demander({"query": PREMIER})["data"]["jeunes"]["nodes"]
    # Choisie avant le premier envoi et gardée : après une coupure, redire la même requête n'écrit pas deux fois.
    saisie = {
        "cle": str(uuid.uuid4()),
        "jeune": jeune["id"],
        "situation": "RDV_PRIS",
        "commentaire": "Rendez-vous mardi",
    }
    for _ in range(2):
        recu = passerelle.demander({"query": NOTER, "variables": {"saisie": saisie}})["data"]["noterSuivi"]
        for erreur in recu["erreurs"]:
            print(f"à corriger : {erreur['champ']} : {erreur['message']}")
        if recu["ecriture"]:
            print(f"{recu['ecriture']['etat']}, {'déjà reçue' if recu['ecriture']['rejouee'] else 'nouvelle'}")
    refusee = {**saisie, "cle": str(uuid.uuid4()), "situation": "AUTRE"}  # AUTRE demande de dire laquelle
    for erreur in passerelle.demander({"query": NOTER, "variables": {"saisie": refusee}})["data"]["noterSuivi"][
        "erreurs"
    ]:
        print(f"à corriger : {erreur['code']}, {erreur['champ']}")


if __name__ == "__main__":
    main()
