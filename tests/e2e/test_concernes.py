"""Which CFAs are asked for a Mission locale, told by the command line: those, and no other, are asked by its queries."""

import subprocess
import sys

from fixtures.monde import Monde
from fixtures.passerelle import RACINE, environnement
from tests.chiffres import noter
from tests.e2e.requetes import jusqu_a_complete

REQUETE = "{ ruptures(first: 1) { totalCount complet } }"


def test_the_cfas_of_a_mission_locale_are_explained_and_asked(monde: Monde, patiente: str) -> None:
    commande = [sys.executable, "-m", "gateway", "expliquer", REQUETE, "--client", "ml"]
    env = environnement(monde.environnement | {"GATEWAY_CONFIG": patiente})
    monde.controle.remettre_a_zero()
    fini = subprocess.run(commande, env=env, cwd=RACINE, check=True, capture_output=True, text=True)
    assert {nom for nom, operations in monde.controle.compteurs().items() if sum(operations.values())} <= {
        "referentiel"
    }
    lignes = [ligne for ligne in fini.stdout.splitlines() if ligne.startswith("  0")]
    assert f"CFA concernés : {len(lignes)}\n" in fini.stdout
    for ligne in lignes:
        assert "d'une région que touche son territoire" in ligne or "contrat(s) de résidents au registre" in ligne
    assert any("contrat(s) de résidents" in ligne for ligne in lignes)
    with monde.gateway(GATEWAY_CONFIG=patiente) as lancee:
        monde.controle.remettre_a_zero()
        jusqu_a_complete(lancee, monde.jeton("ml"), REQUETE)
        demandes = monde.controle.compteurs()["ypareo"]
    assert demandes["periodes"] == sum("(ypareo, 200 au plus par requête)" in ligne for ligne in lignes)
    noter(f"expliquer : {len(lignes)} CFA concernent la Mission locale de la démonstration, chacun avec ses raisons")
